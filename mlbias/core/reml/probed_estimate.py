"""The estimate where an exact inverse would take too long: by the expansion, checked by probes.

The search goes on from the expansion's estimate with probed traces. If its first step is
negligible, the expansion was right. Otherwise it ends where the probed score is 0, and the probes
are doubled until their noise is negligible beside the standard error of each λ. With H the
curvature of -2 log L and C the covariance of the probed score, that noise has the covariance
H⁻¹ C H⁻¹.
"""

from functools import partial

import numpy as np

from mlbias.core.reml.check import TOLERABLE, TOLERABLE_SHARE, Check
from mlbias.core.reml.estimate import START, Estimate, check_noise, search
from mlbias.core.reml.likelihood import Likelihood
from mlbias.core.reml.probes import ProbedTraces
from mlbias.core.reml.traces import expanded_traces
from mlbias.core.statistics import Incidence

# In standard errors of the estimate.
_ROUGH = 3e-3
_NEGLIGIBLE = 5e-3
_FINE = 1e-6
_PROBES, MOST_PROBES = 4, 1024
# Probes times ratings, beyond which no further ones are asked for.
_MOST_WORK = 1_600_000_000
# Of a normal distribution, outside of three standard deviations on one side.
_TAIL = 0.00135


def rough_estimate(
    incidence: Incidence, near: Estimate | None = None, tolerance: float = _ROUGH
) -> Estimate:
    """By the expansion alone.

    Args:
        incidence: of the ratings.
        near: where to start, if something near is known.
        tolerance: length of the step at which it ends, in standard errors.
    """
    start = None if near is None else near.point.optimum.parameters
    traces = partial(expanded_traces, incidence)
    likelihood = Likelihood(incidence, traces, start)
    ratios = START if near is None else np.where(near.point.ratios > 0, near.point.ratios, START)
    return search(likelihood, incidence.statistics, ratios, tolerance)


def probed_estimate(
    incidence: Incidence, rough: Estimate, most_probes: int
) -> tuple[Estimate, Check]:
    """The estimate as it is, or the one that probes lead to; and how that was told.

    Args:
        incidence: of the ratings.
        rough: from rough_estimate.
        most_probes: of each side; on many ratings there may be fewer.

    Raises:
        DataError: the ratings have no noise.
    """
    check_noise(rough)
    if not rough.point.ratios.all():
        return _on_boundary(incidence, rough), Check(0)
    n_probes, expanded, found = _PROBES, rough.point.penalty, rough
    del rough
    while True:
        traces = ProbedTraces(incidence, n_probes)
        likelihood = Likelihood(incidence, traces, found.point.optimum.parameters)
        ratios = found.point.ratios
        del found  # long vectors that the search does not need
        found = check_noise(search(likelihood, incidence.statistics, ratios, _NEGLIGIBLE))
        if not found.point.ratios.all():
            return _on_boundary(incidence, found), Check(0)
        errors, is_known = _errors(found, traces)
        if is_known or n_probes >= min(_most_probes(incidence), most_probes):
            break
        n_probes *= 2
    off = expanded, found.point.penalty
    check = Check(
        n_probes=n_probes,
        lambda_user=off[0].user / off[1].user - 1,
        lambda_item=off[0].item / off[1].item - 1,
        lambda_user_error=errors[0],
        lambda_item_error=errors[1],
        is_corrected=found.rounds > 0 or n_probes > _PROBES,
        is_known=is_known,
    )
    return found, check


def _on_boundary(incidence: Incidence, found: Estimate) -> Estimate:
    """The estimate again, finely, since everything there is in closed form."""
    likelihood = Likelihood(incidence, lambda penalty: expanded_traces(incidence, penalty))
    return search(likelihood, incidence.statistics, found.point.ratios, _FINE)


def _most_probes(incidence: Incidence) -> int:
    share = _MOST_WORK // incidence.statistics.n_ratings
    return min(max(share, _PROBES), MOST_PROBES)


def _errors(found: Estimate, traces: ProbedTraces) -> tuple[list[float], bool]:
    """Relative errors of the λ's that are left, and whether the probes' share is negligible."""
    point, information = found.point, found.information
    of_noise = information[0, 1:]
    hessian = 2 * (information[1:, 1:] - np.outer(of_noise, of_noise) / information[0, 0])
    inverse = np.linalg.inv(hessian)
    remainders = traces.remainders(point.penalty)
    from scipy.special import stdtrit  # takes a moment to import

    # Student's t instead of the normal: few probes know little of their own spread.
    n_probes = len(remainders.user)
    widened = -float(stdtrit(n_probes - 1, _TAIL)) / 3
    of_score = widened * remainders.errors() / point.ratios**2
    errors = np.sqrt(inverse**2 @ of_score**2) / point.ratios
    stderrs = np.sqrt(2 * np.diag(inverse)) / point.ratios
    is_known = bool((errors <= np.maximum(TOLERABLE, TOLERABLE_SHARE * stderrs)).all())
    return np.hypot(errors, found.residual * stderrs).tolist(), is_known
