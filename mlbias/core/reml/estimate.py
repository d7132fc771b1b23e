"""The REML estimate: Newton steps by the average information, along which the score is bracketed.

The search is over the ratios γ_u and γ_i, from 0 on: a component that is 0 is a bound that holds,
not a number that gets ever smaller. Each step minimises the quadratic model of -2 log L within a
box around the current ratios (J. Nocedal, S. Wright, Numerical Optimization, 2nd ed., section
16.7). If the step is too long, so that the score along it changes its sign and is not small, or
-2 log L grows, the root of the score between the two ends is taken instead, by regula falsi.
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from mlbias.core.reml.identifiable import NOISELESS, is_noiseless, not_identified
from mlbias.core.reml.likelihood import Likelihood, Point
from mlbias.core.statistics import Statistics
from mlbias.core.vectors import FloatArray

START = np.array([0.25, 0.25])

MOST_ROUNDS = 100
_MOST_HALVINGS = 25
# Of what the information would be with equal counts and no other side: its least share.
_LEAST_INFORMATION = 0.7
_ROUNDING = 1e-11
# A share of the score at the step's start that is small enough at its end.
_SMALL = 0.5
# Curvature along a move that is less than this share of the model's is left out.
_LEAST_CURVATURE = 0.05
# Ratios below this share of it are 0 but for rounding.
_NOTHING = 1e-10
# From ratios above this share of that length, no step goes to 0 at once.
_FAR = 0.2
# Within this share of that length the information is much the same.
_NEAR = 0.2
# In standard errors: so near, a step is taken without looking back.
_NEARBY = 0.05
# Relative residuals of the optimum on the way, in which steps of many standard errors need little.
_FINEST, _COARSEST = 1e-8, 1e-5
# A search that rounding ends has converged if the next step is at most so many standard errors.
_NEARLY = 1e-3


@dataclass(frozen=True, slots=True)
class Estimate:
    """Where the search ended.

    Attributes:
        point: the likelihood there.
        information: there, (3, 3), over (log σ², γ_u, γ_i).
        rounds: steps that were made.
        residual: length of the step that would come next, in standard errors of the estimate.
        has_converged: whether that is small enough.
        is_noiseless: whether the search ran to where users and items explain the ratings without
            any noise, and no λ means anything.
    """

    point: Point
    information: FloatArray
    rounds: int
    residual: float
    has_converged: bool
    is_noiseless: bool = False


@dataclass(frozen=True, slots=True)
class _Move:
    """By how much the ratios and the score changed in a round, (2,) each."""

    ratios: FloatArray
    score: FloatArray


def search(
    likelihood: Likelihood,
    s: Statistics,
    start: FloatArray,
    tolerance: float,
    held: int | None = None,
) -> Estimate:
    """The maximum of the restricted likelihood that is reached from a start.

    Args:
        likelihood: of the ratings.
        s: their statistics.
        start: (2,), γ_u and γ_i, 0 or above.
        tolerance: ends where the next step is at most this many standard errors long.
        held: a ratio that stays where it is, 0 for γ_u, 1 for γ_i.
    """
    point, rounds = likelihood.at(start), 0
    moves: list[_Move] = []
    informed, information = point.ratios, None
    while True:
        if is_noiseless(point, s):
            return Estimate(point, np.zeros((3, 3)), rounds, math.inf, False, True)
        if information is None or not _is_near(informed, point, s):
            informed, information = point.ratios, likelihood.information(point)
        hessian = _curvature(point, information, s, moves[-2:])
        step = _newton_step(point, hessian, s, held)
        length = math.sqrt(max(float(step @ hessian @ step) / 2, 0.0))
        if length <= tolerance or rounds >= MOST_ROUNDS:
            break
        after = _along(likelihood, point, step, length, _NOTHING * _scale(point, s))
        if after is None:
            break
        moves.append(_Move(after.ratios - point.ratios, after.score - point.score))
        point, rounds = after, rounds + 1
    return Estimate(point, information, rounds, length, length <= max(tolerance, _NEARLY))


def _is_near(informed: FloatArray, point: Point, s: Statistics) -> bool:
    """Whether the information at these ratios, which has its price, serves for the point."""
    if point.deviance is not None:  # then it has none
        return point.ratios is informed
    moved = np.abs(point.ratios - informed)
    return bool((moved <= _NEAR * _scale(point, s)).all())


def _curvature(
    point: Point,
    information: FloatArray,
    s: Statistics,
    moves: list[_Move],
) -> FloatArray:
    """The matrix of the quadratic model, (2, 2), positive definite.

    The average information, put right by what the score did along the last moves (the BFGS update;
    Nocedal & Wright, eq. 6.19), since on ratings that tell little the two differ.
    """
    of_noise = information[0, 1:]
    hessian = 2 * (information[1:, 1:] - np.outer(of_noise, of_noise) / information[0, 0])
    equal = point.expected**2 / [s.n_users, s.n_items]
    # A ratio that is far too large has small biases, and by them too little information.
    least = np.where(point.score > 0, _LEAST_INFORMATION, 1e-9) * equal
    hessian += np.diag(np.maximum(least - np.diag(hessian), 1e-9 * equal))
    for move in moves:
        through, curvature = hessian @ move.ratios, float(move.ratios @ move.score)
        if curvature > _LEAST_CURVATURE * float(move.ratios @ through):
            hessian += np.outer(move.score, move.score) / curvature
            hessian -= np.outer(through, through) / float(move.ratios @ through)
    return np.asarray(hessian)


def _newton_step(point: Point, hessian: FloatArray, s: Statistics, held: int | None) -> FloatArray:
    """The minimum of the quadratic model in a box within which it may be trusted."""
    scale = _scale(point, s)
    is_far = point.ratios > _FAR * scale
    low, high = np.where(is_far, -0.9, -1.0) * point.ratios, 4 * scale
    if held is not None:
        low[held] = high[held] = 0.0
    return _least_in_box(point.score, hessian, low, high)


def _scale(point: Point, s: Statistics) -> FloatArray:
    """γ + 1/c with equal counts c: the length over which the information changes, (2,)."""
    return np.array([s.n_users, s.n_items]) / point.expected


def _least_in_box(
    score: FloatArray, hessian: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """The minimum of score·p + ½ pᵀ hessian p over low ≤ p ≤ high, (2,)."""
    best, lowest = np.zeros(2), math.inf
    for fixed in product((None, low, high), repeat=2):
        p = np.array([0.0 if bound is None else bound[k] for k, bound in enumerate(fixed)])
        free = [k for k, bound in enumerate(fixed) if bound is None]
        if free:
            right = -(score + hessian @ p)[free]
            p[free] = np.linalg.solve(hessian[np.ix_(free, free)], right)
        value = float(score @ p + p @ hessian @ p / 2)
        if (p >= low).all() and (p <= high).all() and value < lowest:
            best, lowest = p, value
    return best


def _along(
    likelihood: Likelihood, point: Point, step: FloatArray, length: float, nothing: FloatArray
) -> Point | None:
    """A better point along the step; None where rounding shows none.

    Ratios up to ``nothing`` are 0.
    """
    slope = float(point.score @ step)
    share = 1.0
    precision = min(max(_FINEST * length, _FINEST), _COARSEST)
    for _ in range(_MOST_HALVINGS):
        ratios = point.ratios + share * step
        ratios = np.where(ratios > nothing, ratios, 0.0)
        try:
            after = likelihood.at(ratios, precision)
        except np.linalg.LinAlgError:  # so far that M is singular but for rounding
            share *= _SMALL
            continue
        end = float(after.score @ step)
        # Near the end the score is known only to the precision of its traces and its optimum.
        is_near = after.deviance is None and length <= _NEARBY
        if is_near or (end <= _SMALL * abs(slope) and not _grew(point, after)):
            return after
        root = slope / (slope - end) if end > 0 else _SMALL
        share *= min(max(root, 0.1), 0.7)
    return None


def _grew(before: Point, after: Point) -> bool:
    if before.deviance is None or after.deviance is None:
        return False
    return after.deviance > before.deviance + _ROUNDING * (1 + abs(before.deviance))


def check_noise(found: Estimate) -> Estimate:
    """The same estimate.

    Raises:
        DataError: the search ran to where there is no noise.
    """
    if found.is_noiseless:
        raise not_identified(NOISELESS)
    return found
