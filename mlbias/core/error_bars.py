"""Error bars: posterior standard deviations of the biases, for the price of two products.

To second order, with D = 1/(c + λ) and the exact variance of the level that all users share,

    Var(b_u) ≈ σ² (D_u + D_u² (A D_i)_u + 1/(n_users λ_u)),   at most σ_u² = σ²/λ_u

and the items alike; traces.py has the same expansion, added up.
"""

import math

import numpy as np

from mlbias.core.dense import DenseInverse
from mlbias.core.model import Penalty
from mlbias.core.repeats import Repeats
from mlbias.core.statistics import Incidence
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray


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
