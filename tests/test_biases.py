"""The biases of a model as a table."""

import sqlite3
import zipfile
from pathlib import Path

import polars as pl
import pytest
from rich.cells import cell_len

from mlbias import Fit, OptionError, Ratings, fit, save_model
from mlbias.datasets.sources import Source
from mlbias.datasets.titles import Title, titles_of
from mlbias.use.biases import extreme
from mlbias.use.database import IN_SQLITE
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
    assert users.columns == ["user", "n_ratings", "mean", "bias"]
    assert users["mean"].to_list() == [4, 4]
    assert items["mean"].to_list() == [4.5, 3]
    assert users["user"].to_list() == ["ann", "bob"]
    assert users["n_ratings"].to_list() == [2, 1]
    assert users["bias"].to_list() == found.user_bias.tolist()
    numbers = {"n_ratings": pl.Int64, "mean": pl.Float64, "bias": pl.Float64}
    assert items.schema == {"item": pl.Int64} | numbers
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


def test_without_error_bars_it_is_said_that_few_ratings_come_first(run: Run) -> None:
    succeeds(run("train", "--data", "sample"))
    found = run("biases", "items")
    assert "no error bars: items are sorted by their bias alone" in found.stderr
    assert "error bars" not in run("biases", "items", "--sort", "bias").stderr
    assert "error bars" not in run("biases", "items", "--quiet").stderr


def test_a_narrow_terminal_has_fewer_columns_and_whole_numbers(run: Run, fitted: Fit) -> None:
    wide = succeeds(run("biases", "items", "--model", "m.npz"))
    assert "upper" in wide
    narrow = succeeds(run("biases", "items", "--model", "m.npz", COLUMNS="28"))
    assert max(map(len, narrow.splitlines())) <= 28
    assert "upper" not in narrow
    assert f"{fitted.item_bias[1]:+.4f}" in narrow


def test_a_file_has_all_of_them(run: Run, tmp_path: Path, fitted: Fit) -> None:
    succeeds(run("biases", "users", "--model", "m.npz", "--out", "b.parquet"))
    assert pl.read_parquet(tmp_path / "b.parquet").equals(fitted.biases("users"))
    succeeds(run("biases", "users", "--model", "m.npz", "--out", "b.csv"))
    assert pl.read_csv(tmp_path / "b.csv").equals(fitted.biases("users"))


@pytest.mark.usefixtures("fitted")
def test_a_file_that_is_there_is_replaced_only_by_force(run: Run, tmp_path: Path) -> None:
    for name in ("mine.csv", "mine.db"):
        (tmp_path / name).write_text("mine")
        refused = run("biases", "users", "--model", "m.npz", "--out", name)
        fails(refused, 1, f"{name} exists, so it is not replaced")
        assert (tmp_path / name).read_text() == "mine"
        succeeds(run("biases", "users", "--model", "m.npz", "--out", name, "--force"))
        assert (tmp_path / name).read_bytes() != b"mine"


def test_the_database_predicts_as_the_model_does(run: Run, tmp_path: Path, fitted: Fit) -> None:
    said = succeeds(run("biases", "items", "--model", "m.npz", "--out", "m.db"))
    assert said.rstrip("\n") == IN_SQLITE
    pairs = [(0, 1), (3, 2), (77, 3), (1, 99), (77, 99)]
    with sqlite3.connect(tmp_path / "m.db") as connection:
        connection.executemany("INSERT INTO pairs VALUES (?, ?)", pairs)
        rows = connection.execute(said).fetchall()
        assert connection.execute("SELECT * FROM predictions").fetchall() == rows
        # Text that a program imports is an integer where the model's ids are.
        connection.execute("INSERT INTO pairs VALUES ('3', '2')")
        view = connection.execute('SELECT * FROM predictions WHERE "user" = 3 AND item = 2')
        assert [row[2] for row in view] == [fitted.predict([3], [2])[0]] * 2
    connection.close()
    users, items = zip(*pairs, strict=True)
    expected = dict(zip(pairs, fitted.predict(users, items).tolist(), strict=True))
    assert {(user, item): value for user, item, value in rows} == expected


def test_the_database_is_joined_where_the_data_are(run: Run, tmp_path: Path, fitted: Fit) -> None:
    succeeds(run("biases", "items", "--model", "m.npz", "--out", "m.db"))
    with sqlite3.connect(tmp_path / "own.db") as connection:
        connection.execute("ATTACH ? AS baseline", [str(tmp_path / "m.db")])
        connection.execute('CREATE TABLE visits ("user" TEXT, item INTEGER)')
        connection.execute("INSERT INTO visits VALUES ('3', 2), ('nobody', 2)")
        statement = IN_SQLITE.replace("pairs p", "visits p")
        found = [row[2] for row in connection.execute(statement)]
    connection.close()
    assert found == fitted.predict(["3", "nobody"], [2, 2]).tolist()


