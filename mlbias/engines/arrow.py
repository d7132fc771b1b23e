"""A part as a row of Arrow's columns, of which a call reads only those that it needs."""

import pickle
from typing import Any

import numpy as np
import pyarrow as pa

from mlbias.engines.parts import Call, Part

_CODES = {"part": "int", "digest": "string", "n_items": "int", "counts": "binary", "item": "binary"}
_VALUES = {"value": "binary", "value_type": "string"}
_IDS = {"ids": "binary"}
_TIMES = {"time": "binary", "time_type": "string", "time_unit": "string", "untimed": "string"}
_FAILURE = {"failure": "binary"}
_ALL = _CODES | _VALUES | _IDS | _TIMES | _FAILURE
# The columns of a part, as Spark writes a schema.
SCHEMA = ", ".join(f"{name} {of}" for name, of in _ALL.items())
_ARROW = {"int": pa.int32(), "string": pa.string(), "binary": pa.binary()}
_ARROW_SCHEMA = pa.schema([(name, _ARROW[of]) for name, of in _ALL.items()])
# A call that reads all that there is.
EVERYTHING: Call[Any, Any] = Call(lambda part, _: part, values=True, ids=True, times=True)


def columns_of(call: Call[Any, Any]) -> tuple[str, ...]:
    """Those that a call reads, and ``failure``: why there is no part, pickled."""
    read = ((call.values, _VALUES), (call.ids, _IDS), (call.times, _TIMES))
    more = [name for is_read, columns in read if is_read for name in columns]
    return (*_CODES, *more, *_FAILURE)


def row_of(number: int, part: Part, failure: bytes | None = None) -> pa.RecordBatch:
    """A part with all its columns."""
    assert part.value is not None
    times = (None, None) if part.time is None else (part.time.tobytes(), part.time.dtype.str)
    row = {
        "part": number, "digest": part.digest, "n_items": part.n_items,
        "counts": part.counts.tobytes(), "item": part.item.tobytes(),
        "value": part.value.tobytes(), "value_type": part.value.dtype.str,
        "ids": pickle.dumps(part.ids),
        "time": times[0], "time_type": times[1],
        "time_unit": part.time_unit, "untimed": part.untimed, "failure": failure,
    }  # fmt: skip
    return pa.RecordBatch.from_pylist([row], _ARROW_SCHEMA)


def part_of(row: pa.RecordBatch, call: Call[Any, Any]) -> Part:
    """The part of a row, with what a call reads of it."""

    def of(name: str) -> Any:
        return row.column(name)[0]

    def array(name: str, dtype: str) -> Any:
        return np.frombuffer(of(name).as_buffer(), dtype)

    timed = call.times and of("time").is_valid
    return Part(
        of("digest").as_py(),
        of("n_items").as_py(),
        array("counts", "i4"),
        array("item", "i4"),
        array("value", of("value_type").as_py()) if call.values else None,
        pickle.loads(of("ids").as_buffer()) if call.ids else None,
        array("time", of("time_type").as_py()) if timed else None,
        of("time_unit").as_py() if call.times else "",
        of("untimed").as_py() if call.times else "",
    )
