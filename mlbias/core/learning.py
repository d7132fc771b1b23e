"""λ given, or learned from the ratings with everything that is known of it then."""

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from mlbias.core.dense import DenseInverse, is_small
from mlbias.core.model import Parameters, Penalty, PenaltyScale
from mlbias.core.standard_errors import StandardErrors, standard_errors
from mlbias.core.statistics import Incidence
from mlbias.core.trace_check import Check, checked
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.variance_components import VarianceComponents, estimate
from mlbias.errors import DataError, OptionError

# Stands for an infinite λ, times the largest count: biases are 0 but for rounding.
_INFINITE = 1e12

# A λ for the users and one for the items, on some scale; None to learn them.
Lambdas = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Learned:
    """Variance components, their standard errors, and the penalty that they make.

    Args:
        components: the REML estimate.
        stderr: None where a component is 0, which is the end of what it can be.
        penalty: on the scale of sums; a very large λ stands for an infinite one.
        check: by what the estimate was checked; None where a component is 0.
        inverse: the dense inverse, where the ratings are few enough for one.
    """

    components: VarianceComponents
    stderr: StandardErrors | None
    penalty: Penalty
    check: Check | None = None
    inverse: DenseInverse | None = None

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of a rating's variance: the users', the items' and the rest's."""
        c = self.components
        variances = c.sigma_user**2, c.sigma_item**2, c.sigma**2
        user, item, rest = (variance / sum(variances) for variance in variances)
        return user, item, rest

    def cleaned(self, at: Parameters) -> Parameters:
        """The same state with biases that are exactly 0 where their component is."""
        c = self.components
        user = at.user_bias if c.sigma_user > 0 else np.zeros_like(at.user_bias)
        item = at.item_bias if c.sigma_item > 0 else np.zeros_like(at.item_bias)
        return Parameters(at.alpha, user, item)

    def cleaned_bars(self, known: Uncertainty) -> Uncertainty:
        """The same error bars, exactly 0 where a component is."""
        c = self.components
        if c.sigma_user == 0:
            known = replace(known, sigma_user=0.0, user_stderr=np.zeros_like(known.user_stderr))
        if c.sigma_item == 0:
            known = replace(known, sigma_item=0.0, item_stderr=np.zeros_like(known.item_stderr))
        return known


def learn(incidence: Incidence) -> Learned:
    """Estimate the variance components by REML, and their standard errors.

    Raises:
        DataError: the ratings do not tell the components apart.
    """
    found, check, inverse = _estimated(incidence)
    s = incidence.statistics
    user, item = found.lambda_user, found.lambda_item
    penalty = Penalty(
        _INFINITE * float(s.user_counts.max()) if user is None else user,
        _INFINITE * float(s.item_counts.max()) if item is None else item,
        user is None,
        item is None,
    )
    if found.fit is None:
        return Learned(found, None, penalty)
    errors = standard_errors(incidence, found, found.fit)
    return Learned(found, errors, penalty, check, inverse)


def _estimated(
    incidence: Incidence,
) -> tuple[VarianceComponents, Check | None, DenseInverse | None]:
    """By the expansion first; then by a dense inverse where that is small, else checked."""
    if not is_small(incidence):
        found = estimate(incidence)
        return (*checked(incidence, found), None) if found.fit else (found, None, None)
    inverse = DenseInverse(incidence)
    return estimate(incidence, inverse.traces, _expanded(incidence)), Check(0), inverse


def _expanded(incidence: Incidence) -> VarianceComponents | None:
    """The estimate by the expansion, to begin at; None where it may be far off."""
    with suppress(DataError):
        found = estimate(incidence)
        return found if found.fit and found.has_converged else None
    return None


def penalty_for(
    incidence: Incidence, scale: PenaltyScale | str, lambdas: Lambdas
) -> tuple[Penalty, Learned | None]:
    """The penalty of given λ's, or a learned one and what was learned.

    Raises:
        OptionError: λ's are out of range, or to be learned on the scale of means.
        DataError: they cannot be learned from these ratings.
    """
    if lambdas is not None:
        return Penalty.on_scale(scale, *lambdas, incidence.statistics), None
    if scale != PenaltyScale.SUM:
        raise OptionError(
            "lambda is learned on the scale of sums, where it is a ratio of variances: "
            "with auto goes --penalty sum."
        )
    learned = learn(incidence)
    return learned.penalty, learned
