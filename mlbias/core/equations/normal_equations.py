"""The normal equations of the cost, reduced to the smaller side of the users × items table.

Setting the derivatives of J to zero gives M (α, b_u, b_i) = (R, R_u, R_i), that is

    n α   + c_u·b_u         + c_i·b_i         = R
    c_u α + (c_u + λ_u) b_u + A b_i           = R_u
    c_i α + Aᵀ b_u          + (c_i + λ_i) b_i = R_i

With α and the users eliminated, D_u = 1/(c_u + λ_u), what is left is K b_i = f:

    K = diag(c_i + λ_i) - Aᵀ D_u A - λ_u g gᵀ / s,    g = Aᵀ D_u,  s = Σ c_u D_u
    f = R_i - Aᵀ D_u R_u - λ_u α₀ g,                  α₀ = D_u·R_u / s
    α = α₀ - g·b_i / s,                               b_u = D_u (R_u - c_u α - A b_i)

and likewise with the items eliminated. K is positive definite where both λ's are above 0, and
positive semidefinite otherwise. In this form of the rank-one term nothing is 0/0 at λ_u = 0, because
n - Σ c_u² D_u = λ_u s. For right-hand sides with R ≠ Σ R_u, which sums over ratings never are, α₀
has the further term (R - Σ R_u)/(λ_u s).

An infinite λ_i leaves no equations for the items: b_i = 0, and the solution is α₀ and D_u (R_u -
c_u α₀). With both λ's infinite it is α = R/n alone.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mlbias.core.model import ErrorSums, Parameters, Problem
from mlbias.core.vectors import FloatArray, dot

# Residuals below this share of what they are made of are nothing but rounding.
_ROUNDING = float(np.finfo(np.float64).eps)
_COARSE = 1e-2
# Where rounding keeps the goal out of reach, which takes λ's that mean nothing.
_MOST_STEPS = 10_000
# Down to this the residual of the recurrence is the true one, and need not be computed afresh.
_DRIFT = 1e-6


@dataclass(frozen=True, slots=True)
class Step:
    """A state on the way to the solution.

    Attributes:
        parameters: α and both sides; α and the eliminated side are solved for the other.
        errors: E, E_u and E_i there if the right-hand side is the ratings' sums: λb plus the
            residual of the equations. For a side whose λ is infinite they are not known, and 0.
    """

    parameters: Parameters
    errors: ErrorSums


@dataclass(frozen=True, slots=True)
class _Side:
    """Users or items: counts, λ, and the product that gives sums over the other side."""

    counts: FloatArray
    penalty: float
    product: Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class _Reduced:
    """The reduced equations of one right-hand side, or of several, a row each.

    Attributes:
        gone_sums, kept_sums: the right-hand side's, R_u and R_i.
        level: α₀.
        f: of K b = f.
    """

    gone_sums: FloatArray
    kept_sums: FloatArray
    level: FloatArray
    f: FloatArray


class NormalEquations:
    """K b = f for one side, and the way back to α and both sides.

    The side that is kept is the one whose λ is infinite, if there is one, otherwise the smaller.

    Args:
        problem: whose cost it is.
    """

    def __init__(self, problem: Problem) -> None:
        s, penalty, incidence = problem.statistics, problem.penalty, problem.incidence
        users = _Side(s.user_counts, penalty.user, incidence.per_user)
        items = _Side(s.item_counts, penalty.item, incidence.per_item)
        self._n = s.n_ratings
        self._keeps_items = s.n_items <= s.n_users
        if (penalty.user == math.inf) != (penalty.item == math.inf):
            self._keeps_items = penalty.item == math.inf
        self._gone, self._kept = (users, items) if self._keeps_items else (items, users)
        self._weights = self._kept.counts + self._kept.penalty
        self._shrinkage = 1.0 / (self._gone.counts + self._gone.penalty)  # D_u
        self._is_direct = self._kept.penalty == math.inf
        if not self._is_direct:
            self._coupling = self._kept.product(self._shrinkage)  # g
        self._level = dot(self._gone.counts, self._shrinkage)  # s

    def solve(self, right: ErrorSums, start: Parameters, tolerance: float) -> Iterator[Step]:
        """Yield each step, at least one, of preconditioned conjugate gradients; two products each.

        Ends when ‖f - K b‖ is at most ``tolerance`` times ‖f‖, for fine tolerances by a residual
        that is computed afresh, or where rounding allows nothing better.

        Args:
            right: the right-hand side, R, R_u and R_i.
            start: where to begin; only the side that is kept counts.
            tolerance: relative, 0 or more.
        """
        reduced = self._reduced(np.float64(right.total), right.user, right.item)
        if self._is_direct:
            nothing = np.zeros_like(reduced.kept_sums)
            yield self._step(reduced, nothing, np.zeros_like(reduced.gone_sums), nothing)
            return
        f = reduced.f
        # f may be the small difference of large sums, and then it is mostly rounding.
        goal = max(tolerance * norm(f), _ROUNDING * norm(reduced.kept_sums))
        known, has_stepped = math.inf, False
        _, b = self._sides(start.user_bias, start.item_bias)
        while True:
            is_zero = not b.any()  # as at a cold start, which needs no products
            of_gone = np.zeros_like(reduced.gone_sums) if is_zero else self._gone.product(b)
            residual = f if is_zero else f - self._product(b, of_gone)
            if norm(residual) <= goal or norm(residual) >= known / 2:
                if not has_stepped:  # the kept side was right from the start
                    yield self._step(reduced, b, of_gone, residual)
                return
            known = norm(residual)
            for b, of_gone, residual in self._iterates(b, of_gone, residual, np.float64(goal)):
                has_stepped = True
                yield self._step(reduced, b, of_gone, residual)
            if tolerance >= _DRIFT:
                return

    def solve_rows(
        self, total: FloatArray, user: FloatArray, item: FloatArray, tolerance: float = _COARSE
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Solve for several right-hand sides at once, cold and coarsely; they share the products.

        By default zᵀx of a right-hand side z and its solution x is good to four digits, since its
        error is about the square of the residual.

        Args:
            total: (k,), R of each.
            user: (k, n_users), R_u of each.
            item: (k, n_items), R_i of each.
            tolerance: relative, of each residual.

        Returns:
            α of each solution, and both sides' biases, of the same shapes.
        """
        reduced = self._reduced(total, user, item)
        b = np.zeros_like(reduced.kept_sums)
        of_gone = np.zeros_like(reduced.gone_sums)
        if not self._is_direct:
            goals = tolerance * _norms(reduced.f)
            for b, of_gone, _ in self._iterates(b, of_gone, reduced.f, goals):
                pass
        alpha, gone = self._eliminated(reduced, b, of_gone)
        return alpha, *self._sides(gone, b)

    def _reduced(self, total: FloatArray, user: FloatArray, item: FloatArray) -> _Reduced:
        gone_sums, kept_sums = self._sides(user, item)
        if self._level == 0:  # both λ's are infinite
            return _Reduced(gone_sums, kept_sums, total / self._n, np.zeros_like(kept_sums))
        level = _dots(gone_sums, self._shrinkage) / self._level  # α₀
        excess = total - gone_sums.sum(axis=-1)
        rounding = _ROUNDING * gone_sums.shape[-1] * np.abs(gone_sums).sum(axis=-1)
        if (np.abs(excess) > rounding).any():
            level = level + excess / (self._gone.penalty * self._level)
        if self._is_direct:
            return _Reduced(gone_sums, kept_sums, level, np.zeros_like(kept_sums))
        f = kept_sums - self._kept.product(self._shrinkage * gone_sums)
        f = f - _column(self._gone.penalty * level) * self._coupling
        return _Reduced(gone_sums, kept_sums, level, f)

    def _eliminated(
        self, reduced: _Reduced, b: FloatArray, of_gone: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """α and the eliminated side, solved for the other."""
        alpha = reduced.level
        if not self._is_direct:
            alpha = alpha - _dots(b, self._coupling) / self._level
        sums = reduced.gone_sums - self._gone.counts * _column(alpha) - of_gone
        return alpha, self._shrinkage * sums

    def _step(
        self,
        reduced: _Reduced,
        b: FloatArray,
        of_gone: FloatArray,
        residual: FloatArray,
    ) -> Step:
        alpha, gone = self._eliminated(reduced, b, of_gone)
        gone_errors, kept_errors = _pull(self._gone.penalty, gone), _pull(self._kept.penalty, b)
        kept_errors = kept_errors + residual
        user, item = self._sides(gone_errors, kept_errors)
        known = gone_errors if self._is_direct else user
        errors = ErrorSums(float(known.sum()), user, item)
        return Step(Parameters(float(alpha), *self._sides(gone, b)), errors)

    def _iterates(
        self, b: FloatArray, of_gone: FloatArray, residual: FloatArray, goal: FloatArray
    ) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
        """Yield b, A b and the residual after each step, until every residual is small enough.

        Preconditioned conjugate gradients, with the diagonal c + λ for a preconditioner (Y. Saad,
        Iterative Methods for Sparse Linear Systems, 2nd ed., algorithm 9.1). One right-hand side
        is a vector, several are the rows of a matrix.
        """
        z = residual / self._weights  # line 1
        p, rz = z, _dots(residual, z)
        for _ in range(_MOST_STEPS):
            if (_norms(residual) <= goal).all():
                return
            p_of_gone = self._gone.product(p)
            kp = self._product(p, p_of_gone)
            curvature = _dots(kp, p)
            if not (curvature > 0).any():  # nothing but rounding is left
                return
            step = _column(_quotient(rz, curvature))  # line 3
            b = b + step * p
            of_gone = of_gone + step * p_of_gone
            residual = residual - step * kp  # line 5
            yield b, of_gone, residual
            z = residual / self._weights
            rz, before = _dots(residual, z), rz
            p = z + _column(_quotient(rz, before)) * p  # lines 7, 8

    def _product(self, b: FloatArray, of_gone: FloatArray) -> FloatArray:
        """K b, with A b at hand."""
        rank_one = self._gone.penalty * _dots(b, self._coupling) / self._level
        return (
            self._weights * b
            - self._kept.product(self._shrinkage * of_gone)
            - _column(rank_one) * self._coupling
        )

    def _sides(self, one: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
        """From (user, item) to (eliminated, kept) and back: both ways the same exchange or none."""
        return (one, other) if self._keeps_items else (other, one)


def _pull(penalty: float, bias: FloatArray) -> FloatArray:
    """λ b; 0 where λ is infinite."""
    return np.zeros_like(bias) if penalty == math.inf else penalty * bias


def _dots(left: FloatArray, right: FloatArray) -> FloatArray:
    """Inner products of vectors, or of the rows of matrices, (k,)."""
    return np.asarray((left * right).sum(axis=-1))


def _norms(rows: FloatArray) -> FloatArray:
    return np.sqrt(_dots(rows, rows))


def _column(values: FloatArray) -> FloatArray:
    """(k,) values as (k, 1), one for each row; a single value as it is."""
    return values[..., None] if np.ndim(values) else values


def _quotient(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Of each row; 0 for rows that are solved, where both are 0."""
    zeros = np.zeros_like(numerator)
    return np.divide(numerator, denominator, out=zeros, where=denominator > 0)


def norm(vector: FloatArray) -> float:
    """Euclidean length."""
    return math.sqrt(dot(vector, vector))
