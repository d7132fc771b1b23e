"""The restricted likelihood of the crossed random effects model, its score and its information.

    r = α + b_u + b_i + ε,   b_u ~ N(0, σ_u²),   b_i ~ N(0, σ_i²),   ε ~ N(0, σ²)

It is a function of the ratios γ_u = σ_u²/σ² = 1/λ_u and γ_i = 1/λ_i, from 0 on, with σ² profiled
out (D. Bates, M. Mächler, B. Bolker, S. Walker, Fitting linear mixed-effects models using lme4,
Journal of Statistical Software 67(1), 2015, section 3.4). With J the least cost at these λ's, M the
matrix of its equations (C. R. Henderson, Best linear unbiased estimation and prediction under a
selection model, Biometrics 31, 1975), and tr_u the trace of the users' block of M⁻¹,

    σ² = J/(n - 1)
    -2 log L = (n - 1) (1 + log 2πσ²) + log|M| - n_users log λ_u - n_items log λ_i
    d(-2 log L)/dγ_u = T_u - ‖E_u‖²/σ²,   T_u = λ_u (n_users - λ_u tr_u)

and likewise for the items. E_u are the error sums, λ_u b_u. Where γ_u is 0, the users' biases are
held at 0 and everything is in closed form (boundary.py). The information is the average of observed
and expected (A. R. Gilmour, R. Thompson, B. R. Cullis, Average information REML, Biometrics 51,
1995): with f_u = Z_u E_u over ratings, and P f the errors of f's own fit at the same λ's,

    I = ½ [[n - 1, ‖E_u‖²/σ², ‖E_i‖²/σ²], [., f_uᵀP f_u/σ², f_uᵀP f_i/σ²], [., ., f_iᵀP f_i/σ²]]

over (log σ², γ_u, γ_i). Where both λ's are finite,

    f_uᵀP f_u = λ_u (‖E_u‖² - λ_u E_uᵀ (M⁻¹)_uu E_u),   f_uᵀP f_i = -λ_u λ_i E_uᵀ (M⁻¹)_ui E_i
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from mlbias.core.equations.normal_equations import NormalEquations
from mlbias.core.model import ErrorSums, Parameters, Penalty, Problem
from mlbias.core.reml.boundary import determinant_at_zero, expected_at_zero
from mlbias.core.reml.inverse import Inverse, TracesAt
from mlbias.core.reml.optimum import PRECISION, Optimum, optimum_at, optimum_of
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray, among_zeros, dot

_FIRST_PRECISION = 1e-5
# Quadratic forms are off by about the square of this.
_FORM_TOLERANCE = 1e-2


@dataclass(frozen=True, slots=True)
class Point:
    """The likelihood at some ratios.

    Attributes:
        ratios: (2,), γ_u and γ_i.
        optimum: at λ = 1/γ.
        variance: σ².
        expected: (2,), T_u and T_i.
        score: (2,), the derivatives of -2 log L by the ratios.
        deviance: -2 log L, where it is known exactly.
        inverse: M⁻¹, likewise.
    """

    ratios: FloatArray
    optimum: Optimum
    variance: float
    expected: FloatArray
    score: FloatArray
    deviance: float | None
    inverse: Inverse | None = None

    @property
    def penalty(self) -> Penalty:
        """The λ's: infinite where a ratio is 0."""
        return penalty_of(self.ratios)


def penalty_of(ratios: FloatArray) -> Penalty:
    """λ = 1/γ."""
    user, item = (1 / ratio if ratio > 0 else math.inf for ratio in ratios.tolist())
    return Penalty(user, item)


