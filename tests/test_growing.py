"""Columns that grow in few bytes while ratings are read come to what the chunks had."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mlbias.core.compact import Steps, UserRuns, as_array
from mlbias.datasets.reading.encode import EncodedChunk, RatingsBuilder
from mlbias.datasets.reading.growing import GrowingValues
from mlbias.datasets.value_steps import to_steps
from mlbias.ids import TextIds, distinct

Column = NDArray[np.int64]


def joined(users: Column, cuts: list[int]) -> object:
    """The column of users that chunks come to."""
    builder = RatingsBuilder()
    for part in np.split(users, cuts):
        keys, codes = distinct(part)
        items = np.zeros(len(part), np.uint16)
        builder.add(EncodedChunk(keys, np.array([5]), codes, items, np.ones(len(part), np.float32)))
    ratings, _ = builder.finish(2)
    expected = np.unique(users, return_inverse=True)[1]
    assert ratings.user.tolist() == expected.tolist()
    return ratings.user_column


@pytest.mark.parametrize("cuts", [[], [1], [3, 4], [2, 5, 6]])
@pytest.mark.parametrize("last", [90, 40, 1])
def test_users_are_counts_only_while_they_ascend(cuts: list[int], last: int) -> None:
    users = np.array([10, 10, 20, 40, 40, 40, 50, last])
    assert isinstance(joined(users, cuts), UserRuns) == (last == 90)


def test_users_that_ascend_as_numbers_and_not_as_text() -> None:
    builder = RatingsBuilder()
    builder.add(
        EncodedChunk(
            np.array([9, 10]),
            np.array([5]),
            np.array([0, 0, 1], np.uint16),
            np.zeros(3, np.uint16),
            np.ones(3, np.float32),
        )
    )
    ratings, _ = builder.finish(1, {"user"})
    assert isinstance(ratings.user_ids, TextIds)
    assert ratings.user_ids.series.to_list() == ["10", "9"]
    assert ratings.user.tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("chunks", "steps"),
    [
        ([[1, 2, 5], [3]], 1),
        ([[0.5, 2], [12.5]], 2),
        ([[0.25], [3]], 4),
        ([[0.1, 9.9], [0.5]], 10),
        ([[0.05], [0.5]], None),
        ([[0.5, 2], [0.3333]], None),
        ([[1], [-1]], None),
        ([[1], [-0.0]], None),
        ([[1, 2], [100]], None),
        ([[1, 2], [1e30]], None),
    ],
)
def test_ratings_are_counts_of_steps_while_they_are_such(
    chunks: list[list[float]], steps: int | None
) -> None:
    growing, n = GrowingValues(), sum(map(len, chunks))
    parts = [np.array(chunk, np.float32) for chunk in chunks]
    for part in parts:
        growing.append(part)
    assert growing.n_bytes == 4 * n
    found, expected = growing.column(), np.concatenate(parts)
    assert as_array(found).tobytes() == expected.tobytes()
    assert (found.steps if isinstance(found, Steps) else None) == steps
    if steps is not None:
        as_one = to_steps(expected)
        assert as_one is not None
        assert as_one.steps == steps


def test_ratings_that_float32_does_not_hold_are_float64() -> None:
    growing = GrowingValues()
    growing.append(np.array([0.5], np.float32))
    growing.append(np.array([0.1 + 0.2]))
    assert as_array(growing.column()).tolist() == [0.5, 0.1 + 0.2]
