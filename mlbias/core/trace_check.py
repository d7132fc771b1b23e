"""Whether the expansion of the traces may be trusted here, and what to do where it may not.

A graph of many barely connected communities has more slow modes than the one that the expansion
puts right. Probes (probes.py) measure what it leaves out; what that does to the λ's follows from
the slopes of the fixed point's map: a trace that is too low by Δ makes the map's log λ too high by
λ Δ/n, n the number of users or items.
"""

from dataclasses import dataclass, replace

import numpy as np

from mlbias.core.error_bars import sampled_errors
from mlbias.core.model import Penalty
from mlbias.core.probes import Remainders, remainders
from mlbias.core.statistics import Incidence
from mlbias.core.traces import expanded_traces
from mlbias.core.variance_components import VarianceComponents, estimate, slopes

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
        user_stderr, item_stderr: by how much error bars of a few users and of a few items are off
            at most, relatively.
    """

    n_probes: int
    lambda_user: float = 0.0
    lambda_item: float = 0.0
    lambda_user_error: float = 0.0
    lambda_item_error: float = 0.0
    is_corrected: bool = False
    user_stderr: float = 0.0
    item_stderr: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether both λ's are known as well as they should be."""
        return max(self.lambda_user_error, self.lambda_item_error) <= _TOLERABLE

    @property
    def is_off(self) -> bool:
        """Whether a λ is off by more than is tolerable and its own standard error."""
        return any(
            abs(off) > _TOLERABLE + error
            for off, error in (
                (self.lambda_user, self.lambda_user_error),
                (self.lambda_item, self.lambda_item_error),
            )
        )


def checked(incidence: Incidence, found: VarianceComponents) -> tuple[VarianceComponents, Check]:
    """The estimate as it is, or with traces that probes put right; and how that was told."""
    found, check = _checked_traces(incidence, found)
    user, item = sampled_errors(incidence, Penalty(*_lambdas(found)))
    return found, replace(check, user_stderr=user, item_stderr=item)


def _checked_traces(
    incidence: Incidence, found: VarianceComponents
) -> tuple[VarianceComponents, Check]:
    n_probes = _PROBES
    left = _remainders(incidence, found, n_probes)
    check = _check(incidence, found, left)
    if not check.is_off:
        return found, check
    corrected = found
    while True:
        # The remainder hardly changes with λ, so that it is held while the λ's are searched for.
        corrected = estimate(incidence, _Corrected(left), near=corrected)
        if corrected.fit is None:
            return found, check
        left = _remainders(incidence, corrected, n_probes)
        now = _check(incidence, corrected, left, before=found)
        if now.is_known or n_probes >= _MOST_PROBES:
            return estimate(incidence, _Corrected(left), near=corrected), now
        n_probes *= 2
        left = _remainders(incidence, corrected, n_probes)


class _Corrected:
    """The expansion of the traces, plus what it was found to leave out."""

    def __init__(self, left: Remainders) -> None:
        self._user, self._item = left.means()

    def __call__(self, incidence: Incidence, penalty: Penalty) -> tuple[float, float]:
        user, item = expanded_traces(incidence, penalty)
        return user + self._user, item + self._item


def _remainders(incidence: Incidence, found: VarianceComponents, n_probes: int) -> Remainders:
    return remainders(incidence, Penalty(*_lambdas(found)), n_probes)


def _lambdas(found: VarianceComponents) -> tuple[float, float]:
    return found.lambda_user or 0.0, found.lambda_item or 0.0


def _check(
    incidence: Incidence,
    found: VarianceComponents,
    left: Remainders,
    before: VarianceComponents | None = None,
) -> Check:
    """By how much the λ's of the expansion are off, and how well that is known.

    Args:
        incidence: of the ratings.
        found: where the remainders were probed.
        left: these.
        before: the estimate by the expansion, where ``found`` is what it was put right to.
    """
    s = incidence.statistics
    lambdas = np.array(_lambdas(found))
    scale = lambdas / [s.n_users, s.n_items]
    inverse = np.linalg.inv(slopes(incidence, found))
    if before is None:
        user, item = (-inverse @ (scale * left.means())).tolist()
    else:
        user, item = (np.array(_lambdas(before)) / lambdas - 1).tolist()
    spread = inverse * (scale * left.errors())
    user_error, item_error = np.hypot(spread[:, 0], spread[:, 1]).tolist()
    return Check(len(left.user), user, item, user_error, item_error, before is not None)
