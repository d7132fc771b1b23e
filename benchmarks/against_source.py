"""mlbias beside the lecture page's own loops, on generated ratings in ml-25m's shape.

    make bench
    python -m benchmarks.against_source --shape sample --runs 5 --source-runs 5
    python -m benchmarks.against_source --source-runs 0 --beside ../an-older-checkout

Every run is a process of its own; the sides alternate, since the machine's speed drifts. mlbias
runs three times in each turn: parsing the file and leaving nothing (parsed), parsing it and leaving
a prepared copy (preparing), and from that copy (prepared). In each turn Polars alone reads the same
three columns, which is the floor for any reading by it. With --beside another checkout of mlbias
parses the file in each turn too. Printed are medians, their ratios, and the largest resident memory
that the system saw.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ratings_file import generated_csv
from mlbias.datasets.cache import clear_copies
from mlbias.datasets.generated.shapes import PRESETS

EPOCHS = 10


@dataclass(frozen=True)
class Measured:
    """One run: wall seconds of the whole process, peak memory in GB, what it printed."""

    seconds: float
    gigabytes: float
    printed: dict[str, Any]


def measure(command: list[str], checkout: Path | None = None) -> Measured:
    """Run a command whose last line, or all that it prints, is one JSON document."""
    path = {} if checkout is None else {"PYTHONPATH": str(checkout.resolve())}
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | path, cwd=checkout)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    document = printed if printed.lstrip().startswith(b"{") else printed.splitlines()[-1]
    return Measured(seconds, usage.ru_maxrss * 1024 / 1e9, json.loads(document))


def ours(
    method: str, path: Path, model: Path, *more: str, checkout: Path | None = None
) -> Measured:
    command = ["-m", "mlbias", "train", "--method", method, "--epochs", str(EPOCHS), "--json"]
    files = ["--data", str(path), "--model", str(model), "--quiet"]
    return measure([sys.executable, *command, *files, *more], checkout)


def floor(path: Path) -> Measured:
    """Polars alone, in a process of its own."""
    program = (
        "import json, sys, time, polars\n"
        "started = time.perf_counter()\n"
        "frame = polars.read_csv(sys.argv[1], columns=[0, 1, 2])\n"
        "print(json.dumps({'rows': len(frame), 'read': time.perf_counter() - started}))"
    )
    return measure([sys.executable, "-c", program, str(path)])


def ours_in_turn(method: str, path: Path, model: Path) -> dict[str, Measured]:
    parsed = ours(method, path, model, "--no-cache")
    clear_copies(path.parent)
    return {
        "parsed": parsed,
        "preparing": ours(method, path, model),
        "prepared": ours(method, path, model),
    }


def source(method: str, path: Path) -> Measured:
    module = "benchmarks.source_loops"
    return measure([sys.executable, "-m", module, method, str(path), str(EPOCHS)])


def our_epoch(run: Measured) -> float:
    """Seconds an epoch, the first row (which has no update) left out."""
    history = run.printed["history"]
    return float((history[-1]["seconds"] - history[0]["seconds"]) / EPOCHS)


def source_epoch(run: Measured) -> float:
    return float(statistics.median(run.printed["epochs"]))


def row(name: str, theirs: list[float], own: list[float], unit: str) -> None:
    a, b = statistics.median(theirs), statistics.median(own)
    spread = f"{min(own):.3g} to {max(own):.3g}"
    print(f"{name:<34} {a:9.3f} {b:9.3f} {unit:<3} {a / b:7.1f} x   {spread}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=PRESETS, default="ml-25m")
    parser.add_argument("--runs", type=int, default=5, help="of mlbias, each method")
    parser.add_argument("--source-runs", type=int, default=3, help="of the source, each method")
    parser.add_argument("--beside", type=Path, help="another checkout of mlbias")
    options = parser.parse_args()
    path = generated_csv(options.shape).resolve()
    runs: dict[tuple[str, str], list[Measured]] = {}
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.npz"
        for number in range(max(options.runs, options.source_runs)):
            for method in ("closed-form", "gd"):
                if number < options.source_runs:
                    runs.setdefault(("source", method), []).append(source(method, path))
                if number < options.runs and method == "closed-form":
                    runs.setdefault(("floor", method), []).append(floor(path))
                    if options.beside is not None:
                        other = ours(method, path, model, "--no-cache", checkout=options.beside)
                        runs.setdefault(("beside", method), []).append(other)
                if number < options.runs:
                    for state, run in ours_in_turn(method, path, model).items():
                        runs.setdefault((state, method), []).append(run)
    report(runs)


def report(runs: dict[tuple[str, str], list[Measured]]) -> None:
    own = runs["parsed", "closed-form"]
    for state, label in (("floor", "polars"), ("beside", "other")):
        theirs = runs.get((state, "closed-form"), [])
        if theirs:
            print(
                f"\n{'medians':<34} {label:>9} {'mlbias':>9} {'':<3} {'ratio':>9}   mlbias from, to"
            )
            row("the whole command, from CSV", *seconds_of(theirs, own), "s")
            reads = [read_seconds(run) for run in theirs], [read_seconds(run) for run in own]
            row("  reading", *reads, "s")
            row("  peak memory", [r.gigabytes for r in theirs], [r.gigabytes for r in own], "GB")
    if ("source", "closed-form") in runs:
        report_source(runs)


def read_seconds(run: Measured) -> float:
    printed = run.printed
    return float(printed["read"] if "read" in printed else printed["seconds"]["read"])


def report_source(runs: dict[tuple[str, str], list[Measured]]) -> None:
    theirs, own = runs["source", "closed-form"], runs["parsed", "closed-form"]
    print(f"\n{'medians':<34} {'source':>9} {'mlbias':>9} {'':<3} {'ratio':>9}   mlbias from, to")
    row("closed-form, the whole command", *seconds_of(theirs, own), "s")
    row("  peak memory", [r.gigabytes for r in theirs], [r.gigabytes for r in own], "GB")
    reads = [r.printed["read"] for r in theirs], [r.printed["seconds"]["read"] for r in own]
    row("  reading", *reads, "s")
    row("  one epoch", [*map(source_epoch, theirs)], [*map(our_epoch, own)], "s")
    for state in ("preparing", "prepared"):
        own = runs[state, "closed-form"]
        row(f"closed-form, {state}", *seconds_of(theirs, own), "s")
        row("  peak memory", [r.gigabytes for r in theirs], [r.gigabytes for r in own], "GB")
    theirs, own = runs["source", "gd"], runs["parsed", "gd"]
    row("gd, one epoch", [*map(source_epoch, theirs)], [*map(our_epoch, own)], "s")
    parsed, preparing = (
        statistics.median(run.seconds for run in runs[state, "closed-form"])
        for state in ("parsed", "preparing")
    )
    print(f"preparing takes {100 * (preparing / parsed - 1):.0f} % longer than parsing alone")
    final = {run.printed["rmse"] for run in runs["source", "closed-form"]}
    print(f"closed-form RMSE: source {sorted(final)}, mlbias {own_rmse(runs)}")


def seconds_of(theirs: list[Measured], own: list[Measured]) -> tuple[list[float], list[float]]:
    return [run.seconds for run in theirs], [run.seconds for run in own]


def own_rmse(runs: dict[tuple[str, str], list[Measured]]) -> list[float]:
    states = ("parsed", "preparing", "prepared")
    return sorted({run.printed["rmse"] for state in states for run in runs[state, "closed-form"]})


if __name__ == "__main__":
    main()
