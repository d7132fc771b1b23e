"""The incidence matrix in parts: every method as one round over the parts.

A part gets those entries of a vector that belong to its users and items, and gives its own sums,
which are added in the order of the parts. So the bits of a result depend on the parts alone, not on
where and when each one was worked on.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from mlbias.core.compact import UserRuns
from mlbias.core.connected import joined
from mlbias.core.incidence import BlockIncidence
from mlbias.core.ratings import Codes, Values
from mlbias.core.statistics import Statistics, center_near
from mlbias.core.vectors import FloatArray
from mlbias.engines.parts import (
    BOTH,
    CODED,
    COMPONENTS,
    PER_ITEM,
    PER_USER,
    RATED_PER_ITEM,
    RATED_PER_USER,
    REPEATED_PAIRS,
    SQUARES_PER_USER,
    SUMMARY,
    Argument,
    Call,
    Parts,
    Request,
    Result,
    Summary,
)
from mlbias.errors import DataError
from mlbias.ids import Ids, joined_ids
from mlbias.ratings import Ratings


class PartitionedIncidence:
    """A in parts that an engine keeps. On the way there is one round, for the statistics.

    Args:
        parts: with at least one rating in all.

    ``user_ids`` and ``item_ids`` are the ids, ascending. ``rounds`` counts the rounds so far: on an
    engine they are what costs. ``span`` is the first and the last time in Unix seconds, None where
    there are none; ``untimed`` says why, where the source has some.

    Raises:
        DataError: there are no ratings, or they are too large to be squared in float64.
    """

    user_ids: Ids
    item_ids: Ids
    span: tuple[float, float] | None
    untimed: str

    def __init__(self, parts: Parts) -> None:
        self.parts, self.rounds = parts, 1
        summaries = parts.map(SUMMARY, [Request("", True)] * len(parts))
        found = [summary for summary in summaries if summary is not None]
        if not any(summary.statistics for summary in found):
            raise DataError("there are no ratings")
        self._digests = [summary.digest for summary in found]
        self._is_asked = [summary.statistics is not None for summary in found]
        self.user_ids, self._users = joined_ids([summary.ids[0] for summary in found])
        self.item_ids, self._items = joined_ids([summary.ids[1] for summary in found])
        shape = len(self.user_ids), len(self.item_ids)
        self._statistics = _combined(found, self._users, self._items, shape)
        self.span, self.untimed = _times_of([of for of in found if of.statistics is not None])
        self._known_pairs: tuple[Codes, Codes, FloatArray] | None = None
        self._known_coded: tuple[Codes, Values] | None = None

    @property
    def statistics(self) -> Statistics:
        """The sufficient statistics of the ratings."""
        return self._statistics

    def __len__(self) -> int:
        return self._statistics.n_ratings

    def per_user(self, item_bias: FloatArray) -> FloatArray:
        """A·b_item, (n_users,); of several at once, a row each."""
        sums = self.ask(PER_USER, [item_bias[..., at] for at in self._items])
        return self._placed(sums)

    def per_item(self, user_bias: FloatArray) -> FloatArray:
        """Aᵀ·b_user, (n_items,); of several at once, a row each."""
        sums = self.ask(PER_ITEM, [user_bias[..., at] for at in self._users])
        return self._added(sums)

    def both(
        self,
        item_bias: FloatArray,
        user_bias: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """A·b_item and Aᵀ·(b_user + w·A·b_item) in one round; see Incidence."""
        results = self.ask(BOTH, [
            (
                item_bias[..., items],
                None if user_bias is None else user_bias[..., users],
                None if weights is None else weights[users],
            )
            for users, items in zip(self._users, self._items, strict=True)
        ])  # fmt: skip
        of_items = [None if result is None else result[0] for result in results]
        of_users = [None if result is None else result[1] for result in results]
        return self._placed(of_items), self._added(of_users)

    def rated_per_user(self, item_bias: FloatArray) -> FloatArray:
        """R·b_item, where R has the centered ratings in the place of A's ones, (n_users,)."""
        center = self._statistics.center
        given = [(item_bias[at], center) for at in self._items]
        sums = self.ask(RATED_PER_USER, given)
        return self._placed(sums)

    def rated_per_item(self, user_bias: FloatArray) -> FloatArray:
        """Rᵀ·b_user, (n_items,)."""
        center = self._statistics.center
        given = [(user_bias[at], center) for at in self._users]
        sums = self.ask(RATED_PER_ITEM, given)
        return self._added(sums)

    def squares_per_user(self) -> FloatArray:
        """Each user's centered ratings squared and added up, (n_users,)."""
        centers = [self._statistics.center] * len(self._users)
        sums = self.ask(SQUARES_PER_USER, centers)
        return self._placed(sums)

    def repeated_pairs(self) -> tuple[Codes, Codes, FloatArray]:
        """Users and items of pairs with several ratings, (k,) each, and how many they have."""
        if self._known_pairs is None:
            found = self.ask(REPEATED_PAIRS, [True] * len(self._users))
            kept = [
                (users[result[0]], items[result[1]], result[2])
                for result, users, items in zip(found, self._users, self._items, strict=True)
                if result is not None
            ]
            user, item, times = (np.concatenate(column) for column in zip(*kept, strict=True))
            self._known_pairs = user, item, times
        return self._known_pairs

    def components(self) -> tuple[Codes, Codes]:
        """The connected component of each user (n_users,) and of each item (n_items,)."""
        found = self.ask(COMPONENTS, [True] * len(self._users))
        labels = np.arange(len(self.item_ids), dtype=np.int32)
        firsts = np.empty(len(self.user_ids), np.int32)
        for result, users, items in zip(found, self._users, self._items, strict=True):
            if result is not None:
                # An item of each of the part's components stands for it.
                first = items[np.unique(result[1], return_index=True)[1]]
                firsts[users] = first[result[0]]
                labels = joined(labels, first[result[1]], items)
        return labels[firsts], labels

    def at_hand(self) -> BlockIncidence:
        """The same in the memory of this process, brought in one round."""
        item, value = self._coded()
        return BlockIncidence.restored(item, value, self._statistics)

    def ratings(self) -> Ratings:
        """All ratings in the memory of this process, ascending by user and item, in one round."""
        users = UserRuns.of_counts(self._statistics.user_counts)
        return Ratings(users, *self._coded(), self.user_ids, self.item_ids)

    def _coded(self) -> tuple[Codes, Values]:
        """Codes of the items and ratings, (n,) each, kept once they were asked for."""
        if self._known_coded is None:
            found = self.ask(CODED, [True] * len(self._users))
            starts = UserRuns.of_counts(self._statistics.user_counts).starts
            item = np.empty(len(self), np.int32)
            value = np.empty(len(self), np.result_type(*(of[1] for of in found if of is not None)))
            for coded, users, items in zip(found, self._users, self._items, strict=True):
                if coded is not None:
                    counts = starts[users + 1] - starts[users]
                    first = np.cumsum(counts) - counts
                    at = np.arange(len(coded[0])) + np.repeat(starts[users] - first, counts)
                    item[at], value[at] = items[coded[0]], coded[1]
            self._known_coded = item, value
        return self._known_coded

    def release(self) -> None:
        """Give back what the engine keeps of the ratings, which cannot be used again."""
        self.parts.release()

    @property
    def places(self) -> list[tuple[Codes, Codes]]:
        """Where each part's users and items are among all."""
        return list(zip(self._users, self._items, strict=True))

    def ask(
        self, call: Call[Argument, Result], arguments: Sequence[Argument]
    ) -> list[Result | None]:
        """What the parts give, None for those without ratings; all digests are checked."""
        self.rounds += 1
        given = zip(self._digests, self._is_asked, arguments, strict=True)
        requests = [Request(digest, what if asked else None) for digest, asked, what in given]
        return self.parts.map(call, requests)

    def _placed(self, sums: Sequence[FloatArray | None]) -> FloatArray:
        """Sums of each part's users in the places of all users."""
        rows = next(part for part in sums if part is not None).shape[:-1]
        whole = np.empty((*rows, len(self.user_ids)))
        for part, users in zip(sums, self._users, strict=True):
            if part is not None:
                whole[..., users] = part
        return whole

    def _added(self, sums: Sequence[FloatArray | None]) -> FloatArray:
        """Sums of each part's items, added in the order of the parts."""
        rows = next(part for part in sums if part is not None).shape[:-1]
        whole = np.zeros((*rows, len(self.item_ids)))
        for part, items in zip(sums, self._items, strict=True):
            if part is not None:
                whole[..., items] += part
        return whole


