"""Metrics of a model on ratings: errors of many kinds, in one pass."""

from dataclasses import dataclass

import numpy as np

from mlbias.arguments import checks_options
from mlbias.core.passes import in_order
from mlbias.core.scores import GroupedErrors, Score
from mlbias.core.vectors import FloatArray
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.evaluation.calibration import Intervals, OnScale, intervals_of, on_scale_of
from mlbias.evaluation.deciles import Decile, Deciles
from mlbias.evaluation.known import BUCKET_NAMES, Known
from mlbias.evaluation.predicted import pieces_of, predicted_by
from mlbias.evaluation.tallies import Sums, Tallying
from mlbias.fitting.record import Fit, model_of
from mlbias.model import BiasModel
from mlbias.ratings import Frame, Ratings, as_ratings


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


@checks_options
def evaluate(model: BiasModel | Fit, ratings: Ratings | PartitionedIncidence | Frame) -> Evaluation:
    """How well a model predicts these ratings; unknown ids contribute a bias of 0.

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
    known = Known.of(model, ratings.user_ids, ratings.item_ids)
    predicted = predicted_by(ratings, known.alpha, known.user.bias, known.item.bias)
    places, sums = pieces_of(ratings), Sums(ratings.n_users)
    for tallies in in_order(Tallying(known, predicted).tallied, places):
        sums.add(tallies)
    deciles = Deciles(*known.span, sums.deciles)

    def fetched(here: slice) -> FloatArray:
        piece = predicted(here)
        return deciles.fetched(piece.predicted, piece.value)

    calibration = deciles.result(list(in_order(fetched, places)))
    return evaluation_of(model, known, sums, calibration)


def evaluation_of(
    model: BiasModel, known: Known, sums: Sums, calibration: tuple[Decile, ...]
) -> Evaluation:
    """What the sums over all ratings come to."""
    by_user: tuple[Bucket, ...] = ()
    if known.user.bucket is not None:
        by_user = _buckets(sums.own.regrouped(known.user.bucket, len(BUCKET_NAMES)))
    bars = model.uncertainty
    return Evaluation(
        n_ratings=len(sums.own),
        n_users=len(known.user.bias),
        n_items=len(known.item.bias),
        unknown_users=int(np.count_nonzero(~known.user.is_known)),
        unknown_items=int(np.count_nonzero(~known.item.is_known)),
        effective_users=sums.own.effective_users,
        model=sums.own.score(),
        baseline=sums.baseline.score(),
        clipped=_score_or_none(sums.clipped),
        known=_score_or_none(sums.own - sums.unknown),
        unknown=_score_or_none(sums.unknown),
        by_user=by_user,
        by_item=_buckets(sums.by_item),
        calibration=calibration,
        intervals=None if bars is None else intervals_of(sums.intervals, bars),
        on_scale=None if known.scale is None else on_scale_of(sums.on_scale),
    )


def _score_or_none(errors: GroupedErrors) -> Score | None:
    """The score, None without a rating."""
    return errors.score() if len(errors) else None


def _buckets(errors: GroupedErrors) -> tuple[Bucket, ...]:
    """Those of BUCKET_NAMES that have a rating."""
    return tuple(Bucket(BUCKET_NAMES[k], n, rmse, mae) for k, n, rmse, mae in errors.rows())
