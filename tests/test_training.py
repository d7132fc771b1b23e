"""train(): what stops it, what it reports, and what it calls divergence."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from mlbias.core.methods import make_method
from mlbias.core.methods.gd import GradientDescent, safe_step
from mlbias.core.methods.protocol import Iterate, Method
from mlbias.core.model import Parameters, PenaltyScale, Problem
from mlbias.core.training import train
from mlbias.errors import DivergenceError, OptionError
from mlbias.fitting.fit import fit
from mlbias.ratings import Ratings

MakeProblem = Callable[..., Problem]


@dataclass(frozen=True, init=False)
class Scripted:
    """A method whose squared errors are given, and which has no options."""

    name: ClassVar[str] = "scripted"
    default_epochs: ClassVar[int] = 3
    default_penalty: ClassVar[PenaltyScale] = PenaltyScale.SUM
    default_lambda: ClassVar[float | None] = 0.001
    descends: ClassVar[bool] = True
    ends_by_itself: ClassVar[bool] = False

    def __init__(self, squared_errors: tuple[float, ...]) -> None:
        object.__setattr__(self, "squared_errors", squared_errors)

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        for squared_error in vars(self)["squared_errors"]:
            yield Iterate(problem.start(), squared_error)

    def remedy(self, problem: Problem) -> str:
        return f"Try fewer than {problem.statistics.n_ratings} ratings."


class Rising(Scripted):
    """One whose cost may rise."""

    descends: ClassVar[bool] = False


def epochs_of(
    method: Method, problem: Problem, epochs: int | None = None, tol: float | None = None
) -> list[int]:
    return [s.epoch for s, _ in train(method, problem, epochs=epochs, tol=tol)]


def test_epochs_bound_the_run_and_default_to_the_methods_own(
    four: Ratings, make_problem: MakeProblem
) -> None:
    problem = make_problem(four)
    assert epochs_of(make_method("closed-form"), problem) == list(range(11))
    assert epochs_of(make_method("closed-form"), problem, epochs=0) == [0]
    with pytest.raises(OptionError, match="`epochs` must be 0 or more, not -1"):
        train(make_method("gd"), problem, epochs=-1)


def test_tolerance_stops_at_the_first_small_change_of_a_method_that_descends(
    four: Ratings, make_problem: MakeProblem
) -> None:
    method = Scripted((100.0, 50.0, 49.0, 48.9, 48.8))
    assert epochs_of(method, make_problem(four), epochs=4, tol=0.01) == [0, 1, 2, 3]
    with pytest.raises(OptionError, match="`tol` must be 0 or more"):
        train(method, make_problem(four), tol=-1.0)


def test_tolerance_waits_for_five_small_changes_in_a_row_of_one_that_may_rise(
    four: Ratings, make_problem: MakeProblem
) -> None:
    costs = (100.0, 100.1, 100.2, 90.0, 90.1, 90.2, 90.1, 90.0, 89.9, 80.0)
    method = Rising(costs)
    assert epochs_of(method, make_problem(four), epochs=9, tol=0.01)[-1] == 8


@pytest.mark.parametrize(
    ("method", "epoch"),
    [
        (Scripted((10.0, 9.0, 9.1)), 2),
        (Scripted((10.0, float("nan"))), 1),
        (Rising((10.0, float("inf"))), 1),
        (Rising((10.0, 999.0, 1000.1)), 2),
    ],
)
def test_divergence_names_the_epoch_and_what_to_try(
    four: Ratings,
    make_problem: MakeProblem,
    method: Scripted,
    epoch: int,
) -> None:
    with pytest.raises(DivergenceError, match=f"scripted diverged in epoch {epoch}:") as caught:
        epochs_of(method, make_problem(four), epochs=5)
    assert caught.value.epoch == epoch
    assert caught.value.advice == "Try fewer than 4 ratings."


def test_growth_within_rounding_is_no_divergence(four: Ratings, make_problem: MakeProblem) -> None:
    # Σr² is 5 here, and 1e-12 of it is allowed.
    assert epochs_of(Scripted((1.0, 1.0 + 4e-12)), make_problem(four), epochs=1) == [0, 1]
    with pytest.raises(DivergenceError):
        epochs_of(Scripted((1.0, 1.0 + 6e-12)), make_problem(four), epochs=1)


def test_gd_with_a_step_too_large_says_which_one_is_safe(
    four: Ratings, make_problem: MakeProblem
) -> None:
    problem = make_problem(four)
    # L is at most 1 + 2/4 + 2/4.
    assert safe_step(problem) == 1.0
    with pytest.raises(DivergenceError, match=r"gd diverged in epoch \d+ \(lr 1e\+200\)") as caught:
        epochs_of(GradientDescent(1e200), problem)
    assert "about 1;" in caught.value.advice


def test_holdout_errors_are_reported_of_every_state(
    four: Ratings, make_problem: MakeProblem
) -> None:
    def score(state: Parameters) -> tuple[float, float]:
        return abs(state.user_bias[0]) + 1, 2.0

    rows = [
        stats for stats, _ in train(make_method("gd"), make_problem(four), epochs=1, holdout=score)
    ]
    assert [(row.holdout_rmse, row.holdout_mae) for row in rows] == [(1.0, 2.0), (1.25, 2.0)]


def test_seconds_grow_and_leave_the_callers_work_out(
    four: Ratings, make_problem: MakeProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1.0, 100.0, 102.0, 500.0, 503.0])
    monkeypatch.setattr("mlbias.core.training.time.perf_counter", lambda: next(clock))
    rows = [stats for stats, _ in train(make_method("gd"), make_problem(four), epochs=2)]
    assert [row.seconds for row in rows] == [1.0, 3.0, 6.0]


def test_equal_ratings_cost_nothing_from_start_to_end(make_problem: MakeProblem) -> None:
    ratings = Ratings.from_ids([1, 2, 2], [1, 1, 2], [0.1, 0.1, 0.1])
    for name in ("gd", "adam", "closed-form"):
        rows = [stats for stats, _ in train(make_method(name), make_problem(ratings, 1, 1))]
        assert {(row.rmse, row.cost, row.alpha) for row in rows} == {(0.0, 0.0, 0.1)}


def test_fit_is_train_with_a_model_in_the_end(
    make_ratings: Callable[..., Ratings], make_problem: MakeProblem
) -> None:
    ratings = make_ratings()
    model = fit(ratings, lambda_user=2.0, lambda_item=3.0, epochs=4)
    *_, (stats, state) = train(
        make_method("closed-form"), make_problem(ratings, 2.0, 3.0), epochs=4
    )
    assert model.alpha == stats.alpha
    np.testing.assert_array_equal(model.user_bias, state.user_bias)
    np.testing.assert_array_equal(model.user_ids, ratings.user_ids)
    assert model.mean == pytest.approx(ratings.value.mean(), abs=1e-14)
    for scale in (PenaltyScale.SUM, "sum"):
        on_sums = fit(ratings, "gd", penalty=scale, lambda_user=2.0, lambda_item=3.0, epochs=3)
        *_, (_, state) = train(make_method("gd"), make_problem(ratings, 2.0, 3.0), epochs=3)
        np.testing.assert_array_equal(on_sums.user_bias, state.user_bias)
    with pytest.raises(OptionError, match="`penalty` is mean or sum, not 'max'"):
        fit(ratings, penalty="max")


def test_a_method_may_be_done_by_itself(four: Ratings, make_problem: MakeProblem) -> None:
    assert epochs_of(Scripted((3.0, 2.0, 1.0)), make_problem(four), epochs=9) == [0, 1, 2]
