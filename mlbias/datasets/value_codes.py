"""Ratings as codes of one byte, where few of them differ."""

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import Values

_MOST_VALUES = 256
_PIECE = 1 << 16

ValueCodes = NDArray[np.uint8]


def coded(value: Values) -> tuple[ValueCodes, Values] | None:
    """Codes (n,) into a table: table[codes] has the same bits as ``value``, (n,) with n > 0.

    None where more than 256 ratings differ.
    """
    even = _even_scale(value)
    return _coded_evenly(value, even) or _coded_by_search(value)


def decoded(codes: ValueCodes, table: Values) -> Values:
    """The ratings (n,) behind their codes."""
    value = np.empty(len(codes), table.dtype)
    for start in range(0, len(codes), _PIECE):
        here = slice(start, start + _PIECE)
        # All codes are in range; "clip" only spares NumPy the check.
        np.take(table, codes[here], out=value[here], mode="clip")
    return value


def _even_scale(value: Values) -> Values:
    """256 values from the lowest on, in the smallest step that the first ratings show."""
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = np.diff(np.unique(value[:_PIECE]))
        step = gaps.min() if len(gaps) else value.dtype.type(1)
        scale: Values = value.min() + step * np.arange(_MOST_VALUES, dtype=value.dtype)
    return scale


def _coded_evenly(value: Values, scale: Values) -> tuple[ValueCodes, Values] | None:
    """By division, six times as fast as a search; None where a rating is not on the scale."""
    bits, scale_bits = _bits(value), _bits(scale)
    with np.errstate(over="ignore", invalid="ignore"):
        low, step = scale[0], scale[1] - scale[0]
    codes = np.empty(len(value), np.uint8)
    for start in range(0, len(value), _PIECE):
        here = slice(start, start + _PIECE)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            codes[here] = np.rint((value[here] - low) / step)
        if (scale_bits.take(codes[here]) != bits[here]).any():
            return None
    return codes, scale[: int(codes.max()) + 1]


def _coded_by_search(value: Values) -> tuple[ValueCodes, Values] | None:
    bits = _bits(value)
    table = np.empty(0, bits.dtype)
    pieces = [slice(start, start + _PIECE) for start in range(0, len(value), _PIECE)]
    for here in pieces:
        table = np.union1d(table, bits[here])
        if len(table) > _MOST_VALUES:
            return None
    codes = np.empty(len(value), np.uint8)
    for here in pieces:
        codes[here] = np.searchsorted(table, bits[here])
    return codes, table.view(value.dtype)


def _bits(value: Values) -> NDArray[np.signedinteger]:
    """As integers, by which two zeros of different sign differ."""
    return value.view(np.int32 if value.dtype == np.float32 else np.int64)
