"""A noise for each user: weighted ratings against dense algebra, its prior against F, the gain."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

from mlbias import compare, crossval, evaluate
from mlbias.core.incidence import BlockIncidence
from mlbias.core.leave_one_out import leave_one_out
from mlbias.core.model import Parameters, Penalty
from mlbias.core.reml import noise_prior, user_noise
from mlbias.core.reml.exact_inverse import exact_inverse
from mlbias.core.reml.likelihood import Likelihood
from mlbias.core.reml.noise_prior import NoisePrior, fit_prior, winsorised
from mlbias.core.reml.optimum import optimum_at
from mlbias.core.reml.posterior import inverse_at, posterior
from mlbias.core.reml.traces import expanded_traces
from mlbias.core.reml.user_noise import learn_user_noise, leverage_sums
from mlbias.core.weighted import WeightedIncidence, squared_errors_per_user
from mlbias.errors import OptionError
from mlbias.evaluation.predicted import errors_per_user
from mlbias.evaluation.splits import random_split
from mlbias.fitting.fit import fit
from mlbias.ratings import Ratings
from mlbias.saved_model.file import load_model, save_model
from tests.reml_oracle import DESIGNS, drawn_on

PENALTY = Penalty(1.7, 0.6)


class Dense:
    """The weighted ratings as matrices."""

    def __init__(self, ratings: Ratings, weights: np.ndarray, penalty: Penalty) -> None:
        n = len(ratings)
        users, items = np.eye(ratings.n_users)[ratings.user], np.eye(ratings.n_items)[ratings.item]
        self.design = np.hstack([np.ones((n, 1)), users, items])
        ridge = np.diag([0.0] + [penalty.user] * ratings.n_users + [penalty.item] * ratings.n_items)
        self.weights = weights[ratings.user]
        self.value = ratings.value.astype(np.float64)
        self.inverse = np.linalg.inv(self.design.T * self.weights @ self.design + ridge)

    def solution(self) -> np.ndarray:
        return np.asarray(self.inverse @ self.design.T @ (self.weights * self.value))

    def leverages(self) -> np.ndarray:
        forms = np.einsum("ij,jk,ik->i", self.design, self.inverse, self.design)
        return np.asarray(self.weights * forms)


def weighted(ratings: Ratings, seed: int = 0) -> WeightedIncidence:
    incidence = BlockIncidence(ratings)
    weights = np.random.default_rng(seed).uniform(0.2, 5, ratings.n_users)
    return WeightedIncidence(incidence, weights, incidence.squares_per_user())


def test_products_with_weighted_ratings_are_those_of_their_matrix() -> None:
    ratings = Ratings.from_ids([1, 1, 2, 2, 2], [10, 20, 10, 20, 20], [5.0, 3.0, 4.0, 1.0, 2.0])
    incidence = weighted(ratings)
    matrix = np.zeros((2, 2))
    centered = ratings.value - incidence.statistics.center
    np.add.at(matrix, places(ratings), incidence.weights[ratings.user] * centered)
    bias = np.array([0.3, -0.8])
    np.testing.assert_allclose(incidence.rated_per_user(bias), matrix @ bias)
    np.testing.assert_allclose(incidence.rated_per_item(bias), matrix.T @ bias)
    squares = np.bincount(ratings.user, incidence.weights[ratings.user] * centered**2)
    np.testing.assert_allclose(incidence.squares_per_user(), squares)


def places(ratings: Ratings) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return ratings.user.astype(np.intp), ratings.item.astype(np.intp)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_weighted_optimum_and_what_is_known_of_it(design: str) -> None:
    ratings = drawn_on(DESIGNS[design], 3)
    incidence = weighted(ratings)
    assert incidence.weights[ratings.user].mean() == pytest.approx(1)
    dense = Dense(ratings, incidence.weights, PENALTY)
    solution = dense.solution()
    optimum = optimum_at(incidence, PENALTY, precision=1e-12)
    center = incidence.statistics.center
    at = Parameters(
        optimum.parameters.alpha + center,
        optimum.parameters.user_bias,
        optimum.parameters.item_bias,
    )
    found = np.concatenate([[at.alpha], at.user_bias, at.item_bias])
    np.testing.assert_allclose(found, solution, atol=1e-8)
    errors = dense.value - dense.design @ solution
    assert optimum.squared_error == pytest.approx(float(dense.weights @ errors**2), rel=1e-9)
    known = posterior(incidence, PENALTY, inverse_at(exact_inverse(incidence), PENALTY))
    diagonal = np.concatenate([[known.alpha], known.user, known.item])
    np.testing.assert_allclose(diagonal, np.diag(dense.inverse), rtol=1e-8)
    leverages = dense.leverages()
    np.testing.assert_allclose(known.leverages(*places(ratings)), leverages, rtol=1e-7)
    sums = np.bincount(ratings.user, leverages)
    np.testing.assert_allclose(leverage_sums(incidence, PENALTY, known), sums, rtol=1e-7)
    left_out = leave_one_out(ratings, at, known, incidence.statistics.mean_rmse)
    assert left_out is not None
    assert left_out.rmse == pytest.approx(
        float(np.sqrt(np.mean((errors / (1 - leverages)) ** 2))), rel=1e-7
    )


def test_leave_one_out_of_weighted_ratings_is_fitting_again() -> None:
    ratings = drawn_on(DESIGNS["repeated pairs"], 1)
    weights = weighted(ratings).weights
    dense = Dense(ratings, weights, PENALTY)
    errors = dense.value - dense.design @ dense.solution()
    for k in (0, 30, 75):
        others = np.arange(len(ratings)) != k
        without = Ratings(
            ratings.user[others], ratings.item[others], ratings.value[others],
            ratings.user_ids, ratings.item_ids,
        )  # fmt: skip
        again = dense.value[k] - dense.design[k] @ Dense(without, weights, PENALTY).solution()
        assert errors[k] / (1 - dense.leverages()[k]) == pytest.approx(again, rel=1e-9)


@pytest.mark.parametrize("design", DESIGNS)
def test_reml_under_weights_is_the_dense_likelihoods(design: str) -> None:
    """Against V = diag(1/w) + γ_u Z_u Z_uᵀ + γ_i Z_i Z_iᵀ."""
    ratings = drawn_on(DESIGNS[design], 5)
    incidence = weighted(ratings, 1)
    exact = exact_inverse(incidence)
    assert exact is not None
    users, items = np.eye(ratings.n_users)[ratings.user], np.eye(ratings.n_items)[ratings.item]
    n, ones = len(ratings), np.ones(len(ratings))
    of_weights = float(np.log(incidence.weights)[ratings.user].sum())
    for ratios in ((0.4, 0.9), (2.0, 0.05), (0.7, 0.0), (0.0, 0.3)):
        v = np.diag(1 / incidence.weights[ratings.user])
        v += ratios[0] * users @ users.T + ratios[1] * items @ items.T
        precision = np.linalg.inv(v)
        level = float(ones @ precision @ ones)
        p = precision - np.outer(precision @ ones, precision @ ones) / level
        variance = float(ratings.value @ p @ ratings.value) / (n - 1)
        deviance = (n - 1) * (1 + math.log(math.tau * variance)) + np.linalg.slogdet(v)[1]
        point = Likelihood(incidence, exact.traces).at(np.array(ratios), 1e-12)
        assert point.deviance is not None
        assert point.deviance - of_weights == pytest.approx(deviance + math.log(level), rel=1e-9)
        score = [
            float(np.trace(p @ z @ z.T)) - float(((z.T @ p @ ratings.value) ** 2).sum()) / variance
            for z in (users, items)
        ]
        np.testing.assert_allclose(point.score, score, rtol=1e-6, atol=1e-6)


def test_the_expanded_traces_know_the_weights() -> None:
    rng = np.random.default_rng(0)
    user, item = rng.integers(40, size=3_000), rng.integers(30, size=3_000)
    ratings = Ratings.from_ids(user, item, rng.normal(size=3_000))
    incidence = weighted(ratings)
    penalty = Penalty(6.0, 5.0)
    found = expanded_traces(incidence, penalty)
    diagonal = np.diag(Dense(ratings, incidence.weights, penalty).inverse)
    assert found.user == pytest.approx(diagonal[1:41].sum(), rel=0.01)
    assert found.item == pytest.approx(diagonal[41:].sum(), rel=0.01)
    expanded = posterior(incidence, penalty).leverages(*places(ratings))
    exact = Dense(ratings, incidence.weights, penalty).leverages()
    np.testing.assert_allclose(expanded, exact, rtol=0.05)


def test_squared_errors_of_each_user(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(500, 30, 20, stars=False)
    incidence, rng = BlockIncidence(ratings), np.random.default_rng(0)
    at = Parameters(0.3, rng.normal(size=ratings.n_users), rng.normal(size=ratings.n_items))
    errors = ratings.value - incidence.statistics.center - at.alpha
    errors = errors - at.user_bias[ratings.user] - at.item_bias[ratings.item]
    found = squared_errors_per_user(incidence, incidence.squares_per_user(), at)
    np.testing.assert_allclose(found, np.bincount(ratings.user, errors**2), rtol=1e-10)


def drawn_squares(
    freedom: float, variance: float, users: int = 3_000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """S_u and d_u from the prior."""
    rng = np.random.default_rng(seed)
    d = rng.uniform(1, 60, users)
    of_user = np.full(users, variance)
    if freedom < math.inf:
        of_user = freedom * variance / rng.chisquare(freedom, users)
    return of_user * rng.chisquare(d), d


@given(st.floats(2.6, 100), st.floats(0.05, 20))
def test_the_priors_likelihood_is_that_of_f(freedom: float, variance: float) -> None:
    """S_u/(d_u s²) has an F distribution; only differences between priors mean something."""
    squares, d = drawn_squares(6.0, 0.8, users=50)

    def of_f(nu: float, s2: float) -> float:
        return float((f_distribution.logpdf(squares / d / s2, d, nu) - math.log(s2)).sum())

    def ours(nu: float, s2: float) -> float:
        return -50 * noise_prior._loss(np.array([math.log(nu), math.log(s2)]), squares, d)[0]

    difference = of_f(freedom, variance) - of_f(6.0, 0.8)
    assert ours(freedom, variance) - ours(6.0, 0.8) == pytest.approx(difference, rel=1e-7, abs=1e-7)
    at, step = np.array([math.log(freedom), math.log(variance)]), 1e-6
    for k in range(2):
        sides = [
            noise_prior._loss(at + sign * step * np.eye(2)[k], squares, d)[0] for sign in (1, -1)
        ]
        gradient = noise_prior._loss(at, squares, d)[1][k]
        assert gradient == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-4, abs=1e-6)


def test_the_prior_is_found_again() -> None:
    for freedom, scale in ((4.0, 0.5), (14.0, 0.8), (14.0, 8_000.0)):
        found = fit_prior(*drawn_squares(freedom, scale))
        assert found.freedom == pytest.approx(freedom, rel=0.1)
        assert found.variance == pytest.approx(scale, rel=0.03)


def test_users_that_do_not_differ_have_no_prior() -> None:
    """A false alarm in 1,000: none in 60 draws, and many where the test is not asked."""
    found = [fit_prior(*drawn_squares(math.inf, 0.7, 200, seed)) for seed in range(60)]
    assert {prior.freedom for prior in found} == {math.inf}
    squares, d = drawn_squares(math.inf, 0.7, 200)
    assert found[0].variance == pytest.approx(squares.sum() / d.sum())
    assert found[0].variances(squares, d).tolist() == [found[0].variance] * 200
    assert found[0].mean == found[0].variance


def test_posterior_means_are_between_the_prior_and_the_users_own() -> None:
    prior = NoisePrior(6.0, 0.5)
    squares, d = np.array([0.0, 4.0, 40.0]), np.array([0.0, 8.0, 80.0])
    # (3 + S)/(4 + d): the prior's mean 3/4, then 7/12, and 43/84 near the user's own 40/80.
    assert prior.variances(squares, d).tolist() == [0.75, 7 / 12, 43 / 84]
    assert prior.precisions(squares, d).tolist() == [6 / 3, 14 / 7, 86 / 43]
    assert prior.mean == 0.75


def two_kinds(seed: int = 0, sigmas: tuple[float, float] = (0.3, 1.2)) -> Ratings:
    """Half of the users scatter little, the other half much."""
    rng = np.random.default_rng(seed)
    user, item = rng.integers(200, size=8_000), rng.integers(100, size=8_000)
    level = 3.5 + 0.5 * rng.normal(size=200)[user] + 0.5 * rng.normal(size=100)[item]
    noise = np.where(user < 100, *sigmas) * rng.normal(size=8_000)
    return Ratings.from_ids(user, item, level + noise)


def test_users_that_differ_are_told_apart() -> None:
    training, held_out = random_split(two_kinds(), 0.2)
    one, each = (fit(training, "exact", noise=noise) for noise in ("one", "user"))
    known = each.uncertainty
    assert known is not None
    assert known.user_noise is not None
    # Somewhat above, as they count as having a quarter of the pooled variance, 0.44², at least.
    assert known.user_noise[:100].mean() == pytest.approx(0.34, abs=0.02)
    assert known.user_noise[100:].mean() == pytest.approx(1.2, rel=0.1)
    assert known.unknown_noise is not None
    assert 0.3 < known.unknown_noise < 1.5
    # Predictions gain, and so does what is said of them.
    before, after = evaluate(one, held_out), evaluate(each, held_out)
    assert errors_per_user(each, held_out).above(errors_per_user(one, held_out)).rmse < -0.004
    assert one.leave_one_out is not None
    assert each.leave_one_out is not None
    assert each.leave_one_out.rmse < one.leave_one_out.rmse
    assert before.intervals is not None
    assert after.intervals is not None
    assert after.intervals.log_likelihood > before.intervals.log_likelihood + 0.2
    assert before.intervals.by_noise == ()
    assert len(after.intervals.by_noise) == 4
    for quarter in after.intervals.by_noise:
        assert quarter.coverage[3] == pytest.approx(0.95, abs=0.04)
    assert sum(q.n_ratings for q in after.intervals.by_noise) == len(held_out)
    # The RMSE of training is of the ratings as they are, the first one that of their mean.
    assert each.history[0].rmse == pytest.approx(float(training.value.std()), rel=1e-9)
    assert each.history[-1].rmse == pytest.approx(evaluate(each, training).model.rmse, rel=1e-9)


def test_the_likelihood_knows_of_the_weights() -> None:
    """Of a thousand ratings it is higher for the right noises, by about the held-out gain."""
    ratings = two_kinds()
    one, each = (fit(ratings, "exact", noise=noise).learned for noise in ("one", "user"))
    assert one is not None
    assert each is not None
    assert one.log_likelihood is not None
    assert each.log_likelihood is not None
    assert 0.2 < (each.log_likelihood - one.log_likelihood) / len(ratings) < 0.4


def test_ratings_with_one_noise_are_not_harmed() -> None:
    ratings = two_kinds(3, (0.8, 0.8))
    one, each = (fit(ratings, "exact", noise=noise) for noise in ("one", "user"))
    assert each.learned is not None
    assert each.learned.noise is not None
    assert each.learned.noise.freedom == math.inf
    assert one.learned is not None
    assert each.lambdas == pytest.approx(one.lambdas, rel=1e-6)
    np.testing.assert_allclose(each.user_bias, one.user_bias, atol=1e-8)
    known = each.uncertainty
    assert known is not None
    assert known.user_noise is not None
    assert set(known.user_noise.tolist()) == {known.sigma}


@pytest.mark.parametrize(("share", "is_one"), [(0.1, False), (0.4, True)])
def test_users_who_give_every_item_the_same_rating_do_no_harm(share: float, is_one: bool) -> None:
    """With full weight these would leave items no biases: they do not respond to items."""
    rng = np.random.default_rng(1)
    user = np.repeat(np.arange(300), 30)
    item = rng.integers(200, size=len(user))
    level = 3.5 + 0.4 * rng.normal(size=300)[user] + 0.5 * rng.normal(size=200)[item]
    of_user = np.sqrt(10 / rng.chisquare(10, size=300))
    value = np.clip(np.round(level + 0.9 * of_user[user] * rng.normal(size=len(user))), 1, 5)
    value[user < 300 * share] = 5.0
    ratings = Ratings.from_ids(user, item, value)
    one, each = (fit(ratings, "exact", noise=noise) for noise in ("one", "user"))
    assert one.leave_one_out is not None
    assert each.leave_one_out is not None
    assert each.leave_one_out.rmse < 1.001 * one.leave_one_out.rmse
    assert each.learned is not None
    assert each.learned.noise is not None
    assert (each.learned.noise.freedom == math.inf) == is_one
    assert each.learned.components.sigma_item > 0.3 * (not is_one)


def test_a_user_counts_as_having_a_quarter_of_the_pooled_variance_at_least() -> None:
    squares, d = np.array([0.0, 10.0, 30.0, 0.0]), np.array([40.0, 20.0, 20.0, 1.0])
    # The pooled variance is 40/81; a single error next to 0 is chance: χ²(1 %) = 0.000157.
    found = winsorised(squares, d)
    assert found == pytest.approx([40 / 81 * 10, 10, 30, 40 / 81 * 0.000157], rel=1e-3)


def test_rounds_of_reweighting_end_early(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    scatter = user_noise._scatter

    def counted(*arguments: object) -> object:
        calls.append(1)
        return scatter(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(user_noise, "_scatter", counted)
    learn_user_noise(BlockIncidence(two_kinds()))
    assert 2 <= len(calls) <= 6


def test_it_is_saved_with_the_model(tmp_path: Path) -> None:
    model = fit(two_kinds(), "exact", noise="user")
    save_model(model, tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    for one, other in zip(
        loaded.predict([0, 150, 999], [2, 3, 4], return_std=True),
        model.predict([0, 150, 999], [2, 3, 4], return_std=True),
        strict=True,
    ):
        assert one.tolist() == other.tolist()
    assert loaded.learned is not None
    assert model.learned is not None
    assert loaded.learned.noise == model.learned.noise
    assert loaded.settings is not None
    assert loaded.settings.noise == "user"


def test_crossval_and_compare_know_it() -> None:
    ratings = two_kinds()
    one, each = crossval(ratings, folds=3, noise="user")
    assert (one.settings.noise, each.settings.noise) == ("one", "user")
    assert each.above(one).rmse < 0
    training, held_out = random_split(ratings, 0.2)
    exact, noisy = compare(training, held_out, ["exact", "exact --noise user"])
    assert noisy.held_out.rmse < exact.held_out.rmse
    assert (noisy.history, noisy.gaps) == ((), ())


def test_it_goes_with_learned_lambdas_alone(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings()
    with pytest.raises(OptionError, match="goes with exact and learned lambdas only"):
        fit(ratings, "closed-form", noise="user")
    with pytest.raises(OptionError, match="goes with exact and learned lambdas only"):
        fit(ratings, "exact", lambda_=2, noise="user")
    with pytest.raises(OptionError, match="'one' or 'user', not 'item'"):
        fit(ratings, "exact", noise="item")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "gain", "rmse", "freedom"),
    [("ml-100k", 0.0311, -0.00135, 14.1), ("ml-latest-small", 0.0528, -0.00138, 7.0)],
)
def test_real_ratings(
    real_ratings: Callable[[str], Ratings], name: str, gain: float, rmse: float, freedom: float
) -> None:
    training, held_out = random_split(real_ratings(name), 0.1)
    one, each = (fit(training, "exact", noise=noise) for noise in ("one", "user"))
    before, after = evaluate(one, held_out), evaluate(each, held_out)
    assert before.intervals is not None
    assert after.intervals is not None
    gained = after.intervals.log_likelihood - before.intervals.log_likelihood
    assert gained == pytest.approx(gain, abs=2e-4)
    assert after.model.rmse - before.model.rmse == pytest.approx(rmse, abs=2e-5)
    assert each.learned is not None
    assert each.learned.noise is not None
    assert each.learned.noise.freedom == pytest.approx(freedom, abs=0.1)
    for quarter in after.intervals.by_noise:
        assert quarter.coverage[3] == pytest.approx(0.95, abs=0.015)
