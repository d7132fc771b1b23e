"""Probabilities of the scale's values, against their definition and a general optimiser."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from mlbias import evaluate
from mlbias.core import left_out_scale, ordinal
from mlbias.core.left_out_scale import distinct_values
from mlbias.core.ordinal import OrdinalScale, fit_scale, rounded_normal
from mlbias.core.reml.noise_prior import NoisePrior, UserNoise
from mlbias.errors import DataError, ModelFileError
from mlbias.evaluation.splits import random_split
from mlbias.fitting.fit import fit
from mlbias.ratings import Ratings
from mlbias.saved_model.file import load_model, save_model
from tests.test_leave_one_out import refitted

STARS = np.arange(1.0, 6.0)
PHI = NormalDist().cdf


def drawn(n: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places on five stars, predictions and their standard deviations."""
    rng = np.random.default_rng(seed)
    predicted, std = 3.6 + 0.6 * rng.normal(size=n), rng.uniform(0.5, 1.3, n)
    noisy = predicted + 1.2 * std * rng.normal(size=n)
    return np.searchsorted([1.8, 2.4, 3.5, 4.3], noisy), predicted, std


def test_probabilities_by_hand() -> None:
    scale = OrdinalScale(np.array([1.0, 2.0, 5.0]), np.array([1.5, 3.0]), 2.0)
    found = scale.probabilities(np.array([2.0]), np.array([0.5]))
    # c s is 1: below 1.5, between 1.5 and 3, above 3.
    low, high = PHI(-0.5), PHI(1.0)
    np.testing.assert_allclose(found, [[low, high - low, 1 - high]], rtol=1e-12)
    at_least = [
        scale.at_least(np.array([2.0]), np.array([0.5]), value)[0]
        for value in (0, 1, 1.2, 2, 4, 5, 6)
    ]
    expected = [1, 1, 1 - low, 1 - low, 1 - high, 1 - high, 0]
    np.testing.assert_allclose(at_least, expected, rtol=1e-12)
    assert scale.places(np.array([5.0, 1.0])) is not None
    assert scale.places(np.array([5.0, 1.5])) is None
    assert scale.places(np.array([5.5])) is None


def test_the_maximum_is_that_of_a_general_optimiser() -> None:
    place, predicted, std = drawn(800)

    def loss(at: np.ndarray) -> float:
        scale = OrdinalScale(STARS, np.cumsum(np.append(at[0], np.exp(at[1:4]))), np.exp(at[4]))
        probability = scale.probabilities(predicted, std)[np.arange(len(place)), place]
        # Each value counts as a fifth of a rating more, at the mean prediction.
        mean = scale.probabilities(predicted.mean()[None], std.mean()[None])[0]
        return -float(np.log(probability).sum() + np.log(mean).sum() / 5)

    found = minimize(loss, [1.5, 0, 0, 0, 0], method="BFGS", options={"gtol": 1e-6})
    scale = fit_scale(STARS, place, predicted, std)
    thresholds = np.cumsum(np.append(found.x[0], np.exp(found.x[1:4])))
    np.testing.assert_allclose(scale.thresholds, thresholds, rtol=1e-4)
    assert scale.spread == pytest.approx(math.exp(found.x[4]), rel=1e-4)


def test_the_derivatives_are_those_of_the_likelihood() -> None:
    place, predicted, std = drawn(300)
    sample = ordinal._Sample(place, predicted / std, 1 / std, np.linspace(0.5, 2, 300))
    at, step = np.array([1.7, 2.5, 3.3, 4.4, 0.9]), 1e-5
    gradient, hessian = sample.derivatives(at)
    for k, by in enumerate(step * np.eye(5)):
        slope = (sample.value(at + by) - sample.value(at - by)) / (2 * step)
        assert gradient[k] == pytest.approx(slope, rel=1e-6)
        second = (sample.derivatives(at + by)[0] - sample.derivatives(at - by)[0]) / (2 * step)
        np.testing.assert_allclose(hessian[k], second, rtol=1e-5, atol=1e-5)
    assert np.linalg.eigvalsh(hessian)[-1] < 0


