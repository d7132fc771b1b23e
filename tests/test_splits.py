"""Splits: a stable hash decides, or time and then the hash; no row is lost or on both sides."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from mlbias.errors import DataError, OptionError
from mlbias.evaluation.fold_codes import folds_of, time_folds, user_folds
from mlbias.evaluation.folds import CutFolds, GivenFolds
from mlbias.evaluation.hashing import PairHashes, as_shares, below
from mlbias.evaluation.latest import last_of_pairs, last_of_users
from mlbias.evaluation.splits import n_shared, random_split, time_split, user_split
from mlbias.ratings import Ratings

Pairs = set[tuple[object, object]]
MASK = 2**64 - 1


def pairs_of(ratings: Ratings) -> list[tuple[str, str]]:
    users, items = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    return [(str(u), str(i)) for u, i in zip(users.tolist(), items.tolist(), strict=True)]


def by_hand(user: object, item: object, seed: int, kind: str = "random") -> float:
    """The hash of a pair as hashing.py documents it, in Python's own integers."""

    def digest(text: str) -> int:
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

    def mix(word: int) -> int:
        word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        word = (word ^ (word >> 27)) * 0x94D049BB133111EB & MASK
        return word ^ (word >> 31)

    inner = mix(digest(f"{kind}:{seed}") ^ digest(str(user)))
    return mix(inner ^ digest(str(item))) / 2**64


def test_the_hash_is_the_documented_one(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(2_000, 60, 50)
    for seed in (0, 7):
        _, held_out = random_split(ratings, 0.3, seed)
        expected = [pair for pair in pairs_of(ratings) if by_hand(*pair, seed) < 0.3]
        assert pairs_of(held_out) == expected


@pytest.mark.parametrize("share", [5e-324, 2**-53, 0.1, 0.5, 1 - 2**-53])
def test_a_hash_below_a_share_is_told_on_integers(share: float) -> None:
    edge = ceil(share * 2**53) << 11
    near = [edge + step for step in (-2048, -1, 0, 1, 2047, 2048)]
    hashes = np.array([word for word in (0, *near, MASK) if 0 <= word <= MASK], np.uint64)
    assert below(hashes, share).tolist() == (as_shares(hashes) < share).tolist()


def test_known_pairs_keep_their_hash() -> None:
    # The format of model files: these must never change.
    assert by_hand(1, 10, 0) == 0.4187926059365974
    assert by_hand("é", "x", 42) == 0.8071175875116574
    assert by_hand(2**40, "a b", -1) == 0.3650010384449631


@given(
    size=st.floats(0.05, 0.95),
    seed=st.integers(-(2**70), 2**70),
    extra=st.integers(0, 200),
    shuffle=st.integers(0, 2**32),
)
@settings(deadline=None, max_examples=50)
def test_neither_order_nor_added_rows_move_a_rating(
    size: float, seed: int, extra: int, shuffle: int
) -> None:
    rng = np.random.default_rng(shuffle)
    users, items = rng.integers(40, size=300 + extra), rng.integers(40, size=300 + extra)
    values = rng.integers(1, 6, size=300 + extra).astype(float)
    few = Ratings.from_ids(users[:300], items[:300], values[:300])
    order = rng.permutation(300 + extra)
    many = Ratings.from_ids(users[order], items[order], values[order])
    train_few, test_few = (set(pairs_of(side)) for side in random_split(few, size, seed))
    train_many, test_many = random_split(many, size, seed)
    assert train_few <= set(pairs_of(train_many))
    assert test_few <= set(pairs_of(test_many))
    assert len(train_many) + len(test_many) == len(many)
    assert not set(pairs_of(train_many)) & set(pairs_of(test_many))


def test_integers_and_their_digits_fall_on_the_same_side(
    make_ratings: Callable[..., Ratings],
) -> None:
    ratings = make_ratings(1_000)
    as_text = Ratings.from_ids(
        [str(u) for u in ratings.user_ids[ratings.user]],
        [str(i) for i in ratings.item_ids[ratings.item]],
        ratings.value,
    )
    sides = [pairs_of(random_split(some, 0.2, 3)[1]) for some in (ratings, as_text)]
    assert sides[0] == sides[1]


@pytest.mark.parametrize("seed", range(5))
def test_the_share_is_about_what_was_asked_for_and_seeds_are_independent(seed: int) -> None:
    users, items = np.divmod(np.arange(40_000), 200)
    ratings = Ratings.from_ids(users, items, np.ones(40_000))
    held_out = set(pairs_of(random_split(ratings, 0.1, seed)[1]))
    other = set(pairs_of(random_split(ratings, 0.1, seed + 1)[1]))
    # Five standard deviations of a binomial draw.
    assert abs(len(held_out) - 4_000) < 300
    assert abs(len(held_out & other) - 400) < 100


def test_training_ratings_have_no_ids_that_are_held_out_alone() -> None:
    users, items = np.arange(500), np.arange(500)
    train, held_out = random_split(Ratings.from_ids(users, items, np.ones(500)), 0.5, 0)
    assert len(train.user_ids) == len(train)
    assert not set(train.user_ids) & set(held_out.user_ids)


def test_sizes_that_leave_a_side_empty_are_refused(four: Ratings) -> None:
    for size in (0.0, 1.0, -0.1, float("nan")):
        with pytest.raises(OptionError, match="above 0 and below 1"):
            random_split(four, size, 0)
    with pytest.raises(DataError, match="leaves none of 4 ratings to hold out"):
        random_split(four, 1e-9, 0)
    with pytest.raises(DataError, match="leaves none of 4 ratings to train on"):
        random_split(four, 1 - 1e-9, 0)


# Few ids and times, so that pairs repeat and times tie.
TIMED = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 8), st.integers(0, 5)), min_size=2, max_size=80
)
SPLITS: dict[str, Callable[[Ratings], tuple[Ratings, Ratings]]] = {
    "random": lambda ratings: random_split(ratings, 0.3, 5),
    "last of each user": lambda ratings: user_split(ratings, 1, seed=5),
    "last 30 % of each user": lambda ratings: user_split(ratings, 0.3, seed=5),
    "random 2 of each user": lambda ratings: user_split(ratings, 2, random=True, seed=5),
    "latest 30 %": lambda ratings: time_split(ratings, 0.3, seed=5),
    "from time 3 on": lambda ratings: time_split(ratings, start=3),
}
every_split = pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS.keys())


