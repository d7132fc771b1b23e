"""Training: runs a method on a problem, stops it, and reports an epoch at a time."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mlbias.core.methods.protocol import Method, options_of
from mlbias.core.model import Parameters, Problem
from mlbias.errors import DivergenceError, OptionError

# Growth of the cost up to this share of Σr² is rounding.
_ROUNDING = 1e-12
# A method whose cost may rise has diverged at this multiple of the start's cost ...
_HOPELESS = 100.0
# ... and has converged after this many epochs in a row that hardly change the cost.
_QUIET_EPOCHS = 5


@dataclass(frozen=True, slots=True)
class EpochStats:
    """What one epoch came to; epoch 0 is the start, epoch k the state after k updates.

    Args:
        epoch: number of updates made.
        rmse: on the training ratings, in their units.
        cost: J = SSE + λ_u‖b_u‖² + λ_i‖b_i‖², in squared units.
        alpha: general level, in the ratings' units.
        holdout_rmse, holdout_mae: on the hold-out, None without one.
        seconds: spent on training since it began, the caller's work between epochs left out.
    """

    epoch: int
    rmse: float
    cost: float
    alpha: float
    holdout_rmse: float | None
    holdout_mae: float | None
    seconds: float


Scorer = Callable[[Parameters], tuple[float, float]]


def train(
    method: Method,
    problem: Problem,
    *,
    epochs: int | None = None,
    tol: float | None = None,
    holdout: Scorer | None = None,
) -> Iterator[tuple[EpochStats, Parameters]]:
    """Yield each epoch's report with its state, the start first.

    The last pair is the result; a caller that stops early keeps the last whole epoch.

    Args:
        method: with its options.
        problem: what it minimises.
        epochs: the most updates to make, 0 or more; by default the method's own number.
        tol: stop once the cost's relative change in an epoch is at most this; a method whose
            cost may rise stops after five such epochs in a row.
        holdout: gives RMSE and MAE of a state on ratings that are held out.

    Raises:
        OptionError: epochs or tol is out of range.
        DivergenceError: the cost is not finite, or grew as it must not with this method.
    """
    last = method.default_epochs if epochs is None else epochs
    check_stopping(last, tol)
    return _epochs(method, problem, last, tol, holdout)


def check_stopping(epochs: int, tol: float | None) -> None:
    """Check what bounds a run.

    Raises:
        OptionError: epochs or tol is out of range.
    """
    if epochs < 0:
        raise OptionError(f"`epochs` must be 0 or more, not {epochs}.")
    if tol is not None and not 0 <= tol < math.inf:
        raise OptionError(f"`tol` must be 0 or more and finite, not {tol:g}.")


def _epochs(
    method: Method,
    problem: Problem,
    last: int,
    tol: float | None,
    holdout: Scorer | None,
) -> Iterator[tuple[EpochStats, Parameters]]:
    s = problem.statistics
    iterates = method.iterates(problem)
    costs: list[float] = []
    quiet = 0
    seconds = 0.0
    for epoch in range(last + 1):
        started = time.perf_counter()
        # A run that diverges overflows on the way; the cost tells.
        with np.errstate(over="ignore", invalid="ignore"):
            iterate = next(iterates, None)
            if iterate is None:  # the method is done by itself
                return
            state = iterate.parameters
            cost = problem.cost(state, iterate.squared_error)
        costs.append(cost)
        _check_descent(method, problem, costs)
        holdout_rmse, holdout_mae = holdout(state) if holdout else (None, None)
        seconds += time.perf_counter() - started
        rmse = math.sqrt(iterate.squared_error / s.n_ratings)
        yield (
            EpochStats(
                epoch, rmse, cost, state.alpha + s.center, holdout_rmse, holdout_mae, seconds
            ),
            state,
        )
        if tol is not None and epoch:
            quiet = quiet + 1 if abs(costs[-2] - cost) <= tol * costs[-2] else 0
            if quiet >= (1 if method.descends else _QUIET_EPOCHS):
                return


def _check_descent(method: Method, problem: Problem, costs: list[float]) -> None:
    epoch, cost = len(costs) - 1, costs[-1]
    before = costs[epoch - 1] if epoch else cost
    if method.descends:
        s = problem.statistics
        diverged = cost - before > _ROUNDING * s.squares
    else:
        before = costs[0]
        diverged = cost > _HOPELESS * before
    if math.isfinite(cost) and not diverged:
        return
    options = ", ".join(f"{name} {value:g}" for name, value in options_of(method).items())
    with_options = f" ({options})" if options else ""
    grown = f"to {cost:.6g}" if math.isfinite(cost) else "beyond all numbers"
    raise DivergenceError(
        f"{method.name} diverged in epoch {epoch}{with_options}: "
        f"the cost grew from {before:.6g} {grown}.",
        method.remedy(problem),
        epoch,
    )
