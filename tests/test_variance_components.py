"""REML against dense likelihoods: the fixed point, the expansion, boundaries, standard errors."""

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from mlbias.core.dense import DenseInverse
from mlbias.core.fixed_point import find_fixed_point
from mlbias.core.incidence import BlockIncidence
from mlbias.core.learning import learn, penalty_for
from mlbias.core.methods import make_method
from mlbias.core.model import Penalty, PenaltyScale
from mlbias.core.probes import remainders
from mlbias.core.repeats import Repeats
from mlbias.core.standard_errors import standard_errors
from mlbias.core.statistics import Incidence
from mlbias.core.trace_check import checked
from mlbias.core.traces import expanded_traces
from mlbias.core.variance_components import VarianceComponents, estimate, fit_at
from mlbias.errors import DataError, OptionError
from mlbias.fitting import Setting, fit_setting
from mlbias.ratings import Ratings

FloatArray = NDArray[np.float64]


def drawn(
    seed: int, n_users: int = 25, n_items: int = 18, n: int = 220,
    sigmas: tuple[float, float, float] = (0.5, 0.7, 0.9),
) -> Ratings:  # fmt: skip
    """Ratings from the model with σ_u, σ_i and σ, each pair at most once."""
    rng = np.random.default_rng(seed)
    pairs = rng.permutation(n_users * n_items)[:n]
    user, item = pairs // n_items, pairs % n_items
    of_user, of_item, noise = (
        sigma * rng.normal(size=size)
        for sigma, size in zip(sigmas, (n_users, n_items, n), strict=True)
    )
    return Ratings.from_ids(user, item, 3.5 + of_user[user] + of_item[item] + noise)


class Dense:
    """The restricted likelihood with whole matrices."""

    def __init__(self, ratings: Ratings) -> None:
        n = len(ratings)
        self.users = np.eye(len(ratings.user_ids))[ratings.user]
        self.items = np.eye(len(ratings.item_ids))[ratings.item]
        self.value = ratings.value.astype(np.float64)
        self.n = n

    def minus_two_log_likelihood(self, variances: FloatArray) -> float:
        """Of (σ², σ_u², σ_i²), a constant aside."""
        v = variances[0] * np.eye(self.n)
        v += variances[1] * self.users @ self.users.T + variances[2] * self.items @ self.items.T
        inverse = np.linalg.inv(v)
        of_ones = inverse.sum()
        projected = inverse - np.outer(inverse.sum(1), inverse.sum(0)) / of_ones
        determinant = np.linalg.slogdet(v)[1] + np.log(of_ones)
        return float(determinant + self.value @ projected @ self.value)

    def estimate(self) -> FloatArray:
        """(σ, σ_u, σ_i) at the maximum, the latter two from 0 on."""
        best = minimize(
            lambda x: self.minus_two_log_likelihood(x**2), [0.9, 0.5, 0.5], method="Nelder-Mead",
            options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000, "maxfev": 4000},
        )  # fmt: skip
        return np.asarray(np.abs(best.x))

    def traces(self, _: Incidence, penalty: Penalty) -> tuple[float, float]:
        n_users, n_items = self.users.shape[1], self.items.shape[1]
        design = np.hstack([np.ones((self.n, 1)), self.users, self.items])
        ridge = np.diag([0.0] + [penalty.user] * n_users + [penalty.item] * n_items)
        diagonal = np.diag(np.linalg.inv(design.T @ design + ridge))
        return float(diagonal[1 : 1 + n_users].sum()), float(diagonal[1 + n_users :].sum())


def sigmas_of(found: VarianceComponents) -> list[float]:
    return [found.sigma, found.sigma_user, found.sigma_item]


