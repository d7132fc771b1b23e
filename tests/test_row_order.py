"""Permuting the rows of a file changes no result, to the last bit."""

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest

from mlbias.ratings import Ratings
from tests import forked

_RANDOM = random.Random(0)
# Some pairs are rated twice, and no sum of these ratings is exact.
ROWS = [
    f"u{_RANDOM.randrange(25)},{_RANDOM.randrange(40)},{_RANDOM.uniform(0.1, 5)!r},"
    f"{1_000_000_000 + 86_400 * day}"
    for day in range(900)
]


def document(folder: Path, rows: list[str], *command: str) -> dict[str, object]:
    (folder / "r.csv").write_text("user,item,rating,timestamp\n" + "\n".join(rows))
    options = ["--data", "r.csv", "--json", "--quiet"]
    result = forked.run([*command, *options], folder, os.environ)
    found: dict[str, object] = json.loads(result.stdout)
    return without_seconds(found)


def rows_of(ratings: Ratings) -> list[tuple[int, int, float]]:
    columns = ratings.user.tolist(), ratings.item.tolist(), ratings.value.tolist()
    return list(zip(*columns, strict=True))


def without_seconds(found: dict[str, object]) -> dict[str, object]:
    found.pop("seconds", None)
    history = found.get("history")
    for row in history if isinstance(history, list) else []:
        row.pop("seconds")
    return found


@pytest.mark.parametrize(
    "command",
    [
        ("baseline",),
        ("train", "--method", "exact", "--test-size", "0.2"),
        ("train", "--split", "time", "--test-size", "0.2"),
        ("train", "--split", "user", "--test-size", "2"),
        ("crossval", "--folds", "3", "--lambda", "2"),
    ],
    ids=lambda command: " ".join(command),
)
def test_permuted_rows_give_the_same_document(tmp_path: Path, command: tuple[str, ...]) -> None:
    shuffled = ROWS.copy()
    random.Random(1).shuffle(shuffled)
    assert document(tmp_path, shuffled, *command) == document(tmp_path, ROWS, *command)


def test_ratings_by_pair_ascend_by_user_item_and_value() -> None:
    rng = np.random.default_rng(3)
    users, items = rng.integers(6, size=80), rng.integers(5, size=80)
    ratings = Ratings.from_ids(users, items, rng.normal(size=80))
    assert rows_of(ratings.by_pair()) == sorted(rows_of(ratings))
