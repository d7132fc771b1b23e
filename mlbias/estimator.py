"""The bias model as a regressor of scikit-learn, for its pipelines, searches and scores.

It needs the extra ``mlbias[sklearn]``, and nothing else in mlbias imports scikit-learn.
"""

from typing import Any, Self

import numpy as np

from mlbias.core.methods.protocol import Method
from mlbias.core.model import PenaltyScale
from mlbias.core.regularisation import Lambda
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError
from mlbias.fitting.fit import fit
from mlbias.id_columns import column_of_ids
from mlbias.ids import Ids
from mlbias.ratings import Ratings

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "BiasRegressor needs scikit-learn 1.6 or newer: pip install 'mlbias[sklearn]'"
    ) from error


class BiasRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The bias model as a regressor: X has two columns, ids of users and of items.

    X is a frame or an array. Ids are integers, whole floats or text. An id that is unknown in
    ``predict`` contributes a bias of 0.

    Args:
        method: see fit; by default exact, which learns both λ's.
        epochs: see fit.
        lr: see fit.
        tol: see fit.
        penalty: see fit.
        lambda_: see fit.
        lambda_user: see fit.
        lambda_item: see fit.
        threads: see fit.

    Attributes:
        fit_: the Fit, with the model, its history and the learned variance components.
        n_iter_: epochs that were made.
        n_features_in_: 2.

    Example:
        >>> import numpy as np
        >>> from sklearn.model_selection import GroupKFold, cross_val_score
        >>> from mlbias import BiasRegressor, load_ratings
        >>> ratings = load_ratings("sample")
        >>> users, items = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
        >>> X = np.column_stack([users, items])
        >>> errors = cross_val_score(
        ...     BiasRegressor(), X, ratings.value, groups=users, cv=GroupKFold(3),
        ...     scoring="neg_root_mean_squared_error",
        ... )
        >>> print(f"{-errors.mean():.2f}")
        0.94
    """

    def __init__(
        self,
        method: Method | str = "exact",
        *,
        epochs: int | None = None,
        lr: float | None = None,
        tol: float | None = None,
        penalty: PenaltyScale | str | None = None,
        lambda_: Lambda = None,
        lambda_user: float | None = None,
        lambda_item: float | None = None,
        threads: int | None = None,
    ) -> None:
        self.method = method
        self.epochs = epochs
        self.lr = lr
        self.tol = tol
        self.penalty = penalty
        self.lambda_ = lambda_
        self.lambda_user = lambda_user
        self.lambda_item = lambda_item
        self.threads = threads

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to the ratings ``y`` (n,) of the pairs in ``X`` (n, 2).

        Raises:
            ValueError: X is not of two columns of ids, or y not of finite numbers.
            OptionError: a parameter is out of range; it is a ValueError too.
            DivergenceError: see mlbias.fit.
        """
        X, y = validate_data(self, X, y, dtype=None, y_numeric=True)
        try:
            ratings = Ratings.from_ids(*_pairs(X), y)
            # In one order, so that permuting the rows changes no bit.
            self.fit_ = fit(
                ratings.by_pair(),
                self.method,
                epochs=self.epochs,
                lr=self.lr,
                tol=self.tol,
                penalty=self.penalty,
                lambda_=self.lambda_,
                lambda_user=self.lambda_user,
                lambda_item=self.lambda_item,
                threads=self.threads,
            )
        except DataError as error:
            raise ValueError(f"{error} {error.advice}".strip()) from error
        self.n_iter_ = self.fit_.history[-1].epoch
        return self

    def predict(self, X: Any) -> FloatArray:
        """Predicted ratings (n,) of the pairs in ``X`` (n, 2).

        Raises:
            NotFittedError: there is no fit yet.
            ValueError: X is not of two columns of ids.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=None, reset=False)
        predicted: FloatArray = self.fit_.model.predict(*_pairs(X))
        return predicted

    def __sklearn_is_fitted__(self) -> bool:
        # Told here, since scikit-learn takes the parameter lambda_ for what a fit leaves.
        return "fit_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _pairs(X: Any) -> tuple[Ids, Ids]:
    """The columns of users and of items.

    Raises:
        ValueError: there are not two, or one does not hold ids.
    """
    if X.shape[1] != 2:
        raise ValueError(
            f"X has {X.shape[1]} feature(s); expected two columns, ids of users and of items"
        )
    return _column(X[:, 0], "user"), _column(X[:, 1], "item")


def _column(values: Any, what: str) -> Ids:
    if values.dtype.kind == "f":
        whole = values.astype(np.int64)
        if not (whole == values).all():
            row = int(np.flatnonzero(whole != values)[0])
            raise ValueError(f"row {row}: the {what} is {values[row]}; ids are integers or text")
        values = whole
    try:
        return column_of_ids(values, what)
    except DataError as error:
        raise ValueError(str(error)) from error
