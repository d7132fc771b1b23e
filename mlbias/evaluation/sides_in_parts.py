"""Hold-outs of ratings in parts, which decide alone: each has all of its users.

Only a share of the latest ratings takes all parts together: where the cut is, is found by counting
times in bins, and then hashes at that time, ever more closely.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.parts import Call, Part
from mlbias.errors import DataError
from mlbias.evaluation.hashing import Words, pair_hashes
from mlbias.evaluation.holdout import Holdout
from mlbias.evaluation.latest import Mask, TimeCut, no_times, pair_times
from mlbias.evaluation.splits import held_out_at_random, held_out_of_users
from mlbias.number_columns import Timestamps
from mlbias.ratings import Ratings

_BINS = 1 << 16
_SIGN = np.uint64(1 << 63)


def sides_in_parts(
    incidence: PartitionedIncidence, holdout: Holdout
) -> tuple[PartitionedIncidence, PartitionedIncidence]:
    """Training ratings and hold-out, the same ones as in memory.

    Raises:
        DataError: one side would be empty, or there are no times.
    """
    if holdout.needs_times and incidence.span is None:
        raise no_times(incidence.untimed)
    cut = _cut(incidence, holdout) if holdout.split == "time" else None
    try:
        training, held_out = (
            PartitionedIncidence(incidence.parts.derived(_Side(holdout, cut, is_held_out)))
            for is_held_out in (False, True)
        )
    except DataError as error:
        raise DataError(f"a hold-out of {holdout.told}: on one side {error}.") from error
    return training, held_out


@dataclass(frozen=True, slots=True)
class _Side:
    """From a part to its training ratings or its hold-out."""

    holdout: Holdout
    cut: TimeCut | None
    is_held_out: bool

    def __call__(self, part: Part) -> Part:
        if part.is_empty:
            return part
        ratings = part.ratings()
        held_out = self._held_out(ratings)
        return Part.of(ratings.select(held_out == self.is_held_out), part.time_unit)

    def _held_out(self, ratings: Ratings) -> Mask:
        holdout = self.holdout
        size, seed = holdout.test_size, holdout.seed
        if self.cut is not None:
            return self.cut.held_out(*_moments(ratings, seed))
        assert size is not None
        if holdout.split == "user":
            return held_out_of_users(ratings, size, random=holdout.pick == "random", seed=seed)
        return held_out_at_random(ratings, size, seed)


def _moments(ratings: Ratings, seed: int) -> tuple[Timestamps, Words]:
    """What a split by time goes by."""
    hashes = pair_hashes(ratings, "time", seed)
    return pair_times(ratings, hashes), hashes


def _cut(incidence: PartitionedIncidence, holdout: Holdout) -> TimeCut:
    """Where a split by time cuts."""
    if holdout.start is not None:
        return TimeCut(holdout.start)
    assert holdout.test_size is not None
    assert incidence.span is not None
    n = len(incidence)
    n_held_out = round(holdout.test_size * n)
    if n_held_out in (0, n):
        raise DataError(f"a hold-out of {holdout.told}: on one side there are no ratings.")
    first, last = (int(_keys(np.array([time]))[0]) for time in incidence.span)
    times = _Counted(holdout.seed, None, first, last)
    key, n_before, n_tied = _smallest(incidence, times, n - n_held_out, n)
    time = _time_of(key)
    hashes = _Counted(holdout.seed, time, 0, (1 << 64) - 1)
    n_more = n_held_out - (n - n_before - n_tied)
    return TimeCut(time, _smallest(incidence, hashes, n_more - 1, n_tied)[0])


@dataclass(frozen=True, slots=True)
class _Counted:
    """Which whole numbers of ratings are to be counted.

    Attributes:
        seed: of the hashes.
        at: None for times, or the time whose hashes are meant.
        low, high: from where to where, both included.
        is_few: whether the numbers themselves are wanted, and not how many there are in each bin.
    """

    seed: int
    at: float | None
    low: int
    high: int
    is_few: bool = False

    @property
    def shift(self) -> int:
        """Bits of a number that do not decide about its bin."""
        return max((self.high - self.low).bit_length() - (_BINS.bit_length() - 1), 0)


def _counted(part: Part, wanted: _Counted) -> NDArray[np.integer]:
    times, hashes = _moments(part.ratings(), wanted.seed)
    numbers = _keys(times) if wanted.at is None else hashes[times == wanted.at]
    low, high = np.uint64(wanted.low), np.uint64(wanted.high)
    numbers = numbers[(numbers >= low) & (numbers <= high)]
    if wanted.is_few:
        return numbers
    bins = (numbers - low) >> np.uint64(wanted.shift)
    return np.bincount(bins.astype(np.intp), minlength=_BINS)


_COUNTED: Call[_Counted, NDArray[np.integer]] = Call(_counted, values=True, ids=True, times=True)


def _smallest(
    incidence: PartitionedIncidence, among: _Counted, rank: int, n: int
) -> tuple[int, int, int]:
    """The number of a rank from 0, how many of all n are below it, and how many are equal to it."""
    n_below = 0
    while n > _BINS and among.low < among.high:
        counts = sum(_asked(incidence, among), np.zeros(_BINS, np.int64))
        ends = np.cumsum(counts)
        place = int(np.searchsorted(ends, rank - n_below, side="right"))
        n = int(counts[place])
        n_below += int(ends[place]) - n
        low = among.low + (place << among.shift)
        high = min(among.high, low + (1 << among.shift) - 1)
        among = replace(among, low=low, high=high)
    if among.low == among.high:
        return among.low, n_below, n
    numbers = np.sort(np.concatenate(_asked(incidence, replace(among, is_few=True))))
    number = numbers[rank - n_below]
    first, last = (int(np.searchsorted(numbers, number, side)) for side in ("left", "right"))
    return int(number), n_below + first, last - first


def _asked(incidence: PartitionedIncidence, wanted: _Counted) -> list[NDArray[np.integer]]:
    found = incidence.ask(_COUNTED, [wanted] * len(incidence.places))
    return [of for of in found if of is not None]


def _keys(times: Timestamps) -> Words:
    """Whole numbers in the order of times (n,)."""
    bits = (times + 0.0).view(np.uint64)  # without a zero below 0
    return np.where(bits >= _SIGN, ~bits, bits | _SIGN)


def _time_of(key: int) -> float:
    bits = np.array([key], np.uint64)
    return float(np.where(bits >= _SIGN, bits ^ _SIGN, ~bits).view(np.float64)[0])
