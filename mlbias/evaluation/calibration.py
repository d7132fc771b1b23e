"""Whether predictions mean what they say: by their deciles, and by intervals around them."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from mlbias.core.ratings import Codes, Values
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray

LEVELS = (0.5, 0.8, 0.9, 0.95)
_GROUPS = 10


@dataclass(frozen=True, slots=True)
class Decile:
    """Ratings with similar predictions: how many, and the means of what was predicted and came."""

    n_ratings: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """How the model's own error bars stood the test.

    Args:
        coverage: shares of ratings inside the central intervals of LEVELS.
        log_likelihood: mean over ratings of the log density, natural logarithm.
    """

    coverage: tuple[float, ...]
    log_likelihood: float


def deciles(predicted: FloatArray, value: Values) -> tuple[Decile, ...]:
    """Tenths of (n,) predictions in their order, beside the ratings (n,); equal ones together."""
    cuts = np.quantile(predicted, np.arange(1, _GROUPS) / _GROUPS)
    group = np.searchsorted(cuts, predicted, side="right")
    counts = np.bincount(group, minlength=_GROUPS)
    totals = (np.bincount(group, of, _GROUPS) for of in (predicted, value))
    means = zip(counts.tolist(), *(total.tolist() for total in totals), strict=True)
    return tuple(Decile(n, own / n, seen / n) for n, own, seen in means if n)


class IntervalCheck:
    """Counts ratings inside the intervals of a model's uncertainty, piece by piece."""

    def __init__(self, uncertainty: Uncertainty) -> None:
        self._uncertainty = uncertainty
        self._reach = [NormalDist().inv_cdf((1 + level) / 2) for level in LEVELS]
        self._inside = np.zeros(len(LEVELS))
        self._n, self._log_likelihood = 0, 0.0

    def add(self, user: Codes, item: Codes, errors: FloatArray) -> None:
        """(k,) positions of users and items in the model, -1 where unknown, and errors."""
        std = self._uncertainty.of_ratings(user, item)
        distance = np.abs(errors) / std
        self._inside += [np.count_nonzero(distance <= reach) for reach in self._reach]
        self._n += len(errors)
        log_density = -0.5 * distance * distance - np.log(std)
        self._log_likelihood += float(log_density.sum()) - 0.5 * len(errors) * math.log(math.tau)

    def result(self) -> Intervals:
        """Over all that were added."""
        return Intervals(tuple((self._inside / self._n).tolist()), self._log_likelihood / self._n)
