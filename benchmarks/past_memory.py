"""Ratings that are sorted on disk while they are read: seconds, own memory and bytes.

    python -m benchmarks.past_memory --ratings 100e6 --memory-limit 700M
    python -m benchmarks.past_memory --ids text --ratings 57e6 --memory-limit 1500M
    python -m benchmarks.past_memory --ratings 8e6 --memory-limit 256M --one-user 0.8 --parquet

Writes a CSV, or Parquet in one row group, in no order of users, with integers in the proportions of
MovieLens or with text ids of 28 characters in those of Amazon Reviews 2023. Then `mlbias train`
reads it with the limit, and once more from the copy that the first run left. Own memory is the peak
of RssAnon, in which mapped files do not count.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from mlbias.datasets.cache import clear_copies

_BLOCK = 2_000_000
# Ratings for each user and for each item.
_SHAPES = {"integers": (150, 1600), "text": (10.5, 11.9)}


def write_ratings(path: Path, n: int, ids: str, of_one_user: float = 0.0) -> None:
    """Write n ratings in no order of users; popularity falls as in a long tail.

    Args:
        path: where to.
        n: how many.
        ids: integers or text.
        of_one_user: this share of the ratings is of the first user.
    """
    rng = np.random.default_rng(0)
    sizes = [max(1, int(n / each)) for each in _SHAPES[ids]]
    with path.open("wb") as file:
        for start in range(0, n, _BLOCK):
            rows = min(_BLOCK, n - start)
            drawn = [
                (rng.random(rows) ** power * size).astype(np.int64)
                for power, size in zip((1.5, 3), sizes, strict=True)
            ]
            # Every id occurs.
            for numbers, size in zip(drawn, sizes, strict=True):
                known = np.arange(start, min(start + rows, size))
                numbers[: len(known)] = known
                rng.shuffle(numbers)
            drawn[0][rng.random(rows) < of_one_user] = 0
            columns = {
                name: _column(numbers, ids)
                for name, numbers in zip(("user", "item"), drawn, strict=True)
            }
            columns["rating"] = pl.Series(rng.integers(1, 11, rows) / 2)
            columns["timestamp"] = pl.Series(rng.integers(800_000_000, 1_600_000_000, rows))
            pl.DataFrame(columns).write_csv(file, include_header=start == 0)


def _column(numbers: np.ndarray, ids: str) -> pl.Series:
    if ids == "integers":
        return pl.Series(numbers)
    mixed = pl.Series(numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return pl.select(
        pl.lit("AE") + mixed.cast(pl.String).str.pad_start(20, "0") + pl.lit("SPCX3Q")
    ).to_series()


def measured(command: list[str], out: BinaryIO | int = subprocess.DEVNULL) -> dict[str, float]:
    """Wall and processor seconds of a process, and the peak of its own memory in bytes."""
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE)
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        peak = max(peak, _own_memory(process.pid))
        time.sleep(0.01)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.stderr is not None
    with process.stderr as told:
        said = told.read().decode()
    if status:
        raise SystemExit(said)
    if said:
        print(said.rstrip())
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "processor": usage.ru_utime + usage.ru_stime, "peak": peak}


def _own_memory(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def main() -> None:
    """Write the ratings, measure, and print a table."""
    parser = argparse.ArgumentParser(description="Measure ratings that are sorted on disk.")
    parser.add_argument("--ratings", type=float, default=2e6)
    parser.add_argument("--ids", choices=_SHAPES, default="integers")
    parser.add_argument("--memory-limit", default="300M")
    parser.add_argument("--folder", type=Path, help="to keep what is written there")
    parser.add_argument("--one-user", type=float, default=0.0, help="share of its ratings")
    parser.add_argument("--parquet", action="store_true", help="in one row group")
    asked = parser.parse_args()
    n = int(asked.ratings)
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        path = folder / f"{asked.ids}-{n}-{asked.one_user}.csv"
        if not path.exists():
            write_ratings(path, n, asked.ids, asked.one_user)
        if asked.parquet:
            table, path = pl.read_csv(path), path.with_suffix(".parquet")
            table.write_parquet(path, row_group_size=n)
            del table
        clear_copies(folder)
        size = path.stat().st_size
        print(f"{n:,} ratings, {asked.ids}, {size / n:.1f} bytes each, limit {asked.memory_limit}")
        train = [sys.executable, "-m", "mlbias", "train", "--method", "closed-form"]
        train += ["--data", str(path), "--memory-limit", asked.memory_limit]
        train += ["--model", str(folder / "model.npz")]
        for name in ("from the file", "from the copy"):
            found = measured(train)
            print(
                f"{name:15}{found['seconds']:8.1f} s{found['processor']:8.1f} s of processor"
                f"{found['peak'] / 1e9:7.2f} GB ({found['peak'] / 2**20:.0f} MiB)"
            )


if __name__ == "__main__":
    main()
