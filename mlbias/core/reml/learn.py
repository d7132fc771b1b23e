"""λ learned from the ratings, with everything that is known about it then.

First comes a rough estimate with expanded traces (traces.py), for a few products. Then, where the
ratings allow an exact inverse (exact_inverse.py), the estimate itself, compared with the boundary.
Elsewhere probes (probes.py) measure what the expansion leaves out, and the search goes on from
there with as many probes as it takes.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mlbias.core.model import Penalty
from mlbias.core.reml.bias_errors import sampled_errors
from mlbias.core.reml.check import Check
from mlbias.core.reml.estimate import MOST_ROUNDS, START, Estimate, check_noise, search
from mlbias.core.reml.exact_inverse import ExactInverse, exact_inverse
from mlbias.core.reml.identifiable import check_identified
from mlbias.core.reml.inverse import Inverse
from mlbias.core.reml.likelihood import Likelihood
from mlbias.core.reml.noise_prior import NoisePrior
from mlbias.core.reml.pairs import at_hand
from mlbias.core.reml.posterior import alpha_variance
from mlbias.core.reml.probed_estimate import MOST_PROBES, probed_estimate, rough_estimate
from mlbias.core.reml.standard_errors import StandardErrors, standard_errors
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import dot

# In standard errors of the estimate.
_TOLERANCE = 1e-6
# Two maxima are two if -2 log L differs by so much.
_APART = 1e-6
# Few ratings can have several maxima: the search starts from each of these ratios too.
_FEW = 1000
_FURTHER_STARTS = ((0.25, 0.25), (30.0, 30.0), (30.0, 0.1), (0.1, 30.0))

By = Literal["sparse", "dense", "expansion", "probes", "boundary"]


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """Standard deviations of the model's parts, in the ratings' units.

    Attributes:
        sigma: of a rating around its user's and item's level.
        sigma_user, sigma_item: of the users' and the items' biases; 0 where there are none.
        rounds: of the search.
        residual: how long its next step would be, in standard errors of the estimate.
        has_converged: whether that is small enough.
    """

    sigma: float
    sigma_user: float
    sigma_item: float
    rounds: int
    residual: float
    has_converged: bool = True

    @property
    def reason(self) -> str:
        """Why the search ended, in a sentence."""
        step = f"the next step would be {self.residual:.1g} standard errors long"
        if self.has_converged:
            return f"{step}."
        ended = "rounding" if self.rounds < MOST_ROUNDS else f"the limit of {MOST_ROUNDS} rounds"
        return f"{ended} ended the search, and {step}."

    @property
    def lambda_user(self) -> float | None:
        """σ²/σ_u²; None where σ_u is 0, so that λ_u is infinite."""
        return None if self.sigma_user == 0 else (self.sigma / self.sigma_user) ** 2

    @property
    def lambda_item(self) -> float | None:
        """σ²/σ_i², likewise."""
        return None if self.sigma_item == 0 else (self.sigma / self.sigma_item) ** 2


@dataclass(frozen=True, slots=True)
class Learned:
    """Variance components, their standard errors, and the penalty that they make.

    Attributes:
        components: the REML estimate.
        stderr: their standard errors.
        penalty: on the scale of sums; infinite where a component is 0.
        by: how the traces of M⁻¹ were found: by a "sparse" factorisation or a "dense" inverse,
            which are exact; by the "expansion", which probes have confirmed; by "probes"; or on
            the "boundary", where a component is 0 and all is in closed form.
        check: what the probes found; nothing where the traces are exact.
        alpha_stderr: the standard error of α, in the ratings' units.
        n_parameters: the effective number of parameters, to which the leverages of all ratings add
            up: 1 + n_users - λ_u tr_u + n_items - λ_i tr_i; None in models of older files.
        log_likelihood: the restricted log-likelihood, natural; None where it is not known exactly.
        inverse: M⁻¹ there, where it is known.
        noise: the prior of the users' noise, where each has its own; σ is then that of a rating
            with the mean weight.
    """

    components: VarianceComponents
    stderr: StandardErrors
    penalty: Penalty
    by: By
    check: Check
    alpha_stderr: float
    n_parameters: float | None
    log_likelihood: float | None = None
    inverse: Inverse | None = None
    noise: NoisePrior | None = None

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of a rating's variance: the users', the items' and the rest's."""
        c = self.components
        variances = c.sigma_user**2, c.sigma_item**2, c.sigma**2
        user, item, rest = (variance / sum(variances) for variance in variances)
        return user, item, rest


