"""mlbias predict and predict_frame: every row, in its order, with all its columns."""

import gzip
import io
import json
import subprocess
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias import DataError, OptionError, Ratings, fit, save_model
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.pairs import PairReader, Pairs
from mlbias.datasets.reading.text import PART_SIZE
from mlbias.datasets.sources import find_source
from mlbias.datasets.writing import TableFormat, write_frames
from mlbias.ids import positions
from mlbias.model import BiasModel
from tests.test_cli import COMMAND, Run, document, environment, fails, run, succeeds

__all__ = ["run"]

# α 3.5, users 1: +0.5 and 2: -0.5, items 10: +1 and 20: -1, all of it exactly, since λ is 0.
FOUR = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])
HAND = {
    (1, 10): 5.0,
    (1, 20): 3.0,
    (2, 10): 4.0,
    (2, 20): 2.0,
    (1, 99): 4.0,
    (9, 20): 2.5,
    (9, 9): 3.5,
}
ROWS = list(HAND)
PAIRS = pl.DataFrame(ROWS, schema=["user", "item"], orient="row")
KNOWN = ["both"] * 4 + ["user", "item", "none"]


@pytest.fixture(autouse=True)
def model(tmp_path: Path) -> BiasModel:
    found = fit(FOUR, lambda_=0, epochs=50)
    (tmp_path / "data").mkdir()
    save_model(found, tmp_path / "data" / "model.npz")
    return found.model


def as_csv(header: str = "user,item", separator: str = ",") -> str:
    rows = [separator.join(map(str, row)) for row in ROWS]
    return "\n".join([header.replace(",", separator), *rows]) + "\n" if header else "\n".join(rows)


def rows_of(text: str) -> pl.DataFrame:
    return pl.read_csv(io.StringIO(text))


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("p.csv", as_csv(), ["user", "item"]),
        ("semicolon.csv", as_csv(separator=";"), ["user", "item"]),
        ("p.tsv", as_csv("userId,movieId", "\t"), ["userId", "movieId"]),
        ("headerless.csv", as_csv(""), ["user", "item"]),
        ("p.dat", as_csv("", "::"), ["user", "item"]),
        ("blanks.txt", as_csv("", " "), ["user", "item"]),
        ("bom.csv", "\ufeff" + as_csv(), ["user", "item"]),
        ("crlf.csv", as_csv().replace("\n", "\r\n"), ["user", "item"]),
        ("blank_lines.csv", as_csv().replace("\n", "\n\n"), ["user", "item"]),
        (
            "p.jsonl",
            "".join(json.dumps({"user": u, "item": i}) + "\n" for u, i in ROWS),
            ["user", "item"],
        ),
    ],
)
def test_rows_of_any_text_keep_their_order_and_columns(
    run: Run, tmp_path: Path, model: BiasModel, name: str, content: str, names: list[str]
) -> None:
    assert model.alpha == pytest.approx(3.5)
    (tmp_path / name).write_text(content, newline="")
    found = rows_of(succeeds(run("predict", name)))
    assert found.columns == [*names, "prediction", "known"]
    assert found.select(names).rows() == ROWS
    assert found["prediction"].to_list() == pytest.approx(list(HAND.values()), abs=1e-9)
    assert found["known"].to_list() == KNOWN
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(content.encode()))
    assert succeeds(run("predict", packed.name)) == succeeds(run("predict", name))
    assert succeeds(run("predict", "-", stdin=content)) == succeeds(run("predict", name))


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_tables_keep_their_types(run: Run, tmp_path: Path, ending: str) -> None:
    table = pl.DataFrame(
        {
            "tags": [["a"], None, [], ["b"], ["c"], [], []],
            "user": pl.Series([u for u, _ in ROWS], dtype=pl.UInt16),
            "item": pl.Series([str(i) for _, i in ROWS], dtype=pl.Categorical),
            "rating": [4.5, None, None, None, None, None, None],
        }
    )
    path = tmp_path / f"p.{ending}"
    if ending == "parquet":
        table.write_parquet(path)
    else:
        table.write_ipc(path)
    succeeds(run("predict", f"p.{ending}", "--out", f"o.{ending}"))
    read = {"parquet": pl.read_parquet, "arrow": pl.read_ipc}[ending]
    found = read(tmp_path / f"o.{ending}")
    assert found.select(table.columns).equals(table)
    assert found["user"].dtype == pl.UInt16
    assert found["prediction"].to_list() == pytest.approx(list(HAND.values()), abs=1e-9)
    fails(run("predict", f"p.{ending}"), 1, "column 'tags' holds .*which text cannot hold")


