"""Traces of the users' and the items' block of M⁻¹, by an expansion that needs two products.

With D = 1/(c + λ), to second order in A, and with the slowest mode (all users up, all items down)
put right: M (0, 1, 0) - M (1, 0, 0) = (0, λ_u 1, 0), so that this mode has exactly 1/λ_u, while
the terms before already hold the bracket's share of it:

    tr_u ≈ Σ D_u + Σ D_u² (A² D_i) + 1/λ_u - [Σ D_u + Σ_i D_i (Aᵀ D_u)_i²] / n_users

and likewise for the items; A² squares each entry, which differs where a pair was rated twice. What
is left out is never negative.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mlbias.core.equations.repeated_pairs import RepeatedPairs
from mlbias.core.model import Penalty
from mlbias.core.reml.inverse import Traces
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray, dot


def expanded_traces(incidence: Incidence, penalty: Penalty) -> Traces:
    """tr_u and tr_i for λ's above 0."""
    s = incidence.statistics
    of_user, of_item = 1 / (s.user_counts + penalty.user), 1 / (s.item_counts + penalty.item)
    around_user, around_item = incidence.per_user(of_item), incidence.per_item(of_user)
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
class ExpandedBlock:
    """The expansion X of one side's block of M⁻¹, whose trace is above.

    Args:
        own, other: D of this side and of the other.
        to_other: sums of this side's vector for the other.
        level: what every entry has in common.
    """

    own: FloatArray
    other: FloatArray
    to_other: Callable[[FloatArray], FloatArray]
    level: float

    def form(self, z: FloatArray) -> float:
        """zᵀ X z for a vector of this side."""
        through, total = self.to_other(self.own * z), float(z.sum())
        return (
            dot(self.own, z * z) + dot(self.other, through * through) + self.level * total * total
        )


def expanded_blocks(incidence: Incidence, penalty: Penalty) -> tuple[ExpandedBlock, ExpandedBlock]:
    """The users' and the items' block, for λ's above 0."""
    s = incidence.statistics
    user, item = 1 / (s.user_counts + penalty.user), 1 / (s.item_counts + penalty.item)
    return (
        _block(user, item, incidence.per_item, penalty.user),
        _block(item, user, incidence.per_user, penalty.item),
    )


def _block(
    own: FloatArray,
    other: FloatArray,
    to_other: Callable[[FloatArray], FloatArray],
    penalty: float,
) -> ExpandedBlock:
    level = (1 / penalty - _held(own, other, to_other(own))) / len(own)
    return ExpandedBlock(own, other, to_other, level)


def _held(own: FloatArray, other: FloatArray, around_other: FloatArray) -> float:
    """The share of the slowest mode that the other terms hold already: the bracket."""
    return (float(own.sum()) + dot(other, around_other * around_other)) / len(own)
