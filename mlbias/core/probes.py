"""Traces of M⁻¹ checked by random signs: what the expansion leaves out, measured.

For a vector z of signs, zᵀ M⁻¹ z has the trace of the block for its mean (M. F. Hutchinson, A
stochastic estimator of the trace of the influence matrix, Communications in Statistics 19, 1990).
The same form of the expansion is subtracted, so that only what it leaves out is estimated; where
that is small, so is the noise.
"""

from dataclasses import dataclass

import numpy as np

from mlbias.core.model import Penalty, Problem
from mlbias.core.normal_equations import NormalEquations
from mlbias.core.statistics import Incidence
from mlbias.core.traces import expanded_blocks
from mlbias.core.vectors import FloatArray, dot

# Probes of each side in one solve: more at once cost memory and gain nothing.
_AT_ONCE = 4
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
    s = incidence.statistics
    equations = NormalEquations(Problem(incidence, penalty))
    user_block, item_block = expanded_blocks(incidence, penalty)
    users, items = np.zeros(n_probes), np.zeros(n_probes)
    for first in range(0, n_probes, _AT_ONCE):
        here = range(first, min(first + _AT_ONCE, n_probes))
        signs = np.array([_signs(k, s.n_users + s.n_items) for k in here])
        user_signs, item_signs = np.split(signs, [s.n_users], axis=1)
        user, item = equations.solve_rows(
            np.concatenate([user_signs, np.zeros_like(user_signs)]),
            np.concatenate([np.zeros_like(item_signs), item_signs]),
        )
        for row, k in enumerate(here):
            users[k] = dot(user_signs[row], user[row]) - user_block.form(user_signs[row])
            solved = item[len(here) + row]
            items[k] = dot(item_signs[row], solved) - item_block.form(item_signs[row])
    return Remainders(users, items)


def _signs(number: int, size: int) -> FloatArray:
    """The probe of this number, each of its own seed, so that more probes begin with the same."""
    bits = np.random.PCG64([_SEED, number]).random_raw(size) >> np.uint64(63)
    return np.asarray(bits, dtype=np.float64) * 2 - 1
