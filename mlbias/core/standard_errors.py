"""Standard errors of variance components, from the average information matrix.

A. R. Gilmour, R. Thompson, B. R. Cullis, Average information REML, Biometrics 51, 1995: with the
working vectors f₀ = e/σ², f_u = Z_u b_u/σ_u² and f_i = Z_i b_i/σ_i² over ratings,

    AI_jk = ½ f_jᵀ P f_k,   P f = (f - its own fit)/σ²

where a vector's own fit is that of the model at the same λ's. All that is needed of a vector are
its sums over users and items and its inner products with the others; the fits are three solves.
"""

import math
from dataclasses import dataclass

import numpy as np

from mlbias.core.model import ErrorSums, Parameters, Penalty, Problem
from mlbias.core.normal_equations import NormalEquations
from mlbias.core.statistics import Incidence
from mlbias.core.variance_components import Fit, VarianceComponents
from mlbias.core.vectors import FloatArray, dot

_SOLVE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class StandardErrors:
    """Of the components and of the λ's that they give."""

    sigma: float
    sigma_user: float
    sigma_item: float
    lambda_user: float
    lambda_item: float


def standard_errors(
    incidence: Incidence, found: VarianceComponents, fit: Fit
) -> StandardErrors | None:
    """Of an estimate whose fit is at its λ's, both above 0; None where the ratings tell none.

    Args:
        incidence: of the ratings.
        found: the estimate.
        fit: the optimum at its λ's.
    """
    penalty = Penalty(found.lambda_user or 0.0, found.lambda_item or 0.0)
    equations = NormalEquations(Problem(incidence, penalty))
    start = Problem(incidence, penalty).start()
    sums, products = _working_vectors(incidence, fit)
    fits = [_last(equations, of, start) for of in sums]
    variance = found.sigma**2
    explained = np.array([[_inner(fitted, of) for of in sums] for fitted in fits])
    variances = np.array([variance, found.sigma_user**2, found.sigma_item**2])
    information = (products - explained) / variance / np.outer(variances, variances) / 2
    information = (information + information.T) / 2
    # So little is known then that the likelihood is no parabola around its maximum.
    if not np.isfinite(information).all() or np.linalg.eigvalsh(information)[0] <= 0:
        return None
    covariance = np.linalg.inv(information)
    sigmas = np.sqrt(np.diag(covariance)) / (2 * np.sqrt(variances))  # delta method
    return StandardErrors(
        sigma=float(sigmas[0]),
        sigma_user=float(sigmas[1]),
        sigma_item=float(sigmas[2]),
        lambda_user=_of_ratio(variances, covariance, 1),
        lambda_item=_of_ratio(variances, covariance, 2),
    )


def _working_vectors(incidence: Incidence, fit: Fit) -> tuple[list[ErrorSums], FloatArray]:
    """The sums of e, Z_u b_u and Z_i b_i, and their inner products, (3, 3)."""
    s = incidence.statistics
    user, item = fit.parameters.user_bias, fit.parameters.item_bias
    of_items, of_users = incidence.per_user(item), incidence.per_item(user)
    by_user, by_item = s.user_counts * user, s.item_counts * item
    sums = [
        fit.errors,
        ErrorSums(float(by_user.sum()), by_user, of_users),
        ErrorSums(float(by_item.sum()), of_items, by_item),
    ]
    e_user, e_item = dot(user, fit.errors.user), dot(item, fit.errors.item)
    both = dot(user, of_items)
    products = np.array(
        [
            [fit.squared_error, e_user, e_item],
            [e_user, dot(user, by_user), both],
            [e_item, both, dot(item, by_item)],
        ]
    )
    return sums, products


def _last(equations: NormalEquations, right: ErrorSums, start: Parameters) -> Parameters:
    *_, step = equations.solve(right, start, _SOLVE_TOLERANCE)
    return step.parameters


def _inner(fitted: Parameters, of: ErrorSums) -> float:
    """Inner product over ratings of a model's predictions with a vector that has these sums."""
    return fitted.alpha * of.total + dot(fitted.user_bias, of.user) + dot(fitted.item_bias, of.item)


def _of_ratio(variances: FloatArray, covariance: FloatArray, side: int) -> float:
    """Standard error of σ²/σ_k², by the delta method."""
    ratio = variances[0] / variances[side]
    gradient = np.array([1 / variances[0], -1 / variances[side]])
    block = covariance[np.ix_([0, side], [0, side])]
    return float(ratio * math.sqrt(gradient @ block @ gradient))
