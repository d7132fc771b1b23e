"""The random split: a stable hash decides, whatever the order of rows and whatever is added."""

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbias.core.ratings import Ratings
from mlbias.errors import DataError, OptionError
from mlbias.evaluation.splits import random_split

Pairs = set[tuple[object, object]]
MASK = 2**64 - 1


def pairs_of(ratings: Ratings) -> list[tuple[str, str]]:
    users, items = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    return [(str(u), str(i)) for u, i in zip(users.tolist(), items.tolist(), strict=True)]


def by_hand(user: object, item: object, seed: int) -> float:
    """The hash of a pair as splits.py documents it, in Python's own integers."""

    def digest(text: str) -> int:
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

    def mix(word: int) -> int:
        word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        word = (word ^ (word >> 27)) * 0x94D049BB133111EB & MASK
        return word ^ (word >> 31)

    inner = mix(digest(f"random:{seed}") ^ digest(str(user)))
    return mix(inner ^ digest(str(item))) / 2**64


def test_the_hash_is_the_documented_one(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(2_000, 60, 50)
    for seed in (0, 7):
        _, held_out = random_split(ratings, 0.3, seed)
        expected = [pair for pair in pairs_of(ratings) if by_hand(*pair, seed) < 0.3]
        assert pairs_of(held_out) == expected


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
