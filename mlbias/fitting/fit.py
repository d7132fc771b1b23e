"""From ratings and options to a fitted model in one call."""

import warnings
from dataclasses import replace

from mlbias.arguments import checks_options
from mlbias.core.cores import usable_threads
from mlbias.core.incidence import BlockIncidence
from mlbias.core.methods import DEFAULT_METHOD, make_method
from mlbias.core.methods.protocol import Method, options_of
from mlbias.core.model import PenaltyScale
from mlbias.core.regularisation import Lambda, Regularisation
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.errors import OptionError
from mlbias.fitting.pipeline import Fitting
from mlbias.fitting.record import Fit, Noise, Settings
from mlbias.fitting.task import Task
from mlbias.ratings import Frame, Ratings, as_ratings


@checks_options
def fit(
    ratings: Ratings | PartitionedIncidence | Frame,
    method: Method | str = DEFAULT_METHOD,
    *,
    epochs: int | None = None,
    lr: float | None = None,
    tol: float | None = None,
    penalty: PenaltyScale | str | None = None,
    lambda_: Lambda = None,
    lambda_user: float | None = None,
    lambda_item: float | None = None,
    noise: Noise = "one",
    threads: int | None = None,
    learning_rate: float | None = None,
    tolerance: float | None = None,
) -> Fit:
    """Fit a bias model.

    Args:
        ratings: from load_ratings or Ratings.from_ids, a frame whose columns have usual names, or
            ratings in parts, from ``mlbias.engines.spark.incidence`` or that of another engine.
        method: gd, adam, closed-form or exact, or one of them with its options, such as
            ``Adam(lr=0.1, beta1=0.8)``.
        epochs: the most updates to make; by default the method's own number.
        lr: learning rate of gd or adam; by default the method's own.
        tol: stop once the cost's relative change in an epoch is at most this; for exact, the
            relative residual of the equations at which it ends.
        penalty: mean or sum, the scale that the λ's are given on; by default the method's own.
        lambda_: regularisation of both sides, 0 or more, or "auto" to learn both from the
            ratings; by default the method's own, which is auto for exact.
        lambda_user: regularisation of the users' biases alone.
        lambda_item: regularisation of the items' biases alone.
        noise: "one" for all ratings, or "user" to learn a noise for each user, which goes with
            exact and learned λ's.
        threads: how many work at a time; by default one for each core. Never changes a bit.
        learning_rate: the old name of lr.
        tolerance: the old name of tol.

    Raises:
        OptionError: an option is out of range, or the method does not have it.
        DataError: the λ's cannot be learned from these ratings.
        DivergenceError: the method moved away from the optimum.

    Example:
        >>> from mlbias import Adam, Ratings, fit
        >>> ratings = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])
        >>> fit(ratings, Adam(lr=0.1), epochs=3, lambda_=0.001)
        <Fit: adam, RMSE 0.730891 after 3 epochs>
    """
    lr = _renamed("learning_rate", learning_rate, "lr", lr)
    tol = _renamed("tolerance", tolerance, "tol", tol)
    chosen, tol = method_with(method, {"lr": lr}, tol)
    regularisation = Regularisation.of(chosen, penalty, lambda_, lambda_user, lambda_item)
    settings = Settings.of(chosen, regularisation, epochs, tol, noise)
    if isinstance(ratings, PartitionedIncidence):
        ids = ratings.user_ids, ratings.item_ids
        return Fitting(Task.of(ratings, *ids, regularisation, noise), settings).run()
    ratings = as_ratings(ratings)
    incidence = BlockIncidence(ratings, usable_threads(threads))
    task = Task.of(incidence, ratings.user_ids, ratings.item_ids, regularisation, noise)
    return Fitting(task, settings).run(lambda: ratings, threads)


def method_with(
    method: Method | str, options: dict[str, float | None], tol: float | None = None
) -> tuple[Method, float | None]:
    """A method with these options, and the ``tol`` that is left for the loop around it.

    A method that has a ``tol`` of its own, as exact has, takes it; the loop then has none.

    Raises:
        OptionError: there is no such method, it has no such option, or a value is out of range.
    """
    made = make_method(method, options) if isinstance(method, str) else _changed(method, options)
    if tol is None or "tol" not in options_of(made):
        return made, tol
    return _changed(made, {"tol": tol}), None


def _changed(method: Method, options: dict[str, float | None]) -> Method:
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in options_of(method):
            raise OptionError(f"{method.name} has no option `{name}`.")
    return replace(method, **given) if given else method  # type: ignore[type-var]


def _renamed(old_name: str, old: float | None, name: str, value: float | None) -> float | None:
    """The value of a keyword that was renamed."""
    if old is None:
        return value
    warnings.warn(f"{old_name} is now called {name}", DeprecationWarning, stacklevel=4)
    return old if value is None else value
