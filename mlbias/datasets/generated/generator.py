"""Long-tailed ratings with known biases, the same on every machine and NumPy version.

Only raw bits of PCG64 and single additions, multiplications, divisions and comparisons are used:
NumPy promises no stream for its distributions, and ``exp`` or ``pow`` differ between processors
in the last bit.

Each user's items are a systematic sample with probability proportional to popularity, without
replacement: user u with c ratings takes item i with probability min(1, t·w_i), where t makes the
probabilities sum to c (Särndal, Swensson & Wretman, Model Assisted Survey Sampling, section 3.6).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mlbias.datasets.generated.shapes import SAMPLE, Quantiles, Shape
from mlbias.ratings import Ratings

_RATINGS_A_BLOCK = 1 << 20
_FIRST_TIMESTAMP = 789_652_009  # 1995-01-09, the oldest rating of MovieLens
_LAST_TIMESTAMP = 1_574_327_703  # 2019-11-21, the newest of ml-25m

FloatArray = NDArray[np.float64]
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the ratings were drawn from: r = alpha + user_bias + item_bias + noise, rounded.

    Args:
        alpha: the general level, in stars.
        user_bias: (n_users,), in the order of user_ids.
        item_bias: (n_items,), in the order of item_ids.
        user_sd, item_sd, noise: standard deviations of the biases and of the noise, in stars.
        user_ids: (n_users,), ascending.
        item_ids: (n_items,), ascending, with gaps as MovieLens has them.
    """

    alpha: float
    user_bias: FloatArray
    item_bias: FloatArray
    user_sd: float
    item_sd: float
    noise: float
    user_ids: NDArray[np.int64]
    item_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive ratings: codes into the truth's ids, stars up to 5, Unix seconds."""

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    value: FloatArray
    timestamp: NDArray[np.int64]


