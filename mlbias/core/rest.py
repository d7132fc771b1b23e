"""Statistics of what is left when ratings are held out: those of all, less theirs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlbias.core.compact import Column, Steps
from mlbias.core.passes import pieces
from mlbias.core.ratings import CodedRatings
from mlbias.core.statistics import Statistics, center_near
from mlbias.core.vectors import FloatArray

_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Ratings that are held out, and their sums; see Statistics, whose units these are.

    Attributes:
        value: (k,) of them.
        center: that sums are measured from.
        total, squares: sums of the ratings and of their squares.
        user_counts, item_counts: (n_users,) and (n_items,) how many each of all has.
        user_sums, item_sums: likewise, sums of the ratings.
    """

    value: Column[np.floating[Any]]
    center: float
    total: float
    squares: float
    user_counts: FloatArray
    item_counts: FloatArray
    user_sums: FloatArray
    item_sums: FloatArray

    @classmethod
    def of(cls, ratings: CodedRatings, center: float) -> "HeldOut":
        """Of ratings in the order of users."""
        total = squares = 0.0
        user_counts, user_sums = np.zeros((2, ratings.n_users))
        item_counts, item_sums = np.zeros((2, ratings.n_items))
        for here in pieces(len(ratings.item), _PIECE):
            user, item = ratings.user_column[here], ratings.item[here]
            value = ratings.value_column[here].astype(np.float64) - center
            total, squares = total + float(value.sum()), squares + float((value * value).sum())
            users = slice(int(user[0]), int(user[-1]) + 1)
            user = user - user[0]  # which may be a view of the ratings' own
            user_counts[users] += np.bincount(user)
            user_sums[users] += np.bincount(user, value)
            item_counts += np.bincount(item, minlength=ratings.n_items)
            item_sums += np.bincount(item, value, ratings.n_items)
        sums = total, squares, user_counts, item_counts, user_sums, item_sums
        return cls(ratings.value_column, center, *sums)


def statistics_without(
    held_out: HeldOut, whole: Statistics, value: Column[np.floating[Any]]
) -> Statistics | None:
    """The statistics of the ratings that are not held out, without a pass over them.

    Args:
        held_out: not all ratings; measured from the center of all.
        whole: of all ratings.
        value: (n,) all of them.

    Returns:
        The bits that a pass over the rest gives; None where a sum might be rounded, or where the
        lowest or the highest rating may not be among the rest.
    """
    if not (isinstance(value, Steps) and isinstance(held_out.value, Steps)):
        return None
    # Other steps than these are no whole multiples of a power of two, which alone float64 adds up
    # without rounding.
    if value.steps.bit_count() != 1 or not _has_both_ends(whole, value, held_out.value):
        return None
    n = whole.n_ratings - len(held_out.value)
    total, squares = whole.total - held_out.total, whole.squares - held_out.squares
    center = center_near((total + n * whole.center) / n, whole.low, whole.high)
    shift = whole.center - center
    user_counts = whole.user_counts - held_out.user_counts
    item_counts = whole.item_counts - held_out.item_counts
    user_sums = whole.user_sums - held_out.user_sums + shift * user_counts
    item_sums = whole.item_sums - held_out.item_sums + shift * item_counts
    return Statistics(
        n_ratings=n,
        center=center,
        total=total + n * shift,
        squares=squares + shift * (2 * total + n * shift),
        low=whole.low,
        high=whole.high,
        user_counts=user_counts[user_counts > 0],
        item_counts=item_counts[item_counts > 0],
        user_sums=user_sums[user_counts > 0],
        item_sums=item_sums[item_counts > 0],
    )


def _has_both_ends(whole: Statistics, value: Steps, held_out: Steps) -> bool:
    """Whether the lowest and the highest rating occur more often than they are held out."""
    ends = {round(end * value.steps) for end in (whole.low, whole.high)}
    return all(_number(value, count) > _number(held_out, count) for count in ends)


def _number(value: Steps, count: int) -> int:
    return sum(
        int(np.count_nonzero(value.counts[here] == count)) for here in pieces(len(value), _PIECE)
    )
