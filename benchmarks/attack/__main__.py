"""Run a share of the attack, and print a table of how it went."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

from benchmarks.attack.kinds import KINDS, nth
from benchmarks.attack.scene import TEMPLATE
from mlbias.core.cores import usable_cores


@dataclass
class Tally:
    """How the cases of a kind ended."""

    endings: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[int, str]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, number: int, ending: str, fault: str) -> None:
        self.endings[ending] += 1
        if fault:
            self.faults.append((number, fault))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--share", type=float, default=0.01, help="of all cases, at least two a kind"
    )
    parser.add_argument("--kind", choices=list(KINDS), action="append")
    parser.add_argument("--case", type=int, help="this case of a kind alone")
    parser.add_argument("--show", type=int, default=5, help="faults of each kind to print")
    arguments = parser.parse_args()
    kinds = arguments.kind or list(KINDS)
    with tempfile.TemporaryDirectory(prefix="attack-") as template:
        os.environ[TEMPLATE] = template
        if any(KINDS[kind].on_scene for kind in kinds):
            code = "from pathlib import Path; from benchmarks.attack import scene; "
            code += f"scene.make_template(Path({template!r}))"
            subprocess.run([sys.executable, "-c", code], check=True)
        found = 0
        print(f"{'':42}   cases accepted  refused   killed   faults seconds", flush=True)
        for kind in kinds:
            tally = _run(kind, arguments.seed, arguments.share, arguments.case)
            _print(kind, tally)
            for number, fault in tally.faults[: arguments.show]:
                where = f"--kind {kind} --seed {arguments.seed} --case {number}"
                print(f"  {where}: {fault!r}"[:700], flush=True)
            found += len(tally.faults)
    sys.exit(bool(found))


def _print(kind: str, tally: Tally) -> None:
    ended = [sum(tally.endings.values()), tally.endings["accepted"], tally.endings["refused"]]
    ended += [tally.endings["killed"] + tally.endings["interrupted"], len(tally.faults)]
    row = "".join(f"{number:>9,}" for number in ended)
    print(f"{KINDS[kind].title:42}{row[1:]} {tally.seconds:7.1f}", flush=True)


def _run(kind: str, seed: int, share: float, case: int | None) -> Tally:
    """The cases that are the share, spread over all of them, on a worker for each core."""
    tally, started = Tally(), time.monotonic()
    if case is not None:
        index = next(k for k in range(KINDS[kind].cases) if nth(kind, k) == case)
        _work(tally, kind, seed, index, index + 1)
        return tally
    wanted = max(2, round(KINDS[kind].cases * min(share, 1)))
    workers = usable_cores()
    bounds = [wanted * k // workers for k in range(workers + 1)]
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(_work, tally, kind, seed, *pair) for pair in pairwise(bounds)]
        for future in futures:
            future.result()
    tally.seconds = time.monotonic() - started
    return tally


def _work(tally: Tally, kind: str, seed: int, start: int, stop: int) -> None:
    """Let workers do these cases; after the death of one, another goes on behind its last case."""
    while start < stop:
        where = kind, str(seed), str(start), str(stop)
        worker = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.attack.worker", *where],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
        )  # fmt: skip
        assert worker.stdout is not None
        number = -1
        for line in worker.stdout:
            said = json.loads(line)
            if "begins" in said:
                number, start = said["begins"], start + 1
            else:
                tally.add(number, said["ending"], said["fault"])
        if worker.wait() == 0:
            return
        tally.add(number, "killed", f"the process ended with {worker.returncode}")


if __name__ == "__main__":
    main()
