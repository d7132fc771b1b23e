"""What was predicted beside what came, by tenths of the predictions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.vectors import FloatArray

_GROUPS = 10
# Bins of the predictions' range; only those in which a tenth ends are looked into again.
BINS = 1 << 12


@dataclass(frozen=True, slots=True)
class Decile:
    """Ratings with similar predictions: how many, and the means of what was predicted and came."""

    n_ratings: int
    predicted: float
    observed: float


class Deciles:
    """Tenths of predictions in their order; equal ones stay together.

    A first pass counts predictions in bins; a second one fetches the predictions in those few bins
    in which a tenth ends. So nothing is sorted but these, and no prediction is kept.

    Args:
        low, high: between which all predictions are.
        sums: numbers, sums of predictions and of ratings in each bin, (3, bins), once all of them
            were tallied.
    """

    def __init__(self, low: float, high: float, sums: FloatArray | None = None) -> None:
        self._low = low
        self._bins_per_unit = BINS / (high - low) if high > low else 0.0
        self._sums = np.zeros((3, BINS)) if sums is None else sums
        self._is_open = self._found_open()

    def tallied(self, predicted: FloatArray, value: FloatArray) -> FloatArray:
        """Numbers and sums of (k,) predictions, and sums of the ratings, by bins: (3, bins)."""
        bins = self._bins_of(predicted)
        return np.array([
            np.bincount(bins, minlength=BINS),
            np.bincount(bins, predicted, BINS),
            np.bincount(bins, value, BINS),
        ])  # fmt: skip

    def _found_open(self) -> NDArray[np.bool_]:
        """The bins in which a tenth ends, (bins,)."""
        numbers = self._sums[0]
        before = np.cumsum(numbers) - numbers
        n = numbers.sum()
        several = numbers > 1
        return np.asarray(several & (_tenth(before + numbers - 1, n) > _tenth(before, n)))

    def fetched(self, predicted: FloatArray, value: FloatArray) -> FloatArray:
        """Those of (k,) predictions that are in open bins, and their ratings, (2, some)."""
        chosen = self._is_open[self._bins_of(predicted)]
        return np.array([predicted[chosen], value[chosen]])

    def result(self, pieces: Sequence[FloatArray]) -> tuple[Decile, ...]:
        """The tenths, given all predictions and ratings that are in open bins, (2, some) each."""
        fetched = np.concatenate(pieces, axis=1)
        closed = np.flatnonzero(~self._is_open & (self._sums[0] > 0))
        own, place, number = np.unique(fetched[0], return_inverse=True, return_counts=True)
        opened = [number, own * number, np.bincount(place, fetched[1], len(own))]
        # Bins that are whole and single predictions, in the order of the predictions.
        sums = np.concatenate([self._sums[:, closed], opened], axis=1)
        sums = sums[:, np.argsort(np.concatenate([closed, self._bins_of(own)]), kind="stable")]
        group = _tenth(np.cumsum(sums[0]) - 1, sums[0].sum())
        totals = (np.bincount(group, of, _GROUPS).tolist() for of in sums)
        return tuple(Decile(int(n), p / n, v / n) for n, p, v in zip(*totals, strict=True) if n)

    def _bins_of(self, predicted: FloatArray) -> NDArray[np.intp]:
        bins = ((predicted - self._low) * self._bins_per_unit).astype(np.intp)
        return np.minimum(bins, BINS - 1, out=bins)


def _tenth(last: FloatArray, n: float) -> NDArray[np.intp]:
    """In which tenth of n predictions one is, by the number of the last equal one, from 0 on.

    Quantile k/10 is between the predictions with the numbers floor and ceil of (n - 1) k/10, and a
    prediction is in the tenth of the last quantile that is not above it.
    """
    ends = np.ceil((n - 1) * np.arange(1, _GROUPS) / _GROUPS)
    return np.searchsorted(ends, last, side="right")
