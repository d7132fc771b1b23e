"""What --data names for Spark: files, tables and stores; and predictions on Spark."""

import re
from collections.abc import Collection, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from mlbias.datasets.dataset import Dataset
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.layout import SNIFFED_LINES, Layout, sniff_layout
from mlbias.datasets.sources import Source, find_source
from mlbias.datasets.understood import Understood
from mlbias.engines.addresses import TABLE, is_sparks_own
from mlbias.engines.encoding import ROLES, roles_of
from mlbias.engines.session import spark_session
from mlbias.errors import DataError, OptionError
from mlbias.ids import TextIds
from mlbias.model import BiasModel

# Options for reading that Spark's readers do, of ratings and of pairs.
DONE = (
    "user_col", "item_col", "rating_col", "time_col", "separator", "ids", "decimal", "time_unit",
)  # fmt: skip
DONE_FOR_PAIRS = ("user_col", "item_col")
# The column that Spark fills with lines that have not as many fields as the first one.
_LINE = "_mlbias_line"


def source_of(data: str | None, data_dir: Path) -> Source:
    """What --data names: a table, an address of a store that Spark reads, or a path.

    Raises:
        DataError: there is no such path, or Spark cannot read what is there.
    """
    if data is not None and is_sparks_own(data):
        return Source(data)
    source = find_source(data, data_dir)
    if source.path is None or source.member is not None:
        raise DataError(
            f"Spark reads files, folders and tables, and {source.label} is none of these.",
            "Unpack an archive first; `mlbias generate` writes the sample to a file.",
        )
    return source


def spark_dataset(
    source: Source, master: str | None, options: ReadOptions, *, times: bool = False
) -> Dataset:
    """The ratings of a source, kept by Spark, with their times where these are wanted.

    Raises:
        DataError: the extra or Java is missing, or Spark cannot read them.
        OptionError: a column that the options name is not there.
    """
    check_options(options)
    try:
        from mlbias.engines.spark import incidence
    except ImportError as error:
        raise DataError(f"{error}.") from error
    frame, names, from_text = read_frame(spark_session(master), source, options, times=times)
    user, item, rating = (names[role] for role in ROLES)
    found = incidence(
        frame, user=user, item=item, rating=rating, time=names.get("time"), options=options,
        from_text=from_text,
    )  # fmt: skip
    sides = {"user": found.user_ids, "item": found.item_ids}
    understood = Understood(
        format="Spark",
        ids={of: "text" if isinstance(ids, TextIds) else "integers" for of, ids in sides.items()},
        columns=names,
        n_rows=found.statistics.n_ratings,
    )
    n = understood.n_rows
    return Dataset(found.user_ids, found.item_ids, n, understood, lambda: found, None)


def check_options(options: ReadOptions) -> None:
    """See that nothing is asked for that Spark's readers do not do.

    Raises:
        OptionError: it is.
    """
    plain = ReadOptions()
    names = [field.name for field in fields(plain)]
    refuse([name for name in names if getattr(options, name) != getattr(plain, name)], DONE)


def refuse(asked: Collection[str], done: Sequence[str]) -> None:
    """Refuse options for reading that would do nothing.

    Args:
        asked: names of options.
        done: those that do something.

    Raises:
        OptionError: another one is asked for.
    """
    others = [name for name in asked if name not in done]
    if others:
        does = "does" if len(others) == 1 else "do"
        raise OptionError(
            f"{_named(others)} {does} not go with --engine spark; of the options for reading, only "
            f"{_named(done)} do."
        )


def _named(options: Sequence[str]) -> str:
    *most, last = (f"`{name}`" for name in options)
    return f"{', '.join(most)} and {last}" if most else last


def predict_on_spark(
    model: BiasModel,
    pairs: tuple[Source, str | None, str | None],
    out: Path,
    master: str | None,
    *,
    force: bool,
) -> dict[str, int]:
    """Write the pairs of a Parquet folder or a table with their predictions, from where they are.

    Args:
        model: whose predictions.
        pairs: their source, and the columns of users and items, None for usual names.
        out: a folder of Parquet files.
        master: of the session, if one has to be made.
        force: whether a folder that is there is replaced.

    Returns:
        How many rows have a known user and item (both), one of them (user, item) or none.

    Raises:
        DataError: the extra or Java is missing, or Spark cannot read or write.
    """
    try:
        from mlbias.engines.joins import known_counts, predict
        from mlbias.engines.spark_failures import FAILURES, told
    except ImportError as error:
        raise DataError(f"{error}.") from error
    source, user, item = pairs
    check_is_parquet(source)
    session = spark_session(master)
    try:
        if source.label.startswith(TABLE):
            frame = session.table(source.label.removeprefix(TABLE))
        else:
            frame = session.read.parquet(source.label if source.path is None else str(source.path))
        predicted = predict(model, frame, user=user, item=item)
        predicted.write.mode("overwrite" if force else "error").parquet(str(out))
        return known_counts(session.read.parquet(str(out)))
    except FAILURES as error:
        raise told(error) from error


