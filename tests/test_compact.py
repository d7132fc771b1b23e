"""Compact columns give what the arrays give that they stand for, wherever pieces end."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.core import chosen as chosen_module
from mlbias.core import compact
from mlbias.core.chosen import chosen_codes, chosen_values, counts_of_users
from mlbias.core.compact import Compact, Kept, Steps, UserRuns

# Ratings of each user; some have none, as on one side of a split.
COUNTS = st.lists(st.integers(0, 5), min_size=1, max_size=12).filter(any)
PIECES = st.sampled_from([1, 2, 3, 64])


def users_of(counts: list[int]) -> np.ndarray:
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def steps_of(n: int) -> Steps:
    return Steps((np.arange(n) % 10 + 1).astype(np.uint8), 2, np.dtype(np.float32))


@st.composite
def masked(draw: st.DrawFn) -> tuple[list[int], np.ndarray]:
    counts = draw(COUNTS)
    n = sum(counts)
    return counts, np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), np.bool_)


def assert_the_same(column: Compact[Any], array: np.ndarray, start: int, stop: int) -> None:
    assert len(column) == len(array)
    assert column.dtype == array.dtype
    for at in (slice(start, stop), slice(None), np.arange(len(array))[start:stop][::-1]):
        np.testing.assert_array_equal(column[at], array[at])
    np.testing.assert_array_equal(column.whole, array)


@given(COUNTS, st.integers(0, 70), st.integers(0, 70))
def test_runs_of_users_give_their_codes(counts: list[int], start: int, stop: int) -> None:
    assert_the_same(UserRuns.of_counts(np.array(counts)), users_of(counts), start, stop)


@given(st.integers(1, 40), st.integers(0, 50), st.integers(0, 50))
def test_steps_give_their_values(n: int, start: int, stop: int) -> None:
    values = (np.arange(n) % 10 + 1) / np.float32(2)
    assert_the_same(steps_of(n), values.astype(np.float32), start, stop)


@given(masked(), PIECES, st.integers(0, 70), st.integers(0, 70))
def test_kept_entries_are_those_of_the_mask(
    given_: tuple[list[int], np.ndarray], size: int, start: int, stop: int
) -> None:
    _, mask = given_
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "_PIECE", size)
        column = steps_of(len(mask))
        assert_the_same(Kept(column, mask), column.whole[mask], start, stop)


@given(masked(), PIECES)
def test_what_is_chosen_is_counted_and_numbered_anew(
    given_: tuple[list[int], np.ndarray], size: int
) -> None:
    counts, mask = given_
    users = users_of(counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chosen_module, "_PIECE", size)
        found = counts_of_users(UserRuns.of_counts(np.array(counts)), mask)
        codes = chosen_codes(users, len(counts), mask)
        values = chosen_values(steps_of(len(mask)), mask)
    np.testing.assert_array_equal(found, np.bincount(users[mask], minlength=len(counts)))
    kept, places = np.unique(users[mask], return_inverse=True)
    np.testing.assert_array_equal(np.flatnonzero(codes.is_used), kept)
    np.testing.assert_array_equal(codes.codes[:], places)
    assert isinstance(values, Steps)
    np.testing.assert_array_equal(values.whole, steps_of(len(mask)).whole[mask])
