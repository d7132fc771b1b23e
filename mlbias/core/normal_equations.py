"""The normal equations of the cost, reduced to the smaller side of the users × items table.

Setting the derivatives of J to zero gives M (α, b_u, b_i) = (R, R_u, R_i), that is

    n α   + c_u·b_u         + c_i·b_i         = R
    c_u α + (c_u + λ_u) b_u + A b_i           = R_u
    c_i α + Aᵀ b_u          + (c_i + λ_i) b_i = R_i

With α and the users eliminated, D_u = 1/(c_u + λ_u), what is left is K b_i = f:

    K = diag(c_i + λ_i) - Aᵀ D_u A - λ_u g gᵀ / s,    g = Aᵀ D_u,  s = Σ c_u D_u
    f = R_i - Aᵀ D_u R_u - λ_u α₀ g,                  α₀ = D_u·R_u / s
    α = α₀ - g·b_i / s,                               b_u = D_u (R_u - c_u α - A b_i)

and with the items eliminated the same with the roles exchanged. K is positive definite where both
λ's are above 0, and positive semidefinite else. In this form of the rank-one term nothing is 0/0 at
λ_u = 0, because n - Σ c_u² D_u = λ_u s. For right sides with R ≠ Σ R_u, which sums over ratings
never are, α₀ has the further term (R - Σ R_u)/(λ_u s).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mlbias.core.model import ErrorSums, Parameters, Problem
from mlbias.core.vectors import FloatArray, divide_or_zero, dot

# Residuals below this share of what they are made of are nothing but rounding.
_ROUNDING = float(np.finfo(np.float64).eps)
_COARSE = 1e-2
# Where rounding keeps the coarse goal out of reach, which takes λ's that mean nothing.
_MOST_STEPS = 1000
# Down to this the residual of the recurrence is the true one, and need not be computed afresh.
_DRIFT = 1e-6


@dataclass(frozen=True, slots=True)
class Step:
    """A state on the way to the solution.

    Args:
        parameters: α and both sides; α and the eliminated side are solved for the other.
        user_lack, item_lack: (n_users,) and (n_items,), what M (α, b_u, b_i) lacks to the right
            side; 0 for the eliminated side.
    """

    parameters: Parameters
    user_lack: FloatArray
    item_lack: FloatArray


@dataclass(frozen=True, slots=True)
class _Side:
    """Users or items: counts, λ, and the product that gives sums over the other side."""

    counts: FloatArray
    penalty: float
    product: Callable[[FloatArray], FloatArray]


class NormalEquations:
    """K b = f for the smaller side, and the way back to α and both sides.

    Args:
        problem: whose cost it is.
    """

    def __init__(self, problem: Problem) -> None:
        s, penalty, incidence = problem.statistics, problem.penalty, problem.incidence
        users = _Side(s.user_counts, penalty.user, incidence.per_user)
        items = _Side(s.item_counts, penalty.item, incidence.per_item)
        self._keeps_items = s.n_items <= s.n_users
        self._gone, self._kept = (users, items) if self._keeps_items else (items, users)
        self._weights = self._kept.counts + self._kept.penalty
        self._shrinkage = 1.0 / (self._gone.counts + self._gone.penalty)  # D_u
        self._coupling = self._kept.product(self._shrinkage)  # g
        self._level = dot(self._gone.counts, self._shrinkage)  # s

    def solve(self, right: ErrorSums, start: Parameters, tolerance: float) -> Iterator[Step]:
        """Yield each step, at least one, of preconditioned conjugate gradients; two products each.

        Y. Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., algorithm 9.1, with the
        diagonal c + λ for a preconditioner. Ends when ‖f - K b‖ is at most ``tolerance`` times
        ‖f‖, for fine tolerances by a residual that is computed afresh, or where rounding allows
        nothing better.

        Args:
            right: the right side, R, R_u and R_i.
            start: where to begin; only the side that is kept counts.
            tolerance: relative, 0 or more.
        """
        gone_sums, kept_sums = self._sides(right.user, right.item)
        level = dot(self._shrinkage, gone_sums) / self._level  # α₀
        excess = right.total - float(gone_sums.sum())
        if abs(excess) > _ROUNDING * len(gone_sums) * float(np.abs(gone_sums).sum()):
            level += excess / (self._gone.penalty * self._level)
        f = kept_sums - self._kept.product(self._shrinkage * gone_sums)
        f = f - self._gone.penalty * level * self._coupling

        def step(b: FloatArray, of_gone: FloatArray, residual: FloatArray) -> Step:
            alpha = level - dot(self._coupling, b) / self._level
            gone = self._shrinkage * (gone_sums - self._gone.counts * alpha - of_gone)
            lack = self._sides(np.zeros_like(gone), residual)
            return Step(Parameters(alpha, *self._sides(gone, b)), *lack)

        # f may be the small difference of large sums, and then it is mostly rounding.
        goal, known = max(tolerance * norm(f), _ROUNDING * norm(kept_sums)), math.inf
        has_stepped = False
        _, b = self._sides(start.user_bias, start.item_bias)
        while True:
            is_zero = not b.any()  # as at a cold start, which needs no products
            of_gone = np.zeros_like(gone_sums) if is_zero else self._gone.product(b)
            residual = f if is_zero else f - self._product(b, of_gone)
            if norm(residual) <= goal or norm(residual) >= known / 2:
                if not has_stepped:  # the kept side was right from the start
                    yield step(b, of_gone, residual)
                return
            known = norm(residual)
            steps = self._steps(b, of_gone, residual, goal)
            for b, of_gone, residual in steps:
                has_stepped = True
                yield step(b, of_gone, residual)
            if tolerance >= _DRIFT:
                return

    def solve_rows(
        self, user: FloatArray, item: FloatArray, tolerance: float = _COARSE
    ) -> tuple[FloatArray, FloatArray]:
        """Solve for several right sides at once, cold and coarsely; they share the products.

        As ``solve``. By default zᵀx of a right side z and its solution x is good to four digits,
        since it is off by about the square of the residual.

        Args:
            user: (k, n_users), R_u of each; R is 0.
            item: (k, n_items), R_i of each.
            tolerance: relative, of each residual.

        Returns:
            The users' biases of each solution, and the items', of the same shapes.
        """
        gone_sums, kept_sums = self._sides(user, item)
        penalty, coupling = self._gone.penalty, self._coupling
        level = (_dots(gone_sums, self._shrinkage) - gone_sums.sum(axis=1) / penalty) / self._level
        f = kept_sums - self._kept.product(self._shrinkage * gone_sums)
        residual = f - penalty * np.outer(level, coupling)
        goals = tolerance * _norms(residual)
        b, p, rz = np.zeros_like(residual), np.zeros_like(residual), np.ones(len(residual))
        for _ in range(_MOST_STEPS):
            if (_norms(residual) <= goals).all():
                break
            z = residual / self._weights
            rz, before = _dots(residual, z), rz
            p = z + _rows(divide_or_zero(rz, before)) * p
            of_gone = self._gone.product(p)
            kp = self._weights * p - self._kept.product(self._shrinkage * of_gone)
            kp -= penalty / self._level * np.outer(_dots(p, coupling), coupling)
            step = _rows(divide_or_zero(rz, _dots(kp, p)))
            b, residual = b + step * p, residual - step * kp
        alpha = _rows(level - _dots(b, coupling) / self._level)
        of_gone = self._gone.product(b)
        gone = self._shrinkage * (gone_sums - self._gone.counts * alpha - of_gone)
        return self._sides(gone, b)

    def _steps(
        self, b: FloatArray, of_gone: FloatArray, residual: FloatArray, goal: float
    ) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
        """Yield b, A b and the residual after each step, until the residual is small enough."""
        z = residual / self._weights  # line 1
        p, rz = z, dot(residual, z)
        while norm(residual) > goal:
            p_of_gone = self._gone.product(p)
            kp = self._product(p, p_of_gone)
            curvature = dot(kp, p)
            if not curvature > 0:  # nothing but rounding is left
                return
            step = rz / curvature  # line 3
            b = b + step * p
            of_gone = of_gone + step * p_of_gone
            residual = residual - step * kp  # line 5
            yield b, of_gone, residual
            z = residual / self._weights
            rz, before = dot(residual, z), rz
            p = z + (rz / before) * p  # lines 7, 8

    def _product(self, b: FloatArray, of_gone: FloatArray) -> FloatArray:
        """K b, with A b at hand."""
        rank_one = self._gone.penalty * dot(self._coupling, b) / self._level
        return (
            self._weights * b
            - self._kept.product(self._shrinkage * of_gone)
            - rank_one * self._coupling
        )

    def _sides(self, one: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
        """From (user, item) to (eliminated, kept) and back: both ways the same exchange or none."""
        return (one, other) if self._keeps_items else (other, one)


def _dots(left: FloatArray, right: FloatArray) -> FloatArray:
    """Inner products of rows, (k,), or of rows with one vector."""
    return np.asarray((left * right).sum(axis=1))


def _norms(rows: FloatArray) -> FloatArray:
    return np.sqrt(_dots(rows, rows))


def _rows(values: FloatArray) -> FloatArray:
    """(k,) values as (k, 1), one for each row."""
    return values[:, None]


def norm(vector: FloatArray) -> float:
    """Euclidean length."""
    return math.sqrt(dot(vector, vector))
