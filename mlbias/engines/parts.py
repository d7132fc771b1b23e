"""A part of the ratings, what can be asked of it, and what an engine owes.

A part has all ratings of its users, who were chosen by a hash, so that sums over a user's ratings
need no other part. It numbers its own users and items. Where these stand among all users and all
items is known to the caller alone.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from mlbias.core.compact import UserRuns
from mlbias.core.incidence import BlockIncidence
from mlbias.core.ratings import Codes, Values, repeated_pairs
from mlbias.core.statistics import Statistics
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError
from mlbias.ids import Ids, content_of
from mlbias.number_columns import Timestamps
from mlbias.ratings import Ratings

Argument = TypeVar("Argument")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Part:
    """The ratings of some users, by codes into the part's own users and items.

    Attributes:
        digest: of everything else. A part that is made again from other ratings has another one.
        n_items: distinct items of the part.
        counts: (n_users,) int32, ratings of each user.
        item: (n,) codes of the items, in the order of users, items and values.
        value: (n,) ratings in the same order; None where the call does not read them.
        ids: of the users and of the items, ascending; None where the call does not read them.
        time: (n,) times in Unix seconds; None where there are none, or the call does not read them.
        time_unit: what times stood for in the source, such as ms.
        untimed: why there are no times, where the source has some.
    """

    digest: str
    n_items: int
    counts: Codes
    item: Codes
    value: Values | None
    ids: tuple[Ids, Ids] | None
    time: Timestamps | None = None
    time_unit: str = ""
    untimed: str = ""

    @classmethod
    def of(cls, ratings: Ratings, time_unit: str = "") -> "Part":
        """The part with these ratings, none or more, in whatever order they come."""
        ratings = _in_order(ratings)
        counts = np.bincount(ratings.user, minlength=ratings.n_users).astype(np.int32)
        columns = {"counts": counts, "item": ratings.item, "value": ratings.value}
        columns |= {"users": content_of(ratings.user_ids), "items": content_of(ratings.item_ids)}
        columns |= {} if ratings.timestamp is None else {"time": ratings.timestamp}
        digest = hashlib.blake2b(digest_size=16)
        for name, column in columns.items():
            digest.update(f"{name} {column.dtype} {len(column)};".encode())
            digest.update(np.ascontiguousarray(column).data)
        ids = ratings.user_ids, ratings.item_ids
        return cls(
            digest.hexdigest(), ratings.n_items, counts, ratings.item, ratings.value, ids,
            ratings.timestamp, time_unit, ratings.untimed,
        )  # fmt: skip

    @property
    def is_empty(self) -> bool:
        """Whether no user's hash led here."""
        return len(self.item) == 0

    def ratings(self) -> Ratings:
        """The ratings, for a call that reads values; codes stand for ids that it does not read."""
        assert self.value is not None
        ids = self.ids or (np.arange(len(self.counts)), np.arange(self.n_items))
        user = UserRuns.of_counts(self.counts)
        return Ratings(user, self.item, self.value, *ids, self.time, self.untimed)

    def incidence(self, center: float = 0.0) -> BlockIncidence:
        """The matrix of the part, on one thread: engines run parts side by side.

        Args:
            center: that products with the ratings are to be measured from.
        """
        nothing = np.empty(0)
        counts = self.counts.astype(np.float64)
        of_items = np.broadcast_to(0.0, self.n_items)
        statistics = Statistics(
            len(self.item), center, 0.0, 0.0, 0.0, 0.0, counts, of_items, counts, of_items
        )
        values = nothing if self.value is None else self.value
        return BlockIncidence.restored(self.item, values, statistics, threads=1)


@dataclass(frozen=True, slots=True)
class Call(Generic[Argument, Result]):
    """A function of a part, and what it reads besides the codes.

    Attributes:
        function: of the part and an argument; importable by its name, as it may travel.
        values: whether it reads the ratings' values.
        ids: whether it reads the ids.
        times: whether it reads the times.
    """

    function: Callable[[Part, Argument], Result]
    values: bool = False
    ids: bool = False
    times: bool = False

    def on(self, part: Part, request: "Request[Argument]") -> Result | None:
        """What it gives; None where nothing is asked.

        Raises:
            DataError: the part is not the one that the request is meant for.
        """
        if request.digest not in ("", part.digest):
            raise DataError(
                "the ratings have changed since they were read: a part that was lost was made "
                "again from them, and is not the same.",
                "Read them again, and keep the source as it is until training has ended.",
            )
        return None if request.argument is None else self.function(part, request.argument)


