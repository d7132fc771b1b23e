"""Errors of a model on ratings in parts.

What takes the predictions of all ratings at once, calibration in tenths, is left out, and so are
checks of error bars.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.incidence import starts_of
from mlbias.core.ratings import Codes, users_of
from mlbias.core.scores import GroupedErrors
from mlbias.core.vectors import FloatArray
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.parts import Call, Part
from mlbias.evaluation.evaluate import (
    BUCKET_NAMES,
    Evaluation,
    buckets,
    buckets_of,
    score_or_none,
)
from mlbias.ids import Ids, positions
from mlbias.model import BiasModel


@dataclass(frozen=True, slots=True)
class Tally:
    """Errors of a model on ratings.

    Attributes:
        own, baseline, clipped, unknown: per user; of the model, of its training mean, of clipped
            predictions, and of the model where the user or the item is unknown.
        by_user, by_item: per bucket of ratings in training.
    """

    own: GroupedErrors
    baseline: GroupedErrors
    clipped: GroupedErrors
    unknown: GroupedErrors
    by_user: GroupedErrors
    by_item: GroupedErrors


@dataclass(frozen=True, slots=True)
class _SideOfModel:
    """What a model says of the users, or of the items, of some ratings.

    Attributes:
        bias: of each, 0 where it is unknown.
        is_known: whether the model knows it.
        bucket: by its ratings in training; None where they are not known.
    """

    bias: FloatArray
    is_known: NDArray[np.bool_]
    bucket: Codes | None

    @classmethod
    def of(
        cls, ids: Ids, model_ids: Ids, bias: FloatArray, counts: FloatArray | None
    ) -> "_SideOfModel":
        """That of these ids."""
        places = positions(ids, model_ids)
        bucket = None if counts is None else buckets_of(counts)[places]
        return cls(np.append(bias, 0.0)[places], places >= 0, bucket)

    def at(self, places: Codes) -> "_SideOfModel":
        """That of the users or items at these places."""
        bucket = None if self.bucket is None else self.bucket[places]
        return _SideOfModel(self.bias[places], self.is_known[places], bucket)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A model's share in a part: α, the mean and the scale, and both sides."""

    alpha: float
    mean: float
    scale: tuple[float, float] | None
    user: _SideOfModel
    item: _SideOfModel


def _tally(part: Part, asked: _Asked) -> Tally:
    user, item = users_of(starts_of(part.counts.astype(np.float64))), part.item
    assert part.value is not None
    value = part.value.astype(np.float64)
    predicted = asked.alpha + asked.user.bias[user] + asked.item.bias[item]
    errors = value - predicted
    own, baseline, clipped, unknown = (GroupedErrors(len(part.counts)) for _ in range(4))
    own.add(user, errors)
    baseline.add(user, value - asked.mean)
    if asked.scale is not None:
        clipped.add(user, value - np.clip(predicted, *asked.scale))
    is_unknown = ~(asked.user.is_known[user] & asked.item.is_known[item])
    unknown.add(user[is_unknown], errors[is_unknown])
    by_user, by_item = (GroupedErrors(len(BUCKET_NAMES)) for _ in range(2))
    for found, side, codes in ((by_user, asked.user, user), (by_item, asked.item, item)):
        if side.bucket is not None:
            found.add(side.bucket[codes], errors)
    return Tally(own, baseline, clipped, unknown, by_user, by_item)


_TALLY: Call[_Asked, Tally] = Call(_tally, values=True)


def evaluate_in_parts(model: BiasModel, ratings: PartitionedIncidence) -> Evaluation:
    """How well a model predicts ratings in parts, without what this module leaves out.

    Raises:
        DataError: the ratings are too large to be squared.
    """
    users, items = _sides_of(model, ratings)
    found = _tallied(model, ratings, users, items)
    return Evaluation(
        n_ratings=len(ratings),
        n_users=len(ratings.user_ids),
        n_items=len(ratings.item_ids),
        unknown_users=int(np.count_nonzero(~users.is_known)),
        unknown_items=int(np.count_nonzero(~items.is_known)),
        effective_users=found.own.effective_users,
        model=found.own.score(),
        baseline=found.baseline.score(),
        clipped=score_or_none(found.clipped),
        known=score_or_none(found.own - found.unknown),
        unknown=score_or_none(found.unknown),
        by_user=buckets(found.by_user),
        by_item=buckets(found.by_item),
        calibration=(),
        intervals=None,
        on_scale=None,
    )


def _sides_of(model: BiasModel, ratings: PartitionedIncidence) -> tuple[_SideOfModel, _SideOfModel]:
    on = model.trained_on
    counts = (None, None) if on is None else (on.user_counts, on.item_counts)
    return (
        _SideOfModel.of(ratings.user_ids, model.user_ids, model.user_bias, counts[0]),
        _SideOfModel.of(ratings.item_ids, model.item_ids, model.item_bias, counts[1]),
    )


def _tallied(
    model: BiasModel, ratings: PartitionedIncidence, users: _SideOfModel, items: _SideOfModel
) -> Tally:
    """The errors, in one round."""
    on = model.trained_on
    scale = None if on is None else (on.low, on.high)
    found = ratings.ask(_TALLY, [
        _Asked(model.alpha, model.mean, scale, users.at(user), items.at(item))
        for user, item in ratings.places
    ])  # fmt: skip
    parts = [(tally, at) for tally, (at, _) in zip(found, ratings.places, strict=True) if tally]
    n, tallies = len(ratings.user_ids), [tally for tally, _ in parts]
    none = GroupedErrors(len(BUCKET_NAMES))
    return Tally(
        GroupedErrors.gathered([(tally.own, at) for tally, at in parts], n),
        GroupedErrors.gathered([(tally.baseline, at) for tally, at in parts], n),
        GroupedErrors.gathered([(tally.clipped, at) for tally, at in parts], n),
        GroupedErrors.gathered([(tally.unknown, at) for tally, at in parts], n),
        sum((tally.by_user for tally in tallies), none),
        sum((tally.by_item for tally in tallies), none),
    )


def errors_in_parts(model: BiasModel, ratings: PartitionedIncidence) -> GroupedErrors:
    """The errors alone, per user, for a round."""
    return _tallied(model, ratings, *_sides_of(model, ratings)).own
