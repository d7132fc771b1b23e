"""How well an optimum is known, and how well it predicts: error bars and leave-one-out."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from mlbias.core.leave_one_out import LeaveOneOut, leave_one_out
from mlbias.core.left_out_scale import learn_scale
from mlbias.core.methods.exact import Exact
from mlbias.core.model import Parameters, Problem
from mlbias.core.ordinal import OrdinalScale
from mlbias.core.ratings import CodedRatings
from mlbias.core.reml.bias_errors import error_bars
from mlbias.core.reml.exact_inverse import exact_inverse
from mlbias.core.reml.learn import learn_quickly
from mlbias.core.reml.pairs import at_hand
from mlbias.core.reml.posterior import inverse_at, posterior
from mlbias.core.statistics import Incidence
from mlbias.core.uncertainty import Uncertainty
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.errors import DataError
from mlbias.fitting.left_out_in_parts import left_out_in_parts
from mlbias.fitting.task import Task

# So many ratings take half a second of one core.
_MOMENT = 500_000


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is known of an optimum; nothing of each where it is not defined.

    Attributes:
        uncertainty: None too where a λ is 0, so that a prior is without bounds.
        leave_one_out: likewise, since a bias that nothing else tells of is free then.
        scale: of the ratings, where they take few values.
    """

    uncertainty: Uncertainty | None = None
    leave_one_out: LeaveOneOut | None = None
    scale: OrdinalScale | None = None


def assessed(
    task: Task, at: Parameters, ratings: Callable[[], CodedRatings] | None, threads: int | None
) -> Assessment:
    """What is known of an optimum.

    Args:
        task: whose it is.
        at: the optimum.
        ratings: gives the task's, for leave-one-out; None to do without, or where they are in
            parts.
        threads: how many work at a time; by default one for each core.
    """
    problem, learned, noise = task.problem, task.learned, task.noise
    incidence = at_hand(problem.incidence)
    penalty, n = problem.penalty, problem.statistics.n_ratings
    if penalty.user == 0 or penalty.item == 0 or n < 2:
        return Assessment()
    if learned is not None:
        variance, inverse = learned.components.sigma**2, learned.inverse
    else:
        squared_error = problem.squared_error(at, problem.error_sums(at))
        variance = problem.cost(at, squared_error) / (n - 1)
        inverse = inverse_at(exact_inverse(incidence), penalty)
    known = posterior(incidence, penalty, inverse)
    bars = error_bars(known, penalty, variance, noise) if variance > 0 else None
    own, n_parameters = _in_units(problem, at), None if learned is None else learned.n_parameters
    if isinstance(task.incidence, PartitionedIncidence):
        of_ratings = None if bars is None else variance if noise is None else noise
        return Assessment(
            bars, *left_out_in_parts(task.incidence, own, known, of_ratings, n_parameters)
        )
    if ratings is None:
        return Assessment(bars)
    coded, mean_rmse = ratings(), task.incidence.statistics.mean_rmse
    left_out, scale = leave_one_out(coded, own, known, mean_rmse, n_parameters, threads), None
    if left_out is not None and bars is not None:
        scale = learn_scale(coded, own, known, variance if noise is None else noise, threads)
    return Assessment(bars, left_out, scale)


def learned_leave_one_out(
    incidence: Incidence, ratings: Callable[[], CodedRatings], threads: int | None = None
) -> LeaveOneOut | None:
    """What exact with learned λ's gives on these ratings.

    None where that takes more than a moment, which depends on the ratings alone, or where λ cannot
    be learned from them.
    """
    if incidence.statistics.n_ratings > _MOMENT:
        return None
    incidence = at_hand(incidence)
    try:
        learned = learn_quickly(incidence)
    except DataError:
        return None
    if learned is None:
        return None
    problem = Problem(incidence, learned.penalty)
    (last,) = deque(Exact().iterates(problem), maxlen=1)  # the others are not kept
    known = posterior(incidence, learned.penalty, None)
    at, mean_rmse = _in_units(problem, last.parameters), incidence.statistics.mean_rmse
    return leave_one_out(ratings(), at, known, mean_rmse, learned.n_parameters, threads)


def _in_units(problem: Problem, at: Parameters) -> Parameters:
    """The same with alpha in the ratings' own units."""
    return Parameters(at.alpha + problem.statistics.center, at.user_bias, at.item_bias)
