"""The thresholds of the rating scale, fitted to leave-one-out predictions."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.compact import Column
from mlbias.core.cores import usable_threads
from mlbias.core.leave_one_out import left_out
from mlbias.core.model import Parameters
from mlbias.core.ordinal import MOST_VALUES, OrdinalScale, fit_scale
from mlbias.core.ratings import CodedRatings, Values
from mlbias.core.reml.noise_prior import UserNoise
from mlbias.core.reml.posterior import Posterior
from mlbias.core.vectors import FloatArray

# Ratings that the thresholds are fitted to. K parameters fitted to n ratings lose about K/(2n) of
# log-probability per rating, here less than 0.001 for any scale.
_MOST = 1 << 17
# Ratings that fit a cache.
_PIECE = 1 << 16
_GOLDEN = (math.sqrt(5) - 1) / 2


def learn_scale(
    ratings: CodedRatings,
    at: Parameters,
    known: Posterior,
    noise: float | UserNoise,
    threads: int | None = None,
) -> OrdinalScale | None:
    """The scale; None where ratings take more than 100 distinct values, or a single one.

    Of many ratings a fixed sample is used.

    Args:
        ratings: those that the optimum was fitted to.
        at: the optimum at λ's above 0, alpha in the ratings' own units.
        known: the entries of the inverse there.
        noise: σ², or each user's.
        threads: how many work at a time; by default one for each core.
    """
    values = distinct_values(ratings.value_column, threads)
    if values is None or len(values) < 2:
        return None
    sample = left_out_sample(ratings, at, known, noise, sampled(len(ratings.item)))
    return None if sample is None else scale_of(values, sample)


def left_out_sample(
    ratings: CodedRatings, at: Parameters, known: Posterior, noise: float | UserNoise,
    here: NDArray[np.intp],
) -> FloatArray | None:  # fmt: skip
    """Of the ratings at these positions (k,) values, predictions and their std, (3, k).

    The predictions are made without the rating itself. None if they are lost to rounding.
    """
    both = left_out(ratings, at, known, here)
    if both is None:
        return None
    errors, left = both
    value = ratings.value_column[here].astype(np.float64)
    variance: FloatArray | float = (
        noise.without(ratings.user_column[here], errors * errors * left)
        if isinstance(noise, UserNoise)
        else noise
    )
    return np.array([value, value - errors, np.sqrt(variance / left)])


def scale_of(values: FloatArray, sample: FloatArray) -> OrdinalScale:
    """The scale with these values, ascending, fitted to a sample of all ratings."""
    value, predicted, std = sample
    return fit_scale(values, np.searchsorted(values, value), predicted, std)


def sampled(n: int) -> NDArray[np.intp]:
    """Positions of at most _MOST of n ratings, ascending: one in each of as many equal stretches.

    Where in its stretch follows multiples of the golden ratio, since ratings that are evenly
    spaced could all be of one item.
    """
    if n <= _MOST:
        return np.arange(n)
    stretch = np.arange(_MOST)
    return ((stretch + stretch * _GOLDEN % 1) * (n / _MOST)).astype(np.intp)


def distinct_values(
    value: Column[np.floating[Any]], threads: int | None = None
) -> FloatArray | None:
    """The distinct values among (n,) ratings, ascending; None if there are more than 100."""
    found = np.unique(value[:_PIECE])

    def others(start: int) -> Values:
        """Those of a piece if any are new. Comparing with each known one is faster than sorting."""
        piece = value[start : start + _PIECE]
        if sum(np.count_nonzero(piece == each) for each in found) == len(piece):
            return found[:0]
        return np.unique(piece)

    if len(found) > MOST_VALUES:
        return None
    with ThreadPoolExecutor(usable_threads(threads)) as pool:
        more = list(pool.map(others, range(0, len(value), _PIECE)))
    values = np.unique(np.concatenate([found, *more]).astype(np.float64))
    return values if len(values) <= MOST_VALUES else None