@pytest.mark.parametrize("seed", range(4))
def test_with_exact_traces_the_fixed_point_is_the_maximum_of_the_likelihood(seed: int) -> None:
    ratings = drawn(seed)
    dense = Dense(ratings)
    found = estimate(BlockIncidence(ratings), dense.traces)
    np.testing.assert_allclose(sigmas_of(found), dense.estimate(), rtol=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_the_expansion_is_near_and_never_above_the_traces(seed: int) -> None:
    ratings = drawn(seed, 60, 50, 900)
    incidence, dense = BlockIncidence(ratings), Dense(ratings)
    for penalty in (Penalty(3.0, 1.5), Penalty(30.0, 0.5), Penalty(1.0, 20.0)):
        expanded, exact = expanded_traces(incidence, penalty), dense.traces(incidence, penalty)
        for one, other in zip(expanded, exact, strict=True):
            assert one == pytest.approx(other, rel=0.01)
            assert one <= other * (1 + 1e-12)
    found = sigmas_of(estimate(incidence))
    np.testing.assert_allclose(found, sigmas_of(estimate(incidence, dense.traces)), rtol=2e-3)


@pytest.mark.parametrize("seed", range(12))
def test_a_component_that_is_zero_is_found_to_be_zero_as_the_likelihood_has_it(seed: int) -> None:
    ratings = drawn(seed, 12, 15, 120, (0.0, 0.6, 0.9))
    dense = Dense(ratings)
    found = estimate(BlockIncidence(ratings), dense.traces)
    expected = dense.estimate()
    assert (found.sigma_user == 0) == (expected[1] < 1e-3)
    np.testing.assert_allclose(sigmas_of(found), expected, atol=2e-3)
    swapped = Ratings(ratings.item, ratings.user, ratings.value, ratings.item_ids, ratings.user_ids)
    other = estimate(BlockIncidence(swapped))
    assert (other.sigma_item == 0) == (found.sigma_user == 0)


def test_without_any_effects_both_are_zero() -> None:
    for seed in range(6):
        ratings = drawn(seed, 10, 10, 90, (0.0, 0.0, 1.0))
        found = estimate(BlockIncidence(ratings))
        expected = Dense(ratings).estimate()
        np.testing.assert_allclose(sigmas_of(found), expected, atol=0.02)
        if found.sigma_user == 0 == found.sigma_item:
            learned = learn(BlockIncidence(ratings))
            assert learned.stderr is None
            assert (learned.components.lambda_user, learned.components.lambda_item) == (None, None)


def test_standard_errors_are_near_those_of_the_observed_information() -> None:
    ratings = drawn(1, 30, 25, 500)
    incidence, dense = BlockIncidence(ratings), Dense(ratings)
    found = estimate(incidence, dense.traces)
    penalty = Penalty(found.lambda_user or 0, found.lambda_item or 0)
    errors = standard_errors(incidence, found, fit_at(incidence, penalty))
    assert errors is not None
    at = np.square(sigmas_of(found))
    steps = 1e-3 * at

    def second(j: int, k: int) -> float:
        corners = [
            sign_j * sign_k * dense.minus_two_log_likelihood(
                at + sign_j * steps[j] * np.eye(3)[j] + sign_k * steps[k] * np.eye(3)[k]
            )
            for sign_j in (1, -1) for sign_k in (1, -1)
        ]  # fmt: skip
        return float(sum(corners) / (4 * steps[j] * steps[k]) / 2)

    observed = np.linalg.inv([[second(j, k) for k in range(3)] for j in range(3)])
    expected = np.sqrt(np.diag(observed)) / (2 * np.sqrt(at))
    np.testing.assert_allclose(
        [errors.sigma, errors.sigma_user, errors.sigma_item], expected, rtol=0.12
    )


def test_from_any_start_the_same_point_is_found() -> None:
    target = np.array([1.5, -0.5])

    def pulled(x: FloatArray) -> FloatArray:
        return 0.1 * np.tanh(target - x)

    for start in ([0.0, 0.0], [-7.0, 7.0], [7.0, 0.0]):
        found = find_fixed_point(pulled, np.array(start), tolerance=1e-9)
        np.testing.assert_allclose(found.x, target, atol=1e-7)
        assert found.rounds < 60


@pytest.mark.parametrize(
    ("users", "items", "values", "reason"),
    [
        ([1, 1, 1, 1], [1, 2, 3, 3], [1, 2, 3, 4], "there is one user alone"),
        ([1, 2, 3, 3], [1, 1, 1, 1], [1, 2, 3, 4], "there is one item alone"),
        ([1, 2, 3, 4], [1, 1, 2, 2], [1, 2, 3, 4], "every user has one rating alone"),
        ([1, 1, 2, 2], [1, 2, 3, 4], [1, 2, 3, 4], "every item has one rating alone"),
        ([1, 1, 2, 2, 3, 3], [1, 2, 1, 2, 1, 2], [1, 2, 2, 3, 3, 4], "no noise"),
        ([1, 1, 2, 2, 3], [1, 2, 1, 2, 2], [4, 4, 4, 4, 4], "no noise"),
    ],
)
def test_what_is_not_identified_is_said(
    users: list[int], items: list[int], values: list[float], reason: str
) -> None:
    incidence = BlockIncidence(Ratings.from_ids(users, items, values))
    with pytest.raises(
        DataError, match=f"cannot be learned from these ratings: .*{reason}"
    ) as caught:
        estimate(incidence)
    assert "--lambda 5" in caught.value.advice


def test_on_the_scale_of_means_there_is_nothing_to_learn() -> None:
    with pytest.raises(OptionError, match="scale of sums"):
        penalty_for(BlockIncidence(drawn(0)), PenaltyScale.MEAN, None)


@pytest.mark.parametrize(
    ("name", "sigmas"),
    [
        ("ml-100k", (0.9256605414042908, 0.39635575057805833, 0.5555285769001923)),
        ("ml-latest-small", (0.832897528583568, 0.4279856303794552, 0.4902255955630125)),
    ],
)
def test_golden_components_of_real_ratings(
    real_ratings: Callable[[str], Ratings], name: str, sigmas: tuple[float, float, float]
) -> None:
    found = estimate(BlockIncidence(real_ratings(name)))
    np.testing.assert_allclose(sigmas_of(found), sigmas, rtol=5e-4)


def communities(seed: int, n: int = 30, size: int = 12, bridges: int = 0) -> Ratings:
    """Communities of users and items that hardly know of each other."""
    rng = np.random.default_rng(seed)
    inside = [rng.permutation(size * size)[: size * size // 3] for _ in range(n)]
    user = np.concatenate([k * size + pairs // size for k, pairs in enumerate(inside)])
    item = np.concatenate([k * size + pairs % size for k, pairs in enumerate(inside)])
    user = np.append(user, rng.integers(n * size, size=bridges))
    item = np.append(item, rng.integers(n * size, size=bridges))
    of_user, of_item = 0.5 * rng.normal(size=(2, n * size))
    noise = 0.9 * rng.normal(size=len(user))
    return Ratings.from_ids(user, item, 3.5 + of_user[user] + of_item[item] + noise)


@pytest.mark.parametrize("shape", [(40, 25, 500), (25, 40, 500), (30, 30, 60)])
def test_the_dense_inverse_has_the_diagonal_of_the_whole_one(shape: tuple[int, int, int]) -> None:
    ratings = drawn(0, *shape)
    incidence, dense = BlockIncidence(ratings), Dense(ratings)
    for penalty in (Penalty(3.0, 1.5), Penalty(30.0, 0.5)):
        found = DenseInverse(incidence).traces(incidence, penalty)
        assert found == pytest.approx(dense.traces(incidence, penalty), rel=1e-10)


def test_probes_measure_what_the_expansion_leaves_out() -> None:
    ratings = communities(0)
    incidence, penalty = BlockIncidence(ratings), Penalty(3.0, 3.0)
    exact = DenseInverse(incidence).traces(incidence, penalty)
    expanded = expanded_traces(incidence, penalty)
    left = remainders(incidence, penalty, 40)
    for one, other, mean, error in zip(exact, expanded, left.means(), left.errors(), strict=True):
        assert one - other > 0.005 * one
        assert mean == pytest.approx(one - other, abs=4 * error)
        assert error < 0.2 * mean
    few = remainders(incidence, penalty, 5)
    assert few.user.tolist() == left.user[:5].tolist()


@pytest.mark.parametrize("bridges", [0, 30])
def test_where_the_expansion_is_off_it_is_seen_and_put_right(bridges: int) -> None:
    incidence = BlockIncidence(communities(1, bridges=bridges))
    expanded = estimate(incidence)
    dense = estimate(incidence, DenseInverse(incidence).traces)
    found, check = checked(incidence, expanded)
    assert check.is_corrected
    for name in ("lambda_user", "lambda_item"):
        true, off = getattr(dense, name), getattr(expanded, name) / getattr(dense, name) - 1
        error = getattr(check, f"{name}_error")
        assert error <= 0.002
        assert getattr(found, name) == pytest.approx(true, rel=4 * error + 1e-4)
        assert getattr(check, name) == pytest.approx(off, abs=4 * error + 1e-4)


def test_where_the_expansion_is_good_it_stays() -> None:
    incidence = BlockIncidence(drawn(0, 150, 120, 9_000))
    expanded = estimate(incidence)
    found, check = checked(incidence, expanded)
    assert found == expanded
    assert not check.is_corrected
    dense = estimate(incidence, DenseInverse(incidence).traces)
    assert dense.lambda_user is not None
    assert expanded.lambda_user == pytest.approx(dense.lambda_user, rel=1e-3)


def test_small_sets_are_learned_by_the_dense_inverse_and_large_ones_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ratings = drawn(2, 60, 50, 900)
    incidence = BlockIncidence(ratings)
    small = learn(incidence)
    assert small.check is not None
    assert small.check.n_probes == 0
    np.testing.assert_allclose(
        sigmas_of(small.components),
        sigmas_of(estimate(incidence, Dense(ratings).traces)),
        rtol=1e-6,
    )
    monkeypatch.setattr("mlbias.core.learning.is_small", lambda _: False)
    large = learn(incidence)
    assert large.check is not None
    assert large.check.n_probes >= 4
    assert 0 < large.check.user_stderr < 0.05
    assert 0 < large.check.item_stderr < 0.05
    assert large.inverse is None


def doubled(ratings: Ratings, seed: int) -> Ratings:
    """Every third pair rated a second time."""
    rng = np.random.default_rng(seed)
    again = np.arange(0, len(ratings), 3)
    value = ratings.value[again] + 0.9 * rng.normal(size=len(again))
    return Ratings(
        np.append(ratings.user, ratings.user[again]), np.append(ratings.item, ratings.item[again]),
        np.append(ratings.value, value), ratings.user_ids, ratings.item_ids,
    )  # fmt: skip


def test_repeated_pairs_count_by_their_squares() -> None:
    ratings = doubled(drawn(0, 40, 30, 600), 0)
    incidence, dense = BlockIncidence(ratings, threads=1), Dense(ratings)
    _, _, times = incidence.repeats()
    assert times.tolist() == [2.0] * 200
    table = dense.users.T @ dense.items
    vector = np.linspace(1, 2, 30)
    repeats = Repeats.of(incidence)
    of_users = table @ vector
    np.testing.assert_allclose(
        repeats.squared_per_user(vector, incidence.per_user(vector)), table**2 @ vector
    )
    np.testing.assert_allclose(
        repeats.squared_per_item(of_users, incidence.per_item(of_users)), (table**2).T @ of_users
    )
    penalty = Penalty(3.0, 1.5)
    left = remainders(incidence, penalty, 60)
    exact = DenseInverse(incidence).traces(incidence, penalty)
    for one, other, mean, error in zip(
        exact, expanded_traces(incidence, penalty), left.means(), left.errors(), strict=True
    ):
        assert 0 <= one - other < 0.02 * one
        assert mean == pytest.approx(one - other, abs=4 * error + 1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_zeros_are_told_right_where_pairs_are_repeated(seed: int) -> None:
    ratings = doubled(drawn(seed, 12, 15, 90, (0.15, 0.6, 0.9)), seed)
    dense = Dense(ratings)
    found = learn(BlockIncidence(ratings)).components
    np.testing.assert_allclose(sigmas_of(found), dense.estimate(), atol=3e-3)


def test_a_small_effect_of_many_is_no_zero() -> None:
    rng = np.random.default_rng(3)
    user = np.repeat(np.arange(30_000), 3)
    item = rng.integers(40, size=len(user))
    value = 3.0 + 0.2 * rng.normal(size=30_000)[user] + rng.normal(size=len(user))
    found = estimate(BlockIncidence(Ratings.from_ids(user, item, value)))
    assert found.sigma_item < 0.02
    assert found.sigma_user == pytest.approx(0.2, abs=0.03)


def test_on_hardly_informative_ratings_nothing_crashes() -> None:
    n_learned = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(8, 70))
        ratings = Ratings.from_ids(
            rng.integers(n // 3 + 2, size=n), rng.integers(n // 2 + 2, size=n),
            rng.integers(1, 6, size=n).astype(float),
        )  # fmt: skip
        with suppress(DataError):  # what is not identified at all
            learned = learn(BlockIncidence(ratings, threads=1))
            assert learned.components.sigma > 0
            assert learned.stderr is None or learned.stderr.sigma > 0
            n_learned += 1
    assert n_learned > 30


@pytest.mark.parametrize("method", ["gd", "adam", "closed-form"])
def test_every_method_trains_beside_a_component_of_zero(method: str) -> None:
    rng = np.random.default_rng(0)
    user, item = rng.integers(60, size=3_000), rng.integers(80, size=3_000)
    value = 3 + 0.5 * rng.normal(size=60)[user] + rng.normal(size=3_000)
    ratings = Ratings.from_ids(user, item, value)
    setting = Setting(make_method(method), "sum", None)
    model, learned = fit_setting(BlockIncidence(ratings), setting, ratings)
    assert learned is not None
    assert learned.components.sigma_item == 0
    assert model.item_bias.tolist() == [0.0] * 80
    assert model.user_bias.any()