def timed(rows: list[tuple[int, int, int]]) -> Ratings:
    """Each row's number is its rating, by which it is known again."""
    users, items, times = (list(column) for column in zip(*rows, strict=True))
    ratings = Ratings.from_ids(users, items, range(len(rows)))
    return replace(ratings, timestamp=np.array(times))


def rows_of(ratings: Ratings) -> list[int]:
    return [int(value) for value in ratings.value.tolist()]


@every_split
@given(rows=TIMED, shuffle=st.randoms(use_true_random=False))
@settings(deadline=None)
def test_no_row_is_lost_or_on_both_sides_and_their_order_is_of_no_matter(
    split: Callable[[Ratings], tuple[Ratings, Ratings]],
    rows: list[tuple[int, int, int]],
    shuffle: Random,
) -> None:
    try:
        train, test = split(timed(rows))
    except DataError:  # one side would be empty
        reject()
    assert sorted(rows_of(train) + rows_of(test)) == list(range(len(rows)))
    assert not set(pairs_of(train)) & set(pairs_of(test))
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    _, again = split(timed([rows[k] for k in order]))
    assert sorted(order[k] for k in rows_of(again)) == sorted(rows_of(test))


@pytest.mark.parametrize("n_held_out", [1, 37, 199])
def test_among_equal_times_as_many_are_held_out_as_were_asked_for(n_held_out: int) -> None:
    ratings = timed([(k // 20, k % 20, 7) for k in range(200)])
    _, test = time_split(ratings, n_held_out / 200, seed=3)
    assert len(test) == n_held_out


@given(rows=TIMED, size=st.sampled_from([1, 2, 0.25, 0.5]), random=st.booleans())
@settings(deadline=None)
def test_the_last_of_each_user_are_held_out_and_one_stays(
    rows: list[tuple[int, int, int]], size: float, random: bool
) -> None:
    last: dict[tuple[int, int], int] = {}  # of each pair
    for user, item, time in rows:
        last[user, item] = max(time, last.get((user, item), 0))
    expected = set()
    for user in {user for user, _ in last}:
        pairs = [pair for pair in last if pair[0] == user]
        pairs.sort(
            key=lambda pair: (0 if random else last[pair], by_hand(pair[0], pair[1], 3, "user"))
        )
        wanted = size if size >= 1 else int(size * len(pairs) + 0.5)
        n = min(int(wanted), len(pairs) - 1)
        expected |= set(pairs[len(pairs) - n :])
    if not expected:
        with pytest.raises(DataError, match="to hold out"):
            user_split(timed(rows), size, random=random, seed=3)
        return
    train, test = user_split(timed(rows), size, random=random, seed=3)
    assert set(pairs_of(test)) == {(str(user), str(item)) for user, item in expected}
    assert set(train.user_ids.tolist()) == {user for user, _, _ in rows}


@given(rows=TIMED, size=st.sampled_from([1, 2, 0.25, 0.5]), random=st.booleans())
@settings(deadline=None)
def test_pairs_that_ascend_are_held_out_as_those_that_repeat(
    rows: list[tuple[int, int, int]], size: float, random: bool
) -> None:
    ratings = timed(
        sorted({(user, item): (user, item, time) for user, item, time in rows}.values())
    )
    hashes, everything = PairHashes(ratings, "user", 5), slice(0, len(ratings))
    time = None if random else ratings.timestamp
    of_pairs = last_of_pairs(ratings.user, time, hashes, everything, size)
    of_users = last_of_users(ratings.user, time, hashes[everything], size)
    assert of_pairs.tolist() == of_users.tolist()


@given(rows=TIMED)
@settings(deadline=None)
def test_a_cut_in_time_has_the_past_on_one_side_and_its_share_on_the_other(
    rows: list[tuple[int, int, int]],
) -> None:
    last: dict[tuple[int, int], int] = {}
    for user, item, time in rows:
        last[user, item] = max(time, last.get((user, item), 0))
    keys = sorted(
        ((last[user, item], -by_hand(user, item, 0, "time")) for user, item, _ in rows),
        reverse=True,
    )
    n = round(0.4 * len(rows))
    try:
        _, test = time_split(timed(rows), 0.4)
    except DataError:  # one side would be empty
        reject()
    # All ratings of the pair at the cut share its side.
    assert n <= len(test) <= n + len(rows) - len(last)
    held_out = {
        (str(user), str(item))
        for user, item, _ in rows
        if (last[user, item], -by_hand(user, item, 0, "time")) >= keys[n - 1]
    }
    assert set(pairs_of(test)) == held_out


def test_users_in_several_blocks_are_split_alike(
    make_ratings: Callable[..., Ratings], monkeypatch: pytest.MonkeyPatch
) -> None:
    ratings = replace(make_ratings(3_000, 50, 60), timestamp=np.arange(3_000) % 7)
    whole = user_split(ratings, 0.2)[1]
    monkeypatch.setattr("mlbias.evaluation.latest._BLOCK", 100)
    assert pairs_of(user_split(ratings, 0.2)[1]) == pairs_of(whole)


def test_folds_are_the_hash_in_equal_parts_and_independent_of_a_hold_out() -> None:
    users, items = np.divmod(np.arange(40_000), 200)
    ratings = Ratings.from_ids(users, items, np.ones(40_000))
    folds = folds_of(ratings, 4, 1)
    for k in range(0, 40_000, 997):
        assert folds[k] == int(4 * by_hand(int(users[k]), int(items[k]), 1, "folds"))
    # Five standard deviations of a binomial draw.
    assert abs(np.bincount(folds) - 10_000).max() < 440
    train, _ = random_split(ratings, 0.5, 1)
    assert abs(np.bincount(folds_of(train, 2, 1)) - len(train) / 2).max() < 500


def test_pairs_on_both_sides_of_given_ratings_are_counted() -> None:
    training = Ratings.from_ids([1, 1, 2], [10, 20, 10], [1, 2, 3])
    held_out = Ratings.from_ids(["1", "1", "2", "3"], ["20", "30", "10", "10"], [1, 2, 3, 4])
    assert n_shared(training, held_out) == 2


def test_what_cannot_be_split_says_so(four: Ratings) -> None:
    with pytest.raises(DataError, match="the times of the ratings are missing"):
        user_split(four, 1)
    with pytest.raises(DataError, match="the times of the ratings are missing"):
        time_split(four, 0.5)
    for size in (0, -1, 1.5, float("nan")):
        with pytest.raises(OptionError, match="share below 1 or a whole number"):
            user_split(four, size)
    with pytest.raises(OptionError, match="either `test_size` or `start`"):
        time_split(four)
    with pytest.raises(OptionError, match="`folds` must be from 2"):
        folds_of(four, 1)
    with pytest.raises(DataError, match="50 folds leave none of 4 ratings"):
        folds_of(four, 50)
    timed_four = replace(four, timestamp=np.arange(4))
    with pytest.raises(DataError, match="a cut at 4 leaves none of 4 ratings to hold out"):
        time_split(timed_four, start=4)
    with pytest.raises(DataError, match="a cut at 0 leaves none of 4 ratings to train on"):
        time_split(timed_four, start=0)


def test_a_split_by_time_starts_at_a_year_or_a_date_too() -> None:
    times = [1_262_304_000, 1_262_303_999]  # the first second of 2010, and the last of 2009
    ratings = Ratings.from_ids([1, 2], [10, 20], [4.0, 3.0], times)
    for start in ("2010", "2010-01-01", 1_262_304_000):
        assert time_split(ratings, start=start)[1].value.tolist() == [4.0]
    with pytest.raises(OptionError, match="is a date such as"):
        time_split(ratings, start="soon")


@given(rows=TIMED, shuffle=st.randoms(use_true_random=False), folds=st.integers(2, 3))
@settings(deadline=None)
def test_folds_of_users_deal_out_their_pairs(
    rows: list[tuple[int, int, int]], shuffle: Any, folds: int
) -> None:
    ratings = timed(rows).by_user()
    try:
        fold = user_folds(ratings, folds, 3)
    except DataError:
        return
    by_user: dict[int, dict[int, set[int]]] = {}
    for row, own in zip(rows_of(ratings), fold.tolist(), strict=True):
        user, item, _ = rows[row]
        by_user.setdefault(user, {}).setdefault(item, set()).add(own)
    for items in by_user.values():
        assert all(len(own) == 1 for own in items.values()), "ratings of a pair share a fold"
        numbers = [next(iter(own)) for own in items.values()]
        if len(numbers) == 1:
            assert numbers == [-1]
        else:
            counts = np.bincount(numbers, minlength=folds)
            assert counts.max() - counts.min() <= 1
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    shuffled = timed([rows[place] for place in order]).by_user()
    again = dict(zip(rows_of(shuffled), user_folds(shuffled, folds, 3).tolist(), strict=True))
    known = dict(zip(rows_of(ratings), fold.tolist(), strict=True))
    assert {order[row]: own for row, own in again.items()} == known


@given(rows=TIMED, folds=st.integers(2, 3))
@settings(deadline=None)
def test_folds_in_time_come_after_what_they_are_trained_on(
    rows: list[tuple[int, int, int]], folds: int
) -> None:
    ratings = timed(rows).by_user()
    try:
        cut = CutFolds.of(ratings, folds, 3, "time")
    except DataError:
        return
    [code] = cut.codes
    last: dict[tuple[int, int], int] = {}
    stamps = np.asarray(ratings.timestamp)
    for user, item, time in zip(ratings.user, ratings.item, stamps, strict=True):
        last[user, item] = max(time, last.get((user, item), time))
    times = np.array([last[pair] for pair in zip(ratings.user, ratings.item, strict=True)])
    for k in range(folds):
        training, test = cut.sides(k)
        assert set(rows_of(training)) == set(rows_of(ratings.select(code < k)))
        assert set(rows_of(test)) == set(rows_of(ratings.select(code == k)))
        assert times[code < k].max() <= times[code == k].min()
    for user in set(ratings.user.tolist()):
        here = ratings.user == user
        for item in set(ratings.item[here].tolist()):
            assert len(set(code[here & (ratings.item == item)].tolist())) == 1


def test_folds_in_time_and_of_users_are_equally_large() -> None:
    draw = np.random.default_rng(0)
    users, items = np.divmod(np.arange(12_000), 60)
    ratings = Ratings.from_ids(users, items, np.ones(12_000), draw.permutation(12_000))
    assert np.bincount(time_folds(ratings, 5) + 1).tolist() == [2_000] * 6
    assert np.bincount(user_folds(ratings, 5)).tolist() == [2_400] * 5
    # Seven pairs each, over five folds: which folds get two is drawn for each user.
    seven = ratings.select(items < 7)
    counts = np.bincount(user_folds(seven, 5))
    assert counts.sum() == 1_400
    assert counts.max() - counts.min() < 60
    assert (user_folds(ratings, 5, 1) != user_folds(ratings, 5, 2)).mean() > 0.7


def test_given_folds_have_the_users_of_all() -> None:
    first = Ratings.from_ids(["b"], [1], [4.0]), Ratings.from_ids(["a"], [1], [3.0])
    other = Ratings.from_ids([7], [1], [4.0]), Ratings.from_ids([10, 7], [2, 1], [2.0, 5.0])
    folds = GivenFolds([first, other])
    assert (folds.n_folds, folds.n_users, folds.n_ratings) == (2, 3, 3)
    _, test = folds.sides(1)
    assert np.asarray(test.user_ids)[test.user].tolist() == ["10", "7"]
    assert test.value.tolist() == [2.0, 5.0]
    with pytest.raises(OptionError, match="two folds or more, not 1"):
        GivenFolds([first])


def test_folds_that_cannot_be_cut(four: Ratings) -> None:
    with pytest.raises(DataError, match="the times of the ratings are missing"):
        CutFolds.of(four, 2, split="time")
    with pytest.raises(OptionError, match="`split` is random, user or time, not 'items'"):
        CutFolds.of(four, 2, split="items")
    with pytest.raises(OptionError, match="a split by time is the same each time"):
        CutFolds.of(replace(four, timestamp=np.arange(4)), 2, split="time", repeats=2)
    with pytest.raises(OptionError, match="`repeats` must be 1 or more"):
        CutFolds.of(four, 2, repeats=0)
    with pytest.raises(DataError, match="3 folds leave none of 4 ratings in one of them"):
        CutFolds.of(four.select(np.array([True] * 4)), 3, split="user", seed=0)