def test_what_the_ratings_were_drawn_from_is_found_again() -> None:
    scale = fit_scale(STARS, *drawn(60_000))
    np.testing.assert_allclose(scale.thresholds, [1.8, 2.4, 3.5, 4.3], atol=0.03)
    assert scale.spread == pytest.approx(1.2, rel=0.02)


def test_a_value_without_ratings_keeps_a_probability() -> None:
    place, predicted, std = drawn(5_000)
    place = np.where(place == 1, 2, place)
    scale = fit_scale(STARS, place, predicted, std)
    shares = scale.probabilities(predicted, std).mean(axis=0)
    assert 0 < shares[1] < 1e-3
    assert shares[2] == pytest.approx(np.mean(place == 2), rel=0.01)


def test_equal_predictions_leave_shares() -> None:
    """c and the thresholds are not told apart then, but the probabilities are."""
    place = np.repeat(np.arange(5), [10, 20, 30, 25, 15])
    scale = fit_scale(STARS, place, np.full(100, 3.0), np.ones(100))
    found = scale.probabilities(np.array([3.0]), np.array([1.0]))[0]
    np.testing.assert_allclose(found, [0.1, 0.2, 0.3, 0.25, 0.15], atol=0.01)


def test_it_is_fitted_to_predictions_from_all_other_ratings(
    make_ratings: Callable[..., Ratings],
) -> None:
    ratings = make_ratings(400, 25, 20)
    model = fit(ratings, "exact")
    assert model.learned is not None
    assert model.scale is not None
    errors = refitted(ratings, model.learned.penalty)
    left_out = (ratings.value - errors).astype(np.float64)
    penalty, sigma = model.learned.penalty, model.learned.components.sigma
    users, items = np.eye(ratings.n_users)[ratings.user], np.eye(ratings.n_items)[ratings.item]
    design = np.hstack([np.ones((400, 1)), users, items])
    ridge = np.diag([0.0] + [penalty.user] * ratings.n_users + [penalty.item] * ratings.n_items)
    stds = np.empty(400)
    for k in range(400):
        x = design[np.arange(400) != k]
        stds[k] = sigma * math.sqrt(1 + design[k] @ np.linalg.solve(x.T @ x + ridge, design[k]))
    values = np.unique(ratings.value).astype(np.float64)
    place = np.searchsorted(values, ratings.value)
    expected = fit_scale(values, place, left_out, stds)
    assert model.scale.values.tolist() == values.tolist()
    np.testing.assert_allclose(model.scale.thresholds, expected.thresholds, rtol=1e-6)
    assert model.scale.spread == pytest.approx(expected.spread, rel=1e-6)


def test_a_users_noise_without_one_of_the_ratings() -> None:
    # ν = 6, s² = 0.5; S = 9, 3 of d = 8, 0.5: means (3 + 9)/12 and (3 + 3)/4.5.
    noise = UserNoise(NoisePrior(6.0, 0.5), np.array([1.0, 6 / 4.5]), np.array([14.0, 6.5]))
    found = noise.without(np.array([0, 0, 1], np.int32), np.array([0.0, 4.0, 99.0]))
    # One degree of freedom less each, but never less than the prior has.
    np.testing.assert_allclose(found, [12 / 11, 8 / 11, 3 / 4])
    one = UserNoise(NoisePrior(math.inf, 0.5), np.array([0.5]), np.array([math.inf]))
    assert one.without(np.array([0], np.int32), np.array([4.0])).tolist() == [0.5]


