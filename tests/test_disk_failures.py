"""Sorting on disk that does not end: on a full disk, by a signal, by kill -9. Nothing piles up."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlbias.datasets.cache_folder import CACHE_FOLDER
from tests.test_cli import COMMAND, Run, document, environment, fails, run, succeeds
from tests.test_kill import files, killed_once_new_files_hold, temporaries
from tests.test_memory import run_limited

__all__ = ["run"]

TRAIN = ["train", "--epochs", "2", "--json", "--data"]
LIMIT = ["--memory-limit", "256M"]
N_RATINGS = 300_000


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV whose long ids take more than a limit of 256 MiB has room for."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("texts") / "ratings.csv"
    columns = {
        side: pl.Series(rng.integers(10**17, 10**18, size))
        .cast(pl.String)
        .gather(rng.integers(0, size, N_RATINGS))
        + "x" * 80
        for side, size in (("user", 200_000), ("item", 100_000))
    }
    pl.DataFrame({**columns, "rating": rng.integers(1, 6, N_RATINGS)}).write_csv(path)
    return path


@pytest.fixture
def data(tmp_path: Path, texts: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "ratings.csv"
    os.link(texts, path)
    return path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


def test_it_says_so_and_gives_the_same_as_in_memory(run: Run, data: Path, elsewhere: Path) -> None:
    in_memory = document(run(*TRAIN, str(data), "--no-cache", "--memory-limit", "2G"))
    first = run(*TRAIN, str(data), *LIMIT)
    cache = data.parent / CACHE_FOLDER
    said = f"the ratings take more than 256 MiB of memory: sorted on disk in {cache}\n"
    assert said in first.stderr
    assert "left a prepared copy for the next run" in first.stderr
    second = run(*TRAIN, str(data), *LIMIT)
    assert "took the prepared copy of an earlier run" in second.stderr
    piped = run(*TRAIN, "-", *LIMIT, stdin=data.read_text(), TMPDIR=str(elsewhere))
    assert f"sorted on disk in {elsewhere}\n" in piped.stderr
    found = [document(each)["rmse"] for each in (first, second, piped)]
    assert found == [in_memory["rmse"]] * 3
    assert list(elsewhere.iterdir()) == []


def test_a_history_is_sorted_on_disk_too(run: Run, data: Path) -> None:
    succeeds(run("train", "--data", "sample"))
    user, item, _ = data.read_text().splitlines()[1].split(",")
    pair = ["predict", "--user", user, "--item", item, "--json", "--history", str(data)]
    on_disk = run(*pair, *LIMIT)
    assert "the ratings take more than 256 MiB of memory: sorted on disk" in on_disk.stderr
    assert document(on_disk)["known"] == "both"


@pytest.mark.parametrize("kilobytes", [1_000, 4_000, 12_000])
def test_a_full_disk_is_a_sentence_and_nothing_is_left(data: Path, kilobytes: int) -> None:
    limited = run_limited(data.parent, f"-f {kilobytes}", *TRAIN[:3], "--data", data.name, *LIMIT)
    cache = data.parent / CACHE_FOLDER
    said = fails(limited, 1, rf"cannot be sorted on disk in the folder {cache}: File too large\.")
    notice, _, advice = said.splitlines()
    assert notice.endswith(f"sorted on disk in {cache}")
    assert advice.strip() == ("Make room there, or let them take more memory with --memory-limit.")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing(data: Path, elsewhere: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*COMMAND, *TRAIN, str(data), "--no-cache", *LIMIT], cwd=data.parent,
        env=environment() | {"TMPDIR": str(elsewhere)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while process.poll() is None and sum(files(elsewhere).values()) < 1 << 20:
        time.sleep(0.001)
    process.send_signal(number)
    assert process.wait() == 128 + number
    assert list(elsewhere.iterdir()) == []


def test_kill_leaves_what_the_next_run_removes(run: Run, data: Path) -> None:
    cache = data.parent / CACHE_FOLDER
    expected = document(run(*TRAIN, str(data), "--no-cache", "--memory-limit", "2G"))["rmse"]
    kills = 0
    for size in (1, 15 << 20, 30 << 20):
        arguments = [*TRAIN, str(data), *LIMIT]
        kills += killed_once_new_files_hold(size, arguments, data.parent, data.parent)
        assert len(temporaries(cache)) <= 1
    assert kills >= 2
    assert document(run(*TRAIN, str(data), *LIMIT))["rmse"] == expected
    assert [path.suffix for path in cache.iterdir()] == [".copy"]


def test_kill_leaves_what_the_next_run_removes_elsewhere_too(
    run: Run, data: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    arguments = [*TRAIN, str(data), *LIMIT, "--no-cache"]
    assert killed_once_new_files_hold(5 << 20, arguments, data.parent, elsewhere)
    assert len(temporaries(elsewhere)) == 1
    succeeds(run(*arguments, TMPDIR=str(elsewhere)))
    assert list(elsewhere.iterdir()) == []


def test_a_temporary_folder_that_is_not_there_is_an_error(run: Run, data: Path) -> None:
    found = run(*TRAIN, "-", *LIMIT, stdin=data.read_text(), TMPDIR="/no/such/folder")
    fails(found, 1, "TMPDIR is /no/such/folder, which is no folder")
