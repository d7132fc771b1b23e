"""The exact method against dense solves, its certificate against the true gap, and λ = 0."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mlbias.core.equations.certificate import certify
from mlbias.core.equations.components import Components
from mlbias.core.equations.normal_equations import NormalEquations
from mlbias.core.incidence import BlockIncidence
from mlbias.core.methods.exact import Exact
from mlbias.core.model import Parameters, Penalty, Problem
from mlbias.core.training import EpochStats, train
from mlbias.ratings import Ratings
from tests import golden
from tests.oracle import Loops, dense_optimum

FloatArray = NDArray[np.float64]

# Few ids, so that graphs fall apart, pairs repeat and single ratings occur.
RATINGS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from([0.5, 1.0, 3.0, 4.5, 5.0])),
    min_size=1,
    max_size=40,
)
LAMBDAS = st.sampled_from([1e-3, 0.3, 2.0, 15.0, 1e6])


def ratings_of(rows: list[tuple[int, int, float]]) -> Ratings:
    return Ratings.from_ids(*zip(*rows, strict=True))


def problem_of(ratings: Ratings, user: float, item: float) -> Problem:
    return Problem(BlockIncidence(ratings, threads=1), Penalty(user, item))


def optimum(problem: Problem, **options: float) -> tuple[EpochStats, Parameters]:
    *_, last = train(Exact(**options), problem)
    return last


def min_norm(ratings: Ratings) -> tuple[float, FloatArray, FloatArray]:
    """α, b_u and b_i of least norm among the optima at λ = 0, α free: the limit of one λ → 0."""
    n_users, n_items = len(ratings.user_ids), len(ratings.item_ids)
    design = np.zeros((len(ratings), n_users + n_items))
    design[np.arange(len(ratings)), ratings.user] = 1
    design[np.arange(len(ratings)), n_users + ratings.item] = 1
    value = ratings.value.astype(np.float64)
    biases = np.linalg.lstsq(design - design.mean(0), value - value.mean(), rcond=1e-10)[0]
    alpha = float((value - design @ biases).mean())
    return alpha, biases[:n_users], biases[n_users:]


@given(RATINGS, LAMBDAS, LAMBDAS, st.integers(0, 99))
def test_several_right_sides_at_once_are_solved_as_by_a_dense_solve(
    rows: list[tuple[int, int, float]], user: float, item: float, seed: int
) -> None:
    ratings = ratings_of(rows)
    n, n_users, n_items = len(ratings), len(ratings.user_ids), len(ratings.item_ids)
    design = np.zeros((n, 1 + n_users + n_items))
    design[:, 0] = 1
    design[np.arange(n), 1 + ratings.user] = 1
    design[np.arange(n), 1 + n_users + ratings.item] = 1
    matrix = design.T @ design + np.diag([0.0] + [user] * n_users + [item] * n_items)
    rights = np.random.default_rng(seed).normal(size=(3, n_users + n_items))
    rights[0] = 0  # is solved at once, while the others go on
    expected = np.linalg.solve(matrix, np.pad(rights, ((0, 0), (1, 0))).T).T[:, 1:]
    equations = NormalEquations(problem_of(ratings, user, item))
    total = np.zeros(3)
    _, *found = equations.solve_rows(total, rights[:, :n_users], rights[:, n_users:], 1e-11)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(np.hstack(found), expected, rtol=1e-6, atol=1e-6 * scale)


@given(RATINGS, LAMBDAS, LAMBDAS)
def test_it_is_the_dense_optimum(
    rows: list[tuple[int, int, float]], user: float, item: float
) -> None:
    ratings = ratings_of(rows)
    problem = problem_of(ratings, user, item)
    stats, found = optimum(problem, tol=1e-13)
    expected = dense_optimum(ratings, user, item)
    assert stats.alpha == pytest.approx(expected.alpha, abs=1e-9)
    np.testing.assert_allclose(found.user_bias, expected.user_bias, atol=1e-9)
    np.testing.assert_allclose(found.item_bias, expected.item_bias, atol=1e-9)
    assert stats.cost == pytest.approx(expected.cost, rel=1e-9, abs=1e-9)


@given(RATINGS)
def test_at_lambda_zero_it_is_the_optimum_of_least_norm(
    rows: list[tuple[int, int, float]],
) -> None:
    ratings = ratings_of(rows)
    stats, found = optimum(problem_of(ratings, 0, 0), tol=1e-13)
    alpha, user, item = min_norm(ratings)
    assert stats.alpha == pytest.approx(alpha, abs=1e-7)
    np.testing.assert_allclose(found.user_bias, user, atol=1e-7)
    np.testing.assert_allclose(found.item_bias, item, atol=1e-7)


@given(RATINGS, st.sampled_from([0.3, 2.0]))
def test_with_one_lambda_zero_both_sums_are_zero(
    rows: list[tuple[int, int, float]], value: float
) -> None:
    ratings = ratings_of(rows)
    for user, item in ((value, 0.0), (0.0, value)):
        stats, found = optimum(problem_of(ratings, user, item), tol=1e-13)
        assert found.user_bias.sum() == pytest.approx(0, abs=1e-8)
        assert found.item_bias.sum() == pytest.approx(0, abs=1e-8)
        limit = dense_optimum(ratings, max(user, 1e-9), max(item, 1e-9))
        assert stats.cost == pytest.approx(limit.cost, abs=1e-5)


@given(RATINGS, st.sampled_from([0.0, 0.3, 15.0]), st.sampled_from([0.0, 2.0]), st.integers(0, 3))
def test_the_bound_is_never_below_the_true_gap(
    rows: list[tuple[int, int, float]], user: float, item: float, epochs: int
) -> None:
    ratings = ratings_of(rows)
    problem = problem_of(ratings, user, item)
    rng = np.random.default_rng(epochs)
    state = Parameters(
        rng.normal(), rng.normal(size=len(ratings.user_ids)), rng.normal(size=len(ratings.item_ids))
    )
    near = list(train(Exact(), problem, epochs=epochs))[-1][1]
    loops = Loops(ratings, user, item)
    best = optimum(problem, tol=1e-14)[0].cost
    for at in (state, near):
        center = problem.statistics.center
        loops.alpha, loops.user_bias, loops.item_bias = (
            at.alpha + center, at.user_bias, at.item_bias,
        )  # fmt: skip
        gap = loops.row().cost - best
        assert certify(problem, at).gap >= gap - 1e-11 * (1 + loops.row().cost)


@given(RATINGS, st.sampled_from([(0.3, 0.0), (0.0, 2.0), (15.0, 2.0)]), st.integers(0, 99))
def test_the_bound_is_the_same_with_users_and_items_exchanged(
    rows: list[tuple[int, int, float]], lambdas: tuple[float, float], seed: int
) -> None:
    user, item = lambdas
    ratings = ratings_of(rows)
    rng = np.random.default_rng(seed)
    alpha, users, items = (
        rng.normal(),
        rng.normal(size=ratings.n_users),
        rng.normal(size=ratings.n_items),
    )
    one = certify(problem_of(ratings, user, item), Parameters(alpha, users, items))
    exchanged = ratings_of([(i, u, value) for u, i, value in rows])
    other = certify(problem_of(exchanged, item, user), Parameters(alpha, items, users))
    assert one.gap == pytest.approx(other.gap, rel=1e-9, abs=1e-12)


def test_the_gradient_is_that_of_the_cost(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(60, 6, 7)
    problem = problem_of(ratings, 2.0, 3.0)
    state = Parameters(0.3, np.linspace(-1, 1, 6), np.linspace(0, 1, 7))
    loops = Loops(ratings, 2.0, 3.0)
    start = np.concatenate([[0.3], state.user_bias, state.item_bias])

    def cost(x: FloatArray) -> float:
        loops.alpha = x[0] + problem.statistics.center
        loops.user_bias, loops.item_bias = x[1:7], x[7:]
        return loops.row().cost

    steps = 1e-5 * np.eye(len(start))
    gradient = [(cost(start + step) - cost(start - step)) / 2e-5 for step in steps]
    assert certify(problem, state).gradient_norm == pytest.approx(
        np.linalg.norm(gradient), rel=1e-7
    )


def test_equal_ratings_are_at_the_optimum_from_the_start() -> None:
    problem = problem_of(Ratings.from_ids([1, 2, 2], [1, 1, 2], [4, 4, 4]), 1, 1)
    *_, (stats, state) = train(Exact(), problem)
    assert (stats.epoch, stats.rmse, stats.alpha) == (1, 0.0, 4.0)
    assert certify(problem, state).gap == 0


def test_a_tolerance_is_the_methods_own(make_ratings: Callable[..., Ratings]) -> None:
    problem = problem_of(make_ratings(2_000, 60, 80), 2.0, 3.0)
    rough, fine = (list(train(Exact(tol=tol), problem)) for tol in (1e-2, 1e-12))
    assert len(rough) < len(fine)
    assert certify(problem, rough[-1][1]).gap > certify(problem, fine[-1][1]).gap
    whole = list(train(Exact(tol=0.0), problem))
    assert len(whole) < 60


def test_components_and_their_diameters() -> None:
    # A chain of three users over two items, and a pair apart.
    ratings = Ratings.from_ids([1, 1, 2, 2, 3, 4], [1, 2, 2, 3, 3, 9], [1, 2, 3, 4, 5, 1])
    incidence = BlockIncidence(ratings)
    found = Components.of(incidence)
    assert found.n == 2
    assert found.user.tolist() == [0, 0, 0, 1]
    assert found.item.tolist() == [0, 0, 0, 1]
    chain, pair = found.diameter_bounds(incidence)
    assert 5 <= chain <= 10
    assert 1 <= pair <= 2


@given(RATINGS, st.sampled_from([0.3, 2.0]))
def test_an_infinite_lambda_holds_its_side_at_zero(
    rows: list[tuple[int, int, float]], value: float
) -> None:
    ratings = ratings_of(rows)
    nearly = 1e9
    for user, item in ((value, math.inf), (math.inf, value), (math.inf, math.inf)):
        problem = problem_of(ratings, user, item)
        stats, found = optimum(problem)
        assert not (user == math.inf and found.user_bias.any())
        assert not (item == math.inf and found.item_bias.any())
        limit = dense_optimum(ratings, min(user, nearly), min(item, nearly))
        assert stats.cost == pytest.approx(limit.cost, rel=1e-6, abs=1e-6)
        assert stats.alpha == pytest.approx(limit.alpha, abs=1e-6)
        assert certify(problem, found).gap <= 1e-12 * (1 + stats.cost)
        assert stats.epoch == 1


@pytest.mark.parametrize("name", ["ml-100k", "ml-latest-small"])
def test_golden_optima_of_real_ratings(real_ratings: Callable[[str], Ratings], name: str) -> None:
    incidence = BlockIncidence(real_ratings(name))
    for (user, item), (rmse, alpha) in golden.EXACT[name].items():
        problem = Problem(incidence, Penalty(user, item))
        stats, state = optimum(problem)
        assert stats.rmse == pytest.approx(rmse, abs=1e-9)
        assert stats.alpha == pytest.approx(alpha, abs=1e-6)
        assert stats.epoch <= 25
        assert certify(problem, state).gap <= 1e-8 * stats.cost
