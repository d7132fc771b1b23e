"""A limit of memory is kept: measured on processes that read what does not fit into it."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.past_memory import measured

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

N_RATINGS = 2_500_000


@pytest.fixture(scope="module")
def shuffled() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "user": rng.integers(0, 100_000, N_RATINGS),
            "item": rng.integers(0, 10_000, N_RATINGS),
            "rating": rng.integers(1, 11, N_RATINGS) / 2,
            "timestamp": rng.integers(800_000_000, 1_600_000_000, N_RATINGS),
        }
    )


def in_one_group(ratings: pl.DataFrame, path: Path) -> None:
    ratings.write_parquet(path, row_group_size=N_RATINGS)


def most_of_one_user(ratings: pl.DataFrame, path: Path) -> None:
    user = pl.when(pl.int_range(pl.len()) % 5 > 0).then(7).otherwise("user")
    ratings.with_columns(user.alias("user")).write_csv(path)


@pytest.mark.parametrize("write", [most_of_one_user, in_one_group])
def test_the_least_limit_is_kept(
    tmp_path: Path, shuffled: pl.DataFrame, write: Callable[[pl.DataFrame, Path], None]
) -> None:
    path = tmp_path / "ratings"
    write(shuffled, path)
    train = [sys.executable, "-m", "mlbias", "train", "--epochs", "1", "--no-save", "--no-cache"]
    found = measured([*train, "--data", str(path), "--memory-limit", "256M"])
    assert found["peak"] < 256 << 20
