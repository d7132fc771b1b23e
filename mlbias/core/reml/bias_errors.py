"""Error bars: posterior standard deviations of α and of the biases.

They are the diagonal of σ² M⁻¹, from an exact inverse where the ratings allow one. Elsewhere, to
second order, with D = 1/(c + λ) and the exact variance of the level that all users share,

    Var(b_u) ≈ σ² (D_u + D_u² (A D_i)_u + 1/(n_users λ_u)),   at most σ_u² = σ²/λ_u

and likewise for the items, at the price of two products; traces.py has the same expansion, added
up.
"""

import math
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from mlbias.core.equations.normal_equations import NormalEquations
from mlbias.core.equations.repeated_pairs import RepeatedPairs
from mlbias.core.model import Penalty, Problem
from mlbias.core.reml.boundary import diagonals_at_zero
from mlbias.core.reml.exact_inverse import exact_inverse
from mlbias.core.reml.inverse import Inverse
from mlbias.core.statistics import Incidence
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray

_SAMPLED = 3
# (M⁻¹)_αα is off by about the square of this.
_FORM_TOLERANCE = 1e-4


def error_bars(
    incidence: Incidence,
    penalty: Penalty,
    variance: float,
    inverse: Inverse | None = None,
) -> Uncertainty:
    """The uncertainty of the optimum at λ's above 0, infinite ones included.

    Args:
        incidence: of the ratings.
        penalty: on the scale of sums.
        variance: σ², of a rating around its level.
        inverse: M⁻¹ at these λ's, if it is known already.
    """
    is_held = math.inf in (penalty.user, penalty.item)
    if inverse is None and not is_held:
        exact = exact_inverse(incidence)
        with suppress(np.linalg.LinAlgError):  # λ's next to 0
            inverse = None if exact is None else exact.at(penalty)
    if is_held:
        user, item = diagonals_at_zero(incidence.statistics, penalty)
    else:
        user, item = _expanded(incidence, penalty) if inverse is None else inverse.diagonals()
    return Uncertainty(
        sigma=math.sqrt(variance),
        sigma_user=math.sqrt(variance / penalty.user),
        sigma_item=math.sqrt(variance / penalty.item),
        user_stderr=np.sqrt(variance * np.minimum(user, 1 / penalty.user)),
        item_stderr=np.sqrt(variance * np.minimum(item, 1 / penalty.item)),
        alpha_stderr=math.sqrt(variance * alpha_variance(incidence, penalty, inverse)),
    )


def alpha_variance(incidence: Incidence, penalty: Penalty, inverse: Inverse | None = None) -> float:
    """(M⁻¹)_αα; times σ² it is the variance of α."""
    if inverse is not None:
        return inverse.alpha_variance()
    s = incidence.statistics
    nothing = np.zeros((1, s.n_users)), np.zeros((1, s.n_items))
    equations = NormalEquations(Problem(incidence, penalty))
    alpha, _, _ = equations.solve_rows(np.ones(1), *nothing, _FORM_TOLERANCE)
    return float(alpha[0])


def sampled_errors(incidence: Incidence, penalty: Penalty) -> tuple[float, float]:
    """How far the error bars of a few users and of a few items are off at most, relatively.

    The ones with the fewest, with middling and with the most ratings; the last are mostly the
    worst. Each one's own entry of M⁻¹ is solved for.
    """
    s = incidence.statistics
    expanded = _expanded(incidence, penalty)
    users, items = _sample(s.user_counts), _sample(s.item_counts)
    right_user = np.zeros((len(users) + len(items), s.n_users))
    right_item = np.zeros((len(users) + len(items), s.n_items))
    user_rows, item_rows = np.split(np.arange(len(right_user)), [len(users)])
    right_user[user_rows, users] = right_item[item_rows, items] = 1
    equations = NormalEquations(Problem(incidence, penalty))
    _, user, item = equations.solve_rows(np.zeros(len(right_user)), right_user, right_item)
    return (
        _furthest(expanded[0][users], user[user_rows, users], penalty.user),
        _furthest(expanded[1][items], item[item_rows, items], penalty.item),
    )


def _sample(counts: FloatArray) -> NDArray[np.intp]:
    """Positions of a few, from the smallest count to the largest."""
    ranks = np.unique(np.linspace(0, len(counts) - 1, _SAMPLED).round().astype(int))
    return np.asarray(np.argsort(counts, kind="stable")[ranks])


def _furthest(variances: FloatArray, exact: FloatArray, penalty: float) -> float:
    """The largest relative error of the standard deviations."""
    return float(np.abs(np.sqrt(np.minimum(variances, 1 / penalty) / exact) - 1).max())


def _expanded(incidence: Incidence, penalty: Penalty) -> tuple[FloatArray, FloatArray]:
    """The variances in units of σ²."""
    s = incidence.statistics
    repeated = RepeatedPairs.of(incidence)
    user, item = 1 / (s.user_counts + penalty.user), 1 / (s.item_counts + penalty.item)
    around_user = repeated.squared_per_user(item, incidence.per_user(item))
    around_item = repeated.squared_per_item(user, incidence.per_item(user))
    return (
        user + user * user * around_user + 1 / (s.n_users * penalty.user),
        item + item * item * around_item + 1 / (s.n_items * penalty.item),
    )
