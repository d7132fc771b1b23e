"""kill -9 at many moments of a download and of preparing: the next run is right, nothing piles up.

Real processes are killed as soon as what they write has come so far; `mlbias generate` has its own
test of the kind.
"""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlbias.datasets.cache import clear_copies
from mlbias.datasets.cache_folder import CACHE_FOLDER
from mlbias.datasets.generated.file import Format, write_generated
from mlbias.datasets.generated.generator import Generator
from mlbias.datasets.generated.shapes import PRESETS
from mlbias.datasets.prepared import LEAST_SIZE
from tests.site import Site, ranged, zipped
from tests.test_cli import COMMAND, Run, document, environment, run, succeeds

__all__ = ["run"]

_KILLS = 6


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV large enough for a prepared copy."""
    path = tmp_path_factory.mktemp("big") / "ratings.csv"
    write_generated(Generator(PRESETS["sample"].resized(900_000)), path, Format.CSV)
    assert path.stat().st_size > LEAST_SIZE
    return path


def files(folder: Path) -> dict[Path, int]:
    """The sizes of all files below a folder, as far as they hold still."""
    sizes = {}
    for place, _, names in os.walk(folder):
        for path in (Path(place) / name for name in names):
            with suppress(FileNotFoundError):
                sizes[path] = path.stat().st_size
    return sizes


def killed_once_new_files_hold(size: int, arguments: list[str], cwd: Path, watched: Path) -> bool:
    """Start the command and kill it as soon as it wrote so much; whether it came to that.

    What a part gains counts as new, and what a killed process left does not.
    """
    before = files(watched)
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, env=environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while process.poll() is None:
        if sum(now - before.get(path, 0) for path, now in files(watched).items()) >= size:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return process.returncode == -signal.SIGKILL


def temporaries(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.name.endswith(".part")]


def test_download(run: Run, tmp_path: Path, big: Path) -> None:
    """Killed while it fetches, unpacks, counts and prepares."""
    members: dict[str, str | bytes] = {
        "ml-latest/ratings.csv": big.read_bytes(),
        "ml-latest/README.txt": "Terms.",
    }
    archive = zipped(members)
    copy_size = big.stat().st_size // 3
    data = tmp_path / "data"
    arguments = ["download", "ml-latest", "--url"]

    kills = 0
    with Site(ranged(archive)) as site:
        arguments.append(site.url)
        # First a fifth of the archive at a time; then, what is left of it and ever more of what is
        # unpacked, and of the copy that is prepared.
        fifth = len(archive) // 5
        later = [fifth + k * (big.stat().st_size + copy_size) // 8 for k in range(8)]
        for size in [*[fifth] * 4, *later]:
            kills += killed_once_new_files_hold(size, arguments, tmp_path, data)
        assert kills >= 9
        succeeds(run(*arguments))
    assert temporaries(tmp_path) == []
    assert (data / "ml-latest/ratings.csv").read_bytes() == big.read_bytes()
    assert sorted(path.name for path in data.iterdir()) == ["ml-latest"]
    trained = run("train", "--data", "ml-latest")
    assert "took the prepared copy of an earlier run" in succeeds(trained) + trained.stderr


def test_preparing(run: Run, tmp_path: Path, big: Path) -> None:
    """Killed while it writes the prepared copy, which the next run makes as if nothing had been."""
    (tmp_path / "r.csv").symlink_to(big)
    cache = big.parent / CACHE_FOLDER
    arguments = ["train", "--data", "r.csv", "--json"]
    expected = document(run(*arguments, "--no-cache"))["rmse"]
    succeeds(run(*arguments))
    (copy,) = cache.iterdir()
    whole = {path.name: path.read_bytes() for path in copy.iterdir()}
    size, kills = sum(map(len, whole.values())), 0
    for number in range(_KILLS):
        clear_copies(big.parent)
        kills += killed_once_new_files_hold(
            1 + size * number // _KILLS, arguments, tmp_path, big.parent
        )
        assert len(temporaries(cache)) <= 1
    assert kills >= 4
    assert document(run(*arguments))["rmse"] == expected
    again = run(*arguments)
    assert document(again)["rmse"] == expected
    assert "took the prepared copy" in again.stderr
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == whole
    clear_copies(big.parent)
    assert not cache.exists()


def test_two_at_once_prepare_the_same_copy(run: Run, tmp_path: Path, big: Path) -> None:
    (tmp_path / "r.csv").write_bytes(big.read_bytes())
    started = [
        subprocess.Popen(
            [*COMMAND, "train", "--data", "r.csv", "--json", "--model", f"{number}.npz"],
            cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for number in range(2)
    ]  # fmt: skip
    for process in started:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert (tmp_path / "0.npz").read_bytes() == (tmp_path / "1.npz").read_bytes()
    assert len(list((tmp_path / CACHE_FOLDER).iterdir())) == 1
    assert "took the prepared copy" in run("baseline", "--data", "r.csv").stderr


def test_the_copy_is_listed_taken_bypassed_and_cleared_by_the_command(
    run: Run, tmp_path: Path, big: Path
) -> None:
    (tmp_path / "r.csv").write_bytes(big.read_bytes())
    assert succeeds(run("cache")) == "no prepared copies\n"
    options = ("--data", "r.csv", "--test-size", "0.1", "--method", "gd", "--epochs", "3")
    parsed = run("train", *options, "--no-cache", "--model", "parsed.npz")
    assert "prepared copy" not in parsed.stderr
    first = run("train", *options, "--model", "first.npz")
    assert "left a prepared copy for the next run, " in first.stderr
    second = run("train", *options, "--model", "second.npz")
    assert "took the prepared copy of an earlier run\n" in second.stderr
    contents = {(tmp_path / f"{n}.npz").read_bytes() for n in ("parsed", "first", "second")}
    assert len(contents) == 1
    errors = [
        document(run("evaluate", "--model", "first.npz", "--json", *more))
        for more in ((), ("--no-cache",))
    ]
    assert errors[0] == errors[1]
    assert errors[0]["part"] == "hold-out"
    found = document(run("baseline", "--data", "r.csv", "--json"))
    assert found == document(run("baseline", "--data", "r.csv", "--json", "--no-cache"))
    said = succeeds(run("cache"))
    assert said.splitlines()[0] == str(tmp_path / "r.csv")
    assert "  900,000 ratings · " in said
    assert said.endswith("MiB · ready\n")
    (copy,) = document(run("cache", "--json"))["copies"]
    assert (copy["n_ratings"], copy["ready"]) == (900_000, True)
    assert copy["bytes"] < big.stat().st_size
    assert document(run("cache", "clear", "--json")) == {
        "schema": 1, "removed": 1, "bytes": copy["bytes"],
    }  # fmt: skip
    assert not (tmp_path / CACHE_FOLDER).exists()
    assert "left a prepared copy" in run("baseline", "--data", "r.csv").stderr
    assert succeeds(run("cache", "clear")).startswith("removed 1 prepared copy, ")
    (tmp_path / "elsewhere").mkdir()
    succeeds(run("cache", "--data", "r.csv", "--data-dir", "elsewhere"))


def test_times_are_kept_for_splits_to_come(run: Run, tmp_path: Path, big: Path) -> None:
    from mlbias.datasets.loading import load_dataset
    from mlbias.datasets.sources import Source

    (tmp_path / "r.csv").write_bytes(big.read_bytes())
    succeeds(run("baseline", "--data", "r.csv"))
    timestamp = load_dataset(Source("r", tmp_path / "r.csv")).ratings.timestamp
    assert timestamp is not None
    expected = pl.read_csv(big)["timestamp"].to_numpy()
    assert np.array_equal(timestamp, expected)