class Generator:
    """A seeded source of ratings of one shape.

    Args:
        shape: how many, and how long the tails.
        seed: the same seed gives the same ratings.
        alpha, user_sd, item_sd, noise: the model that they are drawn from, in stars; the
            defaults are near what ml-25m shows.
        steps_a_star: 2 for a scale from 0.5 to 5 in halves, 1 for one from 1 to 5, and so on.
    """

    def __init__(
        self,
        shape: Shape,
        seed: int = 0,
        *,
        alpha: float = 3.4,
        user_sd: float = 0.43,
        item_sd: float = 0.48,
        noise: float = 0.86,
        steps_a_star: int = 2,
    ) -> None:
        self.shape = shape
        self.seed = seed
        self._steps_a_star = steps_a_star
        self._bits = np.random.PCG64(seed)
        self._user_counts = self._shuffled(
            _counts(shape.user_quantiles, shape.n_users, shape.n_ratings, shape.n_items)
        )
        # Most popular first, as the sampling wants them; codes are dealt to them at random.
        # Only its proportions matter, so that even of few ratings there is a share for every item.
        total = max(shape.n_ratings, shape.n_items)
        popularity = _counts(shape.item_quantiles, shape.n_items, total, shape.n_users)
        weights = popularity[::-1].astype(np.float64)
        self._below = np.concatenate([[0.0], np.cumsum(weights)])
        self._rest = self._below[-1] - self._below[:-1]
        # The largest weight from each rank on, as the weights do not quite descend (see _counts).
        largest = np.maximum.accumulate(weights[::-1])[::-1]
        # With c ratings the k most popular items are certain, k the first with
        # (c - k)·w_k / rest_k <= 1, that is c <= k + rest_k / w_k, which grows with k.
        self._most_with_certain = np.arange(shape.n_items) + self._rest / largest
        self._item_of_rank = self._shuffled(np.arange(shape.n_items, dtype=np.int32))
        self.truth = Truth(
            alpha=alpha,
            user_bias=user_sd * self._near_normal(shape.n_users),
            item_bias=item_sd * self._near_normal(shape.n_items),
            user_sd=user_sd,
            item_sd=item_sd,
            noise=noise,
            user_ids=np.arange(1, shape.n_users + 1),
            item_ids=np.cumsum(1 + (self._raw(shape.n_items) % 6).astype(np.int64)),
        )

    def blocks(self) -> Iterator[Block]:
        """Yield the ratings, ascending by user and item, about a million at a time.

        Each user's are in one block.
        """
        ends = np.cumsum(self._user_counts)
        first = 0
        while first < len(ends):
            start = ends[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(ends, start + _RATINGS_A_BLOCK, "right")))
            yield self._block(first, last)
            first = last

    def _block(self, first: int, last: int) -> Block:
        counts = self._user_counts[first:last]
        ranks = self._sampled_ranks(counts)
        user = np.repeat(np.arange(first, last, dtype=np.int64), counts)
        n_items = self.shape.n_items
        # One sort of combined keys puts each user's items in ascending order.
        keys = np.sort(user * n_items + self._item_of_rank[ranks])
        item = (keys % n_items).astype(np.int32)
        truth = self.truth
        exact = truth.alpha + truth.user_bias[user] + truth.item_bias[item]
        noisy = exact + truth.noise * self._near_normal(len(user))
        steps = self._steps_a_star
        span = _LAST_TIMESTAMP - _FIRST_TIMESTAMP
        joined = np.repeat((self._uniform(last - first) * span).astype(np.int64), counts)
        return Block(
            user=user.astype(np.int32),
            item=item,
            value=np.clip(np.rint(noisy * steps) / steps, 1 / steps, 5.0),
            timestamp=_FIRST_TIMESTAMP + joined + (self._raw(len(user)) % 86_400).astype(np.int64),
        )

    def _sampled_ranks(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Popularity ranks of each user's items, the users one after the other."""
        below = self._below
        certain = np.searchsorted(self._most_with_certain, counts)
        step = self._rest[certain] / np.maximum(counts - certain, 1)
        nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        drawn = nth - np.repeat(certain, counts)
        place = np.repeat(below[certain], counts) + np.repeat(step, counts) * (
            drawn + np.repeat(self._uniform(len(counts)), counts)
        )
        ranks = np.searchsorted(below, place, "right") - 1
        return np.where(drawn < 0, nth, np.minimum(ranks, self.shape.n_items - 1))

    def _raw(self, size: int) -> NDArray[np.uint64]:
        return np.asarray(self._bits.random_raw(size), dtype=np.uint64)

    def _uniform(self, size: int) -> FloatArray:
        """Uniform on [0, 1) in steps of 2⁻⁵³."""
        return np.asarray((self._raw(size) >> np.uint64(11)) * 2.0**-53)

    def _near_normal(self, size: int) -> FloatArray:
        """Mean 0, variance 1: the sum of the four 16-bit quarters of one raw word."""
        quarters = self._raw(size).astype("<u8").view("<u2").reshape(size, 4)
        total = quarters.sum(axis=1, dtype=np.int64)
        # Four uniforms on 0 … 65535 have mean 131070 and variance (2³² - 1)/3.
        return np.asarray((total - 131_070) / 37_837.22723720648)

    def _shuffled(self, values: NDArray[_Number]) -> NDArray[_Number]:
        shuffled: NDArray[_Number] = values[np.argsort(self._raw(len(values)), kind="stable")]
        return shuffled


def sample() -> tuple[Ratings, Truth]:
    """The ratings of ``--data sample``: 100,000, with the truth behind them.

    An item may have no rating; then it is in the truth, but not in the ratings.
    """
    generator = Generator(SAMPLE)
    blocks = list(generator.blocks())
    every = Ratings(
        user_column=np.concatenate([block.user for block in blocks]),
        item=np.concatenate([block.item for block in blocks]),
        value_column=np.concatenate([block.value for block in blocks]),
        user_ids=generator.truth.user_ids,
        item_ids=generator.truth.item_ids,
    )
    return every.select(np.ones(len(every), dtype=np.bool_)), generator.truth


def _counts(quantiles: Quantiles, size: int, total: int, most: int) -> NDArray[np.int64]:
    """Whole numbers with these quantiles, at most ``most``, that add up to ``total``.

    They ascend, but for one step down by 1 at most. ``total`` is between the fewest and ``most``
    for each.
    """
    shares, heights = np.array(quantiles, dtype=np.float64).T
    place = (np.arange(size) + 0.5) / size
    left = np.searchsorted(shares, place, "right") - 1
    # Written out because np.interp may fuse a multiplication and an addition.
    slope = (heights[left + 1] - heights[left]) / (shares[left + 1] - shares[left])
    curve = heights[left] + slope * (place - shares[left])
    fewest = heights[0]
    # Exactly rounded, whatever the order in which a machine adds.
    stretch = (total - fewest * size) / math.fsum(curve - fewest)
    stretched = np.floor(fewest + stretch * (curve - fewest))
    counts: NDArray[np.int64] = np.minimum(stretched, most).astype(np.int64)
    # What was cut off goes to all that have room, evenly; what rounding down left over goes to
    # the middle, one each, where it shows least.
    while missing := total - int(counts.sum()):
        free = np.flatnonzero(counts < most)
        each = missing // len(free)
        if each == 0:
            free = free[(len(free) - missing) // 2 :][:missing]
        counts[free] = np.minimum(counts[free] + max(each, 1), most)
    return counts
