"""Thresholds of the rating scale, fitted to predictions of each rating from all others."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mlbias.core.cores import usable_threads
from mlbias.core.leave_one_out import left_out
from mlbias.core.model import Parameters
from mlbias.core.ordinal import MOST_VALUES, OrdinalScale, fit_scale
from mlbias.core.ratings import CodedRatings, Values
from mlbias.core.reml.noise_prior import UserNoise
from mlbias.core.reml.posterior import Posterior
from mlbias.core.vectors import FloatArray

# Ratings that the thresholds are fitted to: as many as tell them to a part in a thousand or so.
_MOST = 100_000
_PIECE = 1 << 18


def learn_scale(
    ratings: CodedRatings,
    at: Parameters,
    known: Posterior,
    noise: float | UserNoise,
    threads: int | None = None,
) -> OrdinalScale | None:
    """The scale; None where ratings take more than 100 values, or one alone.

    Args:
        ratings: that the optimum is of; evenly spaced ones of them serve if there are many.
        at: the optimum at λ's above 0, alpha in the ratings' own units.
        known: of the inverse there.
        noise: σ², or each user's.
        threads: how many work at a time; by default one for each core.
    """
    values = distinct_values(ratings.value, threads)
    if values is None or len(values) < 2:
        return None
    here = slice(None, None, -(-len(ratings.value) // _MOST))
    both = left_out(ratings, at, known, here)
    if both is None:
        return None
    errors, left = both
    value = ratings.value[here].astype(np.float64)
    variance: FloatArray | float
    if isinstance(noise, UserNoise):
        variance = noise.without(ratings.user[here], errors * errors * left)
    else:
        variance = noise
    std = np.sqrt(variance / left)
    return fit_scale(values, np.searchsorted(values, value), value - errors, std)


def distinct_values(value: Values, threads: int | None = None) -> FloatArray | None:
    """The distinct ones of (n,) values, ascending; None if there are more than 100."""
    found = np.unique(value[: _PIECE >> 4])

    def others(start: int) -> Values:
        """Those of a piece that are not found yet; in most there are none, so that none sorts."""
        piece = value[start : start + _PIECE]
        places = np.minimum(np.searchsorted(found, piece), len(found) - 1)
        more: Values = piece[found[places] != piece]
        return np.unique(more)

    if len(found) > MOST_VALUES:
        return None
    with ThreadPoolExecutor(usable_threads(threads)) as pool:
        more = list(pool.map(others, range(0, len(value), _PIECE)))
    values = np.unique(np.concatenate([found, *more]).astype(np.float64))
    return values if len(values) <= MOST_VALUES else None
