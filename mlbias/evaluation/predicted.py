"""Ratings beside their predictions, in pieces that fit a cache: what every score is made of."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlbias.core.passes import in_order, pieces
from mlbias.core.ratings import Codes
from mlbias.core.scores import GroupedErrors, Tally, tallied
from mlbias.core.vectors import FloatArray
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.errors import DataError
from mlbias.fitting.record import Fit, model_of
from mlbias.ids import Ids, positions
from mlbias.model import BiasModel
from mlbias.ratings import Ratings

PIECE = 1 << 17


@dataclass(frozen=True, slots=True)
class Piece:
    """Some ratings: their codes, values and predictions, (k,) each."""

    user: Codes
    item: Codes
    value: FloatArray
    predicted: FloatArray

    @property
    def errors(self) -> FloatArray:
        """What the predictions are short of, (k,)."""
        return self.value - self.predicted


def pieces_of(ratings: Ratings) -> list[slice]:
    """Places of ratings whose numbers fit a cache."""
    return pieces(len(ratings), PIECE)


def predicted_by(
    ratings: Ratings, alpha: float, user_bias: FloatArray, item_bias: FloatArray
) -> Callable[[slice], Piece]:
    """A function from places to ratings with their predictions.

    Args:
        ratings: to be predicted.
        alpha: α.
        user_bias: (n_users,) of the ratings' own users.
        item_bias: (n_items,) of their items.
    """
    user_level = alpha + user_bias

    def predicted(here: slice) -> Piece:
        user, item = ratings.user_column[here], ratings.item[here]
        value = ratings.value_column[here].astype(np.float64)
        # All codes are in range; "clip" only spares NumPy the check.
        level = user_level.take(user, mode="clip")
        level += item_bias.take(item, mode="clip")
        return Piece(user, item, value, level)

    return predicted


class PredictedRatings:
    """Ratings that models with the same ids predict; an unknown id contributes a bias of 0.

    Args:
        ratings: to be predicted.
        user_ids, item_ids: of the models.

    ``known_user`` (n_users,) and ``known_item`` (n_items,) are the places of the ratings' ids among
    those of the models, -1 where they are unknown.
    """

    def __init__(self, ratings: Ratings, user_ids: Ids, item_ids: Ids) -> None:
        self.ratings = ratings
        self.known_user = positions(ratings.user_ids, user_ids)
        self.known_item = positions(ratings.item_ids, item_ids)

    def by(self, model: BiasModel) -> Callable[[slice], Piece]:
        """A function that predicts a piece of the ratings by one of the models."""
        # The zero at the end is what -1 finds.
        user_bias = np.append(model.user_bias, 0.0)[self.known_user]
        item_bias = np.append(model.item_bias, 0.0)[self.known_item]
        return predicted_by(self.ratings, model.alpha, user_bias, item_bias)

    def errors(self, model: BiasModel) -> GroupedErrors:
        """The errors of one of the models, per user of the ratings.

        Raises:
            DataError: they are too large to be squared.
        """
        predicted, found = self.by(model), GroupedErrors(len(self.known_user))

        def tally(here: slice) -> Tally:
            piece = predicted(here)
            return tallied(piece.user, piece.errors)

        for part in in_order(tally, pieces_of(self.ratings)):
            found.count(part)
        return found

    def score(self, model: BiasModel) -> tuple[float, float]:
        """RMSE and MAE of one of the models.

        Raises:
            DataError: the errors are too large to be squared.
        """
        predicted, n = self.by(model), len(self.ratings)

        def sums(here: slice) -> tuple[float, float]:
            errors = predicted(here).errors
            with np.errstate(over="ignore"):
                return float((errors * errors).sum()), float(np.abs(errors).sum())

        both = in_order(sums, pieces_of(self.ratings))
        squares, magnitudes = map(math.fsum, zip(*both, strict=True))
        if not math.isfinite(squares):
            raise DataError("the ratings are too large: the sum of their squares overflows.")
        return math.sqrt(squares / n), magnitudes / n


def errors_per_user(
    model: BiasModel | Fit, ratings: Ratings | PartitionedIncidence
) -> GroupedErrors:
    """The errors alone, by which models are compared."""
    model = model_of(model)
    if isinstance(ratings, PartitionedIncidence):
        from mlbias.evaluation.in_parts import errors_in_parts

        return errors_in_parts(model, ratings)
    return PredictedRatings(ratings, model.user_ids, model.item_ids).errors(model)


def scorer(
    held_out: Ratings | PartitionedIncidence, user_ids: Ids, item_ids: Ids
) -> Callable[[BiasModel], tuple[float, float]]:
    """A function that gives RMSE and MAE on these ratings of models with these ids."""
    if not isinstance(held_out, PartitionedIncidence):
        return PredictedRatings(held_out, user_ids, item_ids).score

    def score(model: BiasModel) -> tuple[float, float]:
        errors = errors_per_user(model, held_out)
        return errors.rmse, errors.mae

    return score