class Likelihood:
    """The likelihood of these ratings at any ratios.

    Args:
        incidence: of the ratings.
        traces: gives the traces where both ratios are above 0.
        near: an optimum at ratios near the first that will be asked for.
    """

    def __init__(
        self, incidence: Incidence, traces: TracesAt, near: Parameters | None = None
    ) -> None:
        self._incidence = incidence
        self._traces = traces
        self._last = near
        self._equations: tuple[Penalty, NormalEquations] | None = None

    def at(self, ratios: FloatArray, precision: float = PRECISION) -> Point:
        """The point at (γ_u, γ_i), each 0 or above.

        Args:
            ratios: (2,).
            precision: relative residual of the optimum, where it is not known exactly.
        """
        s, penalty = self._incidence.statistics, penalty_of(ratios)
        problem = Problem(self._incidence, penalty)
        inverse: Inverse | None = None
        if math.inf in (penalty.user, penalty.item):
            optimum = optimum_at(self._incidence, penalty)
            expected = expected_at_zero(self._incidence, penalty)
            determinant: float | None = determinant_at_zero(s, penalty)
        else:
            self._forget(penalty)
            traces = self._traces(penalty)
            inverse = traces.inverse
            determinant = None if inverse is None else inverse.log_determinant()
            start = self._last if inverse is None else inverse.solve(problem.right_side)
            if start is None:  # the first of all, far from where the search will end
                precision = max(precision, _FIRST_PRECISION)
            optimum = optimum_of(self._equations_at(penalty), problem, start, precision)
            self._last = optimum.parameters
            sizes, lambdas = np.array([s.n_users, s.n_items]), 1 / ratios
            expected = lambdas * (sizes - lambdas * [traces.user, traces.item])
        variance = optimum.cost / (s.n_ratings - 1)
        return Point(
            ratios=ratios,
            optimum=optimum,
            variance=variance,
            expected=expected,
            score=expected - _squares(optimum.errors) / variance,
            deviance=self._deviance(variance, penalty, determinant),
            inverse=inverse,
        )

    def _forget(self, penalty: Penalty) -> None:
        """Let equations at other λ's go, which have three long vectors."""
        if self._equations is not None and self._equations[0] != penalty:
            self._equations = None

    def _equations_at(self, penalty: Penalty) -> NormalEquations:
        """The equations at these λ's; those of the last ones are kept with what they know."""
        self._forget(penalty)
        if self._equations is None:
            self._equations = penalty, NormalEquations(Problem(self._incidence, penalty))
        return self._equations[1]

    def information(self, point: Point) -> FloatArray:
        """The average information over (log σ², γ_u, γ_i), (3, 3)."""
        squares = _squares(point.optimum.errors)
        is_interior = bool((point.ratios > 0).all())
        forms = self._forms(point) if is_interior else self._forms_at_zero(point)
        information = np.empty((3, 3))
        information[0, 0] = self._incidence.statistics.n_ratings - 1
        information[0, 1:] = information[1:, 0] = squares / point.variance
        information[1:, 1:] = forms / point.variance
        return information / 2

    def _forms(self, point: Point) -> FloatArray:
        """f_jᵀP f_k where both λ's are finite, (2, 2)."""
        errors, lambdas = point.optimum.errors, 1 / point.ratios
        if point.inverse is not None:
            no_users, no_items = np.zeros_like(errors.user), np.zeros_like(errors.item)
            of_user = point.inverse.solve(ErrorSums(0.0, errors.user, no_items))
            of_item = point.inverse.solve(ErrorSums(0.0, no_users, errors.item))
            user_fits = [of_user.user_bias, of_item.user_bias]
            item_fit = of_item.item_bias
        else:
            equations = self._equations_at(point.penalty)
            _, users, items = equations.solve_rows(
                np.zeros(2), among_zeros(errors.user, 0, 2), among_zeros(errors.item, 1, 2),
                _FORM_TOLERANCE,
            )  # fmt: skip
            user_fits, item_fit = list(users), items[1]
        both = dot(errors.user, user_fits[1])
        fits = [[dot(errors.user, user_fits[0]), both], [both, dot(errors.item, item_fit)]]
        own = np.diag(lambdas * _squares(errors))
        return np.asarray(own - np.outer(lambdas, lambdas) * np.array(fits))

    def _forms_at_zero(self, point: Point) -> FloatArray:
        """The same where a λ is infinite, by the fits themselves, which are in closed form then."""
        equations = NormalEquations(Problem(self._incidence, point.penalty))
        total, user, item, products = self._working_vectors(point.optimum.errors)
        alpha, user_fit, item_fit = equations.solve_rows(total, user, item)
        explained = np.outer(alpha, total)
        for j, k in product(range(2), repeat=2):
            explained[j, k] += dot(user_fit[j], user[k]) + dot(item_fit[j], item[k])
        return np.asarray(products - (explained + explained.T) / 2)

    def _working_vectors(
        self, errors: ErrorSums
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Sums of f_u and f_i: of all, by user, by item; and their inner products, (2, 2)."""
        s = self._incidence.statistics
        by_user, by_item = s.user_counts * errors.user, s.item_counts * errors.item
        of_items, of_users = self._incidence.both(errors.item, errors.user)
        both = dot(errors.user, of_items)
        products = np.array([[dot(errors.user, by_user), both], [both, dot(errors.item, by_item)]])
        return (
            np.array([by_user.sum(), by_item.sum()]),
            np.array([by_user, of_items]),
            np.array([of_users, by_item]),
            products,
        )

    def _deviance(
        self, variance: float, penalty: Penalty, determinant: float | None
    ) -> float | None:
        if determinant is None or not variance > 0:
            return None
        s = self._incidence.statistics
        priors = sum(
            n * math.log(value)
            for n, value in ((s.n_users, penalty.user), (s.n_items, penalty.item))
            if value < math.inf
        )
        noise = (s.n_ratings - 1) * (1 + math.log(math.tau * variance))
        return noise + determinant - priors


def _squares(errors: ErrorSums) -> FloatArray:
    return np.array([dot(errors.user, errors.user), dot(errors.item, errors.item)])
