"""Ratings of a pair of user and item that has several: counted, said, and made one."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import repeated_pairs
from mlbias.datasets.options import PredictionOptions, ReadOptions
from mlbias.datasets.understood import Understood
from mlbias.errors import DataError
from mlbias.ratings import Ratings


def without_duplicates(
    ratings: Ratings, understood: Understood, options: ReadOptions, where: str
) -> tuple[Ratings, Understood]:
    """The ratings of pairs that have several, as `duplicates` says; keep counts them alone.

    Args:
        ratings: in the order of users.
        understood: of the source.
        options: with duplicates.
        where: what messages call the source.

    Raises:
        DataError: there are such pairs, and there may be none.
    """
    n = repeated_pairs(ratings)
    is_error = n and options.duplicates == "error"
    first = pair_of(ratings, first_double(ratings)) if is_error else None
    is_timed = ratings.timestamp is not None
    understood = Doubles(n, first, is_timed, ratings.untimed).said(understood, options, where)
    return (one_of_each(ratings, options) if n else ratings), understood


@dataclass(frozen=True, slots=True)
class Doubles:
    """Ratings of pairs that already had one.

    Attributes:
        n: how many.
        first: the first of these pairs, None where it does not matter.
        are_timed: whether times tell which of several came first.
        untimed: why they do not; see Ratings.
    """

    n: int
    first: tuple[object, object] | None
    are_timed: bool
    untimed: str

    def said(self, understood: Understood, options: ReadOptions, where: str) -> Understood:
        """What was understood of a source, with what became of them.

        Raises:
            DataError: there are some, and there may be none.
        """
        n = self.n
        understood = replace(understood, n_repeated=n)
        if n == 0:
            return understood
        ratings = "rating" if n == 1 else "ratings"
        several = f"{n:,} {ratings} of a pair of user and item that already had one"
        how = options.duplicates
        if self.first is not None:
            user, item = self.first
            raise DataError(
                f"{where} has {several}; the first pair is user {user}, item {item}.",
                "`duplicates` keep, first, last or mean says what such ratings mean.",
            )
        if isinstance(options, PredictionOptions):
            return understood  # who joins them to ratings tells which are too many
        counts = {"keep": "each counts", "mean": "the mean of a pair counts"}
        by = "time" if self.are_timed else "row"
        why = f", since the times cannot be used: {self.untimed}" if self.untimed else ""
        told = counts.get(how, f"the {how} of a pair by {by} counts{why}")
        return replace(understood, notices=(*understood.notices, f"{several}; {told}"))


def first_double(ratings: Ratings) -> int:
    """Where the first rating is of a pair that already had one."""
    pairs = _pairs(ratings)
    order = np.argsort(pairs, kind="stable")
    doubles = order[1:][pairs[order][1:] == pairs[order][:-1]]
    return int(doubles.min())


def pair_of(ratings: Ratings, row: int) -> tuple[object, object]:
    """The ids of the user and the item of a rating."""
    return ratings.user_ids[int(ratings.user[row])], ratings.item_ids[int(ratings.item[row])]


def one_of_each(ratings: Ratings, options: ReadOptions) -> Ratings:
    """One rating of each pair: the first or the last by time, else by row, or the mean; or all.

    Args:
        ratings: in the order of users; some of a pair that has several.
        options: with duplicates.
    """
    how = options.duplicates
    if how == "keep":
        return ratings
    pairs, time = _pairs(ratings), ratings.timestamp
    if how == "mean":
        # In the order of their values, so that their sum is that of any order of rows.
        order = np.lexsort((ratings.value, pairs))
    else:
        order = np.lexsort((pairs,) if time is None else (time, pairs))
    starts = np.flatnonzero(np.diff(pairs[order], prepend=-1))
    if how == "mean":
        counts = np.diff(starts, append=len(order))
        values = np.add.reduceat(ratings.value[order].astype(np.float64), starts) / counts
        kept = np.minimum.reduceat(order, starts)
        value = np.empty(len(ratings))
        value[kept] = values
        ratings = replace(ratings, value_column=value)
    else:
        ends = np.append(starts[1:], len(order)) - 1
        kept = order[starts if how == "first" else ends]
    kept = np.sort(kept)  # every id has a rating left
    return replace(
        ratings,
        user_column=ratings.user[kept],
        item=ratings.item[kept],
        value_column=ratings.value[kept],
        timestamp=None if time is None else time[kept],
    )


def _pairs(ratings: Ratings) -> NDArray[np.int64]:
    return ratings.user.astype(np.int64) * ratings.n_items + ratings.item
