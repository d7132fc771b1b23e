"""Methods side by side on one split and one objective: how fast, and how good in the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlbias.core.incidence import BlockIncidence
from mlbias.core.methods import METHODS, make_method
from mlbias.core.model import PenaltyScale, Problem
from mlbias.core.reml.learn import Lambdas, Learned, penalty_for
from mlbias.core.training import EpochStats, train
from mlbias.errors import DivergenceError
from mlbias.evaluation.evaluate import errors_per_user
from mlbias.evaluation.means import MEANS
from mlbias.evaluation.scores import GroupedErrors
from mlbias.model import BiasModel, to_model
from mlbias.ratings import Ratings

# A method is there once its cost is above the minimum by this share of it at most.
NEAR = 1e-6
_OPTIMUM_TOLERANCE = 1e-12
_ROUNDING = 1e-15

CONTESTANTS = (*MEANS, *METHODS)


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of one contestant.

    Args:
        name: of a method, or of a mean.
        training: errors on the training ratings, per user.
        held_out: errors on the hold-out, per user.
        history: a record an epoch; none of a mean.
        gaps: of each epoch, the cost's relative distance from the minimum.
        diverged: what a method that did said; empty else.
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
    """Contestants trained on the same ratings and scored on the same hold-out.

    All methods minimise one cost, with λ's on the scale of sums.

    Args:
        training: ratings to train on.
        held_out: ratings to score on.
        lambdas: None to learn them.
        epochs: the most of each method that does not end by itself.
        threads: how many work at a time; by default one for each core.

    Raises:
        DataError: λ cannot be learned from these ratings.
    """

    def __init__(
        self,
        training: Ratings,
        held_out: Ratings,
        lambdas: Lambdas,
        epochs: int,
        threads: int | None = None,
    ) -> None:
        self._training, self._held_out, self._epochs = training, held_out, epochs
        incidence = BlockIncidence(training, threads)
        self.learned: Learned | None
        self.penalty, self.learned = penalty_for(incidence, PenaltyScale.SUM, lambdas)
        self._problem = Problem(incidence, self.penalty)
        *_, (last, _) = train(make_method("exact"), self._problem, tolerance=_OPTIMUM_TOLERANCE)
        self._minimum = last.cost

    def run(self, names: Sequence[str]) -> Iterator[Result]:
        """Yield the result of each contestant as it is done."""
        for name in names:
            if name in MEANS:
                yield self._result(name, MEANS[name](self._problem.statistics, self._training))
            else:
                yield self._trained(name)

    def _trained(self, name: str) -> Result:
        method, history, diverged = make_method(name), [], ""
        epochs = self._epochs if name != "exact" else None
        parameters = self._problem.start()
        try:
            for stats, state in train(method, self._problem, epochs=epochs):
                history.append(stats)
                parameters = state
        except DivergenceError as error:
            diverged = str(error)
        ids = self._training.user_ids, self._training.item_ids
        model = to_model(parameters, self._problem.statistics, *ids)
        return self._result(name, model, tuple(history), diverged)

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
