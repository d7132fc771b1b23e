"""What ratings are like: their mean, how well it predicts them, their histogram."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlbias.arguments import checks_options
from mlbias.core.statistics import center_of
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError
from mlbias.ratings import Frame, Ratings, as_ratings

_PIECE = 1 << 18
_MOST_BARS = 20
_BINS = 10


@dataclass(frozen=True, slots=True)
class Errors:
    """Size of prediction errors, in the ratings' units."""

    rmse: float
    mae: float


@dataclass(frozen=True, slots=True)
class Bar:
    """Ratings from low to high (both the same for a single value) and how many there are."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Description:
    """What the ratings are like, and how well their mean predicts them.

    Attributes:
        n_ratings, n_users, n_items: how many of each.
        density: share of all pairs of a user and an item that has a rating.
        mean: of the ratings, in their units.
        errors: of predicting the mean.
        histogram: one bar for each value, or ten of equal width where there are over 20 values.
    """

    n_ratings: int
    n_users: int
    n_items: int
    density: float
    mean: float
    errors: Errors
    histogram: tuple[Bar, ...]


@checks_options
def describe(ratings: Ratings | Frame) -> Description:
    """What these ratings are like: their mean, its errors as a prediction, their histogram.

    Raises:
        DataError: the ratings are too large to be squared.

    Example:
        >>> from mlbias import Ratings, describe
        >>> found = describe(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2]))
        >>> found.mean, found.errors.mae
        (3.5, 1.0)
    """
    ratings = as_ratings(ratings)
    n, n_users, n_items = len(ratings), len(ratings.user_ids), len(ratings.item_ids)
    center = center_of(ratings.value_column)
    mean = center + math.fsum((piece - center).sum() for piece in _pieces(ratings)) / n
    return Description(
        n_ratings=n,
        n_users=n_users,
        n_items=n_items,
        density=n / (n_users * n_items),
        mean=mean,
        errors=_errors(piece - mean for piece in _pieces(ratings)),
        histogram=_histogram(ratings),
    )


def _pieces(ratings: Ratings) -> Iterator[FloatArray]:
    for start in range(0, len(ratings), _PIECE):
        yield ratings.value_column[start : start + _PIECE].astype(np.float64)


def _errors(pieces: Iterator[FloatArray]) -> Errors:
    n, squares, magnitudes = 0, [], []
    for errors in pieces:
        n += len(errors)
        with np.errstate(over="ignore"):
            squares.append(float((errors * errors).sum()))
            magnitudes.append(float(np.abs(errors).sum()))
    if not math.isfinite(sum(squares)):
        raise DataError("the ratings are too large: the sum of their squares overflows.")
    return Errors(math.sqrt(math.fsum(squares) / n), math.fsum(magnitudes) / n)


def _histogram(ratings: Ratings) -> tuple[Bar, ...]:
    counts: dict[float, int] = {}
    for start in range(0, len(ratings), _PIECE):
        # As they are stored: float32 sorts much faster than float64.
        values, times = np.unique(ratings.value_column[start : start + _PIECE], return_counts=True)
        if len(values) > _MOST_BARS:
            return _bins(ratings)
        for value, count in zip(values.tolist(), times.tolist(), strict=True):
            counts[value] = counts.get(value, 0) + count
    if len(counts) > _MOST_BARS:
        return _bins(ratings)
    return tuple(Bar(value, value, counts[value]) for value in sorted(counts))


def _bins(ratings: Ratings) -> tuple[Bar, ...]:
    edges = np.linspace(float(ratings.value.min()), float(ratings.value.max()), _BINS + 1)
    counts = sum(np.histogram(piece, edges)[0] for piece in _pieces(ratings))
    return tuple(
        Bar(low, high, count)
        for low, high, count in zip(
            edges[:-1].tolist(), edges[1:].tolist(), np.asarray(counts).tolist(), strict=True
        )
    )
