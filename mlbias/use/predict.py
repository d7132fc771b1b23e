"""Predictions beside the pairs that they are for, as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import polars as pl

from mlbias.columns.find import find_pair_columns
from mlbias.core.vectors import FloatArray
from mlbias.datasets.frames import as_polars, frame_columns, refuse_missing_ids
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.encode import as_ids
from mlbias.datasets.reading.pairs import Pairs
from mlbias.datasets.reading.tables import check_types, rows_of_columns, table_wording
from mlbias.errors import DataError, OptionError
from mlbias.ids import Ids, positions
from mlbias.model import BiasModel
from mlbias.printable import shortened
from mlbias.ratings import Frame

# What of a pair the model knows, by 1 for the user and 2 for the item.
KNOWN = ("none", "user", "item", "both")
_WHERE = "the frame"


@dataclass(frozen=True, slots=True)
class Predictor:
    """Predicts pairs, and says how well.

    Args:
        model: whose predictions.
        interval: the probability with which the rating lies between low and high; None for
            neither.
        clip: whether predictions are clipped to the scale of the training ratings.
        at_least: a rating, for the probability of one that is at least as high.
        probabilities: whether to give the probability of each value of the scale.

    Raises:
        DataError: the model has no uncertainty for an interval, no scale to clip to, or no
            probabilities.
        OptionError: the interval is not between 0 and 1.
    """

    model: BiasModel
    interval: float | None = None
    clip: bool = False
    at_least: float | None = None
    probabilities: bool = False

    def __post_init__(self) -> None:
        if self.interval is not None and not 0 < self.interval < 1:
            raise OptionError(f"`interval` is between 0 and 1, not {self.interval:g}.")
        if self.interval is not None and self.model.uncertainty is None:
            raise DataError(
                "the model has no standard errors, so that there are no intervals.",
                "Train it with the method exact.",
            )
        if self.at_least is not None or self.probabilities:
            self.model.known_scale()
        if self.clip and self.model.trained_on is None:
            raise DataError(
                "the model does not say on which scale it was trained.",
                "Train it again with this version of mlbias.",
            )

    @property
    def added(self) -> tuple[str, ...]:
        """Names of the columns that predictions have."""
        errors = () if self.model.uncertainty is None else ("std_error",)
        bounds = () if self.interval is None else ("low", "high")
        at_least = () if self.at_least is None else ("at_least",)
        return ("prediction", *errors, *bounds, *at_least, *self._values, "known")

    @property
    def _values(self) -> tuple[str, ...]:
        """Names of the columns of the scale's values."""
        if not self.probabilities:
            return ()
        return tuple(f"p_{value:g}" for value in self.model.known_scale().values)

    def check_names(self, names: Sequence[str], where: str) -> None:
        """Check that no column has the name of one that is added.

        Raises:
            DataError: one has.
        """
        taken = [name for name in self.added if name in names]
        if taken:
            raise DataError(
                f"{where} has a column {shortened(taken[0])} already.",
                "Rename the column, or leave it out.",
            )

    def columns(self, user: Ids, item: Ids) -> pl.DataFrame:
        """The columns of the pairs (user[k], item[k]), n rows."""
        model = self.model
        user_place, item_place = positions(user, model.user_ids), positions(item, model.item_ids)
        predicted = model.predict_codes(user_place, item_place)
        bounds = {}
        columns = {}
        if model.uncertainty is not None:
            columns["std_error"] = model.uncertainty.of_ratings(user_place, item_place)
            if self.interval is not None:
                reach = NormalDist().inv_cdf((1 + self.interval) / 2) * columns["std_error"]
                bounds = {"low": predicted - reach, "high": predicted + reach}
            columns |= self._on_scale(predicted, columns["std_error"])
        numbers = {"prediction": predicted} | bounds
        if self.clip and model.trained_on is not None:
            scale = model.trained_on
            numbers = {name: np.clip(each, scale.low, scale.high) for name, each in numbers.items()}
        known = (user_place >= 0) + 2 * (item_place >= 0).astype(np.uint8)
        texts = pl.Series("known", KNOWN).gather(known)
        return pl.DataFrame(columns | numbers).with_columns(texts).select(self.added)

    def _on_scale(self, predicted: FloatArray, std: FloatArray) -> dict[str, FloatArray]:
        """The probabilities that are asked for."""
        found = {}
        if self.at_least is not None:
            found["at_least"] = self.model.known_scale().at_least(predicted, std, self.at_least)
        if self.probabilities:
            each = self.model.known_scale().probabilities(predicted, std)
            found |= dict(zip(self._values, each.T, strict=True))
        return found

    def table(self, pairs: Pairs) -> pl.DataFrame:
        """The rows with the columns behind their own.

        Raises:
            DataError: a column has the name of one that is added.
        """
        self.check_names(pairs.table.columns, "the table")
        return pairs.table.hstack(self.columns(pairs.user, pairs.item))


def predicted_frame(
    predictor: Predictor, frame: Frame, asked: Mapping[str, str | None]
) -> pl.DataFrame:
    """The rows of a frame with the columns behind their own; see BiasModel.predict_frame."""
    table = as_polars(frame)
    columns = frame_columns(find_pair_columns, table, asked)
    predictor.check_names(table.columns, _WHERE)
    refuse_missing_ids(table, columns)
    check_types(table.schema, columns, _WHERE)
    chosen = table.select(
        pl.col(table.columns[place]).alias(role) for role, place in columns.places.items()
    )
    rows = rows_of_columns(chosen, table_wording(table.columns, columns, ReadOptions()))
    if rows.first_bad is not None:
        raise DataError(f"row {rows.first_bad.place}, {rows.first_bad.reason}")
    pairs = Pairs(table, as_ids(rows.frame["user"]), as_ids(rows.frame["item"]))
    return predictor.table(pairs)
