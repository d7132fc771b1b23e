"""Preconditioned conjugate gradients, for one right-hand side or for several at once.

Y. Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., algorithm 9.1, with the diagonal for
a preconditioner. One right-hand side is a vector (n,), several are the rows of a matrix (k, n).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mlbias.core.vectors import FloatArray, dot

# Where rounding keeps the goal out of reach, which takes λ's that mean nothing.
_MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class State:
    """Where the iteration is, (n,) or (k, n).

    Attributes:
        x: the solution so far.
        half: what the product makes of x on its way, kept up to date for the caller: the same array
            in all states, which the next step changes.
        residual: right-hand side minus the product.
    """

    x: FloatArray
    half: FloatArray
    residual: FloatArray


def conjugate_gradients(
    product: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    diagonal: FloatArray,
    start: State,
    goal: FloatArray,
) -> Iterator[State]:
    """Yield the state after each step, until every residual is small enough.

    Args:
        product: from x to (half, K x), K positive semidefinite; both are new arrays.
        diagonal: (n,), of the preconditioner, above 0.
        start: where to begin.
        goal: what each residual's norm must come down to, () or (k,).
    """
    x, half, residual = start.x, start.half, start.residual
    del start
    p = residual / diagonal  # line 1
    rz = dots(residual, p)
    # As few vectors at a time as there can be: there may be many of them, and they may be long.
    for _ in range(_MOST_STEPS):
        if (norms(residual) <= goal).all():
            return
        p_half, kp = product(p)
        curvature = dots(kp, p)
        if not (curvature > 0).any():  # nothing but rounding is left
            return
        step = column(_quotient(rz, curvature))  # line 3
        p_half *= step
        half += p_half
        del p_half
        moved = step * p
        moved += x
        x = moved
        kp *= step
        residual = np.subtract(residual, kp, out=kp)  # line 5
        del moved, kp
        yield State(x, half, residual)
        z = residual / diagonal
        rz, before = dots(residual, z), rz
        p *= column(_quotient(rz, before))
        p += z  # lines 7, 8
        del z


def dots(left: FloatArray, right: FloatArray) -> FloatArray:
    """Inner products of two vectors, (), or of the rows of matrices, (k,)."""
    return np.asarray((left * right).sum(axis=-1))


def norms(rows: FloatArray) -> FloatArray:
    """Euclidean lengths, () or (k,)."""
    return np.sqrt(dots(rows, rows))


def norm(vector: FloatArray) -> float:
    """Euclidean length of (n,)."""
    return math.sqrt(dot(vector, vector))


def column(values: FloatArray) -> FloatArray:
    """(k,) values as (k, 1), one for each row; a single value as it is."""
    return values[..., None] if np.ndim(values) else values


def _quotient(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Of each row; 0 for rows that are solved, where both are 0."""
    zeros = np.zeros_like(numerator)
    return np.divide(numerator, denominator, out=zeros, where=denominator > 0)
