"""The entries of M⁻¹ that error bars and leverages need: its diagonal, and xᵀ M⁻¹ x of a rating.

x has a 1 for α, for the user and for the item; the leverage is w_u xᵀ M⁻¹ x, w_u = 1 where ratings
have no weights. Where the ratings allow an inverse or a side is held
at 0 all is exact. Elsewhere it is to second order: with D = 1/(c + λ), and the level that all users
share put right, the diagonal is

    (M⁻¹)_uu ≈ D_u + D_u² (A² D_i)_u + 1/(n_users λ_u)

and likewise for the items; traces.py has the same expansion, added up. For xᵀ M⁻¹ x all other users
and items are eliminated as if nothing linked them, which leaves two equations, and α exactly: with
its row m = M⁻¹ (1, 0, 0), which is solved for, and A_ui = 1 without weights,

    a = c_u + λ_u - Σ_{j≠i} A_uj² D_j,   b = c_i + λ_i - Σ_{v≠u} A_vi² D_v
    xᵀ M⁻¹ x ≈ (a + b - 2)/(a b - 1) + (m_α + m_u + m_i)²/m_α
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from mlbias.core.equations.normal_equations import NormalEquations
from mlbias.core.equations.repeated_pairs import PairValues, Places, RepeatedPairs
from mlbias.core.model import ErrorSums, Penalty, Problem
from mlbias.core.reml.boundary import diagonals_at_zero
from mlbias.core.reml.exact_inverse import ExactInverse
from mlbias.core.reml.inverse import Inverse
from mlbias.core.reml.leverages import ExactLeverages, ExpandedLeverages, Leverages
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray

# (M⁻¹)_αα is off by about the square of this.
_FORM_TOLERANCE = 1e-4

EntriesBy = Literal["exact", "expansion"]
_EXACT: EntriesBy = "exact"


@dataclass(frozen=True, slots=True)
class Posterior:
    """Entries of M⁻¹; times σ² they are posterior variances and covariances.

    Attributes:
        alpha: (M⁻¹)_αα.
        alpha_user, alpha_item: (M⁻¹)_αu and (M⁻¹)_αi, (n_users,) and (n_items,).
        user, item: the diagonal, (n_users,) and (n_items,).
        leverages: from positions of users and items that were rated together, (k,) each, to theirs.
        by: whether all this is exact, or the expansion.
    """

    alpha: float
    alpha_user: FloatArray
    alpha_item: FloatArray
    user: FloatArray
    item: FloatArray
    leverages: Leverages
    by: EntriesBy

    def at(self, users: Places, items: Places) -> "Posterior":
        """Of the users and items at these positions, ascending, numbered anew."""
        sides = self.alpha_user[users], self.alpha_item[items], self.user[users], self.item[items]
        return Posterior(self.alpha, *sides, self.leverages.at(users, items), self.by)


@dataclass(frozen=True, slots=True)
class _Row:
    """M⁻¹ (1, 0, 0)."""

    alpha: float
    user: FloatArray
    item: FloatArray


def posterior(incidence: Incidence, penalty: Penalty, inverse: Inverse | None = None) -> Posterior:
    """The entries at λ's above 0, infinite ones included.

    Args:
        incidence: of the ratings.
        penalty: on the scale of sums.
        inverse: M⁻¹ at these λ's; without it, and with no side held at 0, the entries are expanded.
    """
    row = _row_of_alpha(incidence, penalty, inverse)
    weights, by = incidence.statistics.weights, _EXACT
    if math.inf in (penalty.user, penalty.item):
        user, item = diagonals_at_zero(incidence.statistics, penalty)
        leverages = _exact_leverages(row, user, item, None, weights)
    elif inverse is not None:
        user, item = inverse.diagonals()
        leverages = _exact_leverages(row, user, item, inverse.pairs(), weights)
    else:
        second = _SecondOrder.of(incidence, penalty)
        user, item = second.diagonals(penalty)
        leverages, by = _expanded_leverages(incidence, penalty, second, row), "expansion"
    return Posterior(row.alpha, row.user, row.item, user, item, leverages, by)


def inverse_at(exact: ExactInverse | None, penalty: Penalty) -> Inverse | None:
    """M⁻¹, if there is a way to it; None at λ's that have none, too."""
    if exact is None or math.inf in (penalty.user, penalty.item):
        return None
    try:
        return exact.at(penalty)
    except np.linalg.LinAlgError:  # λ's next to 0
        return None


