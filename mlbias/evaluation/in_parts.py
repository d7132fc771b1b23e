"""Errors of a model on ratings in parts: the sums of each part, in a round."""

from dataclasses import dataclass

import numpy as np

from mlbias.core.scores import GroupedErrors, tallied
from mlbias.core.vectors import FloatArray
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.parts import Call, Part
from mlbias.evaluation.deciles import Deciles
from mlbias.evaluation.evaluate import Evaluation, evaluation_of
from mlbias.evaluation.known import Known
from mlbias.evaluation.predicted import pieces_of, predicted_by
from mlbias.evaluation.tallies import Sums, Tallying
from mlbias.ids import positions
from mlbias.model import BiasModel


def evaluate_in_parts(model: BiasModel, ratings: PartitionedIncidence) -> Evaluation:
    """How well a model predicts ratings in parts, in two rounds.

    Raises:
        DataError: the ratings are too large to be squared.
    """
    known = Known.of(model, ratings.user_ids, ratings.item_ids)
    shares = [known.at(users, items) for users, items in ratings.places]
    found = ratings.ask(_SUMS, shares)
    both = zip(found, ratings.places, strict=True)
    parts = [(sums, users) for sums, (users, _) in both if sums is not None]
    sums = Sums.gathered(parts, len(ratings.user_ids))
    deciles = Deciles(*known.span, sums.deciles)
    asked = [_Predicted.of(share) for share in shares]
    fetched = ratings.ask(_FETCHED, [(one, deciles) for one in asked])
    calibration = deciles.result([piece for piece in fetched if piece is not None])
    return evaluation_of(model, known, sums, calibration)


def errors_in_parts(model: BiasModel, ratings: PartitionedIncidence) -> GroupedErrors:
    """The errors alone, per user, for a round."""
    user_bias, item_bias = (
        np.append(bias, 0.0)[positions(ids, known)]
        for ids, known, bias in (
            (ratings.user_ids, model.user_ids, model.user_bias),
            (ratings.item_ids, model.item_ids, model.item_bias),
        )
    )
    asked = [
        _Predicted(model.alpha, user_bias[users], item_bias[items])
        for users, items in ratings.places
    ]
    found = ratings.ask(_ERRORS, asked)
    both = zip(found, ratings.places, strict=True)
    parts = [(errors, users) for errors, (users, _) in both if errors is not None]
    return GroupedErrors.gathered(parts, len(ratings.user_ids))


@dataclass(frozen=True, slots=True)
class _Predicted:
    """A model's share in a part: α and the biases of the part's users and items."""

    alpha: float
    user_bias: FloatArray
    item_bias: FloatArray

    @classmethod
    def of(cls, known: Known) -> "_Predicted":
        return cls(known.alpha, known.user.bias, known.item.bias)


def _sums(part: Part, known: Known) -> Sums:
    ratings, biases = part.ratings(), (known.user.bias, known.item.bias)
    sums = Sums(ratings.n_users)
    tallying = Tallying(known, predicted_by(ratings, known.alpha, *biases))
    for here in pieces_of(ratings):
        sums.add(tallying.tallied(here))
    return sums


def _fetched(part: Part, asked: tuple[_Predicted, Deciles]) -> FloatArray:
    (model, deciles), ratings = asked, part.ratings()
    predicted = predicted_by(ratings, model.alpha, model.user_bias, model.item_bias)
    pieces = map(predicted, pieces_of(ratings))
    return np.concatenate(
        [deciles.fetched(piece.predicted, piece.value) for piece in pieces], axis=1
    )


def _errors(part: Part, model: _Predicted) -> GroupedErrors:
    ratings = part.ratings()
    predicted = predicted_by(ratings, model.alpha, model.user_bias, model.item_bias)
    found = GroupedErrors(ratings.n_users)
    for here in pieces_of(ratings):
        piece = predicted(here)
        found.count(tallied(piece.user, piece.errors))
    return found


_SUMS: Call[Known, Sums] = Call(_sums, values=True)
_FETCHED: Call[tuple[_Predicted, Deciles], FloatArray] = Call(_fetched, values=True)
_ERRORS: Call[_Predicted, GroupedErrors] = Call(_errors, values=True)
