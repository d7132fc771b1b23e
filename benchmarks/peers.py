"""mlbias beside the bias models of Surprise, LensKit and Cornac, on the same split, in turns.

    make peers
    python -m benchmarks.peers --sets ml-100k 1m --runs 5 --limit 600 --memory 16

Every run is a process of its own. Seconds are of reading the training file and of the fit, without
imports; memory is of the whole process, the test file's predictions included for the libraries.
mlbias runs twice in each turn: as it is, with both λ's learned, checked and given standard errors,
and at Surprise's own λ's. Real sets are archives in data/, or where MLBIAS_REAL_DATA says; those
that are not there are generated.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import peer_lambdas

SETS = ("ml-100k", "1m", "5m", "25m")
LIBRARIES = ("surprise", "lenskit", "cornac")
OURS = {"mlbias": [], "mlbias, λ given": ["--lambda-user", "15", "--lambda-item", "10"]}
LARGE = 2_000_000
# Cornac's recurrence is a loop in Python, for which more would take minutes.
LOOP = 2_000_000


@dataclass(frozen=True)
class Run:
    """Seconds of reading and of fitting, peak memory in GB, errors on the hold-out."""

    read: float
    fit: float
    gigabytes: float
    rmse: float

    @property
    def seconds(self) -> float:
        """Both."""
        return self.read + self.fit


def run(command: list[str], limit: float) -> tuple[dict[str, Any], float] | str:
    """The JSON that a command printed and its peak memory in GB, or why there is none."""
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints)
        timer = threading.Timer(limit, process.kill)
        timer.start()
        started = time.perf_counter()
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        if status == 0:
            # What was generated on the way is told before it.
            return json.loads(printed[printed.index(b"{") :]), usage.ru_maxrss * 1024 / 1e9
        if time.perf_counter() - started >= limit:
            return f"not done in {limit:g} s"
        complaints.seek(0)
        complaint = complaints.read().decode(errors="replace").strip()
    if any(word in complaint for word in ("MemoryError", "bad_alloc", "allocate")):
        return "out of memory"
    last = complaint.splitlines()[-1] if complaint else "no word"
    return f"failed: {last[:60]}"


def ours(*arguments: str, limit: float = 3600) -> tuple[dict[str, Any], float]:
    """A part of our own, which has to succeed."""
    found = run([sys.executable, "-m", *arguments], limit)
    if isinstance(found, str):
        raise SystemExit(f"{' '.join(arguments)}: {found}")
    return found


def ours_trained(name: str, folder: Path) -> Run:
    model = folder / f"{name}.npz"
    files = ["--data", str(folder / "training.csv"), "--model", str(model)]
    options = ["--method", "exact", "--no-cache", "--json", "--quiet", *OURS[name]]
    printed, gigabytes = ours("mlbias", "train", *files, *options)
    seconds = printed["seconds"]
    fit = seconds["train"] + seconds.get("learn", 0.0)
    errors, _ = ours("benchmarks.peer_data", "score", str(model), str(folder))
    return Run(seconds["read"], fit, gigabytes, errors["rmse"])


def theirs(library: str, folder: Path, options: argparse.Namespace, *more: str) -> Run | str:
    files = [str(folder / name) for name in ("training.csv", "test.csv", f"{library}.npy")]
    command = [f".venv-{library}/bin/python", "benchmarks/peer_fit.py", library, *files, *more]
    found = run([*command, "--memory", str(options.memory)], options.limit)
    if isinstance(found, str):
        return found
    printed, gigabytes = found
    return Run(printed["read"], printed["fit"], gigabytes, printed["rmse"])


def in_turns(
    folder: Path, runs: int, options: argparse.Namespace
) -> tuple[dict[str, list[Run]], dict[str, str]]:
    """Runs of each side in turns; one that failed is not tried again, and why is in the other."""
    done: dict[str, list[Run]] = {}
    failed: dict[str, str] = {}
    for _ in range(runs):
        for library in LIBRARIES:
            if library not in failed:
                found = theirs(library, folder, options)
                if isinstance(found, str):
                    failed[library] = found
                else:
                    done.setdefault(library, []).append(found)
        for name in OURS:
            done.setdefault(name, []).append(ours_trained(name, folder))
    return done, failed


def median(runs: list[Run]) -> Run:
    """The medians of each."""
    return Run(
        *(
            statistics.median(getattr(one, field) for one in runs)
            for field in ("read", "fit", "gigabytes", "rmse")
        )
    )


def report(name: str, done: dict[str, list[Run]], failed: dict[str, str]) -> None:
    print(f"\n{name:<26}{'read s':>9}{'fit s':>9}{'both s':>9}{'GB':>8}   hold-out RMSE")
    medians = {side: median(runs) for side, runs in done.items()}
    for side in (*LIBRARIES, *OURS):
        if side in failed:
            print(f"  {side:<24}{failed[side]}")
            continue
        one = medians[side]
        print(
            f"  {side:<24}{one.read:9.3f}{one.fit:9.3f}{one.seconds:9.3f}{one.gigabytes:8.3f}"
            f"   {one.rmse:.6f}"
        )
    peers = {side: one for side, one in medians.items() if side in LIBRARIES}
    if not peers:
        return
    fastest = min(peers, key=lambda side: peers[side].seconds)
    smallest = min(peers, key=lambda side: peers[side].gigabytes)
    for side in OURS:
        faster = peers[fastest].seconds / medians[side].seconds
        smaller = peers[smallest].gigabytes / medians[side].gigabytes
        print(
            f"  {side}: {faster:.1f} x as fast as {fastest}, "
            f"in 1/{smaller:.1f} of {smallest}'s memory",
            flush=True,
        )


def agreement(folder: Path, n: int, failed: dict[str, str], options: argparse.Namespace) -> str:
    """A row: how far each library's predictions are from our writing of its recurrence."""
    cells = []
    for library in LIBRARIES:
        if library in failed:
            cells.append(failed[library])
        elif library != "cornac":
            cells.append(_apart(library, folder))
        elif n > LOOP:
            cells.append("not computed")
        else:
            # Its threads' races are not part of any recurrence.
            again = theirs(library, folder, options, "--seeded")
            cells.append(again if isinstance(again, str) else _apart(library, folder))
    return "".join(f"{cell:>18}" for cell in cells)


def _apart(library: str, folder: Path) -> str:
    predictions = str(folder / f"{library}.npy")
    found, _ = ours("benchmarks.peer_data", "agree", library, str(folder), predictions)
    return f"{found['apart']:.1e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=SETS, help="names, or files of ratings")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--large-runs", type=int, default=3, help=f"above {LARGE:,} ratings")
    parser.add_argument("--limit", type=float, default=1200, help="seconds for each process")
    parser.add_argument("--memory", type=float, default=20, help="GB that a library may have")
    options = parser.parse_args()
    rows = []
    for name in options.sets:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            parts, _ = ours("benchmarks.peer_data", "split", name, place)
            n = parts["n_training"]
            runs = options.runs if n < LARGE else options.large_runs
            done, failed = in_turns(folder, runs, options)
            report(f"{parts['name']}, {n:,}", done, failed)
            rows.append(f"{parts['name']:<26}{agreement(folder, n, failed, options)}")
    print(f"\n{'predictions apart':<26}" + "".join(f"{library:>18}" for library in LIBRARIES))
    print("\n".join(rows), flush=True)
    peer_lambdas.report()


if __name__ == "__main__":
    main()
