"""Ratings from Python's own columns, ids of any kind, and parts of ratings."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.core.ratings import repeated_pairs
from mlbias.errors import DataError
from mlbias.id_columns import column_of_ids
from mlbias.ids import positions
from mlbias.ratings import Ratings


def test_ids_are_sorted_and_codes_point_to_them() -> None:
    ratings = Ratings.from_ids([30, 10, 30], ["é", "a", "a"], [1, 2.5, 3])
    assert ratings.user_ids.tolist() == [10, 30]
    assert ratings.item_ids.tolist() == ["a", "é"]
    assert ratings.user.tolist() == [1, 0, 1]
    assert ratings.item.tolist() == [1, 0, 0]
    assert len(ratings) == 3


def test_ids_beyond_32_bits_and_mixed_ids() -> None:
    assert column_of_ids([2**40, -(2**62)]).tolist() == [2**40, -(2**62)]
    assert column_of_ids(["1", "x"]).tolist() == ["1", "x"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([1, 2], [1], [1.0, 2.0]), "differ in length: 2 users, 1 items, 2 ratings"),
        (([], [], []), "there are no ratings"),
        (([1, 2], [1, 2], [1.0, float("nan")]), "row 1: the rating is missing"),
    ],
)
def test_columns_that_are_no_ratings_are_refused(
    columns: tuple[list[int], list[int], list[float]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        Ratings.from_ids(*columns)


@pytest.mark.parametrize("users", [[True, 2], np.array([True, False])])
def test_true_is_no_id(users: list[object]) -> None:
    with pytest.raises(DataError, match="row 0: the user is True, a bool"):
        Ratings.from_ids(users, [1, 2], [3, 4])


def test_times_as_datetimes() -> None:
    tokyo = dt.timezone(dt.timedelta(hours=9))
    times = [dt.datetime(1970, 1, 2), dt.datetime(1970, 1, 2, tzinfo=tokyo)]
    ratings = Ratings.from_ids([1, 2], [1, 2], [3, 4], times)
    assert ratings.timestamp is not None
    assert ratings.timestamp.tolist() == [86_400, 86_400 - 9 * 3600]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"user": [1], "item": [1, 2], "rating": [3, 4]}, "the frame cannot be read"),
        (pl.DataFrame({"user": [b"\xff"], "item": [1], "rating": [3]}), "invalid utf8"),
    ],
)
def test_frames_that_polars_cannot_read_are_refused_in_words(frame: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Ratings.from_frame(frame)


def test_a_part_has_only_the_ids_that_it_rates(four: Ratings) -> None:
    part = four.select(np.array([True, False, False, False]))
    assert (part.user_ids.tolist(), part.item_ids.tolist()) == ([1], [10])
    assert (part.user.tolist(), part.item.tolist(), part.value.tolist()) == ([0], [0], [5.0])


@given(st.lists(st.integers(-5, 5)), st.lists(st.integers(-5, 5), unique=True))
def test_positions_find_what_is_there(wanted: list[int], ids: list[int]) -> None:
    expected = [ids.index(one) if one in ids else -1 for one in wanted]
    as_int = [np.array(side, dtype=np.int64) for side in (wanted, ids)]
    as_text = [column_of_ids(pl.Series(map(str, side), dtype=pl.String)) for side in (wanted, ids)]
    assert positions(*as_int).tolist() == expected
    assert positions(*as_text).tolist() == expected
    assert positions(as_int[0], as_text[1]).tolist() == expected
    assert positions(as_text[0], as_int[1]).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_repeated_pairs_are_counted_in_any_order(pairs: list[tuple[int, int]]) -> None:
    for some in (pairs, sorted(pairs)):
        users, items = zip(*some, strict=True)
        ratings = Ratings.from_ids(users, items, [1.0] * len(some))
        assert repeated_pairs(ratings) == len(some) - len(set(some))
