"""Whether the expansion of the traces may be trusted here, and what to do where it may not.

A graph of many barely connected communities has more slow modes than the one that the expansion
puts right. Probes (probes.py) measure what it leaves out; what that does to a λ follows from the
slope of the fixed point's map: a trace that is too low by Δ moves log λ by λ Δ / (n slope), n the
number of users or items.
"""

import math
from dataclasses import dataclass

from mlbias.core.model import Penalty
from mlbias.core.probes import Remainders, remainders
from mlbias.core.statistics import Incidence
from mlbias.core.traces import expanded_traces
from mlbias.core.variance_components import VarianceComponents, estimate

# A λ may be off by so much, or be known no better than this, relatively.
_TOLERABLE = 0.002
_PROBES, _MOST_PROBES = 4, 64


@dataclass(frozen=True, slots=True)
class Check:
    """By what the estimate was checked.

    Args:
        n_probes: of each side; 0 if a dense inverse made a check needless.
        lambda_user, lambda_item: by how much the λ's of the expansion are off, relatively.
        lambda_user_error, lambda_item_error: standard errors of that.
        is_corrected: whether the probes were used to put the λ's right.
    """

    n_probes: int
    lambda_user: float = 0.0
    lambda_item: float = 0.0
    lambda_user_error: float = 0.0
    lambda_item_error: float = 0.0
    is_corrected: bool = False

    @property
    def is_off(self) -> bool:
        """Whether a λ is off by more than is tolerable, beyond doubt."""
        return any(
            abs(off) > _TOLERABLE + 2 * error
            for off, error in (
                (self.lambda_user, self.lambda_user_error),
                (self.lambda_item, self.lambda_item_error),
            )
        )


def checked(incidence: Incidence, found: VarianceComponents) -> tuple[VarianceComponents, Check]:
    """The estimate as it is, or with traces that probes put right; and how that was told."""
    n_probes = _PROBES
    check = _check(incidence, found, _remainders(incidence, found, n_probes), n_probes)
    if not check.is_off:
        return found, check
    while True:
        corrected = estimate(incidence, _Corrected(n_probes), near=found)
        left = _remainders(incidence, corrected, n_probes)
        errors = _check(incidence, corrected, left, n_probes)
        worst = max(errors.lambda_user_error, errors.lambda_item_error)
        if worst <= _TOLERABLE or n_probes >= _MOST_PROBES:
            return corrected, Check(
                n_probes,
                (found.lambda_user or math.inf) / (corrected.lambda_user or math.inf) - 1,
                (found.lambda_item or math.inf) / (corrected.lambda_item or math.inf) - 1,
                errors.lambda_user_error,
                errors.lambda_item_error,
                is_corrected=True,
            )
        n_probes *= 2


class _Corrected:
    """The expansion of the traces plus what so many probes say that it leaves out."""

    def __init__(self, n_probes: int) -> None:
        self._n_probes = n_probes

    def __call__(self, incidence: Incidence, penalty: Penalty) -> tuple[float, float]:
        user, item = expanded_traces(incidence, penalty)
        more_user, more_item = remainders(incidence, penalty, self._n_probes).means()
        return user + more_user, item + more_item


def _remainders(incidence: Incidence, found: VarianceComponents, n_probes: int) -> Remainders:
    penalty = Penalty(found.lambda_user or 0.0, found.lambda_item or 0.0)
    return remainders(incidence, penalty, n_probes)


def _check(
    incidence: Incidence, found: VarianceComponents, left: Remainders, n_probes: int
) -> Check:
    s = incidence.statistics
    user = (found.lambda_user or 0.0) / s.n_users / -found.slopes[0]
    item = (found.lambda_item or 0.0) / s.n_items / -found.slopes[1]
    (left_user, left_item), (user_error, item_error) = left.means(), left.errors()
    return Check(n_probes, user * left_user, item * left_item, user * user_error, item * item_error)
