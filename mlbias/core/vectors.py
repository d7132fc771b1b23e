"""The few lines of vector arithmetic that the core shares."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# A quarter of a gigabyte, or 0.4 bytes a rating where that is more.
_MOST_NUMBERS, _RATINGS_A_NUMBER = 32_000_000, 20


def dot(left: FloatArray, right: FloatArray) -> float:
    """Inner product of two (n,) vectors, by NumPy's pairwise sum.

    BLAS would be faster, but its bits depend on how many threads it uses.
    """
    return float((left * right).sum())


def divide_or_zero(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Elementwise quotient of two (n,) vectors, 0 where the denominator is 0."""
    if denominator.all():
        return numerator / denominator
    zeros = np.zeros_like(numerator)
    return np.divide(numerator, denominator, out=zeros, where=denominator != 0)


def rows_at_once(width: int, most: int, n_ratings: int) -> int:
    """How many rows of a matrix to hold at a time, at least one: fewer than most if it is wide."""
    room = max(_MOST_NUMBERS, n_ratings // _RATINGS_A_NUMBER)
    return max(min(room // width, most), 1)


def among_zeros(rows: FloatArray, first: int, most: int) -> FloatArray:
    """(n,) or (k, n) numbers as the rows from ``first`` on of (most, n) that are otherwise 0."""
    rows = np.atleast_2d(rows)
    whole = np.zeros((most, rows.shape[1]))
    whole[first : first + len(rows)] = rows
    return whole
