"""`mlbias predict` beside LensKit's and Surprise's way of predicting a file of pairs, in turns.

    make .venv-surprise/installed .venv-lenskit/installed
    python -m benchmarks.predict_peers --pairs 5000000 --runs 5

All train on the same generated million of ratings, before any clock runs. A file of pairs of those
users and items, and of a few unknown ones, is then read, predicted and written as CSV. Every run is
a process of its own. Seconds are of the whole process; those of the processor say more on a busy
machine. "work" is the processor's seconds of the libraries without imports and without loading the
model, and all of ours. Memory is the peak of the process.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import ours, run

LIBRARIES = ("surprise", "lenskit-batch", "lenskit")
UNKNOWN = 0.01
FIELDS = ("seconds", "cpu", "gigabytes", "work")


def _python(library: str) -> str:
    return f".venv-{library.partition('-')[0]}/bin/python"


def write_pairs(folder: Path, n: int) -> None:
    """Pairs drawn from the training file, a hundredth of their users and items unknown."""
    # In a process of its own, since a parent's memory is counted as its children's.
    import numpy as np
    import polars as pl

    ratings = pl.read_csv(folder / "training.csv")
    rng = np.random.default_rng(0)
    columns = {}
    for side in ("user", "item"):
        ids = ratings[side].to_numpy()[rng.integers(len(ratings), size=n)]
        columns[side] = np.where(rng.random(n) < UNKNOWN, ids + 10_000_000, ids)
    pairs = pl.DataFrame(columns)
    pairs.write_csv(folder / "pairs.csv")
    pairs.write_parquet(folder / "pairs.parquet")


@dataclass(frozen=True)
class Spent:
    """Seconds, seconds of the processor, peak memory in GB, and seconds of the work alone."""

    seconds: float
    cpu: float
    gigabytes: float
    work: float


def timed(command: list[str]) -> Spent:
    """What a process takes; the work alone is what it prints, of ours all."""
    started, before = time.perf_counter(), _children()
    found = run(command, 3600)
    if isinstance(found, str):
        raise SystemExit(f"{' '.join(command)}: {found}")
    printed, gigabytes = found
    seconds, cpu = time.perf_counter() - started, _children() - before
    return Spent(seconds, cpu, gigabytes, printed.get("cpu", cpu))


def _children() -> float:
    """Seconds of the processor that processes which have ended took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def commands(folder: Path, libraries: Sequence[str]) -> dict[str, list[str]]:
    """What is run in each turn, by its name in the table."""
    found = {}
    for library in libraries:
        files = [
            str(folder / name) for name in (f"{library}.pickle", "pairs.csv", f"{library}.csv")
        ]
        python = _python(library)
        found[library] = [python, "benchmarks/peer_pairs.py", library, "predict", *files]
    for form in ("csv", "parquet"):
        files = [str(folder / f"pairs.{form}"), "--out", str(folder / f"mlbias.{form}")]
        options = ["--model", str(folder / "model.npz"), "--force", "--json", "--quiet"]
        name = "mlbias" if form == "csv" else "mlbias, Parquet"
        found[name] = [sys.executable, "-m", "mlbias", "predict", *files, *options]
    return found


def prepare(folder: Path, n: int, libraries: Sequence[str]) -> None:
    """The pairs, and a model of each side."""
    ours("benchmarks.peer_data", "split", "1m", str(folder))
    ours("benchmarks.predict_peers", "--pairs", str(n), "--write-to", str(folder))
    training = str(folder / "training.csv")
    for library in libraries:
        model = str(folder / f"{library}.pickle")
        python = _python(library)
        fitted = [python, "benchmarks/peer_pairs.py", library, "fit", training, model]
        timed(fitted)
    model = str(folder / "model.npz")
    options = ["--method", "exact", "--no-cache", "--json", "--quiet", "--model", model]
    timed([sys.executable, "-m", "mlbias", "train", "--data", training, *options])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--libraries", nargs="+", default=LIBRARIES)
    parser.add_argument("--write-to", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write_to:
        write_pairs(options.write_to, options.pairs)
        print("{}")
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder, options.pairs, options.libraries)
        todo = commands(folder, options.libraries)
        done: dict[str, list[Spent]] = {name: [] for name in todo}
        for _ in range(options.runs):
            for name, command in todo.items():
                done[name].append(timed(command))
                print(f"{name}: {done[name][-1]}", file=sys.stderr, flush=True)
    report(options.pairs, done)


def report(n: int, done: dict[str, list[Spent]]) -> None:
    """A table of the medians, and how many times less we take than the faster library."""
    medians = {
        name: Spent(*(statistics.median(getattr(one, field) for one in runs) for field in FIELDS))
        for name, runs in done.items()
    }
    libraries = [name for name in done if not name.startswith("mlbias")]
    heads = f"{'seconds':>9}{'from':>8}{'to':>8}{'CPU s':>8}{'work':>8}{'GB':>7}"
    print(f"{f'{n:,} pairs':<16}{heads}   ratios: seconds, CPU, work, GB")
    for name, one in medians.items():
        spent = [run.seconds for run in done[name]]
        ratios = [
            f"{min(getattr(medians[side], field) for side in libraries) / own:.1f}"
            for field, own in zip(
                FIELDS, (one.seconds, one.cpu, one.gigabytes, one.work), strict=True
            )
        ]
        seconds, cpu, gigabytes, work = ratios
        told = "" if name in libraries else f"   {seconds}, {cpu}, {work}, {gigabytes}"
        print(
            f"{name:<16}{one.seconds:9.2f}{min(spent):8.2f}{max(spent):8.2f}{one.cpu:8.2f}"
            f"{one.work:8.2f}{one.gigabytes:7.2f}{told}"
        )


if __name__ == "__main__":
    main()
