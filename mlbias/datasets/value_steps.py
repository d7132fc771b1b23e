"""Ratings as counts of even steps, one byte each, where they are few: stars, halves, tenths."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.compact import Column, Steps
from mlbias.core.passes import in_order, pieces
from mlbias.core.ratings import Values

# Of 4 bytes a rating one is left; a copy of MovieLens is a quarter smaller, and checked faster.
STEPS = (1, 2, 4, 10)
_PIECE = 1 << 16


def to_steps(value: Values) -> Steps | None:
    """The same ratings (n,) as counts of steps, where these give back every bit."""
    return next((found for steps in STEPS if (found := counted(value, steps))), None)


def from_steps(stored: NDArray[Any], steps: int | None, dtype: str) -> Column[np.floating[Any]]:
    """The ratings (n,) behind what is stored: counts of steps, or themselves."""
    if steps is None:
        return stored.astype(dtype, copy=False)
    return Steps(stored, steps, np.dtype(dtype))


def counted(value: Values, steps: int) -> Steps | None:
    """The same, for steps of this size."""
    counts = np.empty(len(value), np.uint8)

    def fits(here: slice) -> bool:
        piece = value[here]
        with np.errstate(over="ignore"):
            scaled = np.rint(piece * value.dtype.type(steps))
        if scaled.min() < 0 or scaled.max() > 255:
            return False
        counts[here] = scaled
        return Steps(counts[here], steps, value.dtype)[:].tobytes() == piece.tobytes()

    found = Steps(counts, steps, value.dtype)
    return found if all(in_order(fits, pieces(len(value), _PIECE))) else None
