"""Where a variance component is 0, its biases are no parameters and the rest is in closed form.

With the items' biases held at 0, M has α and the users alone. With D = 1/(c_u + λ_u), s = c_u·D,
and g = Aᵀ D,

    log|M| = log(λ_u s) - Σ log D
    T_u = λ_u s - λ_u Σ (c_u D)²/s
    T_i = n - Σ_i (A²ᵀ D)_i - λ_u ‖g‖²/s

where A² has the squares of A's entries; and likewise with the users' biases held at 0. With both
held, M is n alone: T_u = n - Σ c_u²/n, T_i = n - Σ c_i²/n.
"""

import math

import numpy as np

from mlbias.core.equations.repeated_pairs import RepeatedPairs
from mlbias.core.model import Penalty
from mlbias.core.statistics import Incidence, Statistics
from mlbias.core.vectors import FloatArray, dot


def determinant_at_zero(s: Statistics, penalty: Penalty) -> float:
    """log|M| where one λ is infinite, or both are."""
    if penalty.user == math.inf and penalty.item == math.inf:
        return math.log(s.n_ratings)
    counts, finite = (
        (s.user_counts, penalty.user) if penalty.item == math.inf else (s.item_counts, penalty.item)
    )
    weights = counts + finite
    return math.log(finite * float((counts / weights).sum())) + float(np.log(weights).sum())


def expected_at_zero(incidence: Incidence, penalty: Penalty) -> FloatArray:
    """T_u and T_i, (2,), where one λ is infinite, or both are."""
    s, n = incidence.statistics, incidence.statistics.n_ratings
    if penalty.user == math.inf and penalty.item == math.inf:
        counts = s.user_counts, s.item_counts
        return np.array([n - dot(own, own) / n for own in counts])
    repeated = RepeatedPairs.of(incidence)
    if penalty.item == math.inf:
        shrinkage = 1 / (s.user_counts + penalty.user)
        around = incidence.per_item(shrinkage)
        squared = repeated.squared_per_item(shrinkage, around)
        return np.array(_expected(s.user_counts, shrinkage, penalty.user, around, squared))
    shrinkage = 1 / (s.item_counts + penalty.item)
    around = incidence.per_user(shrinkage)
    squared = repeated.squared_per_user(shrinkage, around)
    return np.array(_expected(s.item_counts, shrinkage, penalty.item, around, squared)[::-1])


def diagonals_at_zero(s: Statistics, penalty: Penalty) -> tuple[FloatArray, FloatArray]:
    """The diagonal of M⁻¹ for the users and for the items; 0 for a side that is held at 0."""
    return _diagonal(s.user_counts, penalty.user), _diagonal(s.item_counts, penalty.item)


def _diagonal(counts: FloatArray, penalty: float) -> FloatArray:
    """D + (c D)²/(λ s)."""
    if penalty == math.inf:
        return np.zeros_like(counts)
    share = counts / (counts + penalty)
    return 1 / (counts + penalty) + share * share / (penalty * float(share.sum()))


def _expected(
    counts: FloatArray,
    shrinkage: FloatArray,
    penalty: float,
    around: FloatArray,
    squared: FloatArray,
) -> list[float]:
    """T of the side that is free, and of the one that is held at 0."""
    share = counts * shrinkage
    level = float(share.sum())
    free = penalty * (level - dot(share, share) / level)
    held = float(counts.sum()) - float(squared.sum()) - penalty * dot(around, around) / level
    return [free, held]
