"""Every method: its first step by hand, the source's loops, golden rows, one common optimum."""

from collections.abc import Callable
from itertools import islice, pairwise

import numpy as np
import pytest

from mlbias.core.incidence import BlockIncidence
from mlbias.core.methods import METHODS, load_method, make_method, option_names
from mlbias.core.methods.adam import Adam
from mlbias.core.methods.gd import GradientDescent, safe_step
from mlbias.core.methods.protocol import Method
from mlbias.core.model import Parameters, Penalty, PenaltyScale, Problem
from mlbias.core.regularisation import Regularisation
from mlbias.core.training import train
from mlbias.core.vectors import FloatArray
from mlbias.datasets.generated.generator import sample
from mlbias.errors import OptionError
from mlbias.ratings import Ratings
from tests.golden import REAL, SAMPLE_ADAM, Rows
from tests.oracle import Loops, dense_optimum

every_method = pytest.mark.parametrize("name", METHODS)
MakeProblem = Callable[..., Problem]
MakeRatings = Callable[..., Ratings]


class CountingIncidence(BlockIncidence):
    """An incidence that counts the passes over its ratings."""

    passes = 0

    def per_user(self, item_bias: FloatArray) -> FloatArray:
        self.passes += 1
        return super().per_user(item_bias)

    def per_item(self, user_bias: FloatArray) -> FloatArray:
        self.passes += 1
        return super().per_item(user_bias)

    def both(
        self,
        item_bias: FloatArray,
        user_bias: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        self.passes += 1
        return super().both(item_bias, user_bias, weights)


def states(name: str, problem: Problem, epochs: int) -> list[Parameters]:
    return [state for _, state in train(make_method(name), problem, epochs=epochs)]


@every_method
def test_the_start_is_the_mean_with_zero_biases(
    name: str, four: Ratings, make_problem: MakeProblem
) -> None:
    problem = make_problem(four, 1.0, 1.0)
    (stats, state), *_ = train(make_method(name), problem, epochs=0)
    assert stats.alpha == 3.5
    assert stats.rmse == pytest.approx((5 / 4) ** 0.5, abs=1e-15)
    assert stats.cost == 5.0
    assert state.user_bias.tolist() == state.item_bias.tolist() == [0, 0]


@every_method
def test_a_yielded_state_never_changes(name: str, make_ratings: MakeRatings) -> None:
    problem = Problem(BlockIncidence(make_ratings()), Penalty(1, 1))
    iterates = make_method(name).iterates(problem)
    kept = [iterate.parameters for iterate in islice(iterates, 4)]
    copies = [(state.alpha, state.user_bias.copy(), state.item_bias.copy()) for state in kept]
    next(iterates)
    for state, (alpha, user_bias, item_bias) in zip(kept, copies, strict=True):
        assert state.alpha == alpha
        np.testing.assert_array_equal(state.user_bias, user_bias)
        np.testing.assert_array_equal(state.item_bias, item_bias)


@every_method
@pytest.mark.parametrize("n_items", [10, 30])
def test_an_epoch_costs_one_pass_its_report_included(
    name: str, n_items: int, make_ratings: MakeRatings
) -> None:
    incidence = CountingIncidence(make_ratings(n_items=n_items), threads=1)
    problem = Problem(incidence, Penalty(1, 1))
    incidence.passes = 0
    # Exact has equations to set up, and looks one step ahead for its last one.
    setup = 2 if name == "exact" else 0
    for stats, _ in train(make_method(name), problem, epochs=5):
        assert incidence.passes == stats.epoch + (setup if stats.epoch else 0)


def test_first_step_of_gd_by_hand(four: Ratings, make_problem: MakeProblem) -> None:
    # Errors 1.5, -0.5, 0.5, -1.5: sums 1 and -1 per user, 2 and -2 per item, 0 in all; n = 4.
    _, after = states("gd", make_problem(four), 1)
    assert after.alpha == 0
    assert after.user_bias.tolist() == [0.25, -0.25]
    assert after.item_bias.tolist() == [0.5, -0.5]


def test_second_step_of_gd_by_hand_shrinks_by_the_penalty(
    four: Ratings, make_problem: MakeProblem
) -> None:
    # After the first step the errors are 0.75, -0.25, 0.25, -0.75, and λ is 0.4 on the sum scale.
    *_, after = states("gd", make_problem(four, 0.4, 0.4), 2)
    np.testing.assert_allclose(after.user_bias, [0.25 + 0.125 - 0.025, -0.35], atol=1e-15)
    np.testing.assert_allclose(after.item_bias, [0.5 + 0.25 - 0.05, -0.7], atol=1e-15)


def test_first_step_of_adam_is_the_learning_rate_against_the_gradient(
    four: Ratings, make_problem: MakeProblem
) -> None:
    _, after = states("adam", make_problem(four), 1)
    # The gradient of MSE for user 1 is -2·1/4 = -0.5; the step 0.3·0.5/(0.5 + 1e-8).
    step = 0.3 * 0.5 / (0.5 + 1e-8)
    assert after.alpha == 0
    np.testing.assert_allclose(after.user_bias, [step, -step], rtol=1e-15)
    assert after.item_bias[0] == pytest.approx(0.3 / (1 + 1e-8), rel=1e-15)


def test_first_sweep_of_closed_form_by_hand(four: Ratings, make_problem: MakeProblem) -> None:
    _, after = states("closed-form", make_problem(four, 2.0, 6.0), 1)
    # b_u = 1/(2 + 2), -1/4; then the items' errors add up to 2 - (1/4 - 1/4) = 2: 2/(2 + 6).
    assert after.alpha == 0
    assert after.user_bias.tolist() == [0.25, -0.25]
    assert after.item_bias.tolist() == [0.25, -0.25]


@pytest.mark.parametrize("stars", [True, False])
@pytest.mark.parametrize(("user", "item"), [(0.0, 0.0), (0.001, 0.001), (3.0, 7.0)])
def test_gd_and_closed_form_are_the_sources_loops(
    make_ratings: MakeRatings, make_problem: MakeProblem, stars: bool, user: float, item: float
) -> None:
    ratings = make_ratings(400, stars=stars)
    problem = make_problem(ratings, user, item)
    loops = {
        "gd": Loops(ratings, user, item).gd(1.0),
        "closed-form": Loops(ratings, user, item).closed_form(),
    }
    for name, rows in loops.items():
        for (stats, state), row in zip(
            train(make_method(name), problem, epochs=10), rows, strict=False
        ):
            assert stats.rmse == pytest.approx(row.rmse, rel=1e-13)
            assert stats.cost == pytest.approx(row.cost, rel=1e-13)
            assert stats.alpha == pytest.approx(row.alpha, abs=1e-13)
            np.testing.assert_allclose(state.user_bias, row.user_bias, atol=1e-12)
            np.testing.assert_allclose(state.item_bias, row.item_bias, atol=1e-12)


def check_rows(method: Method, ratings: Ratings, rows: Rows, tolerance: float) -> None:
    incidence = BlockIncidence(ratings)
    scale = method.default_penalty
    problem = Problem(incidence, Penalty.on_scale(scale, 0.001, 0.001, incidence.statistics))
    seen = 0
    for stats, _ in train(method, problem):
        if stats.epoch in rows:
            seen += 1
            rmse, alpha = rows[stats.epoch]
            assert stats.rmse == pytest.approx(rmse, abs=tolerance), stats.epoch
            assert stats.alpha == pytest.approx(alpha, abs=tolerance), stats.epoch
    assert seen == len(rows)


def test_adam_follows_pytorch_on_the_sample() -> None:
    check_rows(Adam(), sample()[0], SAMPLE_ADAM, 1e-7)


@pytest.mark.parametrize(("data", "name"), REAL)
def test_golden_rows_on_real_data(
    real_ratings: Callable[[str], Ratings], data: str, name: str
) -> None:
    tolerance = 1e-7 if name == "adam" else 1e-8
    check_rows(make_method(name), real_ratings(data), REAL[data, name], tolerance)


@every_method
def test_all_methods_reach_the_dense_optimum_under_one_objective(
    name: str, make_ratings: MakeRatings, make_problem: MakeProblem
) -> None:
    ratings = make_ratings(300, 8, 6)
    best = dense_optimum(ratings, 4.0, 3.0)
    method = Adam(lr=0.01) if name == "adam" else make_method(name)
    *_, (stats, state) = train(method, make_problem(ratings, 4.0, 3.0), epochs=6_000)
    # Adam goes round its goal at a distance.
    close = 2e-3 if name == "adam" else 1e-7
    assert stats.cost == pytest.approx(best.cost, rel=close**2)
    assert stats.alpha == pytest.approx(best.alpha, abs=close)
    np.testing.assert_allclose(state.user_bias, best.user_bias, atol=close)
    np.testing.assert_allclose(state.item_bias, best.item_bias, atol=close)


def test_an_id_without_ratings_keeps_a_bias_of_zero_without_a_penalty(
    make_problem: MakeProblem,
) -> None:
    codes = np.array([0, 0, 2], np.int32)
    ratings = Ratings(codes, codes, np.array([1.0, 2.0, 3.0]), np.arange(3), np.arange(3))
    for method in (GradientDescent(0.5), Adam(), make_method("closed-form")):
        *_, (_, last) = train(method, make_problem(ratings), epochs=5)
        assert last.user_bias[1] == last.item_bias[1] == 0
        assert np.isfinite(last.user_bias).all()


def test_a_mean_scale_lambda_is_multiplied_with_ratings_per_id() -> None:
    statistics = BlockIncidence(Ratings.from_ids([1, 1, 2], [1, 2, 3], [1, 2, 3])).statistics
    penalty = Penalty.on_scale(PenaltyScale.MEAN, 0.1, 0.2, statistics)
    assert (penalty.user, penalty.item) == pytest.approx((0.1 * 3 / 2, 0.2 * 3 / 3))
    assert Penalty.on_scale(PenaltyScale.SUM, 0.1, 0.2, statistics) == Penalty(0.1, 0.2)
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(OptionError, match="`lambda_user` must be 0 or from"):
            Regularisation(PenaltyScale.SUM, (wrong, 0.0))


def test_a_gd_step_just_below_the_safe_one_descends(make_ratings: MakeRatings) -> None:
    problem = Problem(BlockIncidence(make_ratings()), Penalty(2, 2))
    method = GradientDescent(lr=0.999 * safe_step(problem))
    costs = [stats.cost for stats, _ in train(method, problem, epochs=200)]
    assert all(after <= before for before, after in pairwise(costs))


def test_methods_are_made_with_their_own_options_only() -> None:
    assert make_method("gd", {"lr": 0.5}) == GradientDescent(0.5)
    with pytest.raises(OptionError, match="`lr` belongs to gd and adam; closed-form"):
        make_method("closed-form", {"lr": 1.0})
    with pytest.raises(OptionError, match="the methods are gd, adam, closed-form"):
        load_method("sgd")
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(OptionError, match="above 0"):
            make_method("adam", {"lr": wrong})
    for options in ({"beta1": 1.0}, {"beta2": -0.1}, {"epsilon": 0.0}):
        with pytest.raises(OptionError, match=next(iter(options))):
            make_method("adam", options)
    with pytest.raises(OptionError, match="is an option of no method"):
        make_method("adam", {"momentum": 0.9})
    assert option_names("adam") == ("lr", "beta1", "beta2", "epsilon")
