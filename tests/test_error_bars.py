"""Error bars against a dense inverse, intervals against ratings that were held out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from mlbias.core.incidence import BlockIncidence
from mlbias.core.model import Penalty
from mlbias.core.reml.bias_errors import error_bars, sampled_errors
from mlbias.core.reml.exact_inverse import exact_inverse
from mlbias.core.reml.posterior import inverse_at, posterior
from mlbias.core.statistics import Incidence
from mlbias.core.uncertainty import Uncertainty
from mlbias.errors import DataError
from mlbias.evaluation.splits import random_split
from mlbias.fitting.fit import fit
from mlbias.ratings import Ratings
from mlbias.saved_model.file import load_model, save_model


def dense_covariance(ratings: Ratings, penalty: Penalty) -> np.ndarray:
    """M⁻¹ over (α, b_u, b_i); times σ² it is the posterior covariance."""
    n_users, n_items = len(ratings.user_ids), len(ratings.item_ids)
    users, items = np.eye(n_users)[ratings.user], np.eye(n_items)[ratings.item]
    design = np.hstack([np.ones((len(ratings), 1)), users, items])
    ridge = np.diag([0.0] + [penalty.user] * n_users + [penalty.item] * n_items)
    return np.linalg.inv(design.T @ design + ridge)


def bars(incidence: Incidence, penalty: Penalty, variance: float) -> Uncertainty:
    """With the exact inverse."""
    known = posterior(incidence, penalty, inverse_at(exact_inverse(incidence), penalty))
    return error_bars(known, penalty, variance)


def expanded_bars(incidence: Incidence, penalty: Penalty, variance: float) -> Uncertainty:
    """As where the ratings are too many for one."""
    return error_bars(posterior(incidence, penalty), penalty, variance)


def test_they_are_near_the_dense_ones(make_ratings: Callable[..., Ratings]) -> None:
    ratings, penalty, variance = make_ratings(4_000, 60, 80), Penalty(4.0, 3.0), 0.7
    incidence = BlockIncidence(ratings)
    exactly = bars(incidence, penalty, variance)
    known = expanded_bars(incidence, penalty, variance)
    covariance = variance * dense_covariance(ratings, penalty)
    exact = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(known.user_stderr, exact[1:61], rtol=0.02)
    np.testing.assert_allclose(known.item_stderr, exact[61:], rtol=0.02)
    np.testing.assert_allclose(exactly.user_stderr, exact[1:61], rtol=1e-9)
    np.testing.assert_allclose(exactly.item_stderr, exact[61:], rtol=1e-9)
    user = item = np.arange(60, dtype=np.int32)
    contrast = np.zeros((60, 141))
    contrast[:, 0] = contrast[user, 1 + user] = contrast[user, 61 + item] = 1
    noisy = np.sqrt(np.einsum("ij,jk,ik->i", contrast, covariance, contrast) + variance)
    np.testing.assert_allclose(known.of_ratings(user, item), noisy, rtol=0.005)
    assert known.alpha_stderr == pytest.approx(exact[0], rel=1e-4)
    assert exactly.alpha_stderr == pytest.approx(exact[0], rel=1e-9)


@pytest.mark.parametrize("known_side", ["user", "item", "neither"])
def test_predictions_for_unknown_ids_include_the_uncertainty_of_alpha(
    make_ratings: Callable[..., Ratings], known_side: str
) -> None:
    ratings, penalty, variance = make_ratings(300, 12, 9), Penalty(2.0, 0.5), 0.7
    known = bars(BlockIncidence(ratings), penalty, variance)
    covariance = variance * dense_covariance(ratings, penalty)
    columns = {"user": range(1, 13), "item": range(13, 22), "neither": [None]}[known_side]
    expected: list[float] = []
    for column in columns:
        contrast = np.zeros(22)
        contrast[[0] if column is None else [0, column]] = 1
        cold = (known_side != "user") * variance / 2.0 + (known_side != "item") * variance / 0.5
        expected.append(float(np.sqrt(contrast @ covariance @ contrast + cold + variance)))
    unknown = np.full(len(expected), -1, dtype=np.int32)
    positions = np.arange(len(expected), dtype=np.int32)
    user, item = (positions if known_side == side else unknown for side in ("user", "item"))
    np.testing.assert_allclose(known.of_ratings(user, item), expected, rtol=0.002)


def test_on_separate_communities_they_are_exact_at_given_lambdas() -> None:
    """Where the expansion is up to five times too narrow."""
    rng = np.random.default_rng(0)
    community, one, other = (axis.ravel() for axis in np.indices((5, 4, 4)))
    ratings = Ratings.from_ids(
        community * 4 + one, community * 4 + other, rng.normal(size=len(one))
    )
    model = fit(ratings, "exact", lambda_user=0.001, lambda_item=0.001)
    known = model.uncertainty
    assert known is not None
    exact = known.sigma * np.sqrt(np.diag(dense_covariance(ratings, Penalty(0.001, 0.001))))
    np.testing.assert_allclose(known.user_stderr, exact[1:21], rtol=1e-7)
    np.testing.assert_allclose(known.item_stderr, exact[21:], rtol=1e-7)


def test_they_are_at_most_the_priors(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(60, 40, 40)
    known = bars(BlockIncidence(ratings), Penalty(4.0, 100.0), 1.0)
    assert (known.user_stderr <= 0.5).all()
    assert (known.item_stderr <= 0.1).all()


def test_a_few_are_measured_exactly(make_ratings: Callable[..., Ratings]) -> None:
    ratings, penalty = make_ratings(900, 60, 80), Penalty(4.0, 3.0)
    incidence = BlockIncidence(ratings)
    known = expanded_bars(incidence, penalty, 1.0)
    exact = np.sqrt(np.diag(dense_covariance(ratings, penalty)))
    off_user = np.abs(known.user_stderr / exact[1:61] - 1)
    off_item = np.abs(known.item_stderr / exact[61:] - 1)
    for measured, off, counts in zip(
        sampled_errors(incidence, penalty),
        (off_user, off_item),
        (incidence.statistics.user_counts, incidence.statistics.item_counts),
        strict=True,
    ):
        sampled = np.argsort(counts, kind="stable")[[0, round((len(counts) - 1) / 2), -1]]
        assert measured == pytest.approx(off[sampled].max(), abs=2e-4)
        assert measured > 1e-3


def test_without_item_effects_items_have_none() -> None:
    rng = np.random.default_rng(3)
    user, item = rng.integers(60, size=3_000), rng.integers(80, size=3_000)
    value = 3 + 0.5 * rng.normal(size=60)[user] + rng.normal(size=3_000)
    ratings = Ratings.from_ids(user, item, value)
    model = fit(ratings, "exact")
    known = model.uncertainty
    assert known is not None
    assert (known.sigma_item, known.item_stderr.tolist()) == (0.0, [0.0] * 80)
    penalty = Penalty((known.sigma / known.sigma_user) ** 2, 1e9)
    exact = known.sigma * np.sqrt(np.diag(dense_covariance(ratings, penalty)))
    np.testing.assert_allclose(known.user_stderr, exact[1:61], rtol=1e-6)
    _, std = model.predict([0], [999], return_std=True)
    contrast = np.zeros(141)
    contrast[:2] = 1
    variance = known.sigma**2 * (contrast @ dense_covariance(ratings, penalty) @ contrast)
    assert std[0] ** 2 == pytest.approx(known.sigma**2 + variance, rel=1e-3)


def test_an_unknown_id_has_the_priors_uncertainty(make_ratings: Callable[..., Ratings]) -> None:
    model = fit(make_ratings(2_000, 30, 40), "exact", lambda_user=4.0, lambda_item=2.0)
    known = model.uncertainty
    assert known is not None
    assert known.sigma_user == pytest.approx(known.sigma / 2)
    predicted, std = model.predict([999, 0], [999, 0], return_std=True)
    assert predicted.tolist() == model.predict([999, 0], [999, 0]).tolist()
    assert predicted[0] == model.alpha
    assert known.alpha_stderr is not None
    priors = known.sigma_user**2 + known.sigma_item**2
    assert std[0] ** 2 == pytest.approx(known.sigma**2 + priors + known.alpha_stderr**2)
    assert known.sigma < std[1] < std[0]


def test_only_the_exact_method_has_them(make_ratings: Callable[..., Ratings]) -> None:
    model = fit(make_ratings(), "closed-form")
    assert (model.user_stderr, model.item_stderr) == (None, None)
    with pytest.raises(DataError, match="no standard deviations"):
        model.predict([1], [1], return_std=True)
    assert fit(make_ratings(), "exact", lambda_user=0.0, lambda_item=1.0).uncertainty is None


def test_they_are_saved_with_the_model(
    tmp_path: Path, make_ratings: Callable[..., Ratings]
) -> None:
    model = fit(make_ratings(2_000, 30, 40), "exact")
    save_model(model, tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    assert loaded.user_stderr is not None
    assert model.user_stderr is not None
    assert loaded.user_stderr.tolist() == model.user_stderr.tolist()
    for one, other in zip(
        loaded.predict([1], [2], return_std=True), model.predict([1], [2], return_std=True),
        strict=True,
    ):  # fmt: skip
        assert one.tolist() == other.tolist()
    bare = replace(model, model=replace(model.model, uncertainty=None))
    save_model(bare, tmp_path / "m.npz")
    assert load_model(tmp_path / "m.npz").uncertainty is None


@pytest.mark.parametrize("name", ["ml-100k", "ml-latest-small"])
def test_intervals_cover_what_they_say_of_real_ratings(
    real_ratings: Callable[[str], Ratings], name: str
) -> None:
    training, held_out = random_split(real_ratings(name), 0.1, 0)
    predicted, std = fit(training, "exact").predict(
        held_out.user_ids[held_out.user], held_out.item_ids[held_out.item], return_std=True
    )
    distance = np.abs(held_out.value - predicted) / std
    for level, within in ((0.5, 0.05), (0.8, 0.03), (0.9, 0.03), (0.95, 0.03)):
        inside = float(np.mean(distance <= NormalDist().inv_cdf((1 + level) / 2)))
        assert inside == pytest.approx(level, abs=within)
