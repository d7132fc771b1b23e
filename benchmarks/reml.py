"""λ learned beside GPBoost's and lme4's crossed random effects.

    make reml
    python -m benchmarks.reml --gpboost ml-100k 1m --lme4 insteval nested --runs 5

Each run is a process of its own, and the sides alternate. GPBoost is installed from PyPI into
.venv-gpboost. lme4 is R's (Debian's r-cran-lme4); its table is left out where it is missing. Real
sets are archives in data/, or in the folder that MLBIAS_REAL_DATA names; InstEval is lme4's own;
the others are generated. Seconds are of the fit once the ratings are in memory: the other
program's; our first, rough estimate, which is enough on graphs that mix well; and ours with
standard errors and the check. Memory is of the whole process.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from shutil import which

import numpy as np

from benchmarks.against_source import Measured, measure
from benchmarks.reml_sets import GENERATED, ratings_of
from mlbias.core.incidence import BlockIncidence
from mlbias.core.reml.learn import learn
from mlbias.core.reml.probed_estimate import rough_estimate
from mlbias.ratings import Ratings

ENVIRONMENT = Path(".venv-gpboost")


def ours(path: str) -> None:
    """Print what the other programs' scripts print, of our own."""
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


def has_lme4() -> bool:
    if which("Rscript") is None:
        return False
    found = subprocess.run(["Rscript", "-e", "library(lme4)"], capture_output=True, check=False)
    return found.returncode == 0


def row(name: str, theirs: list[Measured], own: list[Measured]) -> None:
    seconds = [statistics.median(run.printed["seconds"] for run in side) for side in (theirs, own)]
    alone = statistics.median(run.printed["alone"] for run in own)
    memory = [statistics.median(run.gigabytes for run in side) for side in (theirs, own)]
    sigmas = own[0].printed["sigmas"]
    apart = [
        f"{100 * (a / b - 1):+.4f}" if b > 0 else f"{a - b:+.4f}"
        for a, b in zip(sigmas, theirs[0].printed["sigmas"], strict=True)
    ]
    print(
        f"{name:<16} {seconds[0]:8.2f} {alone:9.3f} {seconds[0] / alone:6.1f} x"
        f" {seconds[1]:9.3f} {seconds[0] / seconds[1]:6.1f} x {memory[0]:7.2f} {memory[1]:7.2f}"
        f"   {' '.join(f'{sigma:.6f}' for sigma in sigmas)}   {' '.join(apart)}",
        flush=True,
    )


def compare(program: str, command: list[str], sets: list[str], runs: int) -> None:
    """A table: a program beside ours on these sets, that many runs each, in turns."""
    columns = f"{program:>8} {'estimate':>9} {'':>8} {'with all':>9} {'':>8} {'GB':>7} {'GB':>7}"
    print(f"{'seconds':<16} {columns}   σ, users', items'           apart, %")
    with tempfile.TemporaryDirectory() as folder:
        for name in sets:
            path = write(ratings_of(name), f"{folder}/{name}")
            theirs, own = [], []
            for _ in range(runs):
                theirs.append(
                    measure([*command, f"{path}.{'csv' if program == 'lme4' else 'npz'}"])
                )
                own.append(
                    measure([sys.executable, "-m", "benchmarks.reml", "--ours", f"{path}.npz"])
                )
            row(name, theirs, own)


def write(ratings: Ratings, path: str) -> str:
    user, item, value = ratings.user, ratings.item, ratings.value
    np.savez(f"{path}.npz", user=user, item=item, value=value)
    rows = np.column_stack([user, item, value])
    np.savetxt(f"{path}.csv", rows, "%.17g", ",", header="user,item,rating", comments="")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpboost", nargs="*", default=["ml-100k", "ml-latest-small", *GENERATED])
    parser.add_argument("--lme4", nargs="*", default=["insteval", "nested", "schools"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--ours", metavar="FILE", help="one run of our own, for this script")
    options = parser.parse_args()
    if options.ours:
        ours(options.ours)
        return
    if options.gpboost:
        command = [gpboost_python(), "benchmarks/gpboost_fit.py"]
        compare("GPBoost", command, options.gpboost, options.runs)
    if options.lme4 and has_lme4():
        compare("lme4", ["Rscript", "benchmarks/lme4_fit.R"], options.lme4, options.runs)
    elif options.lme4:
        print("lme4 is not here: install R and its package lme4 (Debian: r-cran-lme4)")


if __name__ == "__main__":
    main()
