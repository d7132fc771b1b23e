"""The generator: the same ratings everywhere, long tails, no pair twice, and a truth to recover."""

import hashlib

import numpy as np
import pytest

from mlbias.core.fitting import fit
from mlbias.core.ratings import repeated_pairs
from mlbias.datasets.generate import SAMPLE, Generator, Shape, sample

# Of the columns as little-endian int32, int32, float64 and the ids as int64, one after another.
SAMPLE_DIGEST = "5d9dc01cf15e0a3b14815d897eb449f3486e7dd103fc13592327fd922132b1bb"


def test_the_sample_is_the_same_on_every_machine() -> None:
    ratings, _ = sample()
    digest = hashlib.sha256()
    for column, kind in (
        (ratings.user, "<i4"), (ratings.item, "<i4"), (ratings.value, "<f8"),
        (ratings.user_ids, "<i8"), (ratings.item_ids, "<i8"),
    ):  # fmt: skip
        digest.update(column.astype(kind).tobytes())
    assert digest.hexdigest() == SAMPLE_DIGEST


def test_the_sample_is_shaped_like_movielens() -> None:
    ratings, _ = sample()
    assert len(ratings) == 100_000
    assert repeated_pairs(ratings) == 0
    assert set(ratings.value.tolist()) == {half / 2 for half in range(1, 11)}
    per_user, per_item = np.bincount(ratings.user), np.bincount(ratings.item)
    assert per_user.min() == 20
    assert per_user.max() > 15 * np.median(per_user)
    assert per_item.min() == 1
    assert per_item.max() > 20 * np.median(per_item)


def test_the_true_biases_are_recovered_from_the_sample() -> None:
    ratings, truth = sample()
    model = fit(ratings, lambda_user=4.0, lambda_item=3.0, epochs=30)
    known = np.searchsorted(truth.item_ids, ratings.item_ids)
    often = np.bincount(ratings.item) >= 50
    items = np.corrcoef(model.item_bias[often], truth.item_bias[known][often])[0, 1]
    users = np.corrcoef(model.user_bias, truth.user_bias)[0, 1]
    assert min(items, users) > 0.95


def test_another_seed_gives_other_ratings_of_the_same_shape() -> None:
    one, other = (next(Generator(SAMPLE, seed).blocks()) for seed in (0, 1))
    assert len(one.user) == len(other.user) == 100_000
    assert not np.array_equal(one.value, other.value)


def test_users_who_rate_nearly_everything_get_no_item_twice() -> None:
    shape = Shape(700, 20, 50, ((0, 20), (1, 50)), ((0, 1), (1, 20)))
    (block,) = Generator(shape).blocks()
    assert len(block.user) == 700
    assert len(set(zip(block.user.tolist(), block.item.tolist(), strict=True))) == 700


def test_more_ratings_than_pairs_are_refused() -> None:
    shape = Shape(101, 10, 10, ((0, 5), (1, 10)), ((0, 5), (1, 10)))
    with pytest.raises(ValueError, match="10 rows of at most 10 ratings cannot hold 101"):
        Generator(shape)
