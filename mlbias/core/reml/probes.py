"""Traces of M⁻¹ where no exact inverse is at hand: the expansion, and probes of what it leaves out.

For a vector z of random signs, zᵀ M⁻¹ z has the trace of the block for its mean (M. F. Hutchinson,
A stochastic estimator of the trace of the influence matrix, Communications in Statistics 19, 1990).
The same form of the expansion is subtracted, so that only what it leaves out is estimated; where
that is small, so is the noise. The signs are the same at all λ's (common random numbers), so that
the estimate is a smooth function of them and its root can be searched for.
"""

from dataclasses import dataclass

import numpy as np

from mlbias.core.equations.normal_equations import NormalEquations
from mlbias.core.model import Penalty, Problem
from mlbias.core.reml.inverse import Traces
from mlbias.core.reml.traces import expanded_forms, expanded_traces
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray, among_zeros, dot, rows_at_once

# Probes of each side in one solve: more at once cost memory and gain nothing.
_AT_ONCE = 4
_SEED = 20_240_229
# zᵀ M⁻¹ z is off by about the square of this.
_TOLERANCE = 3e-3


@dataclass(frozen=True, slots=True)
class Remainders:
    """What the expansion of a trace leaves out, by each probe.

    Attributes:
        user: (k,) of the users' block.
        item: (k,) of the items' block.
    """

    user: FloatArray
    item: FloatArray

    def means(self) -> FloatArray:
        """The estimates, (2,)."""
        return np.array([self.user.mean(), self.item.mean()])

    def errors(self) -> FloatArray:
        """Their standard errors, (2,)."""
        return np.array([of.std(ddof=1) / len(of) ** 0.5 for of in (self.user, self.item)])


class ProbedTraces:
    """tr_u and tr_i at λ's above 0, always with the same probes.

    Args:
        incidence: of the ratings.
        n_probes: of each block, 2 or more.
    """

    def __init__(self, incidence: Incidence, n_probes: int) -> None:
        self._incidence, self._n_probes = incidence, n_probes
        self._penalty: Penalty | None = None
        self._remainders: Remainders | None = None

    def __call__(self, penalty: Penalty) -> Traces:
        """The expansion and the mean of what it leaves out."""
        expanded = expanded_traces(self._incidence, penalty)
        user, item = self.remainders(penalty).means().tolist()
        return Traces(expanded.user + user, expanded.item + item)

    def remainders(self, penalty: Penalty) -> Remainders:
        """By each probe; those of the last λ's are kept."""
        if self._remainders is None or penalty != self._penalty:
            self._remainders = remainders(self._incidence, penalty, self._n_probes)
            self._penalty = penalty
        return self._remainders


def remainders(incidence: Incidence, penalty: Penalty, n_probes: int) -> Remainders:
    """Probe each block so often, two or more, always with the same signs."""
    s = incidence.statistics
    equations = NormalEquations(Problem(incidence, penalty))
    users, items = np.zeros(n_probes), np.zeros(n_probes)
    at_once = rows_at_once(2 * (s.n_users + s.n_items), _AT_ONCE, s.n_ratings)
    for first in range(0, n_probes, at_once):
        here = range(first, min(first + at_once, n_probes))
        user_signs, item_signs = (np.empty((len(here), n)) for n in (s.n_users, s.n_items))
        for row, k in enumerate(here):
            user_signs[row], item_signs[row] = np.split(
                _signs(k, s.n_users + s.n_items), [s.n_users]
            )
        users[first : here.stop], items[first : here.stop] = _forms(
            equations, user_signs, item_signs
        )
        of_users, of_items = expanded_forms(incidence, penalty, user_signs, item_signs)
        users[first : here.stop] -= of_users
        items[first : here.stop] -= of_items
    return Remainders(users, items)


def _forms(
    equations: NormalEquations, user: FloatArray, item: FloatArray
) -> tuple[list[float], list[float]]:
    """zᵀ M⁻¹ z of the users' and of the items' probes, (k, n_users) and (k, n_items)."""
    k = len(user)
    _, of_users, of_items = equations.solve_rows(
        np.zeros(2 * k), among_zeros(user, 0, 2 * k), among_zeros(item, k, 2 * k), _TOLERANCE
    )
    return (
        [dot(z, x) for z, x in zip(user, of_users[:k], strict=True)],
        [dot(z, x) for z, x in zip(item, of_items[k:], strict=True)],
    )


def _signs(number: int, size: int) -> FloatArray:
    """The probe of this number, each of its own seed, so that more probes begin with the same."""
    bits = np.random.PCG64([_SEED, number]).random_raw(size) >> np.uint64(63)
    return np.asarray(bits, dtype=np.float64) * 2 - 1
