"""The normal equations of the cost, reduced to the items.

Setting the derivatives of J to zero gives M (α, b_u, b_i) = (R, R_u, R_i), that is

    n α   + c_u·b_u         + c_i·b_i         = R
    c_u α + (c_u + λ_u) b_u + A b_i           = R_u
    c_i α + Aᵀ b_u          + (c_i + λ_i) b_i = R_i

With α and the users eliminated, D_u = 1/(c_u + λ_u), what is left is K b_i = f:

    K = diag(c_i + λ_i) - Aᵀ D_u A - λ_u g gᵀ / s,    g = Aᵀ D_u,  s = Σ c_u D_u
    f = R_i - Aᵀ D_u R_u - λ_u α₀ g,                  α₀ = D_u·R_u / s
    α = α₀ - g·b_i / s,                               b_u = D_u (R_u - c_u α - A b_i)

and likewise with the items eliminated, where the users' biases are held at 0. Both ways take the
same number of iterations, since AᵀD_u A and A D_i Aᵀ, scaled by the diagonals, have the same
eigenvalues; but only with the users eliminated does a product with K take a single pass. K is
positive definite where both λ's are above 0, and positive semidefinite otherwise. In this form of
the rank-one term nothing is 0/0 at λ_u = 0, because n - Σ c_u² D_u = λ_u s. For right-hand sides
with R ≠ Σ R_u, which sums over ratings never are, α₀ has the further term (R - Σ R_u)/(λ_u s).

An infinite λ_i leaves no equations for the items: b_i = 0, and the solution is α₀ and D_u (R_u -
c_u α₀). With both λ's infinite it is α = R/n alone.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mlbias.core.equations.conjugate_gradients import (
    State,
    column,
    conjugate_gradients,
    dots,
    norm,
    norms,
)
from mlbias.core.model import ErrorSums, Parameters, Problem
from mlbias.core.vectors import FloatArray, dot

# Residuals below this share of what they are made of are nothing but rounding.
_ROUNDING = float(np.finfo(np.float64).eps)
_COARSE = 1e-2
# Down to this the residual of the recurrence is the true one, and need not be computed afresh.
_DRIFT = 1e-8


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
        eliminated_sums, kept_sums: the right-hand side's, R_u and R_i.
        level: α₀.
        f: of K b = f.
    """

    eliminated_sums: FloatArray
    kept_sums: FloatArray
    level: FloatArray
    f: FloatArray


