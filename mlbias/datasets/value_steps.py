"""Ratings as counts of even steps, one byte each, where they are few: stars, halves, tenths."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import Values

# Of 4 bytes a rating one is left; a copy of MovieLens is a quarter smaller, and checked faster.
STEPS = (1, 2, 4, 10)
_PIECE = 1 << 16


def to_steps(value: Values) -> tuple[NDArray[np.uint8], int] | None:
    """Counts of steps (n,), and the steps that make 1, where that gives back every bit."""
    return next((found for steps in STEPS if (found := counted(value, steps))), None)


def to_values(stored: NDArray[Any], steps: int | None, dtype: str) -> Values:
    """The ratings (n,) behind what is stored: counts of steps, or themselves."""
    if steps is None:
        return stored.astype(dtype, copy=False)
    table = np.arange(256).astype(dtype) / np.dtype(dtype).type(steps)
    value = np.empty(len(stored), dtype)
    for start in range(0, len(stored), _PIECE):
        here = slice(start, start + _PIECE)
        # Every count is in range; "clip" only spares NumPy the check.
        table.take(stored[here], out=value[here], mode="clip")
    return value


def counted(value: Values, steps: int) -> tuple[NDArray[np.uint8], int] | None:
    """The same, for steps of this size."""
    counts = np.empty(len(value), np.uint8)
    for start in range(0, len(value), _PIECE):
        here = value[start : start + _PIECE]
        with np.errstate(over="ignore"):
            scaled = np.rint(here * value.dtype.type(steps))
        if scaled.min() < 0 or scaled.max() > 255:
            return None
        piece = scaled.astype(np.uint8)
        if to_values(piece, steps, value.dtype.str).tobytes() != here.tobytes():
            return None
        counts[start : start + _PIECE] = piece
    return counts, steps