def test_text_stays_the_text_that_it_is(run: Run, tmp_path: Path) -> None:
    text = (
        'user,item,rating,note\n1,10,4.50,"he said ""no"", twice"\n2,20,,"two\nlines"\n'
        "1,20,007, x \n"
    )
    (tmp_path / "p.csv").write_text(text)
    said = succeeds(run("predict", "p.csv"))
    assert said.startswith(
        'user,item,rating,note,prediction,known\n1,10,4.50,"he said ""no"", twice",5.0,both\n'
        '2,20,,"two\nlines",2.0'
    )
    assert "\n1,20,007, x ,3.0" in said


def test_text_becomes_typed_where_the_format_has_types(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("user,item,rating,zip,when\n1,10,4.5,02139,\n2,20,,2139,\n")
    for name in ("o.parquet", "o.arrow", "o.jsonl"):
        succeeds(run("predict", "p.csv", "--out", name))
    found = pl.read_parquet(tmp_path / "o.parquet")
    assert found.schema == {
        "user": pl.Int64, "item": pl.Int64, "rating": pl.Float64, "zip": pl.String,
        "when": pl.String, "prediction": pl.Float64, "known": pl.String,
    }  # fmt: skip
    assert found.rows()[0][:5] == (1, 10, 4.5, "02139", None)
    assert pl.read_ipc(tmp_path / "o.arrow").equals(found)
    first = json.loads((tmp_path / "o.jsonl").read_text().splitlines()[0])
    assert first["zip"], first["user"] == ("02139", 1)


def test_a_value_that_a_type_cannot_hold_is_refused() -> None:
    first, then = pl.DataFrame({"x": ["1"]}), pl.DataFrame({"x": ["2", "02"]})
    for form in (TableFormat.PARQUET, TableFormat.JSON_LINES):
        with pytest.raises(DataError, match="'x' holds Int64 in the first rows, and '02' in row 3"):
            write_frames([first, then], io.BytesIO(), form, of_texts=True)
    with pytest.raises(DataError, match=r"holds Int64 in the first rows, and '4\.5' in row 2"):
        write_frames(
            [pl.DataFrame({"x": [1]}), pl.DataFrame({"x": [4.5]})],
            io.BytesIO(),
            TableFormat.PARQUET,
        )
    with pytest.raises(DataError, match="a key 'y', which none of them has"):
        write_frames(
            [pl.DataFrame({"x": [1]}), pl.DataFrame({"x": [1], "y": [2]})],
            io.BytesIO(),
            TableFormat.JSON_LINES,
        )


def test_ids_match_exactly_as_in_training(run: Run, tmp_path: Path) -> None:
    big = 2**63  # beyond 64 bits with a sign, and so text
    ratings = Ratings.from_ids(["7", "007", str(big)], [1, 1, 2], [5, 1, 3])
    save_model(fit(ratings, lambda_=0.5), tmp_path / "text.npz")
    save_model(fit(Ratings.from_ids([7, 8], [1, 2], [5, 1])), tmp_path / "whole.npz")
    (tmp_path / "p.csv").write_text(f"user,item\n7,1\n007,1\n{big},2\n7.0,1\n")
    (tmp_path / "p.jsonl").write_text(
        f'{{"user": 7, "item": 1}}\n{{"user": "007", "item": "1"}}\n{{"user": {big}, "item": 2}}\n'
    )
    for name, known in (("p.csv", ["both"] * 3 + ["item"]), ("p.jsonl", ["both"] * 3)):
        said = succeeds(run("predict", name, "--model", "text.npz"))
        assert pl.read_csv(io.StringIO(said), infer_schema=False)["known"].to_list() == known
    said = succeeds(run("predict", "p.csv", "--model", "whole.npz"))
    assert rows_of(said)["known"].to_list() == ["both", "item", "item", "item"]


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 50), min_size=1, unique=True),
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 60)),
)
def test_positions_are_those_of_a_dictionary(ids: list[int], wanted: list[int]) -> None:
    every = np.array(sorted(ids), np.int64)
    asked = np.array([*wanted, *ids] * 3, np.int64)
    places = {int(id_): place for place, id_ in enumerate(every)}
    expected = [places.get(int(id_), -1) for id_ in asked]
    assert positions(asked, every).tolist() == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "p.csv has no rows: there is nothing to predict"),
        ("user,item\n", "p.csv has no rows"),
        ("user,item\n1,10\n,20\n", "p.csv, line 3, column 1: the user is missing"),
        ("user,item\n1,10\n1,NA\n", "p.csv, line 3, column 2: the item is missing, found NA"),
        ("user,item\n1,10\n1,10,4\n", "p.csv, line 3: expected 2 fields, found 3"),
        ("user,item\n1,10\n1,\xff\n", "p.csv, line 3.* is not valid UTF-8"),
        ("user,item,note\n1,10,a\n1,10,\xff\n", "p.csv, line 3: the row is not valid UTF-8"),
        ("user,item,prediction\n1,10,4\n", "has a column 'prediction' already"),
        ("user,item,known\n1,10,4\n", "has a column 'known' already"),
        ("who,what\n1,10\n", "no column for the user and the item among 'who', 'what'"),
        ("1\n2\n", "line 1: expected user and item separated by"),
        ('{"user": 1}\n', "no column for the item"),
        ('{"user": 1, "item": 2}\n{"user": 1}\n', "line 2, column 'item': the item is missing"),
        ('{"user": 1.5, "item": 2}\n', "line 1, key 'user': user 1.5 is neither"),
    ],
)
def test_what_are_no_pairs_is_refused_with_its_line(
    run: Run, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "p.csv").write_bytes(content.encode("latin-1"))
    fails(run("predict", "p.csv", "--out", "o.parquet"), 1, message)
    assert not list(tmp_path.glob("*o.parquet*"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("predict", 2, "name a file of pairs, or one pair with --user and --item"),
        ("predict p.csv --user 1 --item 2", 2, "name a file of pairs, or one pair"),
        ("predict --user 1", 2, "--user and --item go together"),
        ("predict p.csv --json", 2, "--json goes with --out"),
        ("predict p.csv --refresh", 2, "--refresh goes with --history"),
        ("predict p.csv --interval 1", 2, "--interval is between 0 and 1, not 1"),
        ("predict p.csv --interval 0.9", 1, "no standard errors.*"),
        ("predict p.csv --out o.xlsx", 2, "--out ends in .csv"),
        ("predict p.csv --out data", 2, "--out ends in .csv"),
        ("predict p.csv --out p.csv", 2, "--out names the file of pairs itself"),
        ("predict p.csv --out p.csv/o.csv", 1, "cannot be written"),
        ("predict p.csv --model no.npz", 1, "there is no model no.npz"),
        ("predict none.csv", 1, "there is no file, folder or data set 'none.csv'"),
        ("predict p.csv --user-col who", 2, "no column 'who' for --user-col"),
    ],
)
def test_what_does_not_go_together_is_refused(
    run: Run, tmp_path: Path, arguments: str, code: int, message: str
) -> None:
    (tmp_path / "p.csv").write_text(as_csv())
    fails(run(*arguments.split()), code, message)


