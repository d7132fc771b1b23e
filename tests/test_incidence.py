"""The contract of an Incidence: statistics, products, repeated pairs, components; any threads."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbias.core import blocks as module
from mlbias.core import ratings as ratings_module
from mlbias.core.incidence import BlockIncidence
from mlbias.core.statistics import Incidence, Statistics
from mlbias.core.vectors import FloatArray
from mlbias.engines.local import LocalParts, split
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.errors import DataError
from mlbias.ratings import Ratings


def restored(ratings: Ratings) -> Incidence:
    """As from a prepared copy: the statistics known, the values fetched when they are asked for."""
    ratings = ratings.by_user()
    statistics = BlockIncidence(ratings).statistics
    return BlockIncidence.restored(ratings.item, ratings.value, statistics)


def in_parts(ratings: Ratings) -> Incidence:
    """In three parts, of which some may be empty."""
    return PartitionedIncidence(LocalParts(split(ratings, 3)))


# A further implementation is held to the same by one more line here.
IMPLEMENTATIONS: dict[str, Callable[[Ratings], Incidence]] = {
    "in memory": BlockIncidence,
    "restored": restored,
    "in memory, one thread": lambda ratings: BlockIncidence(ratings, threads=1),
    "in parts": in_parts,
}
every_implementation = pytest.mark.parametrize(
    "build", IMPLEMENTATIONS.values(), ids=IMPLEMENTATIONS.keys()
)

pairs = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 6), st.integers(1, 10)), min_size=1, max_size=60
)


def dense(ratings: Ratings) -> FloatArray:
    matrix = np.zeros((len(ratings.user_ids), len(ratings.item_ids)))
    np.add.at(matrix, (ratings.user, ratings.item), 1)
    return matrix


@every_implementation
def test_statistics_of_four_ratings_by_hand(
    build: Callable[[Ratings], Incidence], four: Ratings
) -> None:
    s = build(four).statistics
    assert (s.n_ratings, s.n_users, s.n_items) == (4, 2, 2)
    # 5, 3, 4, 2 around 3.5 are 1.5, -0.5, 0.5, -1.5.
    assert (s.center, s.total, s.squares) == (3.5, 0.0, 5.0)
    assert s.user_counts.tolist() == [2, 2]
    assert s.user_sums.tolist() == [1.0, -1.0]
    assert s.item_sums.tolist() == [2.0, -2.0]


@every_implementation
@given(rows=pairs)
@settings(deadline=None)
def test_products_are_those_of_the_dense_matrix(
    build: Callable[[Ratings], Incidence], rows: list[tuple[int, int, int]]
) -> None:
    ratings = Ratings.from_ids(*(list(column) for column in zip(*rows, strict=True)))
    incidence, matrix = build(ratings), dense(ratings)
    rng = np.random.default_rng(len(rows))
    item_bias: FloatArray = rng.normal(size=matrix.shape[1:])
    user_bias: FloatArray = rng.normal(size=matrix.shape[:1])
    np.testing.assert_allclose(incidence.per_user(item_bias), matrix @ item_bias, atol=1e-12)
    np.testing.assert_allclose(incidence.per_item(user_bias), matrix.T @ user_bias, atol=1e-12)
    np.testing.assert_array_equal(incidence.statistics.item_counts, matrix.sum(axis=0))
    # Several at once, a row each.
    of_items: FloatArray = rng.normal(size=(3, matrix.shape[1]))
    of_users: FloatArray = rng.normal(size=(3, matrix.shape[0]))
    np.testing.assert_allclose(incidence.per_user(of_items), of_items @ matrix.T, atol=1e-12)
    np.testing.assert_allclose(incidence.per_item(of_users), of_users @ matrix, atol=1e-12)


@every_implementation
@given(rows=pairs, several=st.booleans(), parts=st.sampled_from(["added", "weighted", "both"]))
@settings(deadline=None)
def test_both_products_in_one_pass(
    build: Callable[[Ratings], Incidence],
    rows: list[tuple[int, int, int]],
    several: bool,
    parts: str,
) -> None:
    ratings = Ratings.from_ids(*(list(column) for column in zip(*rows, strict=True)))
    incidence, matrix = build(ratings), dense(ratings)
    rng, shape = np.random.default_rng(len(rows)), (3,) if several else ()
    of_items, of_users = (rng.normal(size=(*shape, n)) for n in matrix.shape[::-1])
    weights: FloatArray = rng.normal(size=matrix.shape[:1])
    added = None if parts == "weighted" else of_users
    by_user, by_item = incidence.both(of_items, added, None if parts == "added" else weights)
    through = np.zeros_like(of_users) if added is None else added
    if parts != "added":
        through = through + weights * (of_items @ matrix.T)
    np.testing.assert_allclose(by_user, of_items @ matrix.T, atol=1e-12)
    np.testing.assert_allclose(by_item, through @ matrix, atol=1e-12)
    # The same bits as in two passes.
    np.testing.assert_array_equal(by_user, incidence.per_user(of_items))
    if parts == "added":
        np.testing.assert_array_equal(by_item, incidence.per_item(of_users))


@every_implementation
@given(rows=pairs)
@settings(deadline=None)
def test_products_with_the_ratings_values(
    build: Callable[[Ratings], Incidence], rows: list[tuple[int, int, int]]
) -> None:
    ratings = Ratings.from_ids(*(list(column) for column in zip(*rows, strict=True)))
    incidence = build(ratings)
    centered = ratings.value - incidence.statistics.center
    rated, squared = np.zeros((2, ratings.n_users, ratings.n_items))
    np.add.at(rated, (ratings.user, ratings.item), centered)
    np.add.at(squared, (ratings.user, ratings.item), centered**2)
    rng = np.random.default_rng(len(rows))
    of_items, of_users = rng.normal(size=ratings.n_items), rng.normal(size=ratings.n_users)
    np.testing.assert_allclose(incidence.rated_per_user(of_items), rated @ of_items, atol=1e-12)
    np.testing.assert_allclose(incidence.rated_per_item(of_users), of_users @ rated, atol=1e-12)
    np.testing.assert_allclose(incidence.squares_per_user(), squared.sum(axis=1), atol=1e-12)


@every_implementation
@given(rows=pairs)
@settings(deadline=None)
def test_repeated_pairs_are_those_of_the_dense_matrix(
    build: Callable[[Ratings], Incidence], rows: list[tuple[int, int, int]]
) -> None:
    ratings = Ratings.from_ids(*(list(column) for column in zip(*rows, strict=True)))
    matrix = dense(ratings)
    user, item, times = build(ratings).repeated_pairs()
    found = np.zeros_like(matrix)
    found[user, item] = times
    assert found.tolist() == np.where(matrix > 1, matrix, 0).tolist()
    assert len(user) == np.count_nonzero(matrix > 1)


@every_implementation
@given(rows=pairs)
@settings(deadline=None)
def test_components_are_those_that_walks_connect(
    build: Callable[[Ratings], Incidence], rows: list[tuple[int, int, int]]
) -> None:
    ratings = Ratings.from_ids(*(list(column) for column in zip(*rows, strict=True)))
    user, item = build(ratings).components()
    n_users = len(user)
    label = np.arange(n_users + len(item))  # the lowest node that each can reach
    for _ in label:
        for one, other in zip(ratings.user, n_users + ratings.item, strict=True):
            label[[one, other]] = min(label[one], label[other])
    found = np.concatenate([user, item])
    assert (found[:, None] == found).tolist() == (label[:, None] == label).tolist()
    assert sorted(set(found.tolist())) == list(range(len(set(label.tolist()))))


@given(rows=pairs, order=st.randoms(use_true_random=False))
@settings(deadline=None)
def test_sums_of_half_stars_are_exact_in_any_order(
    rows: list[tuple[int, int, int]], order: object
) -> None:
    rows = [(user, item, value) for user, item, value in rows]
    shuffled = list(rows)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = (
        BlockIncidence(
            Ratings.from_ids(*(list(column) for column in zip(*some, strict=True)))
        ).statistics
        for some in ([(u, i, v / 2) for u, i, v in rows], [(u, i, v / 2) for u, i, v in shuffled])
    )
    assert (first.center, first.total, first.squares) == (
        second.center, second.total, second.squares,
    )  # fmt: skip
    np.testing.assert_array_equal(first.user_sums, second.user_sums)
    np.testing.assert_array_equal(first.item_sums, second.item_sums)


@pytest.mark.parametrize("sorted_by_user", [True, False])
def test_many_blocks_give_the_same_bits_on_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
    make_ratings: Callable[..., Ratings],
    sorted_by_user: bool,
) -> None:
    monkeypatch.setattr(module, "_LEAST_BLOCK", 100)
    ratings = make_ratings(5_000, 300, 80, stars=False)
    if sorted_by_user:
        order = np.argsort(ratings.user, kind="stable")
        ratings = Ratings(
            ratings.user[order], ratings.item[order], ratings.value[order],
            ratings.user_ids, ratings.item_ids,
        )  # fmt: skip
    one, three, twelve = (BlockIncidence(ratings, threads) for threads in (1, 3, 12))
    assert len(one._blocks) > 30
    rng = np.random.default_rng(1)
    item_bias, user_bias = rng.normal(size=80), rng.normal(size=300)
    expected = dense(ratings) @ item_bias
    np.testing.assert_allclose(one.per_user(item_bias), expected, atol=1e-10)
    for other in (three, twelve):
        np.testing.assert_array_equal(one.per_user(item_bias), other.per_user(item_bias))
        np.testing.assert_array_equal(one.per_item(user_bias), other.per_item(user_bias))
        for mine, its in (
            (one.rated_per_user(item_bias), other.rated_per_user(item_bias)),
            (one.rated_per_item(user_bias), other.rated_per_item(user_bias)),
            (one.squares_per_user(), other.squares_per_user()),
        ):
            np.testing.assert_array_equal(mine, its)
        np.testing.assert_array_equal(one.statistics.item_sums, other.statistics.item_sums)
        assert one.statistics.squares == other.statistics.squares


def test_all_blocks_share_one_buffer_of_ones_and_the_item_codes() -> None:
    n = 3 * module._LEAST_BLOCK
    user = np.repeat(np.arange(n // 8, dtype=np.int32), 8)
    item = np.tile(np.arange(8, dtype=np.int32), n // 8)
    ratings = Ratings(user, item, np.ones(n), np.arange(n // 8), np.arange(8))
    known = BlockIncidence(ratings)._blocks
    blocks = [known.at(k)[0] for k in range(len(known))]
    assert len(blocks) > 1
    for block in blocks:
        assert np.shares_memory(block.data, blocks[0].data)
        assert np.shares_memory(block.indices, item)


def test_a_user_with_more_ratings_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEAST_BLOCK", 4)
    users = [1] * 50 + [2] + [3] * 30
    ratings = Ratings.from_ids(users, range(81), np.arange(81) / 2)
    incidence = BlockIncidence(ratings)
    assert incidence.per_user(np.ones(81)).tolist() == [50, 1, 30]


def test_orders_and_components_need_no_int32_positions(
    monkeypatch: pytest.MonkeyPatch, make_ratings: Callable[..., Ratings]
) -> None:
    ratings = make_ratings(3_000, 200, 50)
    narrow = ratings.by_pair()
    monkeypatch.setattr(ratings_module, "_MOST_NARROW", 2_999)
    order = ratings_module.order_of_users(ratings.user, ratings.n_users)
    assert order is not None
    assert order.dtype == np.int64
    wide = ratings.by_pair()
    np.testing.assert_array_equal(narrow.value, wide.value)
    np.testing.assert_array_equal(narrow.item, wide.item)


def test_more_ratings_than_int32_can_number() -> None:
    # 2^31 + 4,096 ratings of 4,096 users who each gave one item 524,289: one item code, repeated
    # without memory. Nothing but the counts and the blocks is as large as it seems.
    n_users, each = 4_096, (1 << 19) + 1
    item = np.broadcast_to(np.int32(0), (n_users * each,))
    counts = np.full(n_users, float(each))
    total = float(n_users * each)
    statistics = Statistics(
        n_users * each, 0.0, 0.0, 0.0, 0.0, 0.0, counts, np.array([total]), counts * 0, np.zeros(1)
    )
    incidence = BlockIncidence.restored(item, counts, statistics)
    assert len(item) > np.iinfo(np.int32).max
    np.testing.assert_array_equal(incidence._blocks._edges[[-2, -1]], [len(item) - each, len(item)])
    user, of_item = incidence.components()
    assert (user.max(), of_item.tolist()) == (0, [0])


def test_ratings_whose_squares_overflow_are_refused() -> None:
    with pytest.raises(DataError, match="too large"):
        BlockIncidence(Ratings.from_ids([1, 2], [1, 1], [1e200, -1e200]))
    with pytest.raises(DataError, match="too large"):
        BlockIncidence(Ratings.from_ids([1, 2], [1, 1], [1.7e308, 1.6e308]))


def test_the_center_is_near_the_mean_and_on_a_coarse_grid() -> None:
    halves = Ratings.from_ids([1, 2, 3], [1, 1, 1], [0.5, 3.0, 5.0])
    center = BlockIncidence(halves).statistics.center
    assert center == round(8.5 / 3 * 64) / 64
    equal = Ratings.from_ids([1, 2], [1, 1], [0.1, 0.1])
    assert BlockIncidence(equal).statistics.center == 0.1
    tiny = Ratings.from_ids([1, 2], [1, 1], [0.0, 5e-324])
    assert BlockIncidence(tiny).statistics.n_ratings == 2


def test_repeated_pairs_are_found_in_every_block_of_users() -> None:
    rng = np.random.default_rng(4)
    user, item = rng.integers(0, 2_000, 300_000), rng.integers(0, 500, 300_000)
    ratings = Ratings.from_ids(user, item, np.ones(300_000))
    pairs, times = np.unique(np.stack([user, item]), axis=1, return_counts=True)
    incidence = BlockIncidence(ratings)
    users, items, counts = incidence.repeated_pairs()
    assert len(users) == int((times > 1).sum())
    order = np.lexsort([items, users])
    np.testing.assert_array_equal(users[order], pairs[0, times > 1])
    np.testing.assert_array_equal(items[order], pairs[1, times > 1])
    np.testing.assert_array_equal(counts[order], times[times > 1])
