"""Chunks of a source come to the columns that all their rows together have, in few bytes."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.core.compact import Steps, UserRuns, as_array
from mlbias.core.ratings import pairs_ascend
from mlbias.datasets.reading.encode import EncodedChunk, Gathered, RatingsBuilder, encode_chunk
from mlbias.datasets.reading.runs import DiskRoom, Runs
from mlbias.datasets.value_steps import to_steps
from mlbias.ids import TextIds

Rows = list[tuple[int | str, int | str, float]]


def encoded(rows: Rows) -> EncodedChunk:
    users, items, values = zip(*rows, strict=True)
    ratings = pl.Series(values, dtype=pl.Float64)
    return encode_chunk(pl.DataFrame({"user": users, "item": items, "value": ratings}))


def gathered(chunks: list[Rows], text_ids: set[str] | None = None) -> Gathered:
    """What these chunks come to."""
    builder = RatingsBuilder()
    for rows in chunks:
        builder.add(encoded(rows))
    return builder.finish(2, text_ids or ())


def cut(rows: Rows, cuts: list[int]) -> list[Rows]:
    """The rows in chunks that begin at these places."""
    places = sorted({0, len(rows), *cuts})
    return [rows[start:stop] for start, stop in pairwise(places)]


@pytest.mark.parametrize("cuts", [[], [1], [3, 4], [2, 5, 6]])
@pytest.mark.parametrize("last", [90, 40, 1])
@pytest.mark.parametrize("kind", [int, "{:03}".format])
def test_users_are_runs_only_while_they_ascend(
    cuts: list[int], last: int, kind: Callable[[int], int | str]
) -> None:
    users = [kind(user) for user in (10, 10, 20, 40, 40, 40, 50, last)]
    found = gathered(cut([(user, 5, 1.0) for user in users], cuts)).ratings
    assert [found.user_ids[int(code)] for code in found.user] == users
    assert isinstance(found.user_column, UserRuns) == (last == 90)


@pytest.mark.parametrize("role", ["user", "item"])
def test_ids_that_ascend_as_numbers_and_not_as_text(role: str) -> None:
    pairs = [(9, 1), (10, 1)] if role == "user" else [(1, 9), (1, 10)]
    found = gathered([[(user, item, 1.0) for user, item in pairs]], {role})
    ids = found.ratings.user_ids if role == "user" else found.ratings.item_ids
    codes = found.ratings.user if role == "user" else found.ratings.item
    assert isinstance(ids, TextIds)
    assert ids.tolist() == ["10", "9"]
    assert codes.tolist() == [1, 0]
    assert not found.pairs_ascend


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=9),
    st.lists(st.integers(0, 8), max_size=3),
    st.booleans(),
)
def test_pairs_that_ascend_are_told_while_they_are_read(
    pairs: list[tuple[int, int]], cuts: list[int], are_sorted: bool
) -> None:
    pairs = sorted(pairs) if are_sorted else pairs
    cuts = [place for place in cuts if place < len(pairs)]
    found = gathered(cut([(user, item, 1.0) for user, item in pairs], cuts))
    assert found.pairs_ascend == pairs_ascend(found.ratings)


def test_ratings_in_order_take_more_of_memory_before_they_go_to_disk() -> None:
    room = DiskRoom(220_000, 1 << 20, 2, pytest.fail)
    chunks: list[Rows] = [[(user, item, 2.5) for item in range(100)] for user in range(101)]
    builder = RatingsBuilder()
    for chunk in chunks[:-1]:
        builder.add(encoded(chunk))
    here = Runs(room, 2)
    assert not here.are_due(builder, encoded(chunks[-1]))
    for pair in ((99, 99), (98, 500), ("100", 1), (100, "1")):
        assert here.are_due(builder, encoded([(*pair, 2.5)]))


@pytest.mark.parametrize(
    ("chunks", "steps"),
    [
        ([[1, 2, 5], [3]], 1),
        ([[0.5, 2], [12.5]], 2),
        ([[0.25], [3]], 4),
        ([[np.float32(0.1), np.float32(9.9)], [0.5]], 10),
        ([[np.float32(0.05)], [0.5]], None),
        ([[0.5, 2], [0.3333]], None),
        ([[1], [-1]], None),
        ([[1], [-0.0]], None),
        ([[1, 2], [100]], None),
        ([[1, 2], [13.0]], None),
        ([[1, 2], [1e30]], None),
        ([[1, 2], [-1e300]], None),
        ([[0.5], [0.1 + 0.2]], None),
    ],
)
def test_ratings_are_counts_of_steps_while_they_are_such(
    chunks: list[list[float]], steps: int | None
) -> None:
    rows: list[Rows] = [
        [(1, place, float(value)) for place, value in enumerate(chunk)] for chunk in chunks
    ]
    found = gathered(rows).ratings.value_column
    expected = np.array([value for chunk in chunks for value in chunk], np.float64)
    with np.errstate(over="ignore"):
        narrow = expected.astype(np.float32)
    is_exact = (narrow.astype(np.float64) == expected).all()
    assert as_array(found).tobytes() == (narrow if is_exact else expected).tobytes()
    assert (found.steps if isinstance(found, Steps) else None) == steps
    if steps is not None:
        as_one = to_steps(narrow)
        assert as_one is not None
        assert as_one.steps == steps