def test_folders_and_patterns_are_read_as_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for number, row in enumerate(ROWS):
        (tmp_path / "parts" / f"part-{number}.csv").write_text(f"user,item\n{row[0]},{row[1]}\n")
    for name in ("parts", "parts/*.csv"):
        assert rows_of(succeeds(run("predict", name))).select("user", "item").rows() == ROWS
    (tmp_path / "parts" / "part-9.csv").write_text("user,item,x\n1,10,1\n")
    fails(run("predict", "parts"), 1, "part-9.csv has other columns than parts/part-0.csv")


def test_the_sample_is_a_file_of_pairs_too(run: Run) -> None:
    assert len(rows_of(succeeds(run("predict", "sample")))) == 100_000


def test_one_pair(run: Run, tmp_path: Path) -> None:
    said = run("predict", "--user", "1", "--item", "10")
    assert float(succeeds(said)) == pytest.approx(5)
    found = document(run("predict", "--user", "1", "--item", "oops", "--json"))
    assert found == {
        "schema": 1, "user": 1, "item": "oops", "prediction": pytest.approx(4), "std_error": None,
        "low": None, "high": None, "at_least": None, "known": "user",
        "model": "data/model.npz",
    }  # fmt: skip
    save_model(fit(FOUR, "exact", lambda_=1.0), tmp_path / "exact.npz")
    found = document(
        run(
            "predict",
            "--user",
            "1",
            "--item",
            "10",
            "--json",
            "--interval",
            "0.9",
            MLBIAS_MODEL="exact.npz",
        )
    )
    assert found["model"] == "exact.npz"
    half = NormalDist().inv_cdf(0.95) * found["std_error"]
    assert found["high"] - found["prediction"] == pytest.approx(half)
    assert found["prediction"] - found["low"] == pytest.approx(half)


