"""Traces of the users' and the items' block of M⁻¹, by an expansion that needs two products.

With D = 1/(c + λ), to second order in A, and with the slowest mode (all users up, all items down)
put right: M (0, 1, 0) - M (1, 0, 0) = (0, λ_u 1, 0), so that this mode has exactly 1/λ_u, while
the terms before already hold the bracket's share of it:

    tr_u ≈ Σ D_u + Σ D_u² (A² D_i) + 1/λ_u - [Σ D_u + Σ_i D_i (Aᵀ D_u)_i²] / n_users

and likewise for the items; A² squares each entry, which differs where a pair was rated twice. What
is left out is never negative.
"""

from dataclasses import dataclass

import numpy as np

from mlbias.core.equations.repeated_pairs import RepeatedPairs
from mlbias.core.model import Penalty
from mlbias.core.reml.inverse import Traces
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray, dot


def expanded_traces(incidence: Incidence, penalty: Penalty) -> Traces:
    """tr_u and tr_i for λ's above 0."""
    s = incidence.statistics
    of_user, of_item = 1 / (s.user_counts + penalty.user), 1 / (s.item_counts + penalty.item)
    around_user, around_item = incidence.both(of_item, of_user)
    repeated = RepeatedPairs.of(incidence)
    squared_user = repeated.squared_per_user(of_item, around_user)
    squared_item = repeated.squared_per_item(of_user, around_item)
    return Traces(
        _trace(of_user, squared_user, of_item, around_item, penalty.user),
        _trace(of_item, squared_item, of_user, around_user, penalty.item),
    )


def _trace(
    own: FloatArray, around: FloatArray, other: FloatArray, around_other: FloatArray, penalty: float
) -> float:
    """One side's: its D, the other's D summed around it by A², and both the other way by A."""
    held = _held(own, other, around_other)
    return float(own.sum()) + dot(own * own, around) + 1 / penalty - held


@dataclass(frozen=True, slots=True)
class _Block:
    """The expansion X of one side's block of M⁻¹, whose trace is above.

    Args:
        own, other: D of this side and of the other.
        level: what every entry has in common.
    """

    own: FloatArray
    other: FloatArray
    level: float

    def form(self, z: FloatArray, through: FloatArray) -> float:
        """zᵀ X z for a vector of this side, and sums of D z for the other side."""
        total = float(z.sum())
        return (
            dot(self.own, z * z) + dot(self.other, through * through) + self.level * total * total
        )


def expanded_forms(
    incidence: Incidence, penalty: Penalty, user_signs: FloatArray, item_signs: FloatArray
) -> tuple[list[float], list[float]]:
    """zᵀ X z of both blocks, for λ's above 0, for (k, n_users) and (k, n_items); costs a pass."""
    s = incidence.statistics
    user, item = 1 / (s.user_counts + penalty.user), 1 / (s.item_counts + penalty.item)
    users, items = np.vstack([user, user * user_signs]), np.vstack([item, item * item_signs])
    to_users, to_items = incidence.both(items, users)
    of_user = _block(user, item, to_items[0], penalty.user)
    of_item = _block(item, user, to_users[0], penalty.item)
    return (
        [of_user.form(z, sums) for z, sums in zip(user_signs, to_items[1:], strict=True)],
        [of_item.form(z, sums) for z, sums in zip(item_signs, to_users[1:], strict=True)],
    )


def _block(own: FloatArray, other: FloatArray, around_other: FloatArray, penalty: float) -> _Block:
    return _Block(own, other, (1 / penalty - _held(own, other, around_other)) / len(own))


def _held(own: FloatArray, other: FloatArray, around_other: FloatArray) -> float:
    """The share of the slowest mode that the other terms hold already: the bracket."""
    return (float(own.sum()) + dot(other, around_other * around_other)) / len(own)