def alpha_variance(incidence: Incidence, penalty: Penalty, inverse: Inverse | None = None) -> float:
    """(M⁻¹)_αα; times σ² it is the variance of α."""
    if inverse is not None:
        return inverse.alpha_variance()
    return _row_of_alpha(incidence, penalty, None).alpha


def expanded_diagonals(incidence: Incidence, penalty: Penalty) -> tuple[FloatArray, FloatArray]:
    """The diagonal of M⁻¹ to second order, (n_users,) and (n_items,); costs a pass."""
    return _SecondOrder.of(incidence, penalty).diagonals(penalty)


@dataclass(frozen=True, slots=True)
class _SecondOrder:
    """D_u and D_i, and A² D_i and A²ᵀ D_u around them."""

    user: FloatArray
    item: FloatArray
    around_user: FloatArray
    around_item: FloatArray

    @classmethod
    def of(cls, incidence: Incidence, penalty: Penalty) -> "_SecondOrder":
        s, repeated = incidence.statistics, RepeatedPairs.of(incidence)
        user, item = 1 / (s.user_counts + penalty.user), 1 / (s.item_counts + penalty.item)
        return cls(user, item, *repeated.squared(item, user))

    def diagonals(self, penalty: Penalty) -> tuple[FloatArray, FloatArray]:
        """Of M⁻¹, at most those without any rating."""
        return (
            _diagonal(self.user, self.around_user, penalty.user),
            _diagonal(self.item, self.around_item, penalty.item),
        )


def _diagonal(own: FloatArray, around: FloatArray, penalty: float) -> FloatArray:
    return np.minimum(own + own * own * around + 1 / (len(own) * penalty), 1 / penalty)


def _row_of_alpha(incidence: Incidence, penalty: Penalty, inverse: Inverse | None) -> _Row:
    s = incidence.statistics
    if inverse is not None:
        row = inverse.solve(ErrorSums(1.0, np.zeros(s.n_users), np.zeros(s.n_items)))
        return _Row(inverse.alpha_variance(), row.user_bias, row.item_bias)
    nothing = np.zeros((1, s.n_users)), np.zeros((1, s.n_items))
    equations = NormalEquations(Problem(incidence, penalty))
    alpha, user, item = equations.solve_rows(np.ones(1), *nothing, _FORM_TOLERANCE)
    return _Row(float(alpha[0]), user[0], item[0])


def _exact_leverages(
    row: _Row,
    user: FloatArray,
    item: FloatArray,
    entries: csr_array | None,
    weights: FloatArray | None,
) -> Leverages:
    """From the entries of M⁻¹; without any between users and items where a side is held at 0."""
    across = None
    if entries is not None:
        entries.sort_indices()
        rows = np.repeat(np.arange(len(user)), np.diff(entries.indptr))
        across = PairValues(rows * len(item) + entries.indices, entries.data, len(item))
    sides = user + 2 * row.user, item + 2 * row.item
    return ExactLeverages(row.alpha, *sides, across, weights)


def _expanded_leverages(
    incidence: Incidence, penalty: Penalty, second: _SecondOrder, row: _Row
) -> Leverages:
    """With all but α, the user and the item eliminated by themselves, and α exactly."""
    root = math.sqrt(row.alpha)
    return ExpandedLeverages(
        most=row.alpha + 1 / penalty.user + 1 / penalty.item,
        own_user=1 / second.user - second.around_user,
        own_item=1 / second.item - second.around_item,
        user=second.user,
        item=second.item,
        user_level=root + row.user / root,
        item_level=row.item / root,
        entry=RepeatedPairs.of(incidence).entries(),
        weights=incidence.statistics.weights,
    )