class NormalEquations:
    """K b = f for one side, and the way back to α and both sides.

    The side that is kept is the one whose λ is infinite, if there is one, otherwise the items.

    Args:
        problem: whose cost it is.
    """

    def __init__(self, problem: Problem) -> None:
        s, penalty, incidence = problem.statistics, problem.penalty, problem.incidence
        users = _Side(s.user_counts, penalty.user, incidence.per_user)
        items = _Side(s.item_counts, penalty.item, incidence.per_item)
        self._n = s.n_ratings
        self._keeps_items = penalty.user < math.inf or penalty.item == math.inf
        self._eliminated, self._kept = (users, items) if self._keeps_items else (items, users)
        self._weights = self._kept.counts + self._kept.penalty
        self._shrinkage = 1.0 / (self._eliminated.counts + self._eliminated.penalty)  # D_u
        self._is_direct = self._kept.penalty == math.inf
        self._incidence = incidence
        self._known_coupling: FloatArray | None = None
        self._level = dot(self._eliminated.counts, self._shrinkage)  # s

    def solve(self, right: ErrorSums, start: Parameters, tolerance: float) -> Iterator[Step]:
        """Yield each step, at least one, of preconditioned conjugate gradients; one pass each.

        Ends when ‖f - K b‖ is at most ``tolerance`` times ‖f‖, for fine tolerances by a residual
        that is computed afresh, or where rounding allows nothing better.

        Args:
            right: the right-hand side, R, R_u and R_i.
            start: where to begin; only the side that is kept counts.
            tolerance: relative, 0 or more.
        """
        reduced = self._reduced(np.asarray(right.total), right.user, right.item)
        if self._is_direct:
            yield self._step(reduced, self._nothing(reduced))
            return
        # f may be the small difference of large sums, and then it is mostly rounding.
        goal = max(tolerance * norm(reduced.f), _ROUNDING * norm(reduced.kept_sums))
        state, known, has_stepped = self._begun(reduced, start), math.inf, False
        while norm(state.residual) > goal and norm(state.residual) < known / 2:
            known = norm(state.residual)
            steps = conjugate_gradients(self._product, self._weights, state, np.asarray(goal))
            for state in steps:
                has_stepped = True
                yield self._step(reduced, state)
            if tolerance >= _DRIFT:
                return
            _, of_all = self._product(state.x)
            state = State(state.x, state.half, reduced.f - of_all)
        if not has_stepped:  # the kept side was right from the start
            yield self._step(reduced, state)

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
        level, sums, goals = reduced.level, reduced.eliminated_sums, tolerance * norms(reduced.f)
        last = deque([self._nothing(reduced)], maxlen=1)
        del user, item, reduced  # many long vectors, of which the iteration needs few
        if not self._is_direct:
            last.extend(conjugate_gradients(self._product, self._weights, last[0], goals))
        state = last.pop()
        alpha, eliminated = self._solved_back(level, sums, state)
        return alpha, *self._sides(eliminated, state.x)

    def _nothing(self, reduced: _Reduced) -> State:
        """The state at b = 0."""
        return State(
            np.zeros_like(reduced.kept_sums), np.zeros_like(reduced.eliminated_sums), reduced.f
        )

    def _begun(self, reduced: _Reduced, start: Parameters) -> State:
        """The state at these parameters; at a cold start it costs no products."""
        _, b = self._sides(start.user_bias, start.item_bias)
        if not b.any():
            return self._nothing(reduced)
        of_eliminated, of_all = self._product(b)
        return State(b, of_eliminated, reduced.f - of_all)

    def _reduced(self, total: FloatArray, user: FloatArray, item: FloatArray) -> _Reduced:
        eliminated_sums, kept_sums = self._sides(user, item)
        if self._level == 0:  # both λ's are infinite
            return _Reduced(eliminated_sums, kept_sums, total / self._n, np.zeros_like(kept_sums))
        level = dots(eliminated_sums, self._shrinkage) / self._level  # α₀
        excess = total - eliminated_sums.sum(axis=-1)
        rounding = _ROUNDING * eliminated_sums.shape[-1] * np.abs(eliminated_sums).sum(axis=-1)
        if (np.abs(excess) > rounding).any():
            level = level + excess / (self._eliminated.penalty * self._level)
        if self._is_direct:
            return _Reduced(eliminated_sums, kept_sums, level, np.zeros_like(kept_sums))
        f = kept_sums - self._around(eliminated_sums)
        f -= column(self._eliminated.penalty * level) * self._coupling()
        return _Reduced(eliminated_sums, kept_sums, level, f)

    def _solved_back(
        self, level: FloatArray, eliminated_sums: FloatArray, state: State
    ) -> tuple[FloatArray, FloatArray]:
        """α and the eliminated side, solved for the other."""
        alpha = level
        if not self._is_direct:
            alpha = alpha - dots(state.x, self._coupling()) / self._level
        # In place, as there may be many users, and several rows of them.
        sums = np.asarray(self._eliminated.counts * column(alpha))
        np.subtract(eliminated_sums, sums, out=sums)
        sums -= state.half
        sums *= self._shrinkage
        return alpha, sums

    def _step(self, reduced: _Reduced, state: State) -> Step:
        alpha, eliminated = self._solved_back(reduced.level, reduced.eliminated_sums, state)
        eliminated_errors = _pull(self._eliminated.penalty, eliminated)
        kept_errors = _pull(self._kept.penalty, state.x) + state.residual
        user, item = self._sides(eliminated_errors, kept_errors)
        known = eliminated_errors if self._is_direct else user
        errors = ErrorSums(float(known.sum()), user, item)
        return Step(Parameters(float(alpha), *self._sides(eliminated, state.x)), errors)

    def _coupling(self) -> FloatArray:
        """The vector g."""
        if self._known_coupling is None:
            self._known_coupling = self._kept.product(self._shrinkage)
        return self._known_coupling

    def _around(self, sums: FloatArray) -> FloatArray:
        """Aᵀ D_u of sums by the eliminated side, with g in the same pass if it is not known yet."""
        if self._known_coupling is not None:
            return self._kept.product(self._shrinkage * sums)
        rows = np.atleast_2d(sums)
        vectors = np.empty((len(rows) + 1, rows.shape[1]))
        np.multiply(self._shrinkage, rows, out=vectors[:-1])
        vectors[-1] = self._shrinkage
        of_kept = self._kept.product(vectors)
        self._known_coupling = of_kept[-1]
        return of_kept[:-1].reshape(*sums.shape[:-1], -1)

    def _product(self, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """A b and K b."""
        if self._keeps_items:
            of_eliminated, around = self._incidence.both(b, weights=self._shrinkage)
        else:
            of_eliminated = self._eliminated.product(b)
            around = self._kept.product(self._shrinkage * of_eliminated)
        coupling = self._coupling()
        rank_one = self._eliminated.penalty * dots(b, coupling) / self._level
        of_all = self._weights * b
        of_all -= around
        del around
        of_all -= column(rank_one) * coupling
        return of_eliminated, of_all

    def _sides(self, one: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
        """From (user, item) to (eliminated, kept) and back: both ways the same exchange or none."""
        return (one, other) if self._keeps_items else (other, one)


def _pull(penalty: float, bias: FloatArray) -> FloatArray:
    """λ b; 0 where λ is infinite."""
    return np.zeros_like(bias) if penalty == math.inf else penalty * bias
