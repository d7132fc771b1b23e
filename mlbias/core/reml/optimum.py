"""The least cost at given λ's, infinite ones included."""

import math
from collections import deque
from dataclasses import dataclass

from mlbias.core.equations.normal_equations import NormalEquations
from mlbias.core.model import ErrorSums, Parameters, Penalty, Problem
from mlbias.core.statistics import Incidence

PRECISION = 1e-8


@dataclass(frozen=True, slots=True)
class Optimum:
    """The least cost at some λ's.

    Attributes:
        parameters: α and both biases.
        errors: their error sums E, E_u and E_i.
        squared_error: Σe², in squared units of the ratings.
        cost: J, likewise.
    """

    parameters: Parameters
    errors: ErrorSums
    squared_error: float
    cost: float


def optimum_at(
    incidence: Incidence,
    penalty: Penalty,
    start: Parameters | None = None,
    precision: float = PRECISION,
) -> Optimum:
    """The optimum at λ's above 0, infinite ones included.

    Args:
        incidence: of the ratings.
        penalty: the λ's.
        start: where to begin.
        precision: relative residual of the equations.
    """
    problem = Problem(incidence, penalty)
    return optimum_of(NormalEquations(problem), problem, start, precision)


def optimum_of(
    equations: NormalEquations, problem: Problem, start: Parameters | None, precision: float
) -> Optimum:
    """The same, by equations that may know more already; see optimum_at."""
    [last] = deque(
        equations.solve(problem.right_side, start or problem.start(), precision), maxlen=1
    )
    errors = last.errors
    if math.inf in (problem.penalty.user, problem.penalty.item):
        errors = problem.error_sums(last.parameters)
    squared_error = problem.squared_error(last.parameters, errors)
    cost = problem.cost(last.parameters, squared_error)
    return Optimum(last.parameters, errors, squared_error, cost)
