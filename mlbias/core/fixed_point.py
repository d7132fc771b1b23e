"""Fixed points of maps that move each coordinate by itself, faster than by walking there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlbias.core.vectors import FloatArray

_MOST_ROUNDS = 200
_LONGEST_STEP = 2.0
_LEAST_SLOPE = 1e-6
# Points that are closer than this tell nothing of a slope but rounding.
_APART = 1e-5

# How far the map moves a point, (k,) to (k,); zero at a fixed point.
Residual = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """Where a search ended.

    Args:
        x: (k,) the point.
        residual: (k,) how far the map still moves it.
        rounds: how often the map was asked.
    """

    x: FloatArray
    residual: FloatArray
    rounds: int


def find_fixed_point(
    residual: Residual,
    start: FloatArray,
    *,
    tolerance: float,
    is_over: Callable[[FloatArray, FloatArray], bool] = lambda _x, _f: False,
) -> FixedPoint:
    """Search by a secant for each coordinate, with the plain step to fall back on.

    A secant's step is at most 2 long, and is replaced by the plain one after a step that made the
    residual larger: the bare secant runs away from distant starts.

    Args:
        residual: of the map.
        start: (k,).
        tolerance: ends where no coordinate is moved by more than this; or after 200 rounds.
        is_over: given a point and its residual, whether to end there.
    """
    x, f, rounds = start, residual(start), 1
    step, slope = f, np.full_like(start, -1.0)
    while np.abs(f).max() > tolerance and rounds < _MOST_ROUNDS and not is_over(x, f):
        old_x, old_f = x, f
        x = x + step
        f, rounds = residual(x), rounds + 1
        moved = x - old_x
        is_apart = np.abs(moved) > _APART
        slope = np.divide(f - old_f, moved, out=slope.copy(), where=is_apart)
        grew = np.abs(f).max() > np.abs(old_f).max()
        step = f if grew else _secant(f, slope)
    return FixedPoint(x, f, rounds)


def _secant(f: FloatArray, slope: FloatArray) -> FloatArray:
    """To the zeros of straight lines of these slopes; the plain step where they do not fall."""
    step = np.divide(-f, slope, out=f.copy(), where=slope < -_LEAST_SLOPE)
    return np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
