"""Metrics of a model on ratings: errors of many kinds, in one pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlbias.arguments import checks_options
from mlbias.core.ratings import Codes
from mlbias.core.scores import GroupedErrors, Score
from mlbias.core.vectors import FloatArray
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.evaluation.calibration import (
    Decile,
    IntervalCheck,
    Intervals,
    OnScale,
    ScaleCheck,
    deciles,
)
from mlbias.fitting.record import Fit, model_of
from mlbias.ids import Ids, positions
from mlbias.model import BiasModel
from mlbias.ratings import Frame, Ratings, as_ratings

_PIECE = 1 << 18
# Of ratings in training: none, 1 to 4, 5 to 19, 20 to 99, 100 or more.
_BUCKETS = np.array([1, 5, 20, 100])
BUCKET_NAMES = ("cold", "1-4", "5-19", "20-99", "100+")


def buckets_of(counts: FloatArray) -> Codes:
    """Which of BUCKET_NAMES each of (n,) users or items is in, by its ratings in training.

    There is one more at the end, which is what -1, an unknown one, finds: it has no rating.
    """
    return np.searchsorted(_BUCKETS, np.append(counts, 0), side="right").astype(np.int32)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Ratings whose user, or item, had this many ratings in training, and the errors there."""

    name: str
    n_ratings: int
    rmse: float
    mae: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well a model predicts ratings, beside the mean that it was trained on.

    Args:
        n_ratings: how many were predicted.
        n_users, n_items: distinct ones among the ratings.
        unknown_users, unknown_items: how many of these the model does not know; each contributes
            a bias of 0.
        effective_users: how many users of equal size tell as much: n² / Σ n_u².
        model, baseline: of the model, and of predicting its training mean.
        clipped: of the model, its predictions clipped to the scale of its training ratings.
        known, unknown: of the model, on ratings whose user and item it knows, and on the others;
            None where there are none.
        by_user, by_item: the model's errors by how often the user, or the item, was rated in
            training.
        calibration: what was predicted and what came, in tenths of the predictions.
        intervals: of the model's error bars, None where it has none.
        on_scale: of its probabilities of the scale's values; None where it has none, or a rating
            is not on the scale.
    """

    n_ratings: int
    n_users: int
    n_items: int
    unknown_users: int
    unknown_items: int
    effective_users: float
    model: Score
    baseline: Score
    clipped: Score | None
    known: Score | None
    unknown: Score | None
    by_user: tuple[Bucket, ...]
    by_item: tuple[Bucket, ...]
    calibration: tuple[Decile, ...]
    intervals: Intervals | None
    on_scale: OnScale | None

    @property
    def ratings_of_unknown(self) -> int:
        """Ratings whose user or item, or both, the model does not know."""
        return 0 if self.unknown is None else self.unknown.n_ratings


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some ratings: users among them, positions in the model, values and predictions, (k,) each."""

    user: Codes
    known_user: Codes
    known_item: Codes
    value: FloatArray
    predicted: FloatArray

    @property
    def errors(self) -> FloatArray:
        return self.value - self.predicted


@checks_options
def evaluate(model: BiasModel | Fit, ratings: Ratings | PartitionedIncidence | Frame) -> Evaluation:
    """How well a model predicts these ratings; unknown ids contribute a bias of 0.

    Of ratings in parts there are no calibration and no checks of error bars.

    Raises:
        DataError: the ratings are too large to be squared.

    Example:
        >>> from mlbias import Ratings, evaluate, fit
        >>> found = fit(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2]), lambda_=0)
        >>> evaluate(found, Ratings.from_ids([1, 3], [10, 10], [4, 4])).model.rmse
        0.7905694150420949
    """
    model = model_of(model)
    if isinstance(ratings, PartitionedIncidence):
        from mlbias.evaluation.in_parts import evaluate_in_parts

        return evaluate_in_parts(model, ratings)
    ratings = as_ratings(ratings)
    known_user = positions(ratings.user_ids, model.user_ids)
    known_item = positions(ratings.item_ids, model.item_ids)
    n_users = len(ratings.user_ids)
    own, baseline, clipped, unknown = (GroupedErrors(n_users) for _ in range(4))
    trained_on = model.trained_on
    by_user = _ByTrainingCount(None if trained_on is None else trained_on.user_counts)
    by_item = _ByTrainingCount(None if trained_on is None else trained_on.item_counts)
    check = None if model.uncertainty is None else IntervalCheck(model.uncertainty)
    on_scale = None
    if model.uncertainty is not None and model.scale is not None:
        on_scale = ScaleCheck(model.uncertainty, model.scale)
    predicted = np.empty(len(ratings))
    start = 0
    for piece in _pieces(model, ratings, known_user, known_item):
        errors = piece.errors
        own.add(piece.user, errors)
        baseline.add(piece.user, piece.value - model.mean)
        is_unknown = (piece.known_user < 0) | (piece.known_item < 0)
        unknown.add(piece.user[is_unknown], errors[is_unknown])
        by_user.add(piece.known_user, errors)
        by_item.add(piece.known_item, errors)
        if trained_on is not None:
            within = np.clip(piece.predicted, trained_on.low, trained_on.high)
            clipped.add(piece.user, piece.value - within)
        if check is not None:
            check.add(piece.known_user, piece.known_item, errors)
        if on_scale is not None:
            on_scale.add(piece.known_user, piece.known_item, piece.value, piece.predicted)
        predicted[start : start + len(errors)] = piece.predicted
        start += len(errors)
    return Evaluation(
        n_ratings=len(ratings),
        n_users=n_users,
        n_items=len(ratings.item_ids),
        unknown_users=int(np.count_nonzero(known_user < 0)),
        unknown_items=int(np.count_nonzero(known_item < 0)),
        effective_users=own.effective_users,
        model=own.score(),
        baseline=baseline.score(),
        clipped=score_or_none(clipped),
        known=score_or_none(own - unknown),
        unknown=score_or_none(unknown),
        by_user=by_user.rows(),
        by_item=by_item.rows(),
        calibration=deciles(predicted, ratings.value),
        intervals=None if check is None else check.result(),
        on_scale=None if on_scale is None else on_scale.result(),
    )


