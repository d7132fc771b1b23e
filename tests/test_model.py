"""The model: its squared error to the precision promised, and predictions for any id."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbias.core.incidence import BlockIncidence
from mlbias.core.methods import make_method
from mlbias.core.model import Parameters, Penalty, Problem
from mlbias.core.training import train
from mlbias.errors import DataError
from mlbias.id_columns import column_of_ids
from mlbias.model import BiasModel
from mlbias.ratings import Ratings
from tests.oracle import exact_rmse


def noisy_table(noise: float, level: float, seed: int = 0) -> tuple[Ratings, Parameters]:
    """Ratings around a level that a model fits up to this noise, and that model's biases."""
    rng = np.random.default_rng(seed)
    user, item = rng.integers(200, size=20_000), rng.integers(150, size=20_000)
    user_bias, item_bias = rng.normal(size=200), rng.normal(size=150)
    values = level + user_bias[user] + item_bias[item] + noise * rng.normal(size=20_000)
    return Ratings.from_ids(user, item, values), Parameters(level, user_bias, item_bias)


@pytest.mark.parametrize("level", [0.0, 3.5, 1e6])
@pytest.mark.parametrize("noise", [1.0, 0.1, 1e-2, 4e-3, 1e-4, 1e-6])
def test_rmse_from_the_statistics_is_the_direct_one(noise: float, level: float) -> None:
    ratings, fitted = noisy_table(noise, level)
    incidence = BlockIncidence(ratings)
    problem, s = Problem(incidence, Penalty(0, 0)), incidence.statistics
    at = Parameters(fitted.alpha - s.center, fitted.user_bias, fitted.item_bias)
    rmse = (problem.squared_error(at, problem.error_sums(at)) / s.n_ratings) ** 0.5
    centered = Ratings(
        ratings.user, ratings.item, ratings.value - s.center, ratings.user_ids, ratings.item_ids
    )
    direct = exact_rmse(centered, at.alpha, at.user_bias, at.item_bias)
    share = direct / (s.squares / s.n_ratings) ** 0.5
    assert rmse == pytest.approx(direct, rel=1e-10 if share > 2e-3 else 2e-15 / share**2)


@pytest.mark.parametrize("name", ["closed-form", "gd"])
@pytest.mark.parametrize("level", [0.0, 3.5, 1e6])
def test_without_noise_the_rmse_sinks_to_nothing_and_stays_a_number(
    name: str, level: float
) -> None:
    ratings, _ = noisy_table(0.0, level)
    problem = Problem(BlockIncidence(ratings), Penalty(0, 0))
    rmses = [stats.rmse for stats, _ in train(make_method(name), problem, epochs=300)]
    assert all(rmse >= 0 for rmse in rmses)
    if name == "closed-form":
        assert rmses[-1] < 1e-7 * rmses[0]


@given(values=st.lists(st.floats(-5, 5), min_size=2, max_size=2), level=st.floats(-10, 10))
@settings(deadline=None)
def test_a_perfect_model_is_never_worse_than_nothing(values: list[float], level: float) -> None:
    ratings = Ratings.from_ids([1, 1, 2, 2], [1, 2, 1, 2], [level + v for v in values * 2])
    problem = Problem(BlockIncidence(ratings), Penalty(0, 0))
    first, *_, last = (stats.rmse for stats, _ in train(make_method("closed-form"), problem))
    # Both users gave the same two ratings, which the items' biases fit at once.
    assert 0 <= last <= 1e-7 * first


def test_every_row_is_the_direct_rmse_of_its_state(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(2_000, 100, 60)
    problem = Problem(BlockIncidence(ratings), Penalty(0.5, 0.5))
    for name in ("gd", "adam", "closed-form"):
        for stats, state in train(make_method(name), problem):
            direct = exact_rmse(ratings, stats.alpha, state.user_bias, state.item_bias)
            assert stats.rmse == pytest.approx(direct, rel=1e-12)


MODEL = BiasModel(
    alpha=3.0,
    user_bias=np.array([0.5, -0.5]),
    item_bias=np.array([1.0, -1.0]),
    user_ids=np.array([7, 9]),
    item_ids=column_of_ids(["a", "é"]),
    mean=3.1,
)


def test_predictions_add_up_what_is_known_and_nothing_for_what_is_not() -> None:
    predicted = MODEL.predict([7, 9, 8, 7], ["a", "é", "a", "?"])
    assert predicted.tolist() == [4.5, 1.5, 4.0, 3.5]


@pytest.mark.parametrize(
    ("users", "items", "message"),
    [
        ([7], ["a", "a"], "users and items differ in number: 1 and 2"),
        ("7", ["a"], "expected a column of ids, such as a list, and found '7'"),
        (7, ["a"], "expected a column of ids, such as a list, and found 7"),
    ],
)
def test_what_is_no_pair_of_columns_is_refused(users: Any, items: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        MODEL.predict(users, items)


def test_an_integer_and_its_digits_are_the_same_id() -> None:
    assert MODEL.predict(["7", "07"], ["a", "a"]).tolist() == [4.5, 4.0]
