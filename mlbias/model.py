"""A trained bias model with the ids of its users and items."""

from dataclasses import dataclass

import numpy as np

from mlbias.core.model import Parameters, Penalty
from mlbias.core.ordinal import OrdinalScale
from mlbias.core.ratings import Codes
from mlbias.core.statistics import Statistics
from mlbias.core.trained_on import TrainedOn
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError
from mlbias.fitted import Fitted
from mlbias.ids import Ids


@dataclass(frozen=True, slots=True, repr=False)
class BiasModel(Fitted):
    """A trained model: predicts alpha + the user's bias + the item's bias.

    Args:
        alpha: general level, in the ratings' units.
        user_bias, item_bias: (n_users,) and (n_items,), in the ratings' units.
        user_ids, item_ids: whose biases they are, same shapes.
        mean: of the ratings that it was trained on; what the baseline predicts.
        uncertainty: how well the biases are known; None where the method does not tell.
        trained_on: what is known of its training ratings; None in models of older files.
        penalty: the λ's that it was trained with, on the scale of sums, so that they stand beside
            the counts; None in models of older files.
        scale: the values that ratings take and their thresholds, of exact's models whose training
            ratings have at most 100 distinct values.

    Example:
        >>> from mlbias import Ratings, fit
        >>> model = fit(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])).model
        >>> model
        <BiasModel: alpha 3.500000, 2 users, 2 items>
    """

    alpha: float
    user_bias: FloatArray
    item_bias: FloatArray
    user_ids: Ids
    item_ids: Ids
    mean: float
    uncertainty: Uncertainty | None = None
    trained_on: TrainedOn | None = None
    penalty: Penalty | None = None
    scale: OrdinalScale | None = None

    def __repr__(self) -> str:
        return (
            f"<BiasModel: alpha {self.alpha:.6f}, {len(self.user_ids):,} users, "
            f"{len(self.item_ids):,} items>"
        )

    def known_scale(self) -> OrdinalScale:
        """The scale.

        Raises:
            DataError: the model has none.
        """
        if self.scale is None:
            raise DataError(
                "the model has no probabilities of ratings",
                "Train it with exact on ratings of at most 100 distinct values.",
            )
        return self.scale

    def predict_codes(self, user: Codes, item: Codes) -> FloatArray:
        """Predicted ratings of (n,) positions in user_ids and item_ids, -1 for an unknown id."""
        # The zero at the end is what -1 finds.
        user_bias = np.append(self.user_bias, 0.0)
        item_bias = np.append(self.item_bias, 0.0)
        predicted: FloatArray = self.alpha + user_bias[user] + item_bias[item]
        return predicted

    def _model(self) -> "BiasModel":
        return self


def to_model(
    parameters: Parameters, statistics: Statistics, user_ids: Ids, item_ids: Ids
) -> BiasModel:
    """The model of a state of training, in the ratings' own units and with these ids."""
    return BiasModel(
        alpha=parameters.alpha + statistics.center,
        user_bias=parameters.user_bias,
        item_bias=parameters.item_bias,
        user_ids=user_ids,
        item_ids=item_ids,
        mean=statistics.mean + statistics.center,
        trained_on=TrainedOn.of(statistics),
    )
