"""Whether predictions mean what they say: by intervals around them, and on the rating scale."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ordinal import OrdinalScale, rounded_normal
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray

LEVELS = (0.5, 0.8, 0.9, 0.95)
_REACH = [NormalDist().inv_cdf((1 + level) / 2) for level in LEVELS]
_QUARTERS = 4
# Of a value that rounding leaves without any.
_LEAST_PROBABILITY = 1e-300


@dataclass(frozen=True, slots=True)
class Intervals:
    """How the model's own error bars stood the test.

    Args:
        coverage: shares of ratings inside the central intervals of LEVELS.
        log_likelihood: mean over ratings of the log density, natural logarithm.
        by_noise: where each user has a noise of their own, ratings of known users by quarters of
            these, the most consistent first.
    """

    coverage: tuple[float, ...]
    log_likelihood: float
    by_noise: tuple["NoiseQuarter", ...] = ()


@dataclass(frozen=True, slots=True)
class NoiseQuarter:
    """A quarter of the model's users by their noise, from ``low`` to ``high`` in rating units."""

    low: float
    high: float
    n_ratings: int
    coverage: tuple[float, ...]


# By quarters of users numbers and those inside each level, unknown users in a group of their own at
# the end; and log densities, of all together.
INTERVAL_SUMS = len(LEVELS) + 2, _QUARTERS + 1


def quarters_of(uncertainty: Uncertainty) -> NDArray[np.int64] | None:
    """The quarter of each user by their noise, an unknown one's last; None where all have one."""
    noise = uncertainty.user_noise
    if noise is None:
        return None
    own = np.searchsorted(_edges(uncertainty)[1:-1], noise, side="right")
    return np.append(own, _QUARTERS)


def interval_sums(
    errors: FloatArray, std: FloatArray, quarter: NDArray[np.int64] | None
) -> FloatArray:
    """Sums over (k,) ratings, INTERVAL_SUMS.

    Args:
        errors: of their predictions.
        std: of the ratings around these.
        quarter: of their users, None where all have one noise.
    """
    distance = np.abs(errors) / std
    if quarter is None:
        quarter = np.zeros(len(errors), np.int64)
    n_groups, log_density = _QUARTERS + 1, -0.5 * distance * distance - np.log(std)
    sums = np.zeros(INTERVAL_SUMS)
    sums[0] = np.bincount(quarter, minlength=n_groups)
    for k, reach in enumerate(_REACH, 1):
        sums[k] = np.bincount(quarter, distance <= reach, n_groups)
    sums[-1, 0] = np.bincount(quarter, log_density, n_groups).sum()
    return sums


def intervals_of(sums: FloatArray, uncertainty: Uncertainty) -> Intervals:
    """What the sums over all ratings come to."""
    n, inside = float(sums[0].sum()), sums[1:-1]
    coverage = tuple((inside.sum(axis=1) / n).tolist())
    log_likelihood = float(sums[-1, 0]) / n - 0.5 * math.log(math.tau)
    return Intervals(coverage, log_likelihood, tuple(_by_noise(sums, uncertainty)))


def _by_noise(sums: FloatArray, uncertainty: Uncertainty) -> Iterator[NoiseQuarter]:
    for k, (low, high) in enumerate(pairwise(_edges(uncertainty).tolist())):
        n = int(sums[0, k])
        if n:
            yield NoiseQuarter(low, high, n, tuple((sums[1:-1, k] / n).tolist()))


def _edges(uncertainty: Uncertainty) -> FloatArray:
    noise = uncertainty.user_noise
    return np.empty(0) if noise is None else np.quantile(noise, np.arange(5) / 4)


@dataclass(frozen=True, slots=True)
class OnScale:
    """How the probabilities of the scale's values stood the test.

    Args:
        log_probability: mean over ratings of the logarithm of the rating's probability, natural.
        rounded_normal: the same for a normal prediction that is rounded to the nearest value.
        coverage: shares of ratings inside the central intervals of LEVELS; a rating whose value
            lies across an end counts with the part of its probability that is inside (C. Czado,
            T. Gneiting, L. Held, Predictive model assessment for count data, Biometrics 65, 2009).
    """

    log_probability: float
    rounded_normal: float
    coverage: tuple[float, ...]


# Numbers, log-probabilities of both kinds, and those inside each level.
SCALE_SUMS = 3 + len(LEVELS)


def scale_sums(
    scale: OrdinalScale, value: FloatArray, predicted: FloatArray, std: FloatArray
) -> FloatArray:
    """Sums over (k,) ratings, SCALE_SUMS; all are NaN if a rating is not on the scale.

    Args:
        scale: of the ratings.
        value: what came.
        predicted: the predictions.
        std: of the ratings around these.
    """
    places = scale.places(value)
    if places is None:
        return np.full(SCALE_SUMS, math.nan)
    rows, sums = np.arange(len(value)), [float(len(value))]
    for one in (rounded_normal(scale.values), scale):
        cumulative = one.cumulative(predicted, std)
        low, high = cumulative[rows, places], cumulative[rows, places + 1]
        probability = np.maximum(high - low, _LEAST_PROBABILITY)
        sums.append(float(np.log(probability).sum()))
    for level in LEVELS:
        first, last = (1 - level) / 2, (1 + level) / 2
        within = np.minimum(high, last) - np.maximum(low, first)
        sums.append(float((np.maximum(within, 0.0) / probability).sum()))
    return np.array(sums)


def on_scale_of(sums: FloatArray) -> OnScale | None:
    """What the sums over all ratings come to; None where a rating is not on the scale."""
    if np.isnan(sums).any():
        return None
    rounded, own, *coverage = (sums[1:] / sums[0]).tolist()
    return OnScale(own, rounded, tuple(coverage))