def errors_per_user(
    model: BiasModel | Fit, ratings: Ratings | PartitionedIncidence
) -> GroupedErrors:
    """The errors alone, by which models are compared."""
    model = model_of(model)
    if isinstance(ratings, PartitionedIncidence):
        from mlbias.evaluation.in_parts import errors_in_parts

        return errors_in_parts(model, ratings)
    return user_errors(ratings, model.user_ids, model.item_ids)(model)


def user_errors(
    ratings: Ratings, user_ids: Ids, item_ids: Ids
) -> Callable[[BiasModel], GroupedErrors]:
    """A function that gives the errors on these ratings of models with these ids."""
    known_user = positions(ratings.user_ids, user_ids)
    known_item = positions(ratings.item_ids, item_ids)

    def errors(model: BiasModel) -> GroupedErrors:
        found = GroupedErrors(len(ratings.user_ids))
        for piece in _pieces(model, ratings, known_user, known_item):
            found.add(piece.user, piece.errors)
        return found

    return errors


def scorer(
    held_out: Ratings | PartitionedIncidence, user_ids: Ids, item_ids: Ids
) -> Callable[[BiasModel], tuple[float, float]]:
    """A function that gives RMSE and MAE on these ratings of models with these ids."""
    if isinstance(held_out, PartitionedIncidence):
        errors_of: Callable[[BiasModel], GroupedErrors] = partial(errors_per_user, ratings=held_out)
    else:
        errors_of = user_errors(held_out, user_ids, item_ids)

    def score(model: BiasModel) -> tuple[float, float]:
        errors = errors_of(model)
        return errors.rmse, errors.mae

    return score


def _pieces(
    model: BiasModel, ratings: Ratings, known_user: Codes, known_item: Codes
) -> Iterator[_Piece]:
    """The ratings in pieces that fit a cache, predicted by a model with these positions."""
    for start in range(0, len(ratings), _PIECE):
        here = slice(start, start + _PIECE)
        user, item = known_user[ratings.user[here]], known_item[ratings.item[here]]
        value = ratings.value[here].astype(np.float64)
        yield _Piece(ratings.user[here], user, item, value, model.predict_codes(user, item))


def score_or_none(errors: GroupedErrors) -> Score | None:
    """The score, None without a rating."""
    return errors.score() if len(errors) else None


class _ByTrainingCount:
    """Errors by how often a user, or an item, was rated in training.

    Args:
        counts: (n_users,) or (n_items,) ratings of each in training; None if that is not known.
    """

    def __init__(self, counts: FloatArray | None) -> None:
        self._errors = GroupedErrors(len(BUCKET_NAMES))
        self._bucket = None if counts is None else buckets_of(counts)

    def add(self, known: Codes, errors: FloatArray) -> None:
        if self._bucket is not None:
            self._errors.add(self._bucket[known], errors)

    def rows(self) -> tuple[Bucket, ...]:
        return buckets(self._errors)


def buckets(errors: GroupedErrors) -> tuple[Bucket, ...]:
    """Those of BUCKET_NAMES that have a rating."""
    return tuple(Bucket(BUCKET_NAMES[k], n, rmse, mae) for k, n, rmse, mae in errors.rows())
