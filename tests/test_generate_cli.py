"""`mlbias generate` through its real entry point: files, bytes, refusals, what a kill leaves."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.test_cli import (
    COMMAND,
    Run,
    document,
    environment,
    fails,
    on_terminal,
    run,
    succeeds,
)

# A fixture is used by its name alone.
__all__ = ["run"]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_preset_is_generated_where_train_finds_it_by_name(run: Run, tmp_path: Path) -> None:
    result = run("generate", "--preset", "ml-100k")
    said = succeeds(result).splitlines()
    assert said[0].startswith("generated ml-100k · 100,000 ratings · 943 users · 1,6")
    assert said[2] == "drawn with α 3.4, σ 0.86, users' σ 0.43, items' σ 0.48"
    assert said[3].startswith("2.2 MiB of CSV in ")
    assert result.stderr == (
        "saved data/generated-ml-100k/ratings.csv, and the true biases in ratings.csv.truth.npz\n"
    )
    assert names(tmp_path / "data/generated-ml-100k") == {"ratings.csv", "ratings.csv.truth.npz"}
    trained = succeeds(run("train", "--data", "generated-ml-100k"))
    facts = said[0].removeprefix("generated ml-100k")
    assert trained.splitlines()[0] == "generated-ml-100k" + facts
    again = run("generate", "--preset", "ml-100k", "--quiet")
    assert (succeeds(again).splitlines()[:3], again.stderr) == (said[:3], "")


def test_the_smallest_preset_is_the_sample(run: Run) -> None:
    succeeds(run("generate"))
    sample = document(run("baseline", "--data", "sample", "--json"))
    generated = document(run("baseline", "--data", "generated-sample", "--json"))
    assert {**generated, "data": "sample", "source": sample["source"]} == sample


@pytest.mark.parametrize("name", ["r.csv", "r.parquet"])
def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(
    run: Run, tmp_path: Path, name: str
) -> None:
    seen = []
    for seed, threads in (("5", "1"), ("5", "2"), ("5", "4"), ("6", "2")):
        options = ("--seed", seed, "--out", f"{seed}{threads}/{name}", "--quiet")
        succeeds(run("generate", *options, POLARS_MAX_THREADS=threads))
        folder = tmp_path / f"{seed}{threads}"
        seen.append((digest(folder / name), digest(folder / f"{name}.truth.npz")))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][0] != seen[3][0]
    assert seen[0][1] != seen[3][1]


def test_csv_and_parquet_hold_the_same_ratings(run: Run, tmp_path: Path) -> None:
    for options in (("--out", "r.csv"), ("--out", "r.parquet"), ("--out", "r", "--format", "csv")):
        succeeds(run("generate", "--ratings", "5000", "--seed", "3", *options))
    text, binary = pl.read_csv(tmp_path / "r.csv"), pl.read_parquet(tmp_path / "r.parquet")
    assert text.equals(binary)
    assert text.schema == binary.schema
    assert text.columns == ["userId", "movieId", "rating", "timestamp"]
    assert len(text) == 5000
    assert digest(tmp_path / "r") == digest(tmp_path / "r.csv")


def test_json_tells_what_was_generated(run: Run, tmp_path: Path) -> None:
    options = ("--ratings", "3000", "--users", "100", "--items", "80", "--seed", "2", "--step", "1")
    found = document(run("generate", *options, "--out", "deep/er/x.parquet", "--json"))
    ratings = pl.read_parquet(tmp_path / "deep/er/x.parquet")
    assert found.pop("seconds") > 0
    assert found == {
        "schema": 1, "out": "deep/er/x.parquet", "truth": "deep/er/x.parquet.truth.npz",
        "format": "parquet",
        "preset": "sample", "seed": 2, "n_ratings": 3000, "n_users": 100,
        "n_items": ratings["movieId"].n_unique(), "alpha": 3.4, "sigma": 0.86,
        "sigma_user": 0.43, "sigma_item": 0.48,
        "bytes": (tmp_path / "deep/er/x.parquet").stat().st_size,
    }  # fmt: skip
    assert set(ratings["rating"].unique()) == {1.0, 2.0, 3.0, 4.0, 5.0}
    # Beside a name of its own the truth is no second data file.
    assert document(run("baseline", "--data", "deep/er", "--json"))["n_ratings"] == 3000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--ratings 100 --users 9 --items 11", "100 ratings are too many for 9 users and 11 items"),
        ("--ratings 10 --users 11", "10 ratings are too few for 11 users, who have at least one"),
        ("--ratings 0", "the number of ratings is at least 1, not 0"),
        ("--users -3", "the number of users is at least 1, not -3"),
        ("--items 0", "the number of items is at least 1, not 0"),
        ("--ratings 1000000000000000", "there are at most 2,147,483,647 users"),
        ("--preset ml-9m", "there is no preset 'ml-9m'; there are sample, ml-100k"),
        ("--step 0.3", "--step divides a star evenly, as 1, 0.5 or 0.1 do; 0.3 does not"),
        ("--step 0", "0 does not"),
        ("--step nan", "nan does not"),
        ("--format xml", "--format is csv or parquet, not 'xml'"),
        ("--out r.csv.gz", "--out ends in .gz, but what is written is not packed"),
        ("--out r.parquet --format csv", "--out ends in .parquet, and --format is csv"),
        ("--out -", "--out is a file: the truth has to go beside it"),
        ("--seed -1", "--seed is from 0 to 9,223,372,036,854,775,807, not -1"),
        ("--seed 9223372036854775808", "not 9,223,372,036,854,775,808"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    run: Run, tmp_path: Path, options: str, message: str
) -> None:
    said = fails(run("generate", *options.split()), 2, message)
    assert said.startswith("error: ")
    assert names(tmp_path) == set()


def test_a_place_for_the_file_is_looked_for_first(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").mkdir()
    fails(run("generate", "--out", "r.csv"), 1, "r.csv cannot be written: it is a folder")
    (tmp_path / "q.csv.truth.npz").mkdir()
    fails(run("generate", "--out", "q.csv"), 1, "q.csv.truth.npz cannot be written: it is a")
    (tmp_path / "file").write_text("")
    fails(run("generate", "--out", "file/r.csv"), 1, "file/r.csv cannot be written: .*/file is not")
    assert names(tmp_path) == {"r.csv", "q.csv.truth.npz", "file"}


@pytest.mark.parametrize("name", ["r.csv", "r.parquet"])
def test_a_full_disk_is_told_and_leaves_what_was_there(run: Run, tmp_path: Path, name: str) -> None:
    succeeds(run("generate", "--ratings", "100", "--out", name))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limited = f"ulimit -f 64; '{sys.executable}' -m mlbias generate --out {name}"
    result = subprocess.run(
        ["bash", "-c", limited], cwd=tmp_path, env=environment(), capture_output=True,
        encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    said = fails(result, 1, f"error: {name} cannot be written: .*File too large")
    assert len(said.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["mine.csv", "mine.csv.truth.npz"])
def test_a_file_that_was_not_generated_is_not_replaced(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    fails(run("generate", "--out", "mine.csv"), 1, f"{name} exists and is not .*not replaced")
    assert names(tmp_path) == {name}
    assert (tmp_path / name).read_text() == "mine"
    succeeds(run("generate", "--out", "mine.csv", "--force", "--preset", "sample"))
    assert (tmp_path / "mine.csv").read_text().startswith("userId,movieId,rating,timestamp\n")
    succeeds(run("generate", "--out", "mine.csv"))


def test_devices_and_pipes_are_refused_and_left_alone(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("/dev/null", "/dev/stdout", "pipe", "."):
        fails(run("generate", "--out", name), 1, f"{name} cannot be written: it is a ")
        code = 1 if name == "." else 2
        fails(run("train", "--data", "sample", "--model", name), code, "regular file")
    fails(run("evaluate", "--model", "pipe"), 2, "pipe is a device, a pipe or a")
    assert names(tmp_path) == {"pipe"}
    assert Path("/dev/null").is_char_device()


def test_a_long_run_shows_a_bar_on_a_terminal(tmp_path: Path) -> None:
    seen = on_terminal(["generate", "--ratings", "4000000"], tmp_path, COLUMNS="100")
    assert "generating" in seen
    assert "/4,000,000" in seen
    assert "next: mlbias train --data data/generated-sample/ratings.csv" in seen


def start(folder: Path, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "generate", "--ratings", "2500000", "--seed", "1", "--out", name],
        cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def kill_once_a_new_file_holds(size: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Whatever it is called; polled without a pause, for a run takes a second."""
    before = names(folder)
    while process.poll() is None:
        for path in folder.iterdir():
            try:
                if path.name not in before and path.stat().st_size >= size:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
            except FileNotFoundError:
                pass
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("name", "kills"), [("r.csv", 5), ("r.parquet", 3)])
def test_after_kills_at_any_moment_the_next_run_is_right_and_alone(
    tmp_path: Path, name: str, kills: int
) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    folder.mkdir()
    generated = "generate", "--ratings", "100", "--quiet", "--out", name
    assert subprocess.run([*COMMAND, *generated], cwd=folder, check=True, env=environment())
    before = digest(folder / name)
    assert start(whole, name).wait(timeout=60) == 0
    total = (whole / name).stat().st_size
    for number in range(kills):
        size = int(0.95 * total * number / kills)
        kill_once_a_new_file_holds(size, start(folder, name), folder)
        assert digest(folder / name) == before
        assert len(names(folder)) <= 2 + 2  # what the last one left
    assert start(folder, name).wait(timeout=60) == 0
    assert names(folder) == {name, f"{name}.truth.npz"}
    for file in names(folder):
        assert digest(folder / file) == digest(whole / file)
