"""Predictions of another system found for ratings, by the ids of user and item."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError
from mlbias.evaluation.unmatched import unmatched_ids
from mlbias.ids import positions
from mlbias.ratings import Ratings

_Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matched:
    """What a system predicts of n ratings.

    Attributes:
        predicted: (n,) predictions, NaN where there is none.
        n_other: rows of pairs that are not among the ratings.
        n_repeated: rows of a pair beyond the first, or beyond its ratings where it has several.
    """

    predicted: FloatArray
    n_other: int
    n_repeated: int

    @property
    def missing(self) -> int:
        """How many of the ratings it does not predict."""
        return int(np.count_nonzero(np.isnan(self.predicted)))


def matched(name: str, system: Ratings, ratings: Ratings) -> Matched:
    """The predictions of these ratings.

    Args:
        name: what messages call the system.
        system: its predictions, in place of ratings, in any order.
        ratings: (n,) to be predicted; all ratings of a pair have the same prediction.

    Raises:
        DataError: the system predicts a pair twice and differently, or none of the ratings.
    """
    keys, value = _pairs_of(system, ratings)
    wanted = ratings.user.astype(np.int64) * ratings.n_items + ratings.item
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    distinct, counts = keys[starts], np.diff(starts, append=len(keys))
    place = np.minimum(np.searchsorted(distinct, wanted), max(len(distinct) - 1, 0))
    is_found = distinct[place] == wanted if len(distinct) else np.zeros(len(wanted), np.bool_)
    if not is_found.any():
        unlike = unmatched_ids(system, ratings.user_ids, ratings.item_ids, "the ratings")
        raise DataError(
            f"{name} predicts none of the {len(ratings):,} ratings.",
            f"{unlike[0]}." if unlike else "Its users and items have to be those of the ratings.",
        )
    _refuse_contradiction(name, keys, value, ratings)
    times_rated = np.bincount(place[is_found], minlength=len(distinct))
    is_wanted = times_rated > 0
    return Matched(
        predicted=np.where(is_found, value[starts][place], np.nan),
        n_other=len(system) - int(counts[is_wanted].sum()),
        n_repeated=int(np.maximum(counts - times_rated, 0)[is_wanted].sum()),
    )


def same_ratings(found: Mapping[str, Ratings | None]) -> Ratings:
    """The ratings beside the predictions of systems, those of the first that has some.

    Raises:
        DataError: none has ratings, or another one has others of the same pair.
    """
    beside = {name: ratings for name, ratings in found.items() if ratings is not None}
    if not beside:
        raise DataError("there are no ratings beside the predictions, and none to join them to.")
    (first, ratings), *others = beside.items()
    if not others:
        return ratings
    own, own_value = _pairs_of(ratings, ratings)
    for name, other in others:
        keys, value = _pairs_of(other, ratings)
        start = np.minimum(np.searchsorted(own, keys), len(own) - 1)
        rank = np.arange(len(keys)) - np.searchsorted(keys, keys)
        place = np.minimum(start + rank, len(own) - 1)
        is_same = (own[place] == keys) & (own_value[place] == value)
        unlike = np.flatnonzero((own[start] == keys) & ~is_same)
        if len(unlike):
            pair = _shown(int(keys[unlike[0]]), ratings)
            raise DataError(
                f"{first} and {name} have different ratings of {pair}.",
                "Give the ratings to score on apart.",
            )
    return ratings


def _pairs_of(system: Ratings, ratings: Ratings) -> tuple[_Keys, FloatArray]:
    """Pairs and values of rows whose ids are among those of ratings, ascending by both."""
    user = positions(system.user_ids, ratings.user_ids)[system.user]
    item = positions(system.item_ids, ratings.item_ids)[system.item]
    known = (user >= 0) & (item >= 0)
    keys = user[known].astype(np.int64) * ratings.n_items + item[known]
    value = system.value[known].astype(np.float64)
    if (keys[1:] > keys[:-1]).all():  # as they were read, unless the ids are of another kind
        return keys, value
    order = np.lexsort((value, keys))
    return keys[order], value[order]


def _refuse_contradiction(name: str, keys: _Keys, value: FloatArray, ratings: Ratings) -> None:
    unlike = np.flatnonzero((keys[1:] == keys[:-1]) & (value[1:] != value[:-1]))
    if len(unlike):
        row = int(unlike[0])
        pair = _shown(int(keys[row]), ratings)
        raise DataError(
            f"{name} predicts {pair} twice and differently: {value[row]:g} and {value[row + 1]:g}.",
            "Leave one prediction for each pair of a user and an item.",
        )


def _shown(key: int, ratings: Ratings) -> str:
    user, item = divmod(key, ratings.n_items)
    return f"user {ratings.user_ids[user]}, item {ratings.item_ids[item]}"
