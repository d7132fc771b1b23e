"""How far a state is from the optimum, at most: a bound that needs no trust in how it was found.

Of the cost J, with its minimum J*, the half-gradients are g_u = λ_u b_u - E_u and g_i likewise,
E_u and E_i the error sums. J is quadratic with the Hessian 2M, so that where the gradient for α is
zero (and moving α there lowers J by E²/n),

    J - J* = gᵀ M⁻¹ g ≤ ‖g_u‖²/λ_u + ‖g_i‖²/λ_i    since M ⪰ diag(0, λ_u, λ_i)

With λ_u = 0, the users are first solved for the rest, which lowers J by Σ E_u²/c_u; then g_u = 0
and only the items' term is left. With both zero, on each connected component C of N users and
items the matrix is, but for signs, the Laplacian of the bipartite graph, whose second eigenvalue is
at least 4/(N D), D the diameter (B. Mohar, Eigenvalues, diameter, and mean distance in graphs,
Graphs and Combinatorics 7, 1991, theorem 4.2), so that

    J - J* ≤ Σ_C ‖g_C‖² N_C D_C / 4
"""

import math
from dataclasses import dataclass

import numpy as np

from mlbias.core.equations.components import Components
from mlbias.core.model import ErrorSums, Parameters, Problem
from mlbias.core.vectors import FloatArray, dot

_NEGLIGIBLE = 1e-7


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known of a state without knowing the optimum.

    Args:
        gradient_norm: ‖∇J‖ over α and both biases, in squared units of the ratings.
        relative_residual: ‖(R, R_u, R_i) - M (α, b_u, b_i)‖ over ‖(R, R_u, R_i)‖.
        gap: an upper bound of J - J*, in squared units; rounding of about 1e-24 Σr² aside.
    """

    gradient_norm: float
    relative_residual: float
    gap: float

    @property
    def is_optimum(self) -> bool:
        """Whether the equations hold as far as anybody would ask."""
        return self.relative_residual <= _NEGLIGIBLE


def certify(problem: Problem, at: Parameters) -> Certificate:
    """What is known of a state; costs two products, up to a dozen where a λ is 0."""
    s = problem.statistics
    errors = problem.error_sums(at)
    user, item = problem.residual(at, errors)
    length = math.sqrt(errors.total**2 + dot(user, user) + dot(item, item))
    right = math.sqrt(s.total**2 + dot(s.user_sums, s.user_sums) + dot(s.item_sums, s.item_sums))
    return Certificate(
        gradient_norm=2 * length,
        relative_residual=length / right if right > 0 else 0.0,
        gap=_gap(problem, at, errors),
    )


def _gap(problem: Problem, at: Parameters, errors: ErrorSums) -> float:
    penalty = problem.penalty
    if penalty.user == 0 and penalty.item == 0:
        return _gap_unpenalised(problem, errors)
    s = problem.statistics
    shift = errors.total / s.n_ratings
    lowered = errors.total * shift
    at = Parameters(at.alpha + shift, at.user_bias, at.item_bias)
    user, item = errors.user - s.user_counts * shift, errors.item - s.item_counts * shift
    if penalty.user == 0:
        step = user / s.user_counts
        item = item - problem.incidence.per_item(step)
        return lowered + dot(user, step) + _share(penalty.item, at.item_bias, item)
    if penalty.item == 0:
        step = item / s.item_counts
        user = user - problem.incidence.per_user(step)
        return lowered + dot(item, step) + _share(penalty.user, at.user_bias, user)
    users, items = (
        _share(penalty.user, at.user_bias, user),
        _share(penalty.item, at.item_bias, item),
    )
    return lowered + users + items


def _share(penalty: float, bias: FloatArray, errors: FloatArray) -> float:
    """One side's ‖g‖²/λ, g = λ b - E."""
    if penalty == math.inf:  # the side's biases are no parameters
        return 0.0
    half_gradient = penalty * bias - errors
    return dot(half_gradient, half_gradient) / penalty


def _gap_unpenalised(problem: Problem, errors: ErrorSums) -> float:
    found = Components.of(problem.incidence)
    squares = sum(found.sums(errors.user**2, errors.item**2))
    sizes = sum(found.sizes())
    bounds = squares * sizes * found.diameter_bounds(problem.incidence) / 4
    return float(np.asarray(bounds).sum())
