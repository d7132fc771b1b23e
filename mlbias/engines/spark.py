"""Parts on Apache Spark: a cached row for each part, worked on by mapInArrow.

All of it is DataFrames, so that Spark Connect serves too. Requests travel with the function while
they are small. Larger ones are a table that is joined to the parts by their number, so that each
worker's Python gets its own. Only the columns that a call reads leave the cache.
"""

import gc
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import polars as pl

from mlbias.datasets.options import ReadOptions
from mlbias.engines.encoding import (
    NoRatingError,
    check_parts,
    empty_part,
    part_of_rows,
    roles_of,
)
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.parts import Argument, Call, Part, Request, Result
from mlbias.errors import DataError, MlbiasError

try:
    import pyarrow as pa
    from pyspark import StorageLevel, TaskContext
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F  # noqa: N812
    from pyspark.sql.types import BinaryType, IntegerType, StructField, StructType

    from mlbias.engines.arrow import EVERYTHING, SCHEMA, columns_of, part_of, row_of
    from mlbias.engines.spark_failures import FAILURES, told
except ImportError as error:
    raise ImportError("ratings on Spark need PySpark 4: pip install 'mlbias[spark]'") from error

# Not a text, which Spark would parse in every round.
_ANSWER = StructType([StructField("part", IntegerType()), StructField("answer", BinaryType())])
# Bytes of all requests together that travel with the function, which takes half the time of a join.
_SMALL = 8 << 20
# A cell of Spark's cache holds 2 GiB at most.
_MOST_RATINGS = 500_000_000


class SparkParts:
    """Parts that Spark keeps in memory, or on the disks of its workers.

    Args:
        encoded: rows of ``_PART``, one for each part that is not empty.
        n_parts: how many parts there are.
        find: where in the source a row is that is no rating.
    """

    def __init__(
        self, encoded: DataFrame, n_parts: int, find: Callable[[dict[str, str | None]], str]
    ) -> None:
        self._encoded = encoded.persist(StorageLevel.MEMORY_AND_DISK)
        self._n_parts, self._find = n_parts, find
        self._chosen: dict[tuple[str, ...], DataFrame] = {}

    def __len__(self) -> int:
        return self._n_parts

    def derived(self, function: Callable[[Part], Part]) -> "SparkParts":
        """Parts that a function makes of these."""
        made = self._encoded.mapInArrow(_deriving(function), SCHEMA)
        return SparkParts(made, self._n_parts, self._find)

    def release(self) -> None:
        """Take them out of Spark's cache."""
        with suppress(*FAILURES):  # a session that was stopped keeps nothing
            self._encoded.unpersist()

    def map(
        self, call: Call[Argument, Result], requests: Sequence[Request[Argument]]
    ) -> list[Result | None]:
        """Answer one request for each part, in the order of the parts."""
        _check_is_up(self._encoded)
        sent = [pickle.dumps(request) for request in requests]
        columns = columns_of(call)
        try:
            if columns not in self._chosen:
                self._chosen[columns] = self._encoded.select(*columns)
            parts = self._chosen[columns]
            if sum(map(len, sent)) <= _SMALL:
                answers = parts.mapInArrow(_answering(call, sent), _ANSWER).toArrow()
            else:
                numbers = pa.array(range(len(sent)), pa.int32())
                table = pa.table({"part": numbers, "request": pa.array(sent, pa.binary())})
                asked = parts.join(F.broadcast(parts.sparkSession.createDataFrame(table)), "part")
                answers = asked.mapInArrow(_answering(call), _ANSWER).toArrow()
        except FAILURES as error:
            raise told(error) from error
        found = dict(zip(*(column.to_pylist() for column in answers.columns), strict=True))
        return [
            self._read(found[k]) if k in found else call.on(empty_part(), request)
            for k, request in enumerate(requests)
        ]

    def _read(self, answer: bytes) -> Any:
        """What a part gave.

        Raises:
            MlbiasError: it failed.
        """
        given = pickle.loads(answer)
        if isinstance(given, NoRatingError):
            raise DataError(f"{self._find(given.row)}: {given}.")
        if isinstance(given, MlbiasError):
            raise given
        return given


