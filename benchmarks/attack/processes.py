"""Real processes: signals and kill -9 at any moment, full disks, read-only folders, two at once."""

import os
import random
import resource
import signal
import time
from pathlib import Path

from benchmarks.attack.command import called, ended, environment, started
from benchmarks.attack.scene import COMMANDS, READERS, scene, without_override
from benchmarks.attack.verdict import Verdict, judged

# Seconds within which most of the commands end.
_LONGEST = 2.5


def _name(number: int) -> str:
    return list(COMMANDS)[number % len(COMMANDS)]


def signalled(rng: random.Random, number: int, folder: Path) -> Verdict:
    """Ctrl-C or SIGTERM at a random moment: ends it in words, with nothing half-written."""
    place, name = scene(folder), _name(number)
    if rng.random() < 0.5:
        place.forget_copies()
    process = started(*place.line(name, rng), folder=folder)
    time.sleep(rng.uniform(0.05, _LONGEST))
    chosen = rng.choice([signal.SIGINT, signal.SIGTERM])
    process.send_signal(chosen)
    outcome = ended(process)
    # The interpreter itself, before it has come to us, ends by the signal or with its traceback.
    if outcome.code == -chosen or (
        "KeyboardInterrupt" in outcome.err and "mlbias" not in outcome.err
    ):
        return Verdict("killed", next(iter(place.harm()), ""))
    wrong = f"exit code {outcome.code}" if outcome.code not in (0, 128 + chosen) else ""
    left = f"left {place.left_over()}" if place.left_over() else ""
    return judged(outcome, wrong, *place.harm(), f"{name}: {left}" if left else "")


def killed(rng: random.Random, number: int, folder: Path) -> Verdict:
    """Kill -9 at a random moment: the next run is right, and leaves nothing of the killed one."""
    place, name = scene(folder), _name(number)
    if rng.random() < 0.5:
        place.forget_copies()
    line = place.line(name, rng)
    process = started(*line, folder=folder)
    time.sleep(rng.uniform(0.05, _LONGEST))
    process.kill()
    outcome = ended(process)
    harm = list(place.harm())
    again = called(*line)
    if again.code:
        harm.append(f"the next run fails: {again.err}")
    harm += place.harm()
    if place.left_over():
        harm.append(f"{name}: left {place.left_over()}")
    return Verdict(outcome.ending, next(iter(harm), ""))


def full_disk(rng: random.Random, number: int, folder: Path) -> Verdict:
    """No file may grow beyond a size: a sentence, and what was there stays."""
    place, name = scene(folder), _name(number)
    place.forget_copies()
    most = int(10 ** rng.uniform(0, 7.5))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    outcome = ended(started(*place.line(name, rng), folder=folder, limit=limit))
    left = f"{name}: left {place.left_over()}" if place.left_over() else ""
    return judged(outcome, *place.harm(), left)


def read_only(rng: random.Random, number: int, folder: Path) -> Verdict:
    """In a folder where nothing can be written: results without files, or a sentence."""
    place, name = scene(folder), _name(number)
    place.forget_copies()
    folders = [path for path in [folder, *folder.rglob("*")] if path.is_dir()]
    for path in folders:
        path.chmod(0o555)
    try:
        line = place.line(name, rng)
        outcome = ended(started(*line, folder=folder, limit=without_override()))
    finally:
        for path in folders:
            path.chmod(0o755)
    expected = (0, 1) if name == "cache clear" else (int(name not in READERS),)
    wrong = f"{name}: {outcome}"[:300] if outcome.code not in expected else ""
    return judged(outcome, wrong, *place.harm())


def no_home(rng: random.Random, number: int, folder: Path) -> Verdict:
    """Without HOME, or with one that is not there: all works as ever."""
    place, name = scene(folder), _name(number)
    env = environment()
    for variable in [name for name in env if name.startswith(("HOME", "XDG_", "USER", "LOGNAME"))]:
        del env[variable]
    if number // len(COMMANDS) % 2:
        env["HOME"] = "/no/such/home"
    outcome = ended(started(*place.line(name, rng), folder=folder, env=env))
    return judged(outcome, f"{name}: {outcome.err}" if outcome.code else "", *place.harm())


def two_at_once(rng: random.Random, number: int, folder: Path) -> Verdict:
    """Two of a command, or of two commands: both do their work."""
    place, name = scene(folder), _name(number)
    other = name if number < 2 * len(COMMANDS) else rng.choice(list(COMMANDS))
    if rng.random() < 0.5:
        place.forget_copies()
    line = place.line(name, rng)
    pair = [started(*line, folder=folder)]
    time.sleep(rng.uniform(0, 0.3))
    pair.append(started(*(line if other == name else place.line(other, rng)), folder=folder))
    outcomes = [ended(process) for process in pair]
    failed = [f"{one} beside {two}: {outcome.err}" for outcome, one, two in zip(
        outcomes, (name, other), (other, name), strict=True) if outcome.code]  # fmt: skip
    left = f"left {place.left_over()}" if place.left_over() else ""
    faults = [*failed, *(outcome.fault() for outcome in outcomes), *place.harm(), left]
    return Verdict(outcomes[0].ending, next(filter(None, faults), ""))


def small_machine(rng: random.Random, number: int, folder: Path) -> Verdict:
    """Little address space: it works, or says what is needed."""
    place, name = scene(folder), _name(number)
    place.forget_copies()
    most = rng.randrange(300, 2400) << 20

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    outcome = ended(started(*place.line(name, rng), folder=folder, limit=limit))
    wrong = "" if outcome.code in (0, 1) else f"{name} in {most >> 20} MiB: {outcome.code}"
    return judged(outcome, wrong, *place.harm())


assert os.name == "posix", "signals and limits are those of POSIX"
