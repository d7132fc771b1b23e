"""The passes over ratings that a command makes besides training, on generated ratings.

    make passes
    python -m benchmarks.passes --shape sample --runs 1

Hold-outs, evaluation and cross-validation from a prepared copy; training from the CSV beside a
process that only lets Polars read the three columns; and ten epochs beside the same ten in DuckDB's
SQL. Every run is a process of its own, and all kinds take turns. Printed are medians of seconds,
largest resident memory, and processor seconds, which other work on the machine disturbs less.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ratings_file import generated_csv
from mlbias.datasets.generated.shapes import PRESETS

_POLARS = "import polars, sys; polars.read_csv(sys.argv[1], columns=[0, 1, 2])"
_DUCKDB = Path(".venv-duckdb/bin/python")


def commands(path: Path, model: Path) -> dict[str, list[str]]:
    """What is measured, by its name."""
    data = ["--data", str(path)]
    train = ["train", *data, "--quiet", "--model", str(model)]
    kinds = {
        "train from CSV": [*train, "--no-cache"],
        "train": train,
        "train --test-size 0.1": [*train, "--test-size", "0.1"],
        "train --split user --test-size 1": [*train, "--split", "user", "--test-size", "1"],
        "evaluate on all": ["evaluate", *data, "--model", str(model.with_name("whole.npz"))],
        "crossval, 5 folds": ["crossval", *data],
    }
    found = {name: [sys.executable, "-m", "mlbias", *words] for name, words in kinds.items()}
    found["Polars alone, three columns"] = [sys.executable, "-c", _POLARS, str(path)]
    if _DUCKDB.exists():
        found["DuckDB, ten epochs"] = [str(_DUCKDB), "benchmarks/duckdb_epochs.py", str(path)]
    return found


def measured(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, peak memory in GB and processor seconds of a process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(said.decode())
    seconds = time.perf_counter() - started
    return seconds, usage.ru_maxrss * 1024 / 1e9, usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure all of it, and print a table."""
    parser = argparse.ArgumentParser(description="Measure passes over ratings.")
    parser.add_argument("--shape", choices=PRESETS, default="ml-25m")
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    path = generated_csv(asked.shape)
    with tempfile.TemporaryDirectory() as folder:
        kinds = commands(path, Path(folder, "model.npz"))
        measured([*kinds["train"][:-1], str(Path(folder, "whole.npz"))])
        runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in kinds}
        for _ in range(asked.runs):
            for name, command in kinds.items():
                runs[name].append(measured(command))
    print(f"{'':34}{'seconds':>9}{'memory':>10}{'processor':>11}")
    for name, found in runs.items():
        seconds, memory, processor = map(statistics.median, zip(*found, strict=True))
        print(f"{name:34}{seconds:8.2f} s{memory:7.2f} GB{processor:9.2f} s")


if __name__ == "__main__":
    main()