def test_the_document_says_how_many_were_known(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(as_csv())
    result = run("predict", "p.csv", "--out", "o.csv", "--json")
    assert document(result) == {
        "schema": 1, "data": "p.csv", "n_rows": 7, "out": "o.csv", "model": "data/model.npz",
        "known": {"none": 1, "user": 1, "item": 1, "both": 4},
    }  # fmt: skip
    assert (
        "predicted 7 rows; 2 rows with an unknown user; 2 rows with an unknown item"
        in result.stderr
    )


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "predict", "sample", "-q"], cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 141
    process.stderr.close()


def test_what_was_there_stays_when_a_late_row_is_bad(run: Run, tmp_path: Path) -> None:
    many = "1,10\n" * (2 * PART_SIZE // 5)
    (tmp_path / "p.csv").write_text(f"user,item\n{many},20\n")
    for name in ("o.csv", "o.parquet"):
        (tmp_path / name).write_text("before")
        fails(run("predict", "p.csv", "--out", name), 1, f"{name} exists, so it is not replaced")
        late = run("predict", "p.csv", "--out", name, "--force")
        fails(late, 1, "column 1: the user is missing")
        assert "skip-bad-rows" not in late.stderr
        assert (tmp_path / name).read_text() == "before"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["data", "o.csv", "o.parquet", "p.csv"]


def test_parts_come_in_order_whatever_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlbias.datasets.reading.tables._ROWS_A_SLICE", 7)
    table = pl.DataFrame({"user": np.arange(1000), "item": np.arange(1000)[::-1]})
    table.write_parquet(tmp_path / "p.parquet")
    seen: list[tuple[int, int | None]] = []

    def users(each: Pairs) -> list[Any]:
        return each.table["user"].to_list()

    source = find_source(str(tmp_path / "p.parquet"), tmp_path)
    for threads in (1, 2):
        reader = PairReader(
            source, ReadOptions(), users, threads, lambda done, total: seen.append((done, total))
        )
        assert [user for part in reader for user in part] == list(range(1000))
        assert reader.understood.format == "Parquet"
    size = (tmp_path / "p.parquet").stat().st_size
    assert seen[-1] == (size, size)


def test_a_frame_keeps_its_columns_and_gains_predictions(model: BiasModel) -> None:
    table = pl.DataFrame(
        {"x": list("abcdefg"), "user": [u for u, _ in ROWS], "item": [i for _, i in ROWS]}
    )
    found = model.predict_frame(table)
    assert found.drop("prediction", "known").equals(table)
    assert found["prediction"].to_list() == pytest.approx(list(HAND.values()), abs=1e-9)
    renamed = table.rename({"user": "who"})
    assert model.predict_frame(renamed, user="who")["known"].to_list() == KNOWN
    with pytest.raises(DataError, match="the frame has no column for the user among"):
        model.predict_frame(renamed)
    with pytest.raises(DataError, match="the frame has a column 'prediction' already"):
        model.predict_frame(found)
    with pytest.raises(DataError, match="row 1, column 'user': the user is missing"):
        model.predict_frame(pl.DataFrame({"user": [1, None], "item": [1, 1]}))
    with pytest.raises(OptionError, match="between 0 and 1"):
        model.predict_frame(table, interval=2)


def test_errors_and_bounds_are_those_of_the_models_own_prediction() -> None:
    found = fit(FOUR, "exact", lambda_=1.0)
    table = PAIRS
    frame = found.predict_frame(table, interval=0.8, clip=True)
    value, error = found.predict(table["user"], table["item"], return_std=True)
    reach = NormalDist().inv_cdf(0.9) * error
    assert frame["std_error"].to_list() == error.tolist()
    assert frame["prediction"].to_list() == np.clip(value, 2, 5).tolist()
    assert frame["low"].to_list() == np.clip(value - reach, 2, 5).tolist()
    assert frame["high"].to_list() == np.clip(value + reach, 2, 5).tolist()


def test_probabilities_are_those_of_the_model(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    user, item = rng.integers(20, size=400), rng.integers(15, size=400)
    model = fit(Ratings.from_ids(user, item, rng.integers(1, 6, size=400)), "exact")
    save_model(model, tmp_path / "data" / "model.npz")
    PAIRS.write_csv(tmp_path / "pairs.csv")
    ids = PAIRS["user"].to_list(), PAIRS["item"].to_list()
    found = rows_of(succeeds(run("predict", "pairs.csv", "--probabilities", "--at-least", "4")))
    expected = model.probabilities(*ids)
    names = ["p_1", "p_2", "p_3", "p_4", "p_5"]
    np.testing.assert_allclose(found[names].to_numpy(), expected, rtol=1e-9)
    np.testing.assert_allclose(found["at_least"].to_numpy(), expected[:, 3:].sum(axis=1), rtol=1e-9)
    frame = model.predict_frame(PAIRS, at_least=4, probabilities=True)
    assert frame.columns == found.columns
    np.testing.assert_allclose(frame[names].to_numpy(), expected, rtol=1e-12)
    assert frame["at_least"].to_list() == model.probability_at_least(*ids, 4).tolist()
    one = ("predict", "--user", "1", "--item", "10", "--at-least", "4")
    assert document(run(*one, "--json"))["at_least"] == pytest.approx(found["at_least"][0])
    assert f"at least 4: {100 * found['at_least'][0]:.1f} %" in succeeds(run(*one))
    save_model(fit(FOUR, lambda_=0), tmp_path / "data" / "model.npz")
    fails(run(*one), 1, "the model has no probabilities of ratings")
    with pytest.raises(DataError, match="no probabilities of ratings"):
        fit(FOUR, lambda_=0).predict_frame(PAIRS, probabilities=True)


def test_force_replaces_what_is_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("user,item\n1,10\n")
    (tmp_path / "o.csv").write_text("mine")
    fails(run("predict", "p.csv", "--out", "o.csv"), 1, "Replace it with --force")
    assert (tmp_path / "o.csv").read_text() == "mine"
    succeeds(run("predict", "p.csv", "--out", "o.csv", "--force"))
    assert (tmp_path / "o.csv").read_text().startswith("user,item,prediction")


def test_where_nothing_is_known_that_is_said_in_any_case(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("user,item\n1.0,10.0\n2.0,10.0\n")
    result = run("predict", "p.csv", "--quiet")
    assert "the model knows none of these users and items" in result.stderr
    (tmp_path / "p.csv").write_text("user,item\n1.0,10.0\n2.0,10\n")
    assert run("predict", "p.csv", "--quiet").stderr == ""


def test_standard_input_is_read_once(run: Run) -> None:
    message = "only one of the pairs and --history can be standard input"
    fails(run("predict", "-", "--history", "-", stdin="user,item\n1,10\n"), 2, message)


@pytest.mark.parametrize("id_", ["[red]x[/red]", 'a"b', "\x1b[31m", "日本", "7"])
def test_a_pair_of_text_ids_is_shown_as_it_is(run: Run, tmp_path: Path, id_: str) -> None:
    save_model(fit(Ratings.from_ids([id_, "z"], [id_, "z"], [5, 3])), tmp_path / "data/model.npz")
    found = document(run("predict", "--user", id_, "--item", id_, "--json"))
    assert (found["user"], found["item"], found["known"]) == (id_, id_, "both")
