"""The biases of a model as a table."""

import sqlite3
from pathlib import Path

import polars as pl
import pytest

from mlbias import Fit, OptionError, Ratings, fit, save_model
from mlbias.use.biases import extreme
from mlbias.use.database import PREDICT
from tests.test_cli import Run, document, fails, run, succeeds

__all__ = ["run"]


@pytest.fixture
def fitted(tmp_path: Path) -> Fit:
    """Film 1 has one rating of 4.7, film 2 twenty around 4.5, film 3 twenty around 1.5."""
    users = [*range(20), *range(20), 0]
    ratings = Ratings.from_ids(users, [2] * 20 + [3] * 20 + [1], [4, 5] * 10 + [2, 1] * 10 + [4.7])
    found = fit(ratings, "exact", lambda_=1)
    save_model(found, tmp_path / "m.npz")
    return found


def test_a_row_for_each_id_with_its_bias_and_count() -> None:
    ratings = Ratings.from_ids(["ann", "ann", "bob"], [10, 20, 10], [5, 3, 4])
    found = fit(ratings, lambda_=1)
    users, items = found.biases("users"), found.biases("items")
    assert users.columns == ["user", "n_ratings", "bias"]
    assert users["user"].to_list() == ["ann", "bob"]
    assert users["n_ratings"].to_list() == [2, 1]
    assert users["bias"].to_list() == found.user_bias.tolist()
    assert items.schema == {"item": pl.Int64, "n_ratings": pl.Int64, "bias": pl.Float64}
    assert items["bias"].to_list() == found.item_bias.tolist()


def test_exact_adds_standard_errors_and_their_interval() -> None:
    found = fit(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2]), "exact", lambda_=1)
    items = found.biases("items")
    assert found.item_stderr is not None
    assert items["std_error"].to_list() == found.item_stderr.tolist()
    half = 1.959963984540054 * found.item_stderr
    assert items["lower"].to_list() == pytest.approx(found.item_bias - half)
    assert items["upper"].to_list() == pytest.approx(found.item_bias + half)


def test_another_side_is_refused() -> None:
    found = fit(Ratings.from_ids([1, 2], [10, 10], [5, 3]))
    with pytest.raises(OptionError, match="users or items, not 'films'"):
        found.model.biases("films")  # type: ignore[arg-type]


def test_one_rating_makes_no_winner() -> None:
    table = pl.DataFrame(
        {
            "item": [1, 2, 3],
            "n_ratings": [1, 20, 20],
            "bias": [1.5, 1.2, -1.0],
            "lower": [0.1, 1.0, -1.2],
            "upper": [2.9, 1.4, -0.8],
        }
    )
    assert extreme(table)["item"].to_list() == [2, 1, 3]
    assert extreme(table, lowest=True, top=2)["item"].to_list() == [3, 2]
    assert extreme(table, "bias")["item"].to_list() == [1, 2, 3]
    assert extreme(table, "bias", min_ratings=2)["item"].to_list() == [2, 3]
    assert extreme(table, "count", top=1)["item"].to_list() == [2]


def test_the_document_has_the_highest_and_the_lowest(run: Run, fitted: Fit) -> None:
    options = ("--json", "--top", "1", "--min-ratings", "2")
    found = document(run("biases", "items", "--model", "m.npz", *options))
    (highest,), (lowest,) = found["highest"], found["lowest"]
    assert (highest["item"], lowest["item"]) == (2, 3)
    assert highest["n_ratings"] == 20
    assert highest["bias"] == fitted.item_bias[1]


def test_a_narrow_terminal_has_fewer_columns_and_whole_numbers(run: Run, fitted: Fit) -> None:
    wide = succeeds(run("biases", "items", "--model", "m.npz"))
    assert "upper" in wide
    narrow = succeeds(run("biases", "items", "--model", "m.npz", COLUMNS="30"))
    assert max(map(len, narrow.splitlines())) <= 30
    assert "upper" not in narrow
    assert f"{fitted.item_bias[1]:+.4f}" in narrow


def test_a_file_has_all_of_them(run: Run, tmp_path: Path, fitted: Fit) -> None:
    succeeds(run("biases", "users", "--model", "m.npz", "--out", "b.parquet"))
    assert pl.read_parquet(tmp_path / "b.parquet").equals(fitted.biases("users"))
    succeeds(run("biases", "users", "--model", "m.npz", "--out", "b.csv"))
    assert pl.read_csv(tmp_path / "b.csv").equals(fitted.biases("users"))


def test_the_database_predicts_as_the_model_does(run: Run, tmp_path: Path, fitted: Fit) -> None:
    said = succeeds(run("biases", "items", "--model", "m.npz", "--out", "m.db"))
    assert said.rstrip("\n") == PREDICT
    pairs = [(0, 1), (3, 2), (77, 3), (1, 99), (77, 99)]
    with sqlite3.connect(tmp_path / "m.db") as connection:
        connection.execute('CREATE TABLE pairs ("user", item)')
        connection.executemany("INSERT INTO pairs VALUES (?, ?)", pairs)
        rows = connection.execute(said).fetchall()
        view = connection.execute('SELECT * FROM predictions WHERE "user" = 3 AND item = 2')
        assert view.fetchone()[2] == fitted.predict([3], [2])[0]
    connection.close()
    users, items = zip(*pairs, strict=True)
    expected = dict(zip(pairs, fitted.predict(users, items).tolist(), strict=True))
    assert {(user, item): value for user, item, value in rows} == expected


def test_ids_that_a_terminal_would_obey_are_shown_as_text(run: Run, tmp_path: Path) -> None:
    ratings = Ratings.from_ids(["[red]a[/red]", "b\x1b[31m"], ["x", "x"], [5, 3])
    save_model(fit(ratings), tmp_path / "m.npz")
    said = succeeds(run("biases", "users", "--model", "m.npz"))
    assert "[red]a[/red]" in said
    assert "\\x1b[31m" in said
    assert "\x1b" not in said


def test_what_does_not_go_is_refused(run: Run, tmp_path: Path) -> None:
    save_model(fit(Ratings.from_ids([1, 2], [1, 1], [5, 3])), tmp_path / "m.npz")
    fails(run("biases", "films", "--model", "m.npz"), 2, "SIDE is users or items, not 'films'")
    fails(run("biases", "users", "--model", "m.npz", "--sort", "x"), 2, "--sort is lower, upper")
    fails(run("biases", "users", "--model", "m.npz", "--sort", "lower"), 1, "no standard errors")
    fails(run("biases", "users", "--model", "m.npz", "--out", "x.xls"), 2, "--out ends in")
