"""Is a recommender better than the baseline? Predictions of other systems beside a bias model.

All are scored on the same ratings, and each difference is tested (significance.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlbias.arguments import checks_options
from mlbias.core.ratings import Codes
from mlbias.core.scores import Difference, GroupedErrors, Score
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError
from mlbias.evaluation.known import BUCKET_NAMES, buckets_of
from mlbias.evaluation.matching import Matched, matched, same_ratings
from mlbias.evaluation.significance import DETECTABLE, SIGNIFICANCE, holm, tested
from mlbias.fitting.record import Fit, model_of
from mlbias.ids import positions
from mlbias.model import BiasModel
from mlbias.ratings import Frame, Ratings, as_ratings

BETTER, WORSE, UNTOLD = "better", "worse", "cannot be told"


@dataclass(frozen=True, slots=True)
class BucketDifference:
    """Where a system differs from the model: on these ratings, by so much.

    Attributes:
        name: how many ratings the users, or the items, have in training: "cold" for none.
        n_ratings: how many ratings were predicted there.
        difference: the system's RMSE minus the model's.
    """

    name: str
    n_ratings: int
    difference: Difference


@dataclass(frozen=True, slots=True)
class Judged:
    """The predictions of one system beside those of the model, on the same ratings.

    Attributes:
        name: of the system, as it was given.
        n_ratings: how many of the ratings it predicts.
        missing: how many it does not.
        n_other: rows of pairs that are not among the ratings.
        n_repeated: rows of a pair beyond the first, or beyond its ratings where it has several.
        score: its errors on the ratings that all systems predict.
        difference: its RMSE minus the model's on the same ratings; negative if it is better.
        low, high: the 95 % interval of the difference; None where a single user was rated.
        p_value: of no difference, two-sided, adjusted by Holm's method; None likewise.
        smallest_detectable: the difference that such a hold-out finds in 80 % of cases.
        by_user, by_item: the difference by how often the user, or the item, was rated in training.
    """

    name: str
    n_ratings: int
    missing: int
    n_other: int
    n_repeated: int
    score: Score
    difference: Difference
    low: float | None
    high: float | None
    p_value: float | None
    smallest_detectable: float | None
    by_user: tuple[BucketDifference, ...]
    by_item: tuple[BucketDifference, ...]

    @property
    def verdict(self) -> str:
        """Whether the system is "better" than the model, "worse", or it "cannot be told"."""
        if self.p_value is None or self.p_value >= SIGNIFICANCE:
            return UNTOLD
        return BETTER if self.difference.rmse < 0 else WORSE


@dataclass(frozen=True, slots=True)
class Judgement:
    """Systems beside a model and the mean of its training ratings.

    Attributes:
        n_ratings: how many ratings all of them predict; on these alone they are scored.
        n_left_out: ratings that some system does not predict.
        effective_users: how many users of equal size tell as much: n² / Σ n_u².
        model: errors of the model.
        mean: errors of predicting its training mean.
        predictions: the systems, in the order in which they were given.
    """

    n_ratings: int
    n_left_out: int
    effective_users: float
    model: Score
    mean: Score
    predictions: tuple[Judged, ...]


@checks_options
def judge(
    model: BiasModel | Fit,
    predictions: Mapping[str, Frame],
    ratings: Ratings | Frame | None = None,
) -> Judgement:
    """Whether other systems predict ratings better than a bias model does.

    Args:
        model: the baseline, which should not have been trained on these ratings.
        predictions: by the name of a system a frame of user, item and prediction, with usual
            names; a pair that was rated several times has one prediction.
        ratings: to score on; by default the ratings beside the predictions.

    Raises:
        DataError: a frame lacks a column, predicts a pair twice and differently, or none of the
            ratings; no rating is predicted by all; or there are no ratings.

    Example:
        >>> import polars as pl
        >>> from mlbias import fit, judge, load_ratings, random_split
        >>> training, held_out = random_split(load_ratings("sample"), 0.1)
        >>> model = fit(training, "exact").model
        >>> users, items = held_out.user_ids[held_out.user], held_out.item_ids[held_out.item]
        >>> constant = pl.DataFrame({"user": users, "item": items, "prediction": 3.5})
        >>> judge(model, {"constant": constant}, held_out).predictions[0].verdict
        'worse'
    """
    from mlbias.datasets.frames import predictions_of_frame

    read = {name: predictions_of_frame(frame) for name, frame in predictions.items()}
    systems = {name: system for name, (system, _) in read.items()}
    if ratings is None:
        ratings = same_ratings({name: own for name, (_, own) in read.items()})
    return judgement(model_of(model), systems, as_ratings(ratings))


def judgement(model: BiasModel, systems: Mapping[str, Ratings], ratings: Ratings) -> Judgement:
    """The same of ratings whose values are predictions, by the names of the systems.

    Raises:
        DataError: see judge.
    """
    if not systems:
        raise DataError("there are no predictions to judge.")
    found = {name: matched(name, system, ratings) for name, system in systems.items()}
    shared = np.all([~np.isnan(one.predicted) for one in found.values()], axis=0)
    if not shared.any():
        raise DataError("no rating is predicted by all systems.", "Judge them one by one.")
    rows = _Rows(model, ratings, shared)
    own = rows.grouped(rows.model_errors)
    judged = [rows.judged(name, one, own) for name, one in found.items()]
    adjusted = holm([one.p_value for one in judged])
    return Judgement(
        n_ratings=len(own),
        n_left_out=len(ratings) - len(own),
        effective_users=own.effective_users,
        model=own.score(),
        mean=rows.grouped(rows.value - model.mean).score(),
        predictions=tuple(replace(one, p_value=p) for one, p in zip(judged, adjusted, strict=True)),
    )


class _Rows:
    """The ratings that all systems predict, with the model's errors on them.

    Args:
        model: the baseline.
        ratings: all of them.
        shared: (n,) which of them all systems predict.
    """

    def __init__(self, model: BiasModel, ratings: Ratings, shared: NDArray[np.bool_]) -> None:
        self._shared, self._n_users = shared, ratings.n_users
        self._user = ratings.user[shared]
        self.value = ratings.value[shared].astype(np.float64)
        user = positions(ratings.user_ids, model.user_ids)[self._user]
        item = positions(ratings.item_ids, model.item_ids)[ratings.item[shared]]
        self.model_errors: FloatArray = self.value - model.predict_codes(user, item)
        on = model.trained_on
        self._by_user = None if on is None else buckets_of(on.user_counts)[user]
        self._by_item = None if on is None else buckets_of(on.item_counts)[item]

    def grouped(self, errors: FloatArray) -> GroupedErrors:
        """Errors (k,) of these ratings, per user."""
        found = GroupedErrors(self._n_users)
        found.add(self._user, errors)
        return found

    def judged(self, name: str, system: Matched, own: GroupedErrors) -> Judged:
        """A system, its p-value not adjusted yet."""
        errors = self.value - system.predicted[self._shared]
        theirs = self.grouped(errors)
        score, difference = theirs.score(), theirs.above(own)
        reach, p_value = tested(difference, score.n_users - 1)
        n, missing, stderr = len(system.predicted), system.missing, difference.stderr
        return Judged(
            name=name,
            n_ratings=n - missing,
            missing=missing,
            n_other=system.n_other,
            n_repeated=system.n_repeated,
            score=score,
            difference=difference,
            low=None if reach is None else difference.rmse - reach,
            high=None if reach is None else difference.rmse + reach,
            p_value=p_value,
            smallest_detectable=None if stderr is None else DETECTABLE * stderr,
            by_user=self._buckets(errors, self._by_user),
            by_item=self._buckets(errors, self._by_item),
        )

    def _buckets(self, errors: FloatArray, buckets: Codes | None) -> tuple[BucketDifference, ...]:
        found = []
        for number in [] if buckets is None else np.flatnonzero(np.bincount(buckets)).tolist():
            here = np.flatnonzero(buckets == number)
            theirs, own = GroupedErrors(self._n_users), GroupedErrors(self._n_users)
            theirs.add(self._user[here], errors[here])
            own.add(self._user[here], self.model_errors[here])
            difference = theirs.above(own)
            found.append(BucketDifference(BUCKET_NAMES[number], len(here), difference))
        return tuple(found)