def check_is_parquet(source: Source) -> None:
    """See that a file of pairs is Parquet, before Spark takes seconds to start.

    Raises:
        DataError: it is not.
    """
    path = source.path
    if path is not None and path.is_file() and not is_parquet(path):
        raise DataError(
            f"{path} is no Parquet file: Spark takes pairs from Parquet or a table.",
            "Convert it to Parquet, or predict without --engine.",
        )


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def read_frame(
    session: Any, source: Source, options: ReadOptions, *, times: bool = False
) -> tuple[Any, dict[str, str], bool]:
    """A source's frame, by role the names of its columns, and whether it is a text file's.

    Raises:
        DataError: Spark cannot read it, or it has not the columns.
        OptionError: a column that the options name is not there.
    """
    from mlbias.engines.spark_failures import FAILURES, told

    asked = options.asked
    try:
        if source.label.startswith(TABLE):
            frame = session.table(source.label.removeprefix(TABLE))
            return frame, roles_of(frame.columns, asked, times=times), False
        where = source.label if source.path is None else str(source.path)
        head = session.read.text(where).limit(SNIFFED_LINES).collect()
        if not head:
            raise DataError(f"{where} is empty.")
        if head[0][0].startswith("PAR1"):
            frame = session.read.parquet(where)
            return frame, roles_of(frame.columns, asked, times=times), False
        layout = sniff_layout([row[0] for row in head], where, options)
        frame = _text_frame(session, where, layout)
        places = layout.columns.places
        wanted = (*ROLES, "time") if times else ROLES
        return frame, {at: frame.columns[places[at]] for at in wanted if at in places}, True
    except FAILURES as error:
        raise told(error) from error


def _text_frame(session: Any, where: str, layout: Layout) -> Any:
    """Columns of text, so that a bad row is told by mlbias and not by Spark."""
    if layout.separator == " " or layout.n_lines_before > 1:
        raise DataError(
            f"{where}: Spark reads no text with runs of spaces or with lines before the header.",
            "Train without --engine, or convert it to CSV or Parquet.",
        )
    from pyspark.sql.types import StringType, StructField, StructType

    has_header = layout.header is not None
    quote = '"' if layout.quoted else ""
    reader = session.read.options(sep=layout.separator, header=has_header, quote=quote, escape='"')
    names = reader.csv(where).columns
    # By itself Spark ignores what other files call their columns, and fields that are too many.
    is_checked = has_header and names == list(layout.header or ())
    schema = StructType([StructField(name, StringType()) for name in (*names, _LINE)])
    more = {"enforceSchema": not is_checked, "columnNameOfCorruptRecord": _LINE}
    csv = reader.options(**more).csv(where, schema=schema)
    called = names if has_header else [str(k + 1) for k in range(len(names))]
    return _checked(csv.toDF(*called, _LINE), called, layout.separator)


def _checked(csv: Any, names: list[str], separator: str) -> Any:
    """The columns, whose evaluation fails at a line with fewer fields than names, or with more.

    So it does at bytes that are no UTF-8, for which Spark puts U+FFFD.
    """
    from pyspark.sql import functions as F  # noqa: N812

    line, expected = F.col(_LINE), f": expected {len(names)} fields, found: "
    # One empty field more is a separator at the end.
    pieces = F.split(line, re.escape(separator), -1)
    is_whole = (F.size(pieces) == len(names) + 1) & line.endswith(separator)
    told = F.concat(F.input_file_name(), F.lit(expected), F.substring(line, 1, 60))
    columns = [F.col(f"`{name}`") for name in names]
    garbled = F.concat(F.input_file_name(), F.lit(": a field is not valid UTF-8"))
    return csv.select(*(
        F.when(line.isNotNull() & ~is_whole, F.raise_error(told))
        .when(column.contains("\ufffd"), F.raise_error(garbled))
        .otherwise(column)
        .alias(name)
        for name, column in zip(names, columns, strict=True)
    ))  # fmt: skip
