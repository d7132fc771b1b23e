"""What is told of all ratings is the same however many pieces they come in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.core.ratings import Values
from mlbias.datasets.reading import told_times
from mlbias.datasets.reading.equal_columns import EqualColumns
from mlbias.datasets.reading.told_times import time_scale
from mlbias.ids import TextIds, distinct, joined_ids
from mlbias.ratings import Ratings

NUMBERS = st.one_of(
    st.sampled_from([0, 7, 1999, 2020, 20200101, 20201399, 10**9, 1_600_000_000]),
    st.sampled_from([2**31 - 1, -(2**31), 2**31, 16 * 10**11, 16 * 10**14 + 7, 16 * 10**17 + 3]),
    st.sampled_from([0.5, 1.25e9, 1e12, 1.6e18]),
)


def column(numbers: list[float]) -> np.ndarray:
    """As a chunk keeps its times: int32 where that is enough."""
    if not all(isinstance(number, int) for number in numbers):
        return np.array(numbers, np.float64)
    narrow = all(-(2**31) <= number < 2**31 for number in numbers)
    return np.array(numbers, np.int32 if narrow else np.int64)


@given(
    st.lists(st.lists(NUMBERS, min_size=1, max_size=4), min_size=1, max_size=4),
    st.sampled_from([None, "s", "ms", "ns"]),
)
def test_times_in_pieces_become_the_seconds_of_all_of_them(
    parts: list[list[float]], unit: str | None
) -> None:
    columns = [column(part) for part in parts]
    joined = np.concatenate(columns)
    pieces = time_scale(columns, unit, are_dates=False)
    whole = time_scale([joined], unit, are_dates=False)
    assert pieces == whole
    if not isinstance(pieces, str) and not isinstance(whole, str):
        seconds = np.concatenate([pieces.seconds(piece) for piece in columns])
        assert seconds.dtype == whole.seconds(joined).dtype
        assert seconds.tobytes() == whole.seconds(joined).tobytes()


@given(st.lists(NUMBERS, min_size=1, max_size=9), st.sampled_from([None, "s", "ms", "ns"]))
def test_a_column_is_looked_at_in_pieces_too(numbers: list[float], unit: str | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        whole = time_scale([column(numbers)], unit, are_dates=False)
        patch.setattr(told_times, "_PIECE", 2)
        assert time_scale([column(numbers)], unit, are_dates=False) == whole


TEXTS = st.lists(st.sampled_from(["", "a", "b", "ä", "10", "9", "x" * 40, "x" * 39 + "y"]))


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_joined_texts_ascend_by_bytes_and_are_found_where_they_are(parts: list[list[str]]) -> None:
    import polars as pl

    keys = [distinct(TextIds(pl.Series(part, dtype=pl.String)))[0] for part in parts]
    ids, codes = joined_ids(keys)
    assert ids.tolist() == sorted({text for part in parts for text in part}, key=str.encode)
    for key, code in zip(keys, codes, strict=True):
        assert code.dtype == np.int32
        assert ids[code].tolist() == key.tolist()


@pytest.mark.parametrize(
    ("users", "items", "values", "expected"),
    [
        ([1, 2, 2], [1, 2, 2], [3.0, 4, 3], ["users and items"]),
        (["a", "b", "b"], ["a", "b", "b"], [3.0, 4, 3], ["users and items"]),
        ([1, 2, 2], ["1", "2", "2"], [3.0, 4, 3], []),
        ([1, 2, 1], [5, 6, 6], [1.0, 2, 1], ["users and ratings"]),
        ([1, 2, 1], [5, 6, 6], [5.0, 6, 6], ["items and ratings"]),
        ([1, 2, 1], [5, 6, 6], [5.0, 6, 5], []),
    ],
)
def test_columns_are_equal_where_they_are_so_in_every_rating(
    users: list[object], items: list[object], values: list[float], expected: list[str]
) -> None:
    ratings = Ratings.from_ids(users, items, values)
    whole, single = EqualColumns(), EqualColumns()
    whole.look(ratings)
    for row in range(len(ratings)):
        one: Values = ratings.value[row : row + 1]
        here = slice(row, row + 1)
        single.look(
            Ratings(ratings.user[here], ratings.item[here], one, ratings.user_ids, ratings.item_ids)
        )
    for equal in (whole, single):
        said = equal.warnings(len(ratings), ratings.n_users, ratings.n_items)
        assert said == [f"the columns of {pair} are equal" for pair in expected]
