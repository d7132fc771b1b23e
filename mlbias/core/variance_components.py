"""λ learned from the ratings: restricted maximum likelihood of the crossed random effects model.

    r = α + b_u + b_i + ε,   b_u ~ N(0, σ_u²),   b_i ~ N(0, σ_i²),   ε ~ N(0, σ²)

for which the best λ's are λ_u = σ²/σ_u² and λ_i = σ²/σ_i² (C. R. Henderson, Best linear unbiased
estimation and prediction under a selection model, Biometrics 31, 1975). With b the optimum at these
λ's, J its cost, and tr_u, tr_i the traces of the users' and the items' block of M⁻¹, in which α is
unpenalised and included, the REML estimate is a fixed point of

    σ² = J/(n - 1),   σ_u² = (‖b_u‖² + σ² tr_u)/n_users,   σ_i² = (‖b_i‖² + σ² tr_i)/n_items

which is searched for in log λ_u and log λ_i. Where a component is 0 its λ is infinite; then the
model without it is fitted, and the sign of the REML score at 0 decides whether that is right.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from mlbias.core.fixed_point import find_fixed_point
from mlbias.core.model import ErrorSums, Parameters, Penalty, Problem
from mlbias.core.normal_equations import NormalEquations
from mlbias.core.one_way import OneWay
from mlbias.core.repeats import Repeats
from mlbias.core.statistics import Incidence, Statistics
from mlbias.core.traces import expanded_traces
from mlbias.core.vectors import FloatArray, dot
from mlbias.errors import DataError

_SOLVE_TOLERANCE = 1e-7
_START = math.log(4.0)
# In the logarithm of a λ.
_TOLERANCE = 1e-6
_DIFFERENCE = 1e-2
# A λ beyond this multiple of the largest count that still rises may be on its way to infinity.
_BEYOND_COUNTS = 50.0
# Less than this share of the ratings' variance is no noise, but rounding.
_NO_NOISE = 1e-9

Traces = Callable[[Incidence, Penalty], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Fit:
    """The optimum at some λ's.

    Args:
        parameters: α and both biases.
        errors: their error sums, by the equations: E_u = λ_u b_u and E_i = λ_i b_i.
        squared_error: Σe², in squared units of the ratings.
        cost: J, alike.
    """

    parameters: Parameters
    errors: ErrorSums
    squared_error: float
    cost: float


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """Standard deviations of the model's parts, in the ratings' units.

    Args:
        sigma: of a rating around its user's and item's level.
        sigma_user, sigma_item: of the users' and the items' biases; 0 where there are none.
        rounds: of the search.
        residual: how far the last round still moved a log λ.
        fit: the optimum there; None where a component is 0.
    """

    sigma: float
    sigma_user: float
    sigma_item: float
    rounds: int
    residual: float
    fit: Fit | None = field(default=None, repr=False, compare=False)

    @property
    def has_converged(self) -> bool:
        """Whether the search ended at a fixed point, and not because it took too long."""
        return self.residual <= _TOLERANCE

    @property
    def lambda_user(self) -> float | None:
        """σ²/σ_u²; None where σ_u is 0, so that λ_u is infinite."""
        return None if self.sigma_user == 0 else (self.sigma / self.sigma_user) ** 2

    @property
    def lambda_item(self) -> float | None:
        """σ²/σ_i², alike."""
        return None if self.sigma_item == 0 else (self.sigma / self.sigma_item) ** 2


def fit_at(incidence: Incidence, penalty: Penalty, start: Parameters | None = None) -> Fit:
    """The optimum at λ's above 0, to a relative residual of 1e-7."""
    problem = Problem(incidence, penalty)
    s = problem.statistics
    right = ErrorSums(s.total, s.user_sums, s.item_sums)
    *_, last = NormalEquations(problem).solve(right, start or problem.start(), _SOLVE_TOLERANCE)
    at = last.parameters
    user = penalty.user * at.user_bias + last.user_lack
    item = penalty.item * at.item_bias + last.item_lack
    errors = ErrorSums(float(user.sum()), user, item)
    squared_error = problem.squared_error(at, errors)
    return Fit(at, errors, squared_error, problem.cost(at, squared_error))


def estimate(
    incidence: Incidence,
    traces: Traces = expanded_traces,
    near: VarianceComponents | None = None,
) -> VarianceComponents:
    """The REML estimate.

    Args:
        incidence: of the ratings.
        traces: gives tr_u and tr_i at λ's above 0.
        near: an estimate to begin at, of which no component is 0.

    Raises:
        DataError: the ratings do not tell the components apart.
    """
    s = incidence.statistics
    _check_identified(s)
    residual = _TwoWay(incidence, traces)
    highest = np.log([_BEYOND_COUNTS * s.user_counts.max(), _BEYOND_COUNTS * s.item_counts.max()])
    found = find_fixed_point(
        residual,
        _start(near),
        tolerance=_TOLERANCE,
        is_over=lambda x, f: bool(((x >= highest) & (f > 0)).any()),
    )
    rising = (found.x >= highest) & (found.residual > 0)
    for side in np.flatnonzero(rising).tolist():
        without = _without(incidence, side, found.x[1 - side], highest[1 - side])
        if without is not None:
            return replace(without, rounds=found.rounds)
    if rising.any():
        found = find_fixed_point(residual, found.x, tolerance=_TOLERANCE)
    variance = residual.last.cost / (s.n_ratings - 1)
    user, item = np.sqrt(variance / np.exp(found.x)).tolist()
    return VarianceComponents(
        math.sqrt(variance),
        user,
        item,
        found.rounds,
        residual=float(np.abs(found.residual).max()),
        fit=residual.last,
    )


