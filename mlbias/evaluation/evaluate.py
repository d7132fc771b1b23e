"""Metrics of a model on ratings: errors of many kinds, in one pass."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlbias.arguments import checks_options
from mlbias.core.passes import in_order
from mlbias.core.ratings import Codes
from mlbias.core.scores import GroupedErrors, Score, Tally, tallied
from mlbias.core.vectors import FloatArray
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.evaluation.calibration import IntervalCheck, Intervals, OnScale, ScaleCheck
from mlbias.evaluation.deciles import Decile, Deciles
from mlbias.evaluation.predicted import PredictedRatings
from mlbias.fitting.record import Fit, model_of
from mlbias.model import BiasModel
from mlbias.ratings import Frame, Ratings, as_ratings

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
    scoring = _Scoring(model, PredictedRatings(ratings, model.user_ids, model.item_ids))
    for tallies in in_order(scoring.tallied, scoring.pieces):
        scoring.add(tallies)
    return scoring.evaluation()


@dataclass(frozen=True, slots=True)
class _Tallies:
    """What a piece of the ratings adds to the sums."""

    own: Tally
    baseline: Tally
    deciles: FloatArray
    by_item: Tally | None = None
    clipped: Tally | None = None
    unknown: Tally | None = None
    intervals: FloatArray | None = None
    on_scale: FloatArray | None = None


class _Scoring:
    """The sums of an evaluation: tallied piece by piece, on any core, and added in their order."""

    def __init__(self, model: BiasModel, predicted: PredictedRatings) -> None:
        self._model, self._predicted, self._by = model, predicted, predicted.by(model)
        self.pieces = predicted.pieces()
        n_users = len(predicted.known_user)
        self._own, self._baseline, self._clipped, self._unknown = (
            GroupedErrors(n_users) for _ in range(4)
        )
        self._by_item = GroupedErrors(len(BUCKET_NAMES))
        self._is_all_known = (predicted.known_user >= 0).all() and (predicted.known_item >= 0).all()
        trained_on, known = model.trained_on, model.uncertainty
        self._buckets: tuple[Codes, Codes] | None = None
        if trained_on is not None:
            self._buckets = (
                buckets_of(trained_on.user_counts)[predicted.known_user],
                buckets_of(trained_on.item_counts)[predicted.known_item],
            )
        self._deciles = Deciles(*_range(model))
        self._check = None if known is None else IntervalCheck(known)
        self._on_scale = None
        if known is not None and model.scale is not None:
            self._on_scale = ScaleCheck(known, model.scale)

    def tallied(self, here: slice) -> _Tallies:
        """The sums of one piece."""
        piece, predicted = self._by(here), self._predicted
        errors, found = piece.errors, dict[str, Any]()
        own = tallied(piece.user, errors)
        if self._buckets is not None and self._model.trained_on is not None:
            low, high = self._model.trained_on.low, self._model.trained_on.high
            within = piece.value - np.clip(piece.predicted, low, high)
            found["clipped"] = tallied(piece.user, within, own)
            found["by_item"] = tallied(self._buckets[1][piece.item], errors)
        if self._check is not None or not self._is_all_known:
            ids = predicted.known_user[piece.user], predicted.known_item[piece.item]
            is_unknown = (ids[0] < 0) | (ids[1] < 0)
            found["unknown"] = tallied(piece.user[is_unknown], errors[is_unknown])
            if self._check is not None:
                found["intervals"] = self._check.tallied(*ids, errors)
            if self._on_scale is not None:
                found["on_scale"] = self._on_scale.tallied(*ids, piece.value, piece.predicted)
        return _Tallies(
            own=own,
            baseline=tallied(piece.user, piece.value - self._model.mean, own),
            deciles=self._deciles.tallied(piece.predicted, piece.value),
            **found,
        )

    def add(self, tallies: _Tallies) -> None:
        """Count in one piece."""
        self._own.count(tallies.own)
        self._baseline.count(tallies.baseline)
        self._deciles.add(tallies.deciles)
        for errors, tally in (
            (self._by_item, tallies.by_item),
            (self._clipped, tallies.clipped),
            (self._unknown, tallies.unknown),
        ):
            if tally is not None:
                errors.count(tally)
        if self._check is not None and tallies.intervals is not None:
            self._check.add(tallies.intervals)
        if self._on_scale is not None and tallies.on_scale is not None:
            self._on_scale.add(tallies.on_scale)

    def evaluation(self) -> Evaluation:
        """All of it, once every piece is in."""
        predicted, own = self._predicted, self._own
        by_user: tuple[Bucket, ...] = ()
        if self._buckets is not None:
            by_user = buckets(own.regrouped(self._buckets[0], len(BUCKET_NAMES)))
        return Evaluation(
            n_ratings=len(predicted.ratings),
            n_users=len(predicted.known_user),
            n_items=len(predicted.known_item),
            unknown_users=int(np.count_nonzero(predicted.known_user < 0)),
            unknown_items=int(np.count_nonzero(predicted.known_item < 0)),
            effective_users=own.effective_users,
            model=own.score(),
            baseline=self._baseline.score(),
            clipped=score_or_none(self._clipped),
            known=score_or_none(own - self._unknown),
            unknown=score_or_none(self._unknown),
            by_user=by_user,
            by_item=buckets(self._by_item),
            calibration=self._calibration(),
            intervals=None if self._check is None else self._check.result(),
            on_scale=None if self._on_scale is None else self._on_scale.result(),
        )

    def _calibration(self) -> tuple[Decile, ...]:
        is_open = self._deciles.is_open()

        def fetched(here: slice) -> FloatArray:
            piece = self._by(here)
            return self._deciles.fetched(piece.predicted, piece.value, is_open)

        return self._deciles.result(np.concatenate(list(in_order(fetched, self.pieces)), axis=1))


def _range(model: BiasModel) -> tuple[float, float]:
    """Between which all predictions are, an unknown id's 0 included."""
    sides = model.user_bias, model.item_bias
    low = sum(min(0.0, float(side.min(initial=0.0))) for side in sides)
    high = sum(max(0.0, float(side.max(initial=0.0))) for side in sides)
    return model.alpha + low, model.alpha + high


def score_or_none(errors: GroupedErrors) -> Score | None:
    """The score, None without a rating."""
    return errors.score() if len(errors) else None


def buckets(errors: GroupedErrors) -> tuple[Bucket, ...]:
    """Those of BUCKET_NAMES that have a rating."""
    return tuple(Bucket(BUCKET_NAMES[k], n, rmse, mae) for k, n, rmse, mae in errors.rows())
