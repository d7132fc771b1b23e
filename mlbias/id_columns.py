"""Columns of ids as Python gives them: lists, arrays, series of Polars or pandas; checked."""

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from mlbias.errors import DataError
from mlbias.ids import Ids, TextIds

if TYPE_CHECKING:
    import polars as pl


def column_of_ids(values: Any, what: str = "id") -> Ids:
    """A column of ids from any column in Python, checked.

    Args:
        values: integers or text, as a list, a NumPy array or a series of Polars or pandas.
        what: what messages call one of them, such as "user".

    Raises:
        DataError: it is no column, an id is missing, or one is neither an integer of 64 bits nor
            text; the message names the row, counted from 0.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise DataError(f"expected a column of ids, such as a list, and found {values!r}")
    if isinstance(values, TextIds):
        return values
    if _is_polars_series(values):
        return _ids_of_series(values, what)
    if np.ma.isMaskedArray(values):
        _refuse_missing(np.ma.getmaskarray(values), what)
        values = np.ma.getdata(values)
    if hasattr(values, "__array__"):
        values = np.asarray(values)
        if values.ndim != 1:
            raise DataError(f"the {what}s have {values.ndim} dimensions; expected a single column")
        if values.dtype.kind == "i":
            return np.asarray(values, dtype=np.int64)
    return _ids_of_objects(values.tolist() if isinstance(values, np.ndarray) else values, what)


def is_missing(value: object) -> bool:
    """Whether a Python object stands for a missing value: None, NaN, pandas' NA or NaT."""
    # Asked by name, since comparing pandas' NA gives NA, and pandas may not be installed.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _is_polars_series(values: object) -> "TypeGuard[pl.Series]":
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(values, polars.Series)


def _ids_of_series(column: "pl.Series", what: str) -> Ids:
    import polars as pl

    _refuse_missing(column.is_null().to_numpy(), what)
    if column.dtype.is_integer() and column.dtype != pl.UInt64:
        return column.cast(pl.Int64).to_numpy()
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        text = column.cast(pl.String)
        _refuse_missing((text.str.len_bytes() == 0).to_numpy(), what)
        return TextIds(text.rechunk())
    return _ids_of_objects(column.to_list(), what)


def _ids_of_objects(values: Iterable[object], what: str) -> Ids:
    import uuid

    ids = list(values)
    kinds = {type(value) for value in ids}
    if kinds - {int, str} or "" in ids:
        for row, value in enumerate(ids):
            if is_missing(value) or (isinstance(value, str) and not value):
                raise DataError(f"row {row}: the {what} is missing")
        for row, value in enumerate(ids):
            if isinstance(value, bool) or not isinstance(value, int | np.integer | str | uuid.UUID):
                kind = type(value).__name__
                raise DataError(
                    f"row {row}: the {what} is {value!r}, a {kind}; ids are integers or text"
                )
    if all(issubclass(kind, int | np.integer) for kind in kinds):
        try:
            return np.array(ids, dtype=np.int64)
        except OverflowError:
            limit = 2**63
            row = next(row for row, id_ in enumerate(ids) if not -limit <= int(str(id_)) < limit)
            raise DataError(
                f"row {row}: the {what} is {ids[row]}, which does not fit in 64 bits with a sign"
            ) from None
    import polars as pl

    try:
        return TextIds(pl.Series([str(id_) for id_ in ids], dtype=pl.String))
    except UnicodeEncodeError as error:
        raise DataError(f"a {what} is no text that UTF-8 can encode: {error.object!r}") from None


def _refuse_missing(missing: NDArray[np.bool_], what: str) -> None:
    if missing.any():
        raise DataError(f"row {int(np.flatnonzero(missing)[0])}: the {what} is missing")
