"""REML against dense likelihoods: every kind of design, boundaries, standard errors, the choice."""

import math
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from numpy.typing import NDArray

from mlbias.core.incidence import BlockIncidence
from mlbias.core.model import PenaltyScale
from mlbias.core.regularisation import Regularisation
from mlbias.core.reml import learn as module
from mlbias.core.reml.learn import Learned, learn
from mlbias.core.reml.standard_errors import interval
from mlbias.errors import DataError, OptionError
from mlbias.fitting.fit import fit
from mlbias.ratings import Ratings
from tests.reml_oracle import DESIGNS, DenseReml, drawn_on

FloatArray = NDArray[np.float64]

SIGMAS = [(0.5, 0.7, 0.9), (1.0, 0.1, 0.5), (0.0, 0.7, 1.0), (0.0, 0.0, 1.0), (2.0, 2.0, 0.3)]
every_design = pytest.mark.parametrize("name", DESIGNS)


def learned_from(ratings: Ratings) -> Learned:
    return learn(BlockIncidence(ratings, threads=1))


def sigmas_of(learned: Learned) -> FloatArray:
    c = learned.components
    return np.array([c.sigma, c.sigma_user, c.sigma_item])


def without_inverse(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the ratings are too many for an exact inverse."""
    monkeypatch.setattr(module, "exact_inverse", lambda _: None)


@every_design
@pytest.mark.parametrize("sigmas", SIGMAS)
@pytest.mark.parametrize("seed", range(2))
def test_it_is_the_maximum_of_the_dense_likelihood(
    name: str, sigmas: tuple[float, float, float], seed: int
) -> None:
    ratings = drawn_on(DESIGNS[name], seed, sigmas)
    dense = DenseReml(ratings)
    expected = dense.sigmas()
    if expected[0] < 0.01:
        # The likelihood is highest without any noise, at the end of what the oracle looks at.
        with pytest.raises(DataError, match="no noise"):
            learned_from(ratings)
        return
    learned = learned_from(ratings)
    c = learned.components
    assert c.has_converged, c.reason
    ratios = np.square([c.sigma_user, c.sigma_item]) / c.sigma**2
    best = dense.deviance((expected[1:] / expected[0]) ** 2)
    assert dense.deviance(ratios) <= best + 1e-6
    assert learned.log_likelihood == pytest.approx(-dense.deviance(ratios) / 2, rel=1e-9, abs=1e-8)
    e = learned.stderr
    for own, other, stderr in zip(
        sigmas_of(learned), expected, (e.sigma, e.sigma_user, e.sigma_item), strict=True
    ):
        assert own == pytest.approx(other, abs=0.01 * stderr if stderr else 1e-4)


# By lme4 1.1-31 (lmer, REML): sigma, sigma_user, sigma_item, the standard error of alpha, and the
# REML criterion, which is -2 log L.
PASTES = (0.823407555, 2.904077575, 1.287365039, 246.990746)
_PASTES_BATCHES = "ABCDEFGHIJ"
_PASTES_STRENGTHS = [
    62.8, 62.6, 60.1, 62.3, 62.7, 63.1, 60.0, 61.4, 57.5, 56.9, 61.1, 58.9,
    58.7, 57.5, 63.9, 63.1, 65.4, 63.7, 57.1, 56.4, 56.9, 58.6, 64.7, 64.5,
    55.1, 55.1, 54.7, 54.2, 58.8, 57.5, 63.4, 64.9, 59.3, 58.1, 60.5, 60.0,
    62.5, 62.6, 61.0, 58.7, 56.9, 57.7, 59.2, 59.4, 65.2, 66.0, 64.8, 64.1,
    54.8, 54.8, 64.0, 64.0, 57.7, 56.8, 58.3, 59.3, 59.2, 59.2, 58.9, 56.6,
]  # fmt: skip


def test_pastes_casks_nested_in_batches_is_as_lme4_has_it() -> None:
    cask, batch = np.arange(60) // 2, np.arange(60) // 6
    learned = learned_from(Ratings.from_ids(cask, batch, _PASTES_STRENGTHS))
    *sigmas, criterion = PASTES
    np.testing.assert_allclose(sigmas_of(learned), sigmas, rtol=1e-6)
    assert learned.log_likelihood is not None
    assert -2 * learned.log_likelihood == pytest.approx(criterion, rel=1e-8)


@every_design
def test_the_standard_error_of_alpha_and_the_log_likelihood_are_the_dense_ones(name: str) -> None:
    ratings = drawn_on(DESIGNS[name], 5)
    learned, dense = learned_from(ratings), DenseReml(ratings)
    c, penalty = learned.components, learned.penalty
    nearly = [min(value, 1e9) for value in (penalty.user, penalty.item)]
    variance = c.sigma**2 * dense.inverse(*nearly)[0, 0]
    assert learned.alpha_stderr == pytest.approx(math.sqrt(variance), rel=1e-5)


@pytest.mark.parametrize("held", ["user", "item", "both"])
def test_without_effects_sigma_is_the_standard_deviation(held: str) -> None:
    """Exactly, with n - 1, where both components are 0."""
    sigmas = {"user": (0.0, 0.6, 0.9), "item": (0.6, 0.0, 0.9), "both": (0.0, 0.0, 1.0)}[held]
    n_zero = 0
    for seed in range(20):
        ratings = drawn_on(DESIGNS["at random"], seed, sigmas)
        learned = learned_from(ratings)
        c, penalty = learned.components, learned.penalty
        assert (c.sigma_user == 0) == (penalty.user == math.inf) == (c.lambda_user is None)
        assert (c.sigma_item == 0) == (penalty.item == math.inf) == (c.lambda_item is None)
        if c.sigma_user == 0 == c.sigma_item:
            n_zero += 1
            assert c.sigma == pytest.approx(ratings.value.std(ddof=1), rel=1e-14)
            assert learned.stderr.sigma == pytest.approx(
                c.sigma / math.sqrt(2 * (len(ratings) - 1)), rel=1e-12
            )
    assert n_zero >= (3 if held == "both" else 0)


def test_one_component_of_zero_leaves_standard_errors_for_the_others() -> None:
    ratings = drawn_on(DESIGNS["at random"], 1, (0.0, 0.8, 0.9))
    learned = learned_from(ratings)
    assert learned.components.sigma_user == 0
    e = learned.stderr
    assert e.sigma_user is None
    assert e.lambda_user is None
    assert e.sigma is not None
    assert e.sigma_item is not None
    information = _observed_information(DenseReml(ratings), sigmas_of(learned), [0, 2])
    expected = np.sqrt(np.diag(np.linalg.inv(information)))
    np.testing.assert_allclose([e.sigma, e.sigma_item], expected, rtol=0.1)


def test_standard_errors_are_near_those_of_the_observed_information() -> None:
    ratings = _large_enough(1)
    learned = learned_from(ratings)
    e = learned.stderr
    information = _observed_information(DenseReml(ratings), sigmas_of(learned), [0, 1, 2])
    expected = np.sqrt(np.diag(np.linalg.inv(information)))
    stderrs = np.array([e.sigma, e.sigma_user, e.sigma_item], dtype=float)
    np.testing.assert_allclose(stderrs, expected, rtol=0.12)


def _observed_information(dense: DenseReml, at: FloatArray, free: list[int]) -> FloatArray:
    """Half of the second derivatives of -2 log L by the free ones of (σ, σ_u, σ_i)."""

    def deviance(sigmas: FloatArray) -> float:
        ratios = (sigmas[1:] / sigmas[0]) ** 2
        profiled, variance = dense._profiled(ratios)
        share = variance / sigmas[0] ** 2  # σ² is not profiled out here
        return profiled + (dense.n - 1) * float(share - 1 - math.log(share))

    steps = 1e-3 * np.eye(3)[free] * at[free].reshape(-1, 1)
    return np.array(
        [
            [
                sum(
                    one * other * deviance(at + one * first + other * second)
                    for one in (1, -1)
                    for other in (1, -1)
                )
                / (8 * first.sum() * second.sum())
                for second in steps
            ]
            for first in steps
        ]
    )


def _large_enough(seed: int) -> Ratings:
    def design(rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return rng.integers(30, size=500), rng.integers(25, size=500)

    return drawn_on(design, seed)


def test_intervals_are_symmetric_on_the_log_scale() -> None:
    low, high = interval(0.5, 0.1)
    assert low * high == pytest.approx(0.25)
    assert math.log(high / 0.5) == pytest.approx(1.959964 * 0.2, rel=1e-6)
    assert interval(1e-9, 1.0)[1] < math.inf


def large(name: str, seed: int) -> Ratings:
    """A design of a few thousand ratings."""
    rng = np.random.default_rng(seed)
    n = 900
    if name == "nested":
        item_of_user = rng.integers(300, size=n)
        user = np.repeat(np.arange(n), 2)
        item = item_of_user[user]
    elif name == "communities":
        community, one, other = (axis.ravel() for axis in np.indices((300, 3, 3)))
        user, item = community * 3 + one, community * 3 + other
    elif name == "chain":
        user = np.repeat(np.arange(n), 2)
        item = np.stack([np.arange(n), np.arange(n) + 1], axis=1).ravel()
    elif name == "mostly single":
        user = np.append(np.arange(1_500), rng.integers(300, size=900))
        item = rng.integers(300, size=2_400)
    else:
        user, item = rng.integers(700, size=6_000), rng.integers(500, size=6_000)
    of_user, of_item = 0.6 * rng.normal(size=(2, 3_000))
    value = 3.5 + of_user[user] + of_item[item] + 0.9 * rng.normal(size=len(user))
    return Ratings.from_ids(user, item, value)


LARGE = ["nested", "communities", "chain", "mostly single", "at random"]


@pytest.mark.parametrize("name", LARGE)
def test_the_choice_of_the_way_is_reported(name: str) -> None:
    assert learned_from(large(name, 0)).by == "sparse"


def test_few_users_or_items_are_solved_densely() -> None:
    learned = learned_from(_large_enough(0))
    assert learned.by == "dense"
    assert learned.check.n_probes == 0


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("seed", range(3))
def test_without_an_inverse_probes_come_as_near_as_their_error_says(
    monkeypatch: pytest.MonkeyPatch, name: str, seed: int
) -> None:
    ratings = large(name, seed)
    exact = learned_from(ratings)
    without_inverse(monkeypatch)
    probed = learned_from(ratings)
    assert probed.by in ("probes", "expansion", "boundary")
    assert probed.log_likelihood is None or probed.by == "boundary"
    e = exact.stderr
    stderrs = np.array([e.sigma, e.sigma_user, e.sigma_item], dtype=float)
    assert (np.abs(sigmas_of(probed) - sigmas_of(exact)) <= 0.05 * stderrs).all()
    for side in ("user", "item"):
        own, true = (getattr(of.components, f"lambda_{side}") for of in (probed, exact))
        error = getattr(probed.check, f"lambda_{side}_error")
        assert abs(own / true - 1) <= 3 * error + 1e-6
    assert probed.check.is_known


def test_probes_that_are_too_few_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    without_inverse(monkeypatch)
    monkeypatch.setattr("mlbias.core.reml.learn.MOST_PROBES", 4)
    learned = learned_from(large("nested", 0))
    assert learned.check.n_probes == 4
    assert not learned.check.is_known


def test_where_the_expansion_is_good_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    user, item = rng.integers(150, size=30_000), rng.integers(120, size=30_000)
    value = 0.5 * rng.normal(size=150)[user] + 0.6 * rng.normal(size=120)[item]
    ratings = Ratings.from_ids(user, item, value + rng.normal(size=len(user)))
    exact = learned_from(ratings)
    without_inverse(monkeypatch)
    expanded = learned_from(ratings)
    assert expanded.by == "expansion"
    assert not expanded.check.is_corrected
    np.testing.assert_allclose(sigmas_of(expanded), sigmas_of(exact), rtol=1e-3)
    assert 0 < expanded.check.user_stderr < 0.05
    assert expanded.check.n_probes >= 4


def test_a_component_of_zero_without_an_inverse(monkeypatch: pytest.MonkeyPatch) -> None:
    without_inverse(monkeypatch)
    ratings = drawn_on(DESIGNS["at random"], 1, (0.0, 0.8, 0.9))
    learned = learned_from(ratings)
    assert learned.components.sigma_user == 0
    assert learned.by == "boundary"
    np.testing.assert_allclose(sigmas_of(learned), DenseReml(ratings).sigmas(), atol=1e-4)


def test_the_bits_are_the_same_on_any_number_of_threads() -> None:
    for ratings in (large("at random", 0), _large_enough(0)):
        one, two = (learn(BlockIncidence(ratings, threads)) for threads in (1, 2))
        assert one.components == two.components
        assert one.log_likelihood == two.log_likelihood


@pytest.mark.parametrize(
    ("users", "items", "values", "reason"),
    [
        ([1, 1, 1, 1], [1, 2, 3, 3], [1, 2, 3, 4], "there is only one user"),
        ([1, 2, 3, 3], [1, 1, 1, 1], [1, 2, 3, 4], "there is only one item"),
        ([1, 2, 3, 4], [1, 1, 2, 2], [1, 2, 3, 4], "every user has a single rating"),
        ([1, 1, 2, 2], [1, 2, 3, 4], [1, 2, 3, 4], "every item has a single rating"),
        ([1, 1, 2, 2, 3, 3], [1, 1, 2, 2, 3, 3], [1, 2, 2, 4, 3, 4], "users and items are the"),
        ([1, 1, 2, 2, 3, 3], [1, 2, 1, 2, 1, 2], [1, 2, 2, 3, 3, 4], "no noise"),
        ([1, 1, 2, 2, 3], [1, 2, 1, 2, 2], [4, 4, 4, 4, 4], "no noise"),
    ],
)
def test_what_is_not_identified_is_said(
    users: list[int], items: list[int], values: list[float], reason: str
) -> None:
    with pytest.raises(
        DataError, match=f"cannot be learned from these ratings: .*{reason}"
    ) as caught:
        learned_from(Ratings.from_ids(users, items, values))
    assert "`lambda_` 5" in caught.value.advice


def test_on_the_scale_of_means_there_is_nothing_to_learn() -> None:
    with pytest.raises(OptionError, match="a ratio of variances"):
        Regularisation(PenaltyScale.MEAN, None)


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
    np.testing.assert_allclose(sigmas_of(learned_from(real_ratings(name))), sigmas, rtol=2e-5)


def test_a_small_effect_of_many_is_no_zero() -> None:
    rng = np.random.default_rng(3)
    user = np.repeat(np.arange(30_000), 3)
    item = rng.integers(40, size=len(user))
    value = 3.0 + 0.2 * rng.normal(size=30_000)[user] + rng.normal(size=len(user))
    learned = learned_from(Ratings.from_ids(user, item, value))
    assert learned.components.sigma_item < 0.02
    assert learned.components.sigma_user == pytest.approx(0.2, abs=0.03)


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
            learned = learned_from(ratings)
            assert learned.components.sigma > 0
            assert learned.components.has_converged, learned.components.reason
            n_learned += 1
    assert n_learned > 30


@pytest.mark.parametrize("method", ["gd", "adam", "closed-form", "exact"])
def test_every_method_trains_beside_a_component_of_zero(method: str) -> None:
    rng = np.random.default_rng(0)
    user, item = rng.integers(60, size=3_000), rng.integers(80, size=3_000)
    value = 3 + 0.5 * rng.normal(size=60)[user] + rng.normal(size=3_000)
    ratings = Ratings.from_ids(user, item, value)
    model = fit(ratings, method, penalty="sum", lambda_="auto")
    assert model.learned is not None
    assert model.learned.components.sigma_item == 0
    assert model.item_bias.tolist() == [0.0] * 80
    assert model.user_bias.any()


def test_ml_32m_has_the_lambdas_of_mixedmodels(real_ratings: Callable[[str], Ratings]) -> None:
    """Theirs are by maximum likelihood (EmbraceUncertainty), which is next to REML at this size.

    θ is each effect's σ in units of the noise's, so λ = 1/θ².
    """
    learned = learn(BlockIncidence(real_ratings("ml-32m")))
    found = learned.penalty.user, learned.penalty.item
    assert found == pytest.approx((0.5156484**-2, 0.5670378**-2), rel=2e-3)
