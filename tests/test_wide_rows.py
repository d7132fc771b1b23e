"""REML over many users and items holds few rows of vectors at a time, and finds the same."""

import tracemalloc

import numpy as np
import pytest

from mlbias.core import vectors
from mlbias.core.incidence import BlockIncidence
from mlbias.core.model import Penalty
from mlbias.core.reml.bias_errors import sampled_errors
from mlbias.core.reml.learn import learn_by
from mlbias.core.reml.probes import remainders
from mlbias.core.vectors import rows_at_once
from mlbias.ratings import Ratings

N_USERS, N_ITEMS, PENALTY = 30_000, 1_000, Penalty(4.0, 3.0)
WIDTH = N_USERS + N_ITEMS


@pytest.fixture(scope="module")
def incidence() -> BlockIncidence:
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(N_USERS), 4)
    item = rng.integers(0, N_ITEMS, len(user))
    levels = rng.normal(0, 0.5, N_USERS)[user] + rng.normal(0, 0.6, N_ITEMS)[item]
    return BlockIncidence(Ratings.from_ids(user, item, 3.5 + levels + rng.normal(size=len(user))))


def test_rows_are_as_many_as_fit_and_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_MOST_NUMBERS", 100)
    assert [rows_at_once(width, 6, 1_000) for width in (10, 25, 60, 1_000)] == [6, 4, 1, 1]
    assert [rows_at_once(60, 6, n_ratings) for n_ratings in (2_399, 2_400, 10**6)] == [1, 2, 6]


def test_probes_and_sampled_error_bars_by_the_row_are_those_of_all_rows(
    incidence: BlockIncidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = remainders(incidence, PENALTY, 5), sampled_errors(incidence, PENALTY)
    monkeypatch.setattr(vectors, "_MOST_NUMBERS", WIDTH)
    by_row = remainders(incidence, PENALTY, 5), sampled_errors(incidence, PENALTY)
    # Rows that are solved together take the steps of the slowest; the rest is their tolerance.
    np.testing.assert_allclose(by_row[0].user, together[0].user, atol=0.1)
    np.testing.assert_allclose(by_row[0].item, together[0].item, atol=0.1)
    np.testing.assert_allclose(by_row[1], together[1], atol=1e-3)


def test_learning_takes_16_vectors_over_users_and_items(
    incidence: BlockIncidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_MOST_NUMBERS", WIDTH)
    learn_by(incidence, None)  # imports are not counted
    tracemalloc.start()
    try:
        learn_by(incidence, None)
        assert tracemalloc.get_traced_memory()[1] <= 16 * 8 * WIDTH
    finally:
        tracemalloc.stop()