def test_distinct_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_out_scale, "_PIECE", 64)
    value = np.tile(np.array([3.0, 4.0], np.float32), 100)
    value[150] = 0.5  # rare, and above all that a first look found
    value[151] = 9.0
    found = distinct_values(value)
    assert found is not None
    assert found.tolist() == [0.5, 3.0, 4.0, 9.0]
    assert distinct_values(np.arange(101) / 7) is None
    hundred = distinct_values(np.arange(100) / 7)
    assert hundred is not None
    assert len(hundred) == 100


def test_ratings_of_many_values_or_of_one_have_no_scale(
    make_ratings: Callable[..., Ratings],
) -> None:
    assert fit(make_ratings(stars=False), "exact").scale is None
    assert fit(make_ratings(), "closed-form").scale is None
    model = fit(make_ratings(stars=False), "exact")
    with pytest.raises(DataError, match="has no probabilities of ratings"):
        model.probabilities([1], [1])


def test_a_model_gives_probabilities(make_ratings: Callable[..., Ratings]) -> None:
    model = fit(make_ratings(2_000, 40, 30), "exact")
    assert model.scale is not None
    users, items = [0, 1, 999], [3, 999, 999]
    found = model.probabilities(users, items)
    assert found.shape == (3, 10)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(
        model.probability_at_least(users, items, 4.0), found[:, 7:].sum(axis=1), rtol=1e-10
    )
    predicted, std = model.predict(users, items, return_std=True)
    c, (low, high) = model.scale.spread, model.scale.thresholds[3:5]
    expected = PHI((high - predicted[0]) / (c * std[0])) - PHI((low - predicted[0]) / (c * std[0]))
    assert found[0, 4] == pytest.approx(expected, rel=1e-10)


def test_evaluate_tells_the_log_probability_and_the_coverage(
    make_ratings: Callable[..., Ratings],
) -> None:
    training, held_out = random_split(make_ratings(4_000, 60, 50), 0.2)
    model = fit(training, "exact")
    assert model.scale is not None
    ids = held_out.user_ids[held_out.user], held_out.item_ids[held_out.item]
    found = evaluate(model, held_out).on_scale
    assert found is not None
    place = np.searchsorted(model.scale.values, held_out.value)
    rows = np.arange(len(held_out))
    own = np.log(model.probabilities(*ids)[rows, place])
    assert found.log_probability == pytest.approx(own.mean(), rel=1e-10)
    plain = model.model
    rounded = replace(plain, scale=rounded_normal(model.scale.values)).probabilities(*ids)
    assert found.rounded_normal == pytest.approx(np.log(rounded[rows, place]).mean(), rel=1e-10)
    assert found.log_probability > found.rounded_normal
    # By drawing: a rating stands for a uniform number between P(r < v) and P(r ≤ v).
    cumulative = np.cumsum(model.probabilities(*ids), axis=1)
    high = cumulative[rows, place]
    low = high - model.probabilities(*ids)[rows, place]
    drawn_at = low + (high - low) * np.random.default_rng(0).random((400, len(rows)))
    for level, share in zip((0.5, 0.8, 0.9, 0.95), found.coverage, strict=True):
        inside = (np.abs(drawn_at - 0.5) <= level / 2).mean()
        assert share == pytest.approx(inside, abs=2e-3)
        assert share == pytest.approx(level, abs=0.04)
    off = Ratings.from_ids([0, 1], [2, 3], [4.0, 4.25])
    assert evaluate(model, off).on_scale is None


