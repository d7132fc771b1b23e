"""λ learned beside GPBoost's crossed random effects, each run a process of its own, in turns.

    make reml
    python -m benchmarks.reml --sets ml-100k ml-latest-small 1m 5m --runs 5

GPBoost is installed from PyPI into .venv-gpboost. Real sets are archives in data/, or in the folder
that MLBIAS_REAL_DATA names; 1m and 5m are generated. Seconds are of the fit once the ratings are in
memory: GPBoost's, our own estimate of the three components, which is the same task, and ours with
standard errors and the check. Memory is of the whole process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.against_source import Measured, measure
from benchmarks.ratings_file import generated_csv
from mlbias import load_ratings
from mlbias.core.incidence import BlockIncidence
from mlbias.core.reml.learn import learn
from mlbias.core.reml.probed_estimate import rough_estimate
from mlbias.datasets.generated.shapes import PRESETS
from mlbias.ratings import Ratings

ENVIRONMENT = Path(".venv-gpboost")
GENERATED = {"1m": 1_000_000, "5m": 5_000_000}


def ours(path: str) -> None:
    """Print what GPBoost's script prints, of our own."""
    data = np.load(path)
    users, items = (np.arange(data[side].max() + 1) for side in ("user", "item"))
    ratings = Ratings(data["user"], data["item"], data["value"], users, items)
    incidence = BlockIncidence(ratings)
    started = time.perf_counter()
    found = learn(incidence).components
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    rough_estimate(incidence)
    alone = time.perf_counter() - started
    sigmas = [found.sigma, found.sigma_user, found.sigma_item]
    print(json.dumps({"seconds": seconds, "alone": alone, "sigmas": sigmas}))


def gpboost_python() -> str:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "gpboost"], check=True)
    return str(python)


def ratings_of(name: str) -> Ratings:
    if name in GENERATED:
        PRESETS[name] = PRESETS["ml-25m"].resized(GENERATED[name])
        return load_ratings(generated_csv(name))
    folder = Path(os.environ.get("MLBIAS_REAL_DATA", "data"))
    return load_ratings(folder / f"{name}.zip")


def row(name: str, theirs: list[Measured], own: list[Measured]) -> None:
    seconds = [statistics.median(run.printed["seconds"] for run in side) for side in (theirs, own)]
    alone = statistics.median(run.printed["alone"] for run in own)
    memory = [statistics.median(run.gigabytes for run in side) for side in (theirs, own)]
    apart = [
        f"{100 * (a / b - 1):+.3f}"
        for a, b in zip(own[0].printed["sigmas"], theirs[0].printed["sigmas"], strict=True)
    ]
    print(
        f"{name:<16} {seconds[0]:8.2f} {alone:9.3f} {seconds[0] / alone:6.1f} x"
        f" {seconds[1]:9.3f} {seconds[0] / seconds[1]:6.1f} x"
        f" {memory[0]:7.2f} {memory[1]:7.2f}   {' '.join(apart)}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["ml-100k", "ml-latest-small", *GENERATED])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--ours", metavar="FILE", help="one run of our own, for this script")
    options = parser.parse_args()
    if options.ours:
        ours(options.ours)
        return
    python = gpboost_python()
    columns = f"{'GPBoost':>8} {'estimate':>9} {'':>8} {'with all':>9} {'':>8}"
    print(f"{'seconds':<16} {columns} {'GB':>7} {'GB':>7}   σ's apart, %")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.sets:
            ratings, path = ratings_of(name), f"{folder}/{name}.npz"
            np.savez(path, user=ratings.user, item=ratings.item, value=ratings.value)
            theirs, own = [], []
            for _ in range(options.runs):
                theirs.append(measure([python, "benchmarks/gpboost_fit.py", path]))
                own.append(measure([sys.executable, "-m", "benchmarks.reml", "--ours", path]))
            row(name, theirs, own)


if __name__ == "__main__":
    main()
