"""Methods side by side on one split and one objective: how fast, and how good in the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlbias.arguments import checks_options
from mlbias.core.cores import usable_threads
from mlbias.core.incidence import BlockIncidence
from mlbias.core.methods import METHODS, make_method
from mlbias.core.methods.exact import Exact
from mlbias.core.model import PenaltyScale
from mlbias.core.regularisation import Lambda, Regularisation
from mlbias.core.scores import GroupedErrors
from mlbias.core.training import EpochStats, check_stopping
from mlbias.errors import DivergenceError, OptionError
from mlbias.evaluation.means import MEANS
from mlbias.evaluation.predicted import errors_per_user
from mlbias.fitting.pipeline import Fitting
from mlbias.fitting.record import Settings
from mlbias.fitting.task import Task
from mlbias.model import BiasModel
from mlbias.ratings import Frame, Ratings, as_ratings

# A method is there once its cost is above the minimum by this share of it at most.
NEAR = 1e-6
_OPTIMUM_TOLERANCE = 1e-12
_ROUNDING = 1e-15

CONTESTANTS = (*MEANS, *METHODS)
# Minimises a cost of its own, by the users' weights, and takes part only where it is named.
WITH_USER_NOISE = "exact --noise user"


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of one contestant.

    Attributes:
        name: of a method, or of a mean.
        training: errors on the training ratings, per user.
        held_out: errors on the hold-out, per user.
        history: a record an epoch; none of a mean.
        gaps: of each epoch, the relative excess cost: J over its minimum, less 1.
        diverged: why a method diverged; empty if it did not.
    """

    name: str
    training: GroupedErrors
    held_out: GroupedErrors
    history: tuple[EpochStats, ...] = ()
    gaps: tuple[float, ...] = ()
    diverged: str = ""

    @property
    def near(self) -> EpochStats | None:
        """The first epoch that is near the optimum, None if there is none."""
        pairs = zip(self.history, self.gaps, strict=True)
        return next((stats for stats, gap in pairs if gap <= NEAR), None)


class Comparison:
    """Contestants fitted to the same ratings and scored on the same hold-out.

    All methods minimise one cost, with λ's on the scale of sums.

    Args:
        training: ratings to train on.
        held_out: ratings to score on.
        regularisation: the λ's, on the scale of sums; learned once, for all methods.
        epochs: the most of each method that does not end by itself.
        threads: how many work at a time; by default one for each core.

    Raises:
        DataError: λ cannot be learned from these ratings.
    """

    def __init__(
        self,
        training: Ratings,
        held_out: Ratings,
        regularisation: Regularisation,
        epochs: int = 100,
        threads: int | None = None,
    ) -> None:
        self._training, self._held_out, self._epochs = training, held_out, epochs
        self._regularisation = regularisation
        incidence = BlockIncidence(training, usable_threads(threads))
        self.task = Task.of(incidence, training.user_ids, training.item_ids, regularisation)
        optimum = Fitting(self.task, Settings.of(Exact(tol=_OPTIMUM_TOLERANCE), regularisation))
        *_, last = optimum.epochs()
        self._minimum = last.cost

    @property
    def lambdas(self) -> tuple[float | None, float | None]:
        """λ of the users and of the items; None where it is infinite."""
        if self.task.learned is None:
            return self.task.problem.penalty.user, self.task.problem.penalty.item
        components = self.task.learned.components
        return components.lambda_user, components.lambda_item

    def run(self, names: Sequence[str]) -> Iterator[Result]:
        """Yield the result of each contestant as it is done."""
        for name in names:
            if name in MEANS:
                statistics = self.task.problem.statistics
                yield self._result(name, MEANS[name](statistics, self._training))
            elif name == WITH_USER_NOISE:
                yield self._result(name, self._with_user_noise())
            else:
                yield self._fitted(name)

    def _with_user_noise(self) -> BiasModel:
        settings = Settings.of(Exact(), self._regularisation, noise="user")
        task = self.task
        ids = task.user_ids, task.item_ids
        own = Task.of(task.incidence, *ids, settings.regularisation, settings.noise)
        fitting = Fitting(own, settings)
        for _ in fitting.epochs():
            pass
        return fitting.model()

    def _fitted(self, name: str) -> Result:
        method, diverged = make_method(name), ""
        epochs = None if method.ends_by_itself else self._epochs
        fitting = Fitting(self.task, Settings.of(method, self._regularisation, epochs))
        try:
            for _ in fitting.epochs():
                pass
        except DivergenceError as error:
            diverged = str(error)
        return self._result(name, fitting.model(), tuple(fitting.history), diverged)

    def _result(
        self,
        name: str,
        model: BiasModel,
        history: tuple[EpochStats, ...] = (),
        diverged: str = "",
    ) -> Result:
        least = max(self._minimum, _ROUNDING)
        gaps = tuple(max((stats.cost - self._minimum) / least, 0.0) for stats in history)
        training = errors_per_user(model, self._training)
        held_out = errors_per_user(model, self._held_out)
        return Result(name, training, held_out, history, gaps, diverged)


@checks_options
def compare(
    training: Ratings | Frame,
    held_out: Ratings | Frame,
    methods: Sequence[str] | None = None,
    *,
    epochs: int = 100,
    lambda_: Lambda = None,
    lambda_user: float | None = None,
    lambda_item: float | None = None,
    threads: int | None = None,
) -> list[Result]:
    """Fit methods to the same ratings and the same cost, and score them on the same hold-out.

    Args:
        training: ratings to train on.
        held_out: ratings to score on.
        methods: names of methods and of means, or "exact --noise user"; by default all but that.
        epochs: the most of each method that does not end by itself.
        lambda_: regularisation of both sides on the sum scale; by default learned.
        lambda_user: regularisation of the users' biases alone.
        lambda_item: regularisation of the items' biases alone.
        threads: how many work at a time; by default one for each core.

    Raises:
        OptionError: there is no such method, or a λ is out of range.
        DataError: the λ's cannot be learned from these ratings.

    Example:
        >>> from mlbias import compare, load_ratings, random_split
        >>> training, held_out = random_split(load_ratings("sample"), 0.1)
        >>> for result in compare(training, held_out, ["mean", "exact"], lambda_=5):
        ...     print(f"{result.name} {result.held_out.rmse:.4f}")
        mean 1.0233
        exact 0.8369
    """
    names = contestants(methods)
    check_stopping(epochs, None)
    regularisation = shared_regularisation(lambda_, lambda_user, lambda_item)
    sides = as_ratings(training), as_ratings(held_out)
    return list(Comparison(*sides, regularisation, epochs, threads).run(names))


def contestants(names: Sequence[str] | None) -> tuple[str, ...]:
    """The contestants of these names, each once; all if none are named.

    Raises:
        OptionError: there is no such method.
    """
    for name in names or ():
        if name not in (*CONTESTANTS, WITH_USER_NOISE):
            known = ", ".join((*CONTESTANTS, WITH_USER_NOISE))
            raise OptionError(f"`methods` has no {name!r}.", f"There are {known}.")
    return tuple(dict.fromkeys(names or CONTESTANTS))


def shared_regularisation(both: Lambda, user: float | None, item: float | None) -> Regularisation:
    """One for all methods, so that they minimise one cost."""
    return Regularisation.of(Exact(), PenaltyScale.SUM, both, user, item)
