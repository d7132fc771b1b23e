"""Error bars: posterior standard deviations of the biases, for the price of two products.

To second order, with D = 1/(c + λ) and the exact variance of the level that all users share,

    Var(b_u) ≈ σ² (D_u + D_u² (A D_i)_u + 1/(n_users λ_u)),   at most σ_u² = σ²/λ_u

and the items alike; traces.py has the same expansion, added up.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mlbias.core.dense import DenseInverse
from mlbias.core.model import Penalty, Problem
from mlbias.core.normal_equations import NormalEquations
from mlbias.core.repeats import Repeats
from mlbias.core.statistics import Incidence
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray

_SAMPLED = 3


def error_bars(
    incidence: Incidence,
    penalty: Penalty,
    variance: float,
    inverse: DenseInverse | None = None,
) -> Uncertainty:
    """The uncertainty of the optimum at λ's above 0.

    Args:
        incidence: of the ratings.
        penalty: on the scale of sums.
        variance: σ², of a rating around its level.
        inverse: where there is one, it gives the exact variances.
    """
    user, item = _expanded(incidence, penalty) if inverse is None else inverse.diagonals(penalty)
    return Uncertainty(
        sigma=math.sqrt(variance),
        sigma_user=math.sqrt(variance / penalty.user),
        sigma_item=math.sqrt(variance / penalty.item),
        user_stderr=np.sqrt(variance * np.minimum(user, 1 / penalty.user)),
        item_stderr=np.sqrt(variance * np.minimum(item, 1 / penalty.item)),
    )


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
    user, item = equations.solve_rows(right_user, right_item)
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
    repeats = Repeats.of(incidence)
    user, item = 1 / (s.user_counts + penalty.user), 1 / (s.item_counts + penalty.item)
    around_user = repeats.squared_per_user(item, incidence.per_user(item))
    around_item = repeats.squared_per_item(user, incidence.per_item(user))
    return (
        user + user * user * around_user + 1 / (s.n_users * penalty.user),
        item + item * item * around_item + 1 / (s.n_items * penalty.item),
    )
