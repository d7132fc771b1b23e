"""Traces of M⁻¹ checked by random signs: what the expansion leaves out, measured.

For a vector z of signs, zᵀ M⁻¹ z has the trace of the block for its mean (M. F. Hutchinson, A
stochastic estimator of the trace of the influence matrix, Communications in Statistics 19, 1990).
The same form of the expansion is subtracted, so that only what it leaves out is estimated; where
that is small, so is the noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlbias.core.model import ErrorSums, Penalty, Problem
from mlbias.core.normal_equations import NormalEquations
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray, dot

_SOLVE_TOLERANCE = 1e-3
_SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Remainders:
    """What the expansion of a trace leaves out, by each probe: (k,) of the users, of the items."""

    user: FloatArray
    item: FloatArray

    def means(self) -> tuple[float, float]:
        """The estimates."""
        return float(self.user.mean()), float(self.item.mean())

    def errors(self) -> tuple[float, float]:
        """Their standard errors."""
        k = len(self.user)
        return float(self.user.std(ddof=1)) / k**0.5, float(self.item.std(ddof=1)) / k**0.5


def remainders(incidence: Incidence, penalty: Penalty, n_probes: int) -> Remainders:
    """Probe each block so often, two or more, always with the same signs."""
    problem = Problem(incidence, penalty)
    s, equations, start = problem.statistics, NormalEquations(problem), problem.start()
    of_user, of_item = 1 / (s.user_counts + penalty.user), 1 / (s.item_counts + penalty.item)
    user_block = _Block(of_user, of_item, incidence.per_item, penalty.user)
    item_block = _Block(of_item, of_user, incidence.per_user, penalty.item)
    no_users, no_items = np.zeros(s.n_users), np.zeros(s.n_items)
    users, items = np.zeros(n_probes), np.zeros(n_probes)
    for k in range(n_probes):
        user_signs, item_signs = np.split(_signs(k, s.n_users + s.n_items), [s.n_users])
        *_, step = equations.solve(ErrorSums(0.0, user_signs, no_items), start, _SOLVE_TOLERANCE)
        users[k] = dot(user_signs, step.parameters.user_bias) - user_block.form(user_signs)
        *_, step = equations.solve(ErrorSums(0.0, no_users, item_signs), start, _SOLVE_TOLERANCE)
        items[k] = dot(item_signs, step.parameters.item_bias) - item_block.form(item_signs)
    return Remainders(users, items)


def _signs(number: int, size: int) -> FloatArray:
    """The probe of this number, each of its own seed, so that more probes begin with the same."""
    bits = np.random.PCG64([_SEED, number]).random_raw(size) >> np.uint64(63)
    return np.asarray(bits, dtype=np.float64) * 2 - 1


class _Block:
    """The expansion X of one side's block of M⁻¹, whose trace traces.py has.

    Args:
        own, other: D of this side and of the other.
        to_other: sums of this side's vector for the other.
        penalty: this side's λ.
    """

    def __init__(
        self,
        own: FloatArray,
        other: FloatArray,
        to_other: Callable[[FloatArray], FloatArray],
        penalty: float,
    ) -> None:
        self._own, self._other, self._to_other = own, other, to_other
        around = to_other(own)
        held = (float(own.sum()) + dot(other, around * around)) / len(own)
        self._level = (1 / penalty - held) / len(own)

    def form(self, z: FloatArray) -> float:
        """zᵀ X z."""
        through = self._to_other(self._own * z)
        total = float(z.sum())
        return (
            dot(self._own, z * z)
            + dot(self._other, through * through)
            + self._level * total * total
        )