def _times_of(summaries: Sequence[Summary]) -> tuple[tuple[float, float] | None, str]:
    """The span of all times, and why there is none."""
    spans = [of.span for of in summaries if of.span is not None]
    if len(spans) < len(summaries):
        return None, next((of.untimed for of in summaries if of.untimed), "")
    units = sorted({of.time_unit for of in summaries})
    if len(units) > 1:
        return None, f"some look like {units[0]}, others like {units[1]}"
    return (min(first for first, _ in spans), max(last for _, last in spans)), ""


def _combined(
    summaries: Sequence[Summary], users: Sequence[Codes], items: Sequence[Codes],
    shape: tuple[int, int],
) -> Statistics:  # fmt: skip
    """The statistics of all parts, measured from one center, without rounding on the way."""
    places = zip(summaries, users, items, strict=True)
    known = [(of.statistics, user, item) for of, user, item in places if of.statistics is not None]
    parts = [s for s, _, _ in known]
    n = sum(s.n_ratings for s in parts)
    low, high = min(s.low for s in parts), max(s.high for s in parts)
    level = sum(Fraction(s.total) + s.n_ratings * Fraction(s.center) for s in parts)
    center = center_near(float(level / n), low, high)
    total = squares = Fraction(0)
    user_counts, user_sums = np.empty((2, shape[0]))
    item_counts, item_sums = np.zeros((2, shape[1]))
    for s, of_users, of_items in known:
        shift = Fraction(s.center) - Fraction(center)
        total += Fraction(s.total) + s.n_ratings * shift
        squares += Fraction(s.squares) + shift * (2 * Fraction(s.total) + s.n_ratings * shift)
        user_counts[of_users] = s.user_counts
        user_sums[of_users] = s.user_sums + float(shift) * s.user_counts
        item_counts[of_items] += s.item_counts
        item_sums[of_items] += s.item_sums + float(shift) * s.item_counts
    try:
        sums = float(total), float(squares)
    except OverflowError:
        message = "the ratings are too large: the sum of their squares overflows."
        raise DataError(message) from None
    return Statistics(
        n, center, *sums, low, high, user_counts, item_counts, user_sums, item_sums
    )  # fmt: skip
