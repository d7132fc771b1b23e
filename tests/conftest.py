"""Ratings that many tests look at: a case small enough for a pencil, and seeded random ones."""

import os
import time
from collections.abc import Callable
from mmap import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from mlbias.core.incidence import BlockIncidence
from mlbias.core.model import Penalty, Problem
from mlbias.datasets.loading import load_ratings
from mlbias.files import LEFTOVER_SECONDS
from mlbias.ratings import Ratings
from tests.reading import Read, reader

# How long an example takes says nothing on a busy machine.
settings.register_profile("any speed", deadline=None)
settings.load_profile("any speed")


@pytest.fixture
def four() -> Ratings:
    """Users 1, 1, 2, 2 gave items 10, 20, 10, 20 the ratings 5, 3, 4, 2: the mean is 3.5."""
    return Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5.0, 3.0, 4.0, 2.0])


@pytest.fixture
def make_ratings() -> Callable[..., Ratings]:
    """A function that draws ratings: half stars by default, users in no order."""
    return random_ratings


@pytest.fixture
def make_problem() -> Callable[..., Problem]:
    """A function from ratings and two λ's on the scale of sums to a problem."""

    def make(ratings: Ratings, user: float = 0.0, item: float = 0.0, threads: int = 1) -> Problem:
        return Problem(BlockIncidence(ratings, threads), Penalty(user, item))

    return make


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """A function from the content of a file and options to what reading it gives."""
    return reader(tmp_path / "ratings")


def random_ratings(
    n: int = 300, n_users: int = 20, n_items: int = 30, seed: int = 0, *, stars: bool = True
) -> Ratings:
    rng = np.random.default_rng(seed)
    users, items = rng.integers(n_users, size=n), rng.integers(n_items, size=n)
    exact = 3.5 + rng.normal(size=n_users)[users] / 2 + rng.normal(size=n_items)[items] / 2
    values = exact + rng.normal(size=n)
    if stars:
        values = np.clip(np.round(values * 2) / 2, 0.5, 5)
    return Ratings.from_ids(users, items, values)


def age(path: Path) -> None:
    """Make a file or folder look like what a killed process left long ago."""
    for entry in [*path.rglob("*"), path]:
        long_ago = time.time() - LEFTOVER_SECONDS - 60
        os.utime(entry, (long_ago, long_ago), follow_symlinks=False)


def is_mapped(array: Any) -> bool:
    """Whether an array is a part of a file that is mapped into memory."""
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap)


@pytest.fixture(scope="session")
def real_archive() -> Callable[[str], Path]:
    """A function from a name to MovieLens' archive, in data/ or where MLBIAS_REAL_DATA says."""

    def find(name: str) -> Path:
        folder = os.environ.get("MLBIAS_REAL_DATA", Path(__file__).parent.parent / "data")
        archive = Path(folder) / f"{name}.zip"
        if not archive.exists():
            pytest.skip(f"real data: put {name}.zip into data/, or name its folder")
        return archive.resolve()

    return find


@pytest.fixture(scope="session")
def real_ratings(real_archive: Callable[[str], Path]) -> Callable[[str], Ratings]:
    """A function from a name to the ratings of MovieLens' archive."""
    return lambda name: load_ratings(real_archive(name))