@dataclass(frozen=True, slots=True)
class Request(Generic[Argument]):
    """An argument for one part.

    Attributes:
        digest: of the part that is meant; empty where it is not known yet.
        argument: None where nothing is asked of the part.
    """

    digest: str
    argument: Argument | None


class Parts(Protocol):
    """Where the parts are: all that an engine has to provide."""

    def __len__(self) -> int:
        """Number of parts, the same as long as they live."""
        ...

    def derived(self, function: Callable[[Part], Part]) -> "Parts":
        """Parts that a function makes of these, one of each, kept where these are."""
        ...

    def release(self) -> None:
        """Give back the memory and disk that they take; they are not used again."""
        ...

    def map(
        self, call: Call[Argument, Result], requests: Sequence[Request[Argument]]
    ) -> list[Result | None]:
        """Answer one request for each part, in the order of the parts.

        Raises:
            DataError: a call raised it, or a part cannot be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of a part from the start.

    Attributes:
        digest: of the part.
        statistics: measured from the part's own center; None for a part without ratings.
        ids: of its users and of its items.
        span: its first and its last time; None where it has none.
        time_unit: what its times stood for in the source.
        untimed: why it has no times, where the source has some.
    """

    digest: str
    statistics: Statistics | None
    ids: tuple[Ids, Ids]
    span: tuple[float, float] | None
    time_unit: str
    untimed: str


def _in_order(ratings: Ratings) -> Ratings:
    """Ascending by user, item, value and time."""
    ratings = ratings.by_pair()
    if ratings.timestamp is None or not repeated_pairs(ratings):
        return ratings
    # Ratings that are the same in all else are in order but for their times.
    order = np.lexsort((ratings.timestamp, ratings.value, ratings.item, ratings.user))
    return replace(ratings, timestamp=ratings.timestamp[order])


def _summary(part: Part, _: bool) -> Summary:
    ratings = part.ratings()
    statistics = None if part.is_empty else BlockIncidence(ratings, threads=1).statistics
    ids, time = (ratings.user_ids, ratings.item_ids), part.time
    span = None if time is None or part.is_empty else (float(time.min()), float(time.max()))
    return Summary(part.digest, statistics, ids, span, part.time_unit, part.untimed)


def _per_user(part: Part, item_bias: FloatArray) -> FloatArray:
    return part.incidence().per_user(item_bias)


def _per_item(part: Part, user_bias: FloatArray) -> FloatArray:
    return part.incidence().per_item(user_bias)


def _both(
    part: Part, given: tuple[FloatArray, FloatArray | None, FloatArray | None]
) -> tuple[FloatArray, FloatArray]:
    return part.incidence().both(*given)


def _rated_per_user(part: Part, given: tuple[FloatArray, float]) -> FloatArray:
    item_bias, center = given
    return part.incidence(center).rated_per_user(item_bias)


def _rated_per_item(part: Part, given: tuple[FloatArray, float]) -> FloatArray:
    user_bias, center = given
    return part.incidence(center).rated_per_item(user_bias)


def _squares_per_user(part: Part, center: float) -> FloatArray:
    return part.incidence(center).squares_per_user()


def _repeated_pairs(part: Part, _: bool) -> tuple[Codes, Codes, FloatArray]:
    return part.incidence().repeated_pairs()


def _coded(part: Part, _: bool) -> tuple[Codes, Values]:
    assert part.value is not None
    return part.item, part.value


def _components(part: Part, _: bool) -> tuple[Codes, Codes]:
    return part.incidence().components()


SUMMARY: Call[bool, Summary] = Call(_summary, values=True, ids=True, times=True)
PER_USER: Call[FloatArray, FloatArray] = Call(_per_user)
PER_ITEM: Call[FloatArray, FloatArray] = Call(_per_item)
BOTH: Call[
    tuple[FloatArray, FloatArray | None, FloatArray | None], tuple[FloatArray, FloatArray]
] = Call(_both)
RATED_PER_USER: Call[tuple[FloatArray, float], FloatArray] = Call(_rated_per_user, values=True)
RATED_PER_ITEM: Call[tuple[FloatArray, float], FloatArray] = Call(_rated_per_item, values=True)
SQUARES_PER_USER: Call[float, FloatArray] = Call(_squares_per_user, values=True)
REPEATED_PAIRS: Call[bool, tuple[Codes, Codes, FloatArray]] = Call(_repeated_pairs)
CODED: Call[bool, tuple[Codes, Values]] = Call(_coded, values=True)
COMPONENTS: Call[bool, tuple[Codes, Codes]] = Call(_components)
