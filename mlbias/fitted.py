"""What a fitted model can be asked; BiasModel and Fit share these methods."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, overload

from mlbias.arguments import checks_options
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError
from mlbias.id_columns import column_of_ids
from mlbias.ids import positions
from mlbias.ratings import Frame, Ratings

if TYPE_CHECKING:
    from mlbias.model import BiasModel


class Fitted:
    """A model, or what holds one: predictions, biases and new users and items."""

    __slots__ = ()

    def _model(self) -> "BiasModel":
        """The model that answers."""
        raise NotImplementedError

    @property
    def user_stderr(self) -> FloatArray | None:
        """(n_users,) posterior standard deviations of the users' biases, in the ratings' units."""
        known = self._model().uncertainty
        return None if known is None else known.user_stderr

    @property
    def item_stderr(self) -> FloatArray | None:
        """(n_items,) posterior standard deviations of the items' biases, likewise."""
        known = self._model().uncertainty
        return None if known is None else known.item_stderr

    @overload
    def predict(
        self, users: Iterable[object], items: Iterable[object], return_std: Literal[False] = False
    ) -> FloatArray: ...

    @overload
    def predict(
        self, users: Iterable[object], items: Iterable[object], return_std: Literal[True]
    ) -> tuple[FloatArray, FloatArray]: ...

    def predict(
        self, users: Iterable[object], items: Iterable[object], return_std: bool = False
    ) -> FloatArray | tuple[FloatArray, FloatArray]:
        """Predicted ratings of the pairs (users[k], items[k]), (n,).

        An id that the training ratings did not have contributes a bias of 0; an integer and the
        same digits as text are the same id. Predictions are not clipped to the rating scale.

        Args:
            users: (n,) ids.
            items: (n,) ids.
            return_std: also return the standard deviation of each rating around its prediction,
                (n,): of both biases, with the prior's for an unknown id, and of the noise.

        Raises:
            DataError: users and items are no columns of equal length; or the model has no
                uncertainty, as only exact's has.
        """
        user_ids, item_ids = column_of_ids(users, "user"), column_of_ids(items, "item")
        if len(user_ids) != len(item_ids):
            raise DataError(
                f"users and items differ in number: {len(user_ids)} and {len(item_ids)}"
            )
        model = self._model()
        user, item = positions(user_ids, model.user_ids), positions(item_ids, model.item_ids)
        predicted = model.predict_codes(user, item)
        if not return_std:
            return predicted
        if model.uncertainty is None:
            raise DataError("the model has no standard deviations", "Train it with exact.")
        return predicted, model.uncertainty.of_ratings(user, item)

    @checks_options
    def predict_frame(
        self,
        frame: Frame,
        *,
        user: str | None = None,
        item: str | None = None,
        interval: float | None = None,
        clip: bool = False,
        at_least: float | None = None,
        probabilities: bool = False,
    ) -> Frame:
        """The rows of a frame in their order, with all their columns and the predictions.

        Added are ``prediction``; ``std_error``, the standard deviation of the rating around it,
        where the model has an uncertainty; ``low`` and ``high`` with an interval; ``at_least`` and
        a column such as ``p_0.5`` for each value of the scale, where they are asked for; and
        ``known``: both, user, item or none, which of the two the model knows.

        Args:
            frame: of pandas, Polars, PyArrow, DuckDB or whatever speaks Arrow, a row a pair.
            user: name of the users' column, where it has no usual one such as user_id.
            item: of the items', likewise.
            interval: the probability with which the rating lies between low and high.
            clip: whether predictions are clipped to the scale of the training ratings.
            at_least: a rating, for the probability of one that is at least as high.
            probabilities: whether to add the probability of each value of the scale.

        Returns:
            A Polars DataFrame.

        Raises:
            DataError: it is no frame, an id is missing, a column has the name of an added one, or
                the model has no uncertainty for an interval, no scale to clip to, or no
                probabilities.
            OptionError: a named column is not there, or the interval is not between 0 and 1.

        Example:
            >>> import polars as pl
            >>> from mlbias import Ratings, fit
            >>> model = fit(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])).model
            >>> pairs = pl.DataFrame({"user": [1, 3], "item": [10, 20]})
            >>> model.predict_frame(pairs)["known"].to_list()
            ['both', 'item']
        """
        from mlbias.use.predict import Predictor, predicted_frame

        predictor = Predictor(self._model(), interval, clip, at_least, probabilities)
        return predicted_frame(predictor, frame, {"user": user, "item": item})

    def fold_in(self, ratings: Ratings | Frame, *, refresh: bool = False) -> "BiasModel":
        """The model with users and items that came after training, by their ratings.

        Each new bias is Σ(r - α - b_other) / (n + λ), all else held fixed: what a refit of it
        alone gives. New users' ratings of new items are solved for together.

        Args:
            ratings: that came after training, or a frame of them whose columns have usual names.
            refresh: whether known users and items move too, each alone, by what training found
                and by these ratings together.

        Raises:
            DataError: the model does not know its λ's or, to refresh, its counts.

        Example:
            >>> from mlbias import Ratings, fit
            >>> found = fit(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2]))
            >>> grown = found.model.fold_in(Ratings.from_ids([3], [10], [5.0]))
            >>> len(grown.user_ids)
            3
        """
        from mlbias.use.fold_in import fold_in

        return fold_in(self._model(), ratings, refresh=refresh)

    def probabilities(self, users: Iterable[object], items: Iterable[object]) -> FloatArray:
        """The probability of each value of the rating scale, (n, K), for the pairs of ids.

        Column k is of ``scale.values[k]``; each row adds up to 1.

        Args:
            users: (n,) ids.
            items: (n,) ids.

        Raises:
            DataError: users and items are no columns of equal length, or the model has no scale.
        """
        scale = self._model().known_scale()
        predicted, std = self.predict(users, items, return_std=True)
        return scale.probabilities(predicted, std)

    @checks_options
    def probability_at_least(
        self, users: Iterable[object], items: Iterable[object], value: float
    ) -> FloatArray:
        """The probability of a rating of at least ``value``, (n,), for the pairs of ids.

        Args:
            users: (n,) ids.
            items: (n,) ids.
            value: a rating, on the scale or between its values.

        Raises:
            DataError: see probabilities.
        """
        scale = self._model().known_scale()
        predicted, std = self.predict(users, items, return_std=True)
        return scale.at_least(predicted, std, value)

    def biases(self, side: Literal["users", "items"]) -> Frame:
        """A row for each user, or for each item, in the order of their ids.

        Columns: ``user`` or ``item``; ``n_ratings`` in training and their plain ``mean``, where
        the model knows them;
        ``bias``; and where the model has an uncertainty ``std_error``, ``lower`` and ``upper``,
        the 95 % interval of the bias.

        Args:
            side: users or items.

        Returns:
            A Polars DataFrame.

        Raises:
            OptionError: there is no such side.

        Example:
            >>> from mlbias import Ratings, fit
            >>> found = fit(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2]))
            >>> found.model.biases("items").columns
            ['item', 'n_ratings', 'mean', 'bias']
        """
        from mlbias.use.biases import biases

        return biases(self._model(), side)