def learn(incidence: Incidence) -> Learned:
    """Estimate the variance components by REML, and their standard errors.

    Raises:
        DataError: the ratings do not tell the components apart.
    """
    incidence = at_hand(incidence)
    check_identified(incidence)
    return learn_by(incidence, exact_inverse(incidence))


def learn_penalty(incidence: Incidence) -> tuple[VarianceComponents, Penalty]:
    """The variance components and the penalty alone, without error bars and what checks these.

    Raises:
        DataError: see learn.
    """
    incidence = at_hand(incidence)
    check_identified(incidence)
    found, _, _ = _estimated(incidence, exact_inverse(incidence), None)
    return _components(found), found.point.penalty


def learn_by(
    incidence: Incidence, exact: ExactInverse | None, near: Estimate | None = None
) -> Learned:
    """The same with a way to M⁻¹ that is known already, by probes where there is none.

    Args:
        incidence: of the ratings.
        exact: from exact_inverse.
        near: an estimate to start from.
    """
    return _learned(incidence, *_estimated(incidence, exact, near))


def learn_quickly(incidence: Incidence) -> Learned | None:
    """The same by the fewest probes, on any ratings; None where so few do not tell.

    Raises:
        DataError: the ratings do not tell the components apart.
    """
    check_identified(incidence)
    found, by, check = _probed(incidence, 1, None)
    return _learned(incidence, found, by, check) if check.is_known else None


def _estimated(
    incidence: Incidence, exact: ExactInverse | None, near: Estimate | None
) -> tuple[Estimate, By, Check]:
    if exact is not None:
        return _exact_estimate(incidence, exact, near), exact.by, Check(0)
    return _probed(incidence, MOST_PROBES, near)


def _probed(
    incidence: Incidence, most_probes: int, near: Estimate | None
) -> tuple[Estimate, By, Check]:
    found, check = probed_estimate(incidence, rough_estimate(incidence, near), most_probes)
    by: By = "probes" if check.is_corrected else "expansion"
    return found, by if found.point.ratios.all() else "boundary", check


def _exact_estimate(incidence: Incidence, exact: ExactInverse, near: Estimate | None) -> Estimate:
    """The estimate with exact traces: the best of the maxima inside and on the boundary."""
    likelihood, s = Likelihood(incidence, exact.traces), incidence.statistics
    rough = rough_estimate(incidence, near)
    starts = [START if rough.is_noiseless else rough.point.ratios]
    if s.n_ratings <= _FEW:
        starts.extend(np.array(ratios) for ratios in _FURTHER_STARTS)
    maxima = [search(likelihood, s, start, _TOLERANCE) for start in starts]
    best = min(maxima, key=_deviance)
    for held in range(2):
        ratios = np.where(best.point.ratios > 0, best.point.ratios, START)
        ratios[held] = 0.0
        at_zero = search(likelihood, s, ratios, _TOLERANCE, held)
        if _deviance(at_zero) < _deviance(best) - _APART:
            found = search(likelihood, s, at_zero.point.ratios, _TOLERANCE)
            best = min(best, found, key=_deviance)
    return check_noise(best)


def _deviance(found: Estimate) -> float:
    deviance = found.point.deviance
    return math.inf if deviance is None else deviance


def _components(found: Estimate) -> VarianceComponents:
    sigma = float(np.sqrt(found.point.variance))
    user, item = (sigma * np.sqrt(found.point.ratios)).tolist()
    return VarianceComponents(sigma, user, item, found.rounds, found.residual, found.has_converged)


def _learned(incidence: Incidence, found: Estimate, by: By, check: Check) -> Learned:
    point, components = found.point, _components(found)
    if check.n_probes:
        user, item = sampled_errors(incidence, point.penalty)
        check = replace(check, user_stderr=user, item_stderr=item)
    alpha = alpha_variance(incidence, point.penalty, point.inverse)
    return Learned(
        components,
        standard_errors(found.information, point.ratios, components.sigma),
        point.penalty,
        by,
        check,
        components.sigma * math.sqrt(alpha),
        1 + dot(point.ratios, point.expected),
        None if point.deviance is None else -point.deviance / 2,
        point.inverse,
    )
