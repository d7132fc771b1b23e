"""What a fit was asked for and what came of it: the record that stays with the model."""

from dataclasses import dataclass
from typing import Literal

from mlbias.core.equations.certificate import Certificate
from mlbias.core.leave_one_out import LeaveOneOut
from mlbias.core.methods.protocol import Method
from mlbias.core.ordinal import OrdinalScale
from mlbias.core.regularisation import Regularisation
from mlbias.core.reml.learn import Learned
from mlbias.core.trained_on import TrainedOn
from mlbias.core.training import EpochStats, check_stopping
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray
from mlbias.errors import OptionError
from mlbias.fitted import Fitted
from mlbias.ids import Ids
from mlbias.model import BiasModel

# Whether all ratings have one noise, or each user has a noise of their own.
Noise = Literal["one", "user"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is fitted, with every default filled in.

    Attributes:
        method: with its options.
        regularisation: the λ's and their scale.
        epochs: the most updates to make, 0 or more.
        tol: stop once the cost's relative change in an epoch is at most this; None never.
        noise: "one" for all ratings, or "user" for a noise of each user.
    """

    method: Method
    regularisation: Regularisation
    epochs: int
    tol: float | None = None
    noise: Noise = "one"

    def __post_init__(self) -> None:
        check_stopping(self.epochs, self.tol)
        noise_of(self.noise)
        is_learned = self.regularisation.lambdas is None
        if self.noise == "user" and not (is_learned and self.method.ends_by_itself):
            raise OptionError("`noise` user goes with exact and learned lambdas only.")

    @classmethod
    def of(
        cls,
        method: Method,
        regularisation: Regularisation | None = None,
        epochs: int | None = None,
        tol: float | None = None,
        noise: Noise = "one",
    ) -> "Settings":
        """What was asked for, with the method's own defaults for what was not.

        Raises:
            OptionError: a number is out of range.
        """
        return cls(
            method,
            regularisation or Regularisation.of(method),
            method.default_epochs if epochs is None else epochs,
            tol,
            noise,
        )


def noise_of(name: str) -> Noise:
    """The noise of this name.

    Raises:
        OptionError: there is none.
    """
    if name == "one":
        return "one"
    if name == "user":
        return "user"
    raise OptionError(f"`noise` is one or user, not {name!r}.")


@dataclass(frozen=True, slots=True, repr=False)
class Fit(Fitted):
    """A fitted model with the record of how it was fitted.

    It has the methods of BiasModel: ``predict``, ``predict_frame``, ``fold_in``, ``biases``,
    ``probabilities`` and ``probability_at_least``.

    Example:
        >>> from mlbias import Ratings, fit
        >>> found = fit(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2]), lambda_=0)
        >>> found
        <Fit: closed-form, RMSE 0.000000 after 10 epochs>
        >>> found.predict([1], [20]).round(6).tolist()
        [3.0]

    Attributes:
        model: α, the biases and their ids.
        history: a report for each epoch, the start first; empty for a model from a file of
            format 1 or 2.
        certificate: how far from the optimum the model is at most; None unless the method ends by
            itself.
        learned: the variance components behind learned λ's; None where λ was given.
        settings: what was asked for; None for a model from a file of format 1 or 2.
        leave_one_out: errors of predicting each training rating from all others; None unless the
            model is an optimum at λ's well above 0.
    """

    model: BiasModel
    history: tuple[EpochStats, ...] = ()
    certificate: Certificate | None = None
    learned: Learned | None = None
    settings: Settings | None = None
    leave_one_out: LeaveOneOut | None = None

    def __repr__(self) -> str:
        if self.settings is None or not self.history:
            return f"<Fit: {self.model!r}>"
        last, name = self.history[-1], self.settings.method.name
        epochs = "1 epoch" if last.epoch == 1 else f"{last.epoch:,} epochs"
        return f"<Fit: {name}, RMSE {last.rmse:.6f} after {epochs}>"

    @property
    def lambdas(self) -> tuple[float | None, float | None]:
        """λ of the users and of the items, given or learned; None where infinite or unknown."""
        if self.learned is not None:
            return self.learned.components.lambda_user, self.learned.components.lambda_item
        given = None if self.settings is None else self.settings.regularisation.lambdas
        return given or (None, None)

    @property
    def alpha(self) -> float:
        """General level, in the ratings' units."""
        return self.model.alpha

    @property
    def user_bias(self) -> FloatArray:
        """(n_users,) biases of the users, in the ratings' units."""
        return self.model.user_bias

    @property
    def item_bias(self) -> FloatArray:
        """(n_items,) biases of the items, likewise."""
        return self.model.item_bias

    @property
    def user_ids(self) -> Ids:
        """(n_users,) ids of the users, ascending."""
        return self.model.user_ids

    @property
    def item_ids(self) -> Ids:
        """(n_items,) ids of the items, ascending."""
        return self.model.item_ids

    @property
    def mean(self) -> float:
        """Mean of the training ratings."""
        return self.model.mean

    @property
    def uncertainty(self) -> Uncertainty | None:
        """How well the biases are known; None where the method does not tell."""
        return self.model.uncertainty

    @property
    def trained_on(self) -> TrainedOn | None:
        """What is known of the training ratings."""
        return self.model.trained_on

    @property
    def scale(self) -> OrdinalScale | None:
        """The values that ratings take and their thresholds; None where they are not known."""
        return self.model.scale

    def _model(self) -> BiasModel:
        return self.model


def model_of(fitted: BiasModel | Fit) -> BiasModel:
    """The model itself, of a fit or as it is."""
    return fitted.model if isinstance(fitted, Fit) else fitted
