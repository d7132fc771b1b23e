"""Columns of numbers that are in Python already: ratings and times."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.errors import DataError
from mlbias.id_columns import is_missing

# Unix seconds: integers where all are whole, else floats.
Timestamps = NDArray[np.signedinteger[Any]] | NDArray[np.float64]


def column_of_numbers(values: Any, what: str) -> NDArray[np.float64]:
    """A column of finite numbers, (n,).

    Args:
        values: numbers, or for times also datetime or datetime64.
        what: what messages call one.

    Raises:
        DataError: one is missing, infinite or no number; the message names the row.
    """
    if np.ma.isMaskedArray(values):
        values = values.filled(np.nan) if values.dtype.kind == "f" else values.tolist()
    if not isinstance(values, np.ndarray):
        values = np.asarray(values) if hasattr(values, "__array__") else list(values)
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        micro = values.astype("datetime64[us]")
        values = np.where(np.isnat(micro), np.nan, micro.astype(np.int64) / 1e6)
    if isinstance(values, list) or values.dtype.kind not in "iuf":
        values = [_number(value, row, what) for row, value in enumerate(values)]
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise DataError(f"the {what}s have {numbers.ndim} dimensions; expected a single column")
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        if np.isnan(numbers[row]):
            raise DataError(f"row {row}: the {what} is missing")
        raise DataError(f"row {row}: the {what} is {numbers[row]}, not a finite number")
    return numbers


def narrowed_times(seconds: NDArray[np.float64]) -> Timestamps:
    """Unix seconds (n,) as int32 or int64 where all are whole and fit, else as they are."""
    with np.errstate(invalid="ignore"):
        whole = seconds.astype(np.int64)
    if not (whole == seconds).all():
        return seconds
    narrow = whole.astype(np.int32)
    return narrow if (narrow == whole).all() else whole


def _number(value: object, row: int, what: str) -> float:
    if is_missing(value):
        raise DataError(f"row {row}: the {what} is missing")
    if isinstance(value, datetime) and what == "time":
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool | np.bool_ | str | bytes):
        raise DataError(f"row {row}: the {what} is {value!r}, not a number")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(f"row {row}: the {what} is {value!r}, not a number") from None
