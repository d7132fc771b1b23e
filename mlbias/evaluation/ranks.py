"""The number of a rank among very many, found by counting in bins, ever more closely."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.evaluation.blake2b import Words
from mlbias.number_columns import Timestamps

_BINS = 1 << 16
_SIGN = np.uint64(1 << 63)

Counts = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Range:
    """Which whole numbers are to be counted.

    Attributes:
        low, high: from where to where, both included.
        is_few: whether the numbers themselves are wanted, and not how many there are in each bin.
    """

    low: int
    high: int
    is_few: bool = False

    def counted(self, numbers: Words) -> Counts:
        """How many of the numbers (k,) are in each bin, or those in the range themselves."""
        low, high = np.uint64(self.low), np.uint64(self.high)
        numbers = numbers[(numbers >= low) & (numbers <= high)]
        if self.is_few:
            return numbers
        bins = (numbers - low) >> np.uint64(self.shift)
        return np.bincount(bins.astype(np.intp), minlength=_BINS)

    @property
    def shift(self) -> int:
        """Bits of a number that do not decide about its bin."""
        return max((self.high - self.low).bit_length() - (_BINS.bit_length() - 1), 0)


def of_rank(
    asked: Callable[[Range], Iterable[Counts]], among: Range, rank: int, n: int
) -> tuple[int, int, int]:
    """The number of a rank from 0, how many of all are below it, and how many are equal to it.

    Args:
        asked: gives what is counted in a range, from each piece of the numbers.
        among: of all numbers.
        rank: less than n.
        n: how many numbers there are.
    """
    n_below = 0
    while n > _BINS and among.low < among.high:
        counts = sum(asked(among), np.zeros(_BINS, np.int64))
        ends = np.cumsum(counts)
        place = int(np.searchsorted(ends, rank - n_below, side="right"))
        n = int(counts[place])
        n_below += int(ends[place]) - n
        low = among.low + (place << among.shift)
        among = Range(low, min(among.high, low + (1 << among.shift) - 1))
    if among.low == among.high:
        return among.low, n_below, n
    few = Range(among.low, among.high, is_few=True)
    numbers = np.sort(np.concatenate(list(asked(few))))
    number = numbers[rank - n_below]
    first, last = (int(np.searchsorted(numbers, number, side)) for side in ("left", "right"))
    return int(number), n_below + first, last - first


def keys_of(times: Timestamps) -> Words:
    """Whole numbers in the order of times (n,)."""
    bits = (times + 0.0).view(np.uint64)  # without a zero below 0
    return np.where(bits >= _SIGN, ~bits, bits | _SIGN)


def time_of(key: int) -> float:
    """The time of such a number."""
    bits = np.array([key], np.uint64)
    return float(np.where(bits >= _SIGN, bits ^ _SIGN, ~bits).view(np.float64)[0])
