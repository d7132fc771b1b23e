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
# So many make 1, of which each of the above is a whole number.
_FINE = 20


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


def to_fine_steps(value: NDArray[np.float64]) -> Steps | None:
    """Finite ratings (n,) as float32 in fine steps; None where that changes a bit."""
    with np.errstate(invalid="ignore"):  # what is out of range becomes some count
        counts = (value * _FINE + 0.5).astype(np.uint8)
    found = _FINE_VALUES.take(counts)
    is_same = (found.view(np.int64) == value.view(np.int64)).all()
    return fine_steps(counts) if is_same else None


def fine_steps(counts: NDArray[np.uint8]) -> Steps:
    """The ratings (n,) behind counts of fine steps."""
    return Steps(counts, _FINE, np.dtype(np.float32))


# By count, what each is as a rating.
_FINE_VALUES = fine_steps(np.arange(256, dtype=np.uint8))[:].astype(np.float64)


def with_coarsest_steps(counts: NDArray[np.uint8]) -> Steps | None:
    """Ratings by counts of fine steps (n,), which become those of the largest that do."""
    for steps in STEPS:
        times = np.uint8(_FINE // steps)
        here = pieces(len(counts), _PIECE)
        if not any((counts[piece] % times).any() for piece in here):
            for piece in here:
                counts[piece] //= times
            return Steps(counts, steps, np.dtype(np.float32))
    return None