def test_it_is_saved_with_the_model(tmp_path: Path, make_ratings: Callable[..., Ratings]) -> None:
    model = fit(make_ratings(), "exact")
    save_model(model, tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    ids = [0, 1, 2], [3, 4, 5]
    assert loaded.probabilities(*ids).tolist() == model.probabilities(*ids).tolist()
    assert model.scale is not None
    reversed_scale = replace(model.scale, thresholds=model.scale.thresholds[::-1])
    save_model(replace(model, model=replace(model.model, scale=reversed_scale)), tmp_path / "m.npz")
    with pytest.raises(ModelFileError, match="is damaged"):
        load_model(tmp_path / "m.npz")


@pytest.mark.parametrize(
    ("name", "own", "rounded"),
    [("ml-100k", -1.25447, -1.26179), ("ml-latest-small", -1.76030, -1.83639)],
)
def test_real_ratings(
    real_ratings: Callable[[str], Ratings], name: str, own: float, rounded: float
) -> None:
    """Within 0.001 a rating of what thresholds fitted to the hold-out itself would give."""
    training, held_out = random_split(real_ratings(name), 0.1)
    model = fit(training, "exact", noise="user")
    found = evaluate(model, held_out).on_scale
    assert found is not None
    assert model.scale is not None
    assert found.log_probability == pytest.approx(own, abs=1e-4)
    assert found.rounded_normal == pytest.approx(rounded, abs=1e-4)
    for level, share in zip((0.5, 0.8, 0.9, 0.95), found.coverage, strict=True):
        assert share == pytest.approx(level, abs=0.015)
    ids = held_out.user_ids[held_out.user], held_out.item_ids[held_out.item]
    place = np.searchsorted(model.scale.values, held_out.value)
    predicted, std = model.predict(*ids, return_std=True)
    best = fit_scale(model.scale.values, place, predicted, std).probabilities(predicted, std)
    best_own = float(np.log(best[np.arange(len(place)), place]).mean())
    assert 0 <= best_own - found.log_probability < 1e-3


UNEVEN = OrdinalScale(np.array([1.0, 2.0, 4.0]), np.array([1.2, 3.5]), 0.8)
scales = st.lists(st.floats(-5, 5), min_size=1, max_size=9, unique=True).map(
    lambda cuts: OrdinalScale(np.arange(len(cuts) + 1.0), np.sort(cuts), 1.3)
)


@given(scales, st.floats(-50, 50), st.floats(0.01, 20))
def test_they_are_proper(scale: OrdinalScale, predicted: float, std: float) -> None:
    mean, spread = np.array([predicted]), np.array([std])
    found = scale.probabilities(mean, spread)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1, abs=1e-12)
    upper = [float(scale.at_least(mean, spread, value)[0]) for value in scale.values]
    np.testing.assert_allclose(upper, found[0, ::-1].cumsum()[::-1], atol=1e-12)
    higher = scale.at_least(mean + 1, spread, scale.values[-1])
    assert higher >= scale.at_least(mean, spread, scale.values[-1])


def test_predictions_that_say_nothing_leave_the_values_shares() -> None:
    place = np.repeat([0, 1, 2], [600, 300, 100])
    shares = [0.6, 0.3, 0.1]
    even = np.full(1000, 3.0), np.ones(1000)
    wrong = np.where(place == 0, 3.5, 2.5), np.ones(1000)
    for predicted, std in (even, wrong):
        found = fit_scale(UNEVEN.values, place, predicted, std)
        assert np.isfinite(found.thresholds).all()
        mean = np.array([3.0])
        np.testing.assert_allclose(found.probabilities(mean, np.ones(1))[0], shares, atol=0.01)


def test_a_value_without_ratings_and_perfect_predictions_have_a_maximum() -> None:
    place = np.repeat([0, 2], 50)
    found = fit_scale(UNEVEN.values, place, UNEVEN.values[place], np.full(100, 0.5))
    assert (np.diff(found.thresholds) > 0).all()
    chances = found.probabilities(UNEVEN.values, np.full(3, 0.5))
    assert chances[0, 0] > 0.9
    assert chances[2, 2] > 0.9
    assert (found.probabilities(np.array([2.5]), np.array([0.5])) > 0).all()


def test_a_sample_of_many_ratings_is_one_of_each_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_out_scale, "_MOST", 1_000)
    chosen = left_out_scale.sampled(10_000)
    assert (chosen // 10).tolist() == list(range(1_000))
    np.testing.assert_allclose(np.bincount(chosen % 10), 100, atol=3)
    assert left_out_scale.sampled(1_000).tolist() == list(range(1_000))