def _start(near: VarianceComponents | None) -> FloatArray:
    if near is None:
        return np.full(2, _START)
    return 2 * np.log([near.sigma / near.sigma_user, near.sigma / near.sigma_item])


def slopes(incidence: Incidence, at: VarianceComponents) -> FloatArray:
    """How the map's movement of (log λ_u, log λ_i) changes with them near an estimate, (2, 2)."""
    residual, x = _TwoWay(incidence, expanded_traces, at.fit), _start(at)
    # At the estimate itself it hardly moves.
    return np.column_stack([residual(x + step) / _DIFFERENCE for step in _DIFFERENCE * np.eye(2)])


class _TwoWay:
    """How far the map moves (log λ_u, log λ_i); goes on from the fit before."""

    def __init__(self, incidence: Incidence, traces: Traces, known: Fit | None = None) -> None:
        self._incidence = incidence
        self._traces = traces
        self._known = known

    @property
    def last(self) -> Fit:
        """At the last point that was asked for."""
        assert self._known is not None
        return self._known

    def __call__(self, logs: FloatArray) -> FloatArray:
        s = self._incidence.statistics
        penalty = Penalty(*np.exp(logs).tolist())
        start = None if self._known is None else self._known.parameters
        fit = fit_at(self._incidence, penalty, start)
        self._known = fit
        _check_noise(s, fit.cost)
        of_user, of_item = self._traces(self._incidence, penalty)
        variance = fit.cost / (s.n_ratings - 1)
        user, item = fit.parameters.user_bias, fit.parameters.item_bias
        variances = np.array(
            [
                (dot(user, user) + variance * of_user) / s.n_users,
                (dot(item, item) + variance * of_item) / s.n_items,
            ]
        )
        return np.asarray(np.log(variance / variances) - logs)


def _without(
    incidence: Incidence, side: int, start: float, highest: float
) -> VarianceComponents | None:
    """The estimate without the users' biases (side 0) or the items' (1); None if they are not 0."""
    s = incidence.statistics
    product = incidence.per_user if side == 0 else incidence.per_item
    gone, kept = _sides(s) if side == 0 else _sides(s)[::-1]
    model = OneWay(*kept, s.squares)
    log_lambda = model.log_lambda(start, highest)
    penalty = math.exp(log_lambda)
    alpha, bias, cost = model.optimum(penalty)
    _check_noise(s, cost)
    variance = cost / (s.n_ratings - 1)
    shrinkage = 1 / (model.counts + penalty)
    around = product(shrinkage)
    repeats = Repeats.of(incidence)
    square = repeats.squared_per_user if side == 0 else repeats.squared_per_item
    squared = square(shrinkage, around)
    counts, sums = gone
    errors = sums - counts * alpha - product(bias)
    # Twice the REML score of the component that is 0, times σ²: positive where it should grow.
    expected = (
        s.n_ratings
        - float(squared.sum())
        - penalty * dot(around, around) / dot(model.counts, shrinkage)
    )
    if dot(errors, errors) / variance > expected:
        return None
    other = 0.0 if log_lambda >= highest else math.sqrt(variance / penalty)
    sigmas = (0.0, other) if side == 0 else (other, 0.0)
    return VarianceComponents(math.sqrt(variance), *sigmas, rounds=0, residual=0.0)


def _sides(s: Statistics) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    return (s.user_counts, s.user_sums), (s.item_counts, s.item_sums)


def _check_identified(s: Statistics) -> None:
    for what, n in (("user", s.n_users), ("item", s.n_items)):
        if n == 1:
            raise _not_identified(f"there is one {what} alone, whose bias is the general level's")
        if n == s.n_ratings:
            raise _not_identified(f"every {what} has one rating alone, so that its bias is noise")
    if s.n_ratings < 4:
        raise _not_identified("there are fewer than 4 ratings")


def _check_noise(s: Statistics, cost: float) -> None:
    if cost <= _NO_NOISE * (s.squares - s.total * s.mean):
        raise _not_identified("the ratings have no noise: users and items explain them all")


def _not_identified(reason: str) -> DataError:
    return DataError(
        f"lambda cannot be learned from these ratings: {reason}.",
        "A lambda that is given still works, as --lambda 5.",
    )