def test_parquet_predicts_as_the_model_does(run: Run, tmp_path: Path, fitted: Fit) -> None:
    succeeds(run("biases", "users", "--model", "m.npz", "--out", "users.parquet"))
    said = succeeds(run("biases", "items", "--model", "m.npz", "--out", "it's.parquet"))
    pairs = pl.DataFrame({"user": [0, 3, 77, 1, 77], "item": [1, 2, 3, 99, 99]})
    tables = {"pairs.parquet": pairs, "users.parquet": pl.read_parquet(tmp_path / "users.parquet")}
    tables["it''s.parquet"] = pl.read_parquet(tmp_path / "it's.parquet")
    context = pl.SQLContext(eager=True)
    for number, (file, table) in enumerate(tables.items()):
        assert f"'{file}'" in said
        said = said.replace(f"'{file}'", f"t{number}")
        context.register(f"t{number}", table)
    found = context.execute(said)
    expected = pairs.with_columns(prediction=fitted.predict(pairs["user"], pairs["item"]))
    assert found.sort("user", "item").equals(expected.sort("user", "item"))


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


def test_what_a_user_rated_is_left_out_and_the_rest_predicted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item,rating\n1,10,5\n1,20,3\n2,10,4\n2,30,2\n3,30,1\n")
    succeeds(run("train", "--data", "r.csv", "--method", "exact", "--lambda", "1"))
    found = document(run("biases", "items", "--user", "1", "--json"))
    (only,) = found["highest"]
    assert only["item"] == 30
    pair = document(run("predict", "--user", "1", "--item", "30", "--json"))
    assert only["prediction"] == pytest.approx(pair["prediction"], abs=1e-12)
    everything = document(run("biases", "items", "--user", "99", "--json"))
    assert len(everything["highest"]) == 3
    fails(run("biases", "users", "--user", "1"), 2, "--user goes with items")


MOVIES = 'movieId,title,genres\n10,"Kid, The (1921)",Comedy|Drama\n20,Nosferatu (1922),Horror\n'


def test_titles_stand_beside_the_ratings_or_in_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "ratings.csv").write_text("userId,movieId,rating\n1,10,5\n1,20,3\n2,30,4\n")
    (tmp_path / "set" / "movies.csv").write_text(MOVIES)
    succeeds(run("train", "--data", "set"))
    rows = document(run("biases", "items", "--json"))["highest"]
    titles = {row["item"]: (row["title"], row["genres"]) for row in rows}
    assert titles == {
        10: ("Kid, The (1921)", "Comedy|Drama"), 20: ("Nosferatu (1922)", "Horror"),
        30: (None, None),
    }  # fmt: skip
    (tmp_path / "names.csv").write_text("id,name\n30,\x1b[31m[red]x[/red]\n")
    text = succeeds(run("biases", "items", "--labels", "names.csv"))
    assert r"\x1b[31m[red]x[/red]" in text
    assert "Nosferatu" not in text
    (tmp_path / "one.csv").write_text("id\n30\n")
    fails(run("biases", "items", "--labels", "one.csv"), 1, "one.csv has 1 column")
    fails(
        run("biases", "items", "--labels", "gone.csv"), 1, "gone.csv cannot be read: No such file"
    )


def test_titles_of_the_older_sets_are_read(tmp_path: Path) -> None:
    ratings = tmp_path / "u.data"
    ratings.write_text("1\t2\t3\t4\n")
    flags = "|".join("1" if place in (5, 8) else "0" for place in range(19))
    row = f"2|L\xe9on (1994)|01-Jan-1994||http://x|{flags}\n"
    (tmp_path / "u.item").write_bytes(row.encode("latin-1"))
    assert titles_of(Source("u.data", ratings)) == {"2": Title("L\xe9on (1994)", "Comedy|Drama")}
    (tmp_path / "u.item").unlink()
    (tmp_path / "movies.dat").write_text("2::Heat (1995)::Action|Crime\n")
    assert titles_of(Source("u.data", ratings)) == {"2": Title("Heat (1995)", "Action|Crime")}
    (tmp_path / "movies.dat").write_text("nothing of the kind\n")
    assert titles_of(Source("u.data", ratings)) == {}
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("set/movies.csv", MOVIES)
    assert titles_of(Source("set", tmp_path / "set.zip"))["20"].genres == "Horror"


def test_a_narrow_terminal_drops_columns_and_splits_no_number(run: Run, fitted: Fit) -> None:
    text = run("biases", "items", "--model", "m.npz", COLUMNS="40").stdout
    assert all(len(line) <= 40 for line in text.splitlines())
    assert f"{fitted.item_bias[1]:+.4f}" in text
    assert "std. error" not in text


def test_letters_of_two_columns_are_lined_up(run: Run, tmp_path: Path) -> None:
    save_model(fit(Ratings.from_ids(["日本", "ab"], [1, 1], [5, 3])), tmp_path / "m.npz")
    lines = succeeds(run("biases", "users", "--model", "m.npz")).splitlines()
    ends = [cell_len(line) for line in lines if "+" in line or "-" in line]
    assert len(set(ends)) == 1


def test_where_a_user_rated_everything_nothing_is_left(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item,rating\n1,10,5\n1,20,3\n2,10,4\n")
    succeeds(run("train", "--data", "r.csv"))
    assert succeeds(run("biases", "items", "--user", "1")) == (
        "highest items: none\nlowest items: none\n"
    )


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_a_table_to_paste_has_whole_titles(run: Run, tmp_path: Path, form: str) -> None:
    title = "A title that is much longer than a terminal has room for"
    save_model(fit(Ratings.from_ids([1, 2], [10, 20], [5, 3])), tmp_path / "m.npz")
    (tmp_path / "titles.csv").write_text(f"item,title\n10,{title}\n")
    command = ("biases", "items", "--model", "m.npz", "--labels", "titles.csv")
    assert title in succeeds(run(*command, "--format", form))
    assert title not in succeeds(run(*command))