def incidence(
    frame: DataFrame,
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    time: str | None = None,
    parts: int | None = None,
    options: ReadOptions | None = None,
    from_text: bool = False,
) -> PartitionedIncidence:
    """The ratings of a Spark frame, in parts by a hash of the user, in the frame's own session.

    They are read once and kept with MEMORY_AND_DISK.

    Args:
        frame: with a row for each rating.
        user: name of the users' column, where it has no usual one such as user_id.
        item: of the items', likewise.
        rating: of the ratings', likewise.
        time: of the times. Without it none are kept, which only splits by time need.
        parts: how many; by default two for each core that Spark has.
        options: for ids and decimal marks of columns of text, and the unit of times.
        from_text: whether the frame is a text file's, whose ids become integers where all are.

    Raises:
        DataError: a column or a rating is missing, or of a wrong type, or Spark failed.
        OptionError: ``parts`` is less than 1.
    """
    check_parts(parts)
    asked = {"user": user, "item": item, "rating": rating, "time": time}
    _check_is_up(frame)
    names = roles_of(frame.columns, asked, times=time is not None)
    # By their places, as names may differ in case alone, or have a backtick.
    placed = frame.toDF(*map(str, range(len(frame.columns))))
    places = {role: str(frame.columns.index(name)) for role, name in names.items()}
    chosen = placed.select(*(F.col(place).alias(role) for role, place in places.items()))
    n_parts = parts or _usual_parts(frame)
    encode = _encoding(list(names.values()), options or ReadOptions(), from_text)
    encoded = chosen.repartition(n_parts, "user").mapInArrow(encode, SCHEMA)
    return PartitionedIncidence(SparkParts(encoded, n_parts, lambda row: _where(chosen, row)))


def _check_is_up(frame: DataFrame) -> None:
    """See that the frame's session is there still.

    Raises:
        DataError: it is not.
    """
    context = vars(frame.sparkSession).get("_sc")  # none on Spark Connect, which tells by itself
    if context is not None and context._jsc is None:
        raise DataError("the Spark session was stopped.", "Read the ratings again in a new one.")


def _usual_parts(frame: DataFrame) -> int:
    """Two for each core; on Spark Connect, which does not tell, as Spark has for shuffles."""
    session = frame.sparkSession
    try:
        return 2 * int(session.sparkContext.defaultParallelism)
    except FAILURES:
        return int(session.conf.get("spark.sql.shuffle.partitions", "200") or 200)


def _where(chosen: DataFrame, row: dict[str, str | None]) -> str:
    """The file that a row is in, found by a second pass; "the frame" where it is in none."""
    shown = {role: text for role, text in row.items() if role != "time"}
    same = [F.col(role).cast("string").eqNullSafe(F.lit(text)) for role, text in shown.items()]
    found = chosen.filter(same[0] & same[1] & same[2]).select(F.input_file_name()).first()
    return (found and found[0].removeprefix("file://")) or "the frame"


def _encoding(
    names: list[str], options: ReadOptions, from_text: bool
) -> Callable[[Any], Iterator[Any]]:
    """What makes a part of the rows of a partition."""

    def encode(batches: Iterator[Any]) -> Iterator[Any]:
        tables = [pl.DataFrame(batch) for batch in batches if batch.num_rows]
        if not tables:
            return
        try:
            table, failure = pl.concat(tables), None
            part = part_of_rows(table, names, options, from_text=from_text)
            if len(part.item) > _MOST_RATINGS:
                raise DataError(f"a part has {len(part.item):,} ratings: ask for more `parts`.")
        except MlbiasError as error:
            part, failure = empty_part(), pickle.dumps(error)
        yield row_of(TaskContext.get().partitionId(), part, failure)

    return encode


def _deriving(function: Callable[[Part], Part]) -> Callable[[Any], Iterator[Any]]:
    """What makes a part of each part."""

    def derive(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            for k in range(batch.num_rows):
                row = batch.slice(k, 1)
                failure = row.column("failure")[0].as_py()
                part = empty_part() if failure else function(part_of(row, EVERYTHING))
                yield row_of(row.column("part")[0].as_py(), part, failure)

    return derive


def _answering(call: Call[Any, Any], sent: Sequence[bytes] = ()) -> Callable[[Any], Iterator[Any]]:
    """What answers the request that is sent for each part, or that is beside it."""

    def answer(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            for k in range(batch.num_rows):
                row = batch.slice(k, 1)
                part = row.column("part")
                request = sent[part[0].as_py()] if sent else row.column("request")[0].as_buffer()
                given = pickle.dumps(_answer(call, row, request))
                yield pa.RecordBatch.from_arrays(
                    [part, pa.array([given], pa.binary())], names=["part", "answer"]
                )
        _freeze()

    return answer


@cache
def _freeze() -> None:
    """Once in a worker, leave all that it has imported out of its collections of garbage.

    PySpark collects after every task, which takes 0.1 s over so many modules: half of a round.
    """
    gc.freeze()


def _answer(call: Call[Any, Any], row: Any, request: Any) -> Any:
    """What the call gives, or the error that it raised."""
    failure = row.column("failure")[0].as_py()
    if failure is not None:
        return pickle.loads(failure)
    try:
        return call.on(part_of(row, call), pickle.loads(request))
    except MlbiasError as error:
        return error
