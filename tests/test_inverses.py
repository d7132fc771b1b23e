"""M⁻¹ against a dense inverse, whichever way it is found; the expansion, and probes of the rest."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.core.equations.repeated_pairs import RepeatedPairs
from mlbias.core.incidence import BlockIncidence
from mlbias.core.model import ErrorSums, Penalty
from mlbias.core.reml import elimination
from mlbias.core.reml.dense_inverse import DenseInverse, dense_table
from mlbias.core.reml.elimination import elimination_order
from mlbias.core.reml.exact_inverse import exact_inverse
from mlbias.core.reml.inverse import Inverse
from mlbias.core.reml.pairs import distinct_pairs
from mlbias.core.reml.probes import ProbedTraces, remainders
from mlbias.core.reml.sparse_inverse import SparseInverse
from mlbias.core.reml.traces import expanded_traces
from mlbias.core.statistics import Incidence
from mlbias.ratings import Ratings
from tests.reml_oracle import DESIGNS, DenseReml, drawn_on

# Few ids, so that graphs fall apart, pairs repeat and single ratings occur.
RATINGS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from([0.5, 1.0, 3.0, 4.5, 5.0])),
    min_size=1,
    max_size=50,
)
LAMBDAS = st.sampled_from([1e-3, 0.3, 2.0, 15.0, 1e4])


def ratings_of(rows: list[tuple[int, int, float]]) -> Ratings:
    return Ratings.from_ids(*zip(*rows, strict=True))


def sparse(incidence: Incidence, penalty: Penalty) -> Inverse:
    s, pairs = incidence.statistics, distinct_pairs(incidence)
    assert pairs is not None
    order = elimination_order(pairs, s.n_users, s.n_items, 1e9)
    assert order is not None
    return SparseInverse(s, pairs, order, penalty)


def dense(incidence: Incidence, penalty: Penalty) -> Inverse:
    s, pairs = incidence.statistics, distinct_pairs(incidence)
    assert pairs is not None
    return DenseInverse(s, dense_table(pairs, s.n_users, s.n_items), penalty)


WAYS = {"sparse": sparse, "dense": dense}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


def assert_is_the_inverse(inverse: Inverse, ratings: Ratings, penalty: Penalty) -> None:
    expected = DenseReml(ratings).inverse(penalty.user, penalty.item)
    s = BlockIncidence(ratings, threads=1).statistics
    diagonals = np.concatenate([[inverse.alpha_variance()], *inverse.diagonals()])
    np.testing.assert_allclose(diagonals, np.diag(expected), rtol=1e-8)
    assert inverse.log_determinant() == pytest.approx(
        -np.linalg.slogdet(expected)[1], rel=1e-9, abs=1e-8
    )
    rng = np.random.default_rng(0)
    right = ErrorSums(0.7, rng.normal(size=s.n_users), rng.normal(size=s.n_items))
    found = inverse.solve(right)
    solution = expected @ np.concatenate([[right.total], right.user, right.item])
    np.testing.assert_allclose(
        np.concatenate([[found.alpha], found.user_bias, found.item_bias]), solution,
        rtol=1e-7, atol=1e-8 * np.abs(solution).max(),
    )  # fmt: skip


@every_way
@given(RATINGS, LAMBDAS, LAMBDAS)
def test_on_graphs_of_any_kind(
    way: Callable[[Incidence, Penalty], Inverse],
    rows: list[tuple[int, int, float]],
    user: float,
    item: float,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elimination, "_SMALL_CORE", 0)
        ratings, penalty = ratings_of(rows), Penalty(user, item)
        inverse = way(BlockIncidence(ratings, threads=1), penalty)
        assert_is_the_inverse(inverse, ratings, penalty)


@every_way
@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("highest", [3, 24])
def test_on_every_design(
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[[Incidence, Penalty], Inverse],
    name: str,
    highest: int,
) -> None:
    """With stages alone, and with a dense core in several components."""
    monkeypatch.setattr(elimination, "_SMALL_CORE", 0)
    monkeypatch.setattr(elimination, "_HIGHEST_DEGREE", highest)
    ratings, penalty = drawn_on(DESIGNS[name], 0), Penalty(3.0, 0.7)
    assert_is_the_inverse(way(BlockIncidence(ratings), penalty), ratings, penalty)


@given(RATINGS)
def test_the_pairs_are_read_from_the_products(rows: list[tuple[int, int, float]]) -> None:
    ratings = ratings_of(rows)
    pairs = distinct_pairs(BlockIncidence(ratings, threads=1))
    assert pairs is not None
    table = np.zeros((ratings.n_users, ratings.n_items))
    table[pairs.user, pairs.item] = pairs.count
    expected = np.zeros_like(table)
    np.add.at(expected, (ratings.user, ratings.item), 1)
    assert table.tolist() == expected.tolist()
    assert len(pairs.user) == np.count_nonzero(expected)


def test_a_stage_eliminates_no_neighbours() -> None:
    ratings = drawn_on(DESIGNS["a chain"], 0)
    pairs = distinct_pairs(BlockIncidence(ratings))
    assert pairs is not None
    first, second = pairs.user, pairs.item + ratings.n_users
    degree = np.bincount(first, minlength=121) + np.bincount(second, minlength=121)
    chosen = elimination._independent(first, second, degree, 2)
    assert chosen.sum() > 121 / 3
    assert not (chosen[first] & chosen[second]).any()


def test_large_graphs_that_mix_well_have_no_exact_inverse(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    ratings = Ratings.from_ids(
        rng.integers(900, size=9_000), rng.integers(900, size=9_000), rng.normal(size=9_000)
    )
    incidence = BlockIncidence(ratings)
    assert exact_inverse(incidence) is not None
    monkeypatch.setattr("mlbias.core.reml.exact_inverse._MOST_WORK", 1e8)
    assert exact_inverse(incidence) is None
    monkeypatch.setattr("mlbias.core.reml.pairs._MOST_RATINGS", 8_000)
    assert distinct_pairs(incidence) is None


def drawn(seed: int, n_users: int, n_items: int, n: int) -> Ratings:
    """Ratings at random, each pair at most once."""
    rng = np.random.default_rng(seed)
    pairs = rng.permutation(n_users * n_items)[:n]
    return Ratings.from_ids(pairs // n_items, pairs % n_items, rng.normal(size=n))


def exact_traces(ratings: Ratings, penalty: Penalty) -> np.ndarray:
    diagonal = np.diag(DenseReml(ratings).inverse(penalty.user, penalty.item))
    n_users = ratings.n_users
    return np.array([diagonal[1 : 1 + n_users].sum(), diagonal[1 + n_users :].sum()])


@pytest.mark.parametrize("seed", range(4))
def test_the_expansion_is_near_and_never_above_the_traces(seed: int) -> None:
    ratings = drawn(seed, 60, 50, 900)
    incidence = BlockIncidence(ratings)
    for penalty in (Penalty(3.0, 1.5), Penalty(30.0, 0.5), Penalty(1.0, 20.0)):
        expanded = expanded_traces(incidence, penalty)
        exact = exact_traces(ratings, penalty)
        np.testing.assert_allclose([expanded.user, expanded.item], exact, rtol=0.01)
        assert (np.array([expanded.user, expanded.item]) <= exact * (1 + 1e-12)).all()


@pytest.mark.parametrize("name", ["communities of 3 x 3", "repeated pairs", "a chain"])
def test_probes_measure_what_the_expansion_leaves_out(name: str) -> None:
    ratings, penalty = drawn_on(DESIGNS[name], 0), Penalty(3.0, 1.5)
    incidence = BlockIncidence(ratings)
    expanded = expanded_traces(incidence, penalty)
    left = remainders(incidence, penalty, 60)
    rest = exact_traces(ratings, penalty) - [expanded.user, expanded.item]
    assert (rest >= 0).all()
    assert (np.abs(left.means() - rest) <= 4 * left.errors() + 1e-9).all()
    few = remainders(incidence, penalty, 5)
    np.testing.assert_allclose(few.user, left.user[:5], rtol=1e-3)
    probed = ProbedTraces(incidence, 60)(penalty)
    assert probed.user == pytest.approx(expanded.user + left.means()[0])


def test_repeated_pairs_count_by_their_squares() -> None:
    ratings = drawn_on(DESIGNS["repeated pairs"], 0)
    incidence = BlockIncidence(ratings, threads=1)
    table = np.zeros((ratings.n_users, ratings.n_items))
    np.add.at(table, (ratings.user, ratings.item), 1)
    _, _, times = incidence.repeated_pairs()
    assert sorted(times.tolist()) == sorted(table[table > 1].tolist())
    repeated = RepeatedPairs.of(incidence)
    vector = np.linspace(1, 2, ratings.n_items)
    of_users = table @ vector
    np.testing.assert_allclose(
        repeated.squared_per_user(vector, incidence.per_user(vector)), table**2 @ vector
    )
    np.testing.assert_allclose(
        repeated.squared_per_item(of_users, incidence.per_item(of_users)), (table**2).T @ of_users
    )
