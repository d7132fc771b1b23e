"""Small files that people really had, through the command line: the right figures, or a refusal."""

import io
import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlbias.errors import DataError
from mlbias.ratings import Ratings
from tests.test_cli import Run, fails, run, succeeds

__all__ = ["run"]


def baseline(run: Run, tmp_path: Path, content: str) -> tuple[int, int, int, float]:
    """Ratings, users, items and mean, as the command tells them."""
    (tmp_path / "r").write_bytes(content.encode())
    told = json.loads(succeeds(run("baseline", "--data", "r", "--json")))
    return told["n_ratings"], told["n_users"], told["n_items"], told["mean"]


R_TABLE = '"user" "item" "rating"\n"1" 1 10 4\n"2" 1 11 3\n"3" 2 10 5\n'
SAVETXT = "# user item rating timestamp\n1 10 4 964982703\n1 11 3 964982703\n"
MARKS = 'u1\tabba\t3\nu2\t"\t4\nu2\tkiss\t7\nu3\t"\t5\nu4\tqueen\t9\n'
QUOTED = '"user" "item" "rating"\n"u1" "i1" 4\n"u1" "i2" 3\n'
EXTRA = "userId,movieId,rating,timestamp\n1,10,3.5,96\n3,12,4,5,96\n7,10,4.5,10000,00269\n"
GLUED = "userId,movieId,rating\n1,10,4\n2,11,312,11,5\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (R_TABLE, (3, 2, 2, 4.0)),
        (SAVETXT, (2, 1, 2, 3.5)),
        (MARKS, (5, 4, 4, 5.6)),
        (QUOTED, (2, 1, 2, 3.5)),
    ],
    ids=["write.table", "savetxt", "marks in TSV", "quoted between spaces"],
)
def test_what_is_read(
    run: Run, tmp_path: Path, content: str, expected: tuple[int, int, int, float]
) -> None:
    assert baseline(run, tmp_path, content) == pytest.approx(expected)


def test_extra_fields_are_left_out_with_their_rows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r").write_text(EXTRA)
    fails(run("baseline", "--data", "r"), 1, "line 3: expected 4 fields, found 5")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GLUED, "line 3: expected 3 fields, found 5"),
        ("id user item rating timestamp\n1 10 4 964982703\n2 10 3 964982703\n", "line 2"),
        ('user,item,rating,title\n1,10,4,"Unbalanced\n1,11,3,ok\n2,10,5,ok\n2,11,1,ok\n', "line 2"),
        ("1;10;3,5;3,87\n2;10;4,5;4,12\n", "line 1"),
        ("user,item,rating\nu1,a1,1,234\nu2,a1,5\n", "line 2"),
        ("user,item,rating\nann,tea,4\nNA,tea,3\nNULL,tea,3\n\\N,tea,2\n", "line 3"),
    ],
    ids=["glued", "a name more", "open quote", "decimal comma", "thousands", "missing ids"],
)
def test_what_is_refused_with_its_place(
    run: Run, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "r").write_text(content)
    fails(run("baseline", "--data", "r"), 1, message)


def test_a_zip_with_two_candidates_is_refused(run: Run, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ratings.csv", "userId,movieId,rating\n1,1,4\n")
        archive.writestr("ratings.dat", "1::2::3::4\n1::3::3::4\n")
    (tmp_path / "r.zip").write_bytes(packed.getvalue())
    fails(run("baseline", "--data", "r.zip"), 1, r"ratings\.csv, ratings\.dat: which is meant")


def test_a_first_row_is_not_taken_for_a_header(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r").write_text('ann,tea,"4,5"\nbob,tea,4\n')
    columns = ["--user-col", "1", "--item-col", "2", "--rating-col", "3"]
    fails(run("baseline", "--data", "r", *columns), 1, "line 1, column 3: rating '4,5'")


def test_a_column_of_row_numbers_is_told_of(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r").write_text("0,1,10,3.5\n1,2,10,4\n2,2,11,1\n")
    told = re.sub(r"\s+", " ", run("baseline", "--data", "r").stderr)
    assert "columns 1, 2, 3 of 4 are user, item, rating" in told
    assert "every user has one rating" in told


@pytest.mark.parametrize("late", [False, True])
def test_a_leading_zero_gives_the_same_items_early_and_late(
    run: Run, tmp_path: Path, late: bool
) -> None:
    plain = "".join(f"{k % 100},{1000 + k % 100},{k % 5 + 1}\n" for k in range(10_000))
    odd = "1,0345451040,3\n2,345451040,3\n"
    content = "userId,movieId,rating\n" + (plain + odd if late else odd + plain)
    assert baseline(run, tmp_path, content)[:3] == (10_002, 100, 102)


MISSING: dict[str, Iterable[object]] = {
    "lists": ["a", None, "b"],
    "NaN": ["a", float("nan"), "b"],
    "objects": np.array(["a", None, "b"], dtype=object),
    "floats": np.array([1.0, np.nan, 2.0]),
    "masked": np.ma.array([1, 2, 3], mask=[False, True, False]),
    "Polars": pl.Series(["a", None, "b"]),
    "categories": pl.Series(["a", None, "b"], dtype=pl.Categorical),
    "Polars integers": pl.Series([1, None, 2]),
    "empty": ["a", "", "b"],
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_missing_id_in_python_names_its_row(kind: str) -> None:
    ids = MISSING[kind]
    with pytest.raises(DataError, match=r"row 1: the user is missing|row 0: .*1\.0.* float"):
        Ratings.from_ids(ids, [10, 10, 11], [4.0, 3.0, 5.0])
    with pytest.raises(DataError, match=r"row 1: the item is missing|row 0: .*1\.0.* float"):
        Ratings.from_ids([10, 10, 11], ids, [4.0, 3.0, 5.0])
