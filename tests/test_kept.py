"""Ratings that a mask keeps are trained on as a copy of them would be, to the last bit."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.core import blocks
from mlbias.core.bits import Bits, number_of
from mlbias.core.compact import Steps
from mlbias.core.incidence import BlockIncidence
from mlbias.core.rest import HeldOut
from mlbias.core.statistics import Statistics
from mlbias.ratings import Ratings


@given(st.lists(st.lists(st.booleans(), max_size=20)), st.integers(0, 90), st.integers(0, 90))
def test_bits_are_those_of_the_joined_masks(parts: list[list[bool]], start: int, stop: int) -> None:
    masks = [np.array(part, np.bool_) for part in parts]
    mask = np.concatenate([np.empty(0, np.bool_), *masks])
    bits = Bits.joined(masks, len(mask))
    places = np.arange(len(mask))[::-1]
    assert len(bits) == len(mask)
    assert bits[start:stop].tolist() == mask[start:stop].tolist()
    assert bits[places].tolist() == mask[places].tolist()
    assert (~bits)[:].tolist() == (~mask).tolist()
    assert (number_of(bits), number_of(~bits)) == (mask.sum(), (~mask).sum())


def in_steps(ratings: Ratings, steps: int) -> Ratings:
    counts = np.round(ratings.value * 2).astype(np.uint8)
    column = Steps(counts, steps, np.dtype(np.float64))
    return Ratings(
        ratings.user_column, ratings.item, column, ratings.user_ids, ratings.item_ids
    )  # fmt: skip


def both(ratings: Ratings, kept: np.ndarray, threads: int) -> tuple[BlockIncidence, BlockIncidence]:
    """The incidence of what is kept, by its mask and from a copy."""
    bits = Bits.joined([kept], len(kept))
    whole = BlockIncidence(ratings).statistics
    held_out = HeldOut.of(ratings.where(~bits), whole.center)
    by_mask = BlockIncidence.rest(ratings, whole, bits, held_out, threads)
    return by_mask, BlockIncidence(ratings.select(kept), threads)


def assert_same_statistics(one: Statistics, other: Statistics) -> None:
    for name in Statistics.__slots__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


# Half stars are summed exactly; tenths are not, nor are ratings that are no steps.
@pytest.mark.parametrize("steps", [2, 10, None])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.995])
def test_a_mask_gives_the_bits_of_a_copy(
    monkeypatch: pytest.MonkeyPatch, make_ratings: Callable[..., Ratings],
    steps: int | None, threads: int, share: float,
) -> None:  # fmt: skip
    monkeypatch.setattr(blocks, "_LEAST_BLOCK", 100)
    ratings = make_ratings(3_000, 300, 400, stars=steps is not None).by_user()
    ratings = ratings if steps is None else in_steps(ratings, steps)
    rng = np.random.default_rng(3)
    kept = rng.random(3_000) >= share
    kept[ratings.user_column[:] == ratings.user_column[:][0]] = False  # nobody before the first
    one, other = both(ratings, kept, threads)
    assert_same_statistics(one.statistics, other.statistics)
    n_users, n_items = other.statistics.n_users, other.statistics.n_items
    for shape in ((), (3,)):
        item, user = rng.normal(size=(*shape, n_items)), rng.normal(size=(*shape, n_users))
        np.testing.assert_array_equal(one.per_user(item), other.per_user(item))
        np.testing.assert_array_equal(one.per_item(user), other.per_item(user))
        weights = rng.random(n_users)
        for mine, its in zip(
            one.both(item, user, weights), other.both(item, user, weights), strict=True
        ):
            np.testing.assert_array_equal(mine, its)
    item, user = rng.normal(size=n_items), rng.normal(size=n_users)
    np.testing.assert_array_equal(one.rated_per_user(item), other.rated_per_user(item))
    np.testing.assert_array_equal(one.rated_per_item(user), other.rated_per_item(user))
    np.testing.assert_array_equal(one.squares_per_user(), other.squares_per_user())
    for of_mask, of_copy in zip(
        (*one.repeated_pairs(), *one.components()),
        (*other.repeated_pairs(), *other.components()),
        strict=True,
    ):
        np.testing.assert_array_equal(of_mask, of_copy)


@pytest.mark.parametrize("end", [0.5, 5.0])
def test_the_range_is_that_of_what_is_kept(
    make_ratings: Callable[..., Ratings], end: float
) -> None:
    ratings = in_steps(make_ratings(2_000, 40, 50).by_user(), 2)
    one, other = both(ratings, ratings.value != end, 1)
    assert end in (ratings.value.min(), ratings.value.max())
    assert_same_statistics(one.statistics, other.statistics)
