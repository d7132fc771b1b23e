"""Every option of every command with values at and beyond the edge of what it takes."""

import random
from functools import cache
from pathlib import Path
from typing import Any

import typer

from benchmarks.attack.command import called
from benchmarks.attack.verdict import Verdict, judged
from mlbias.cli.app import app

_VALUES = (
    "", " ", "-", "--", "0", "-0", "-1", "1", "0.5", "1.5", "1e-320", "1e-100", "1e100", "1e309",
    "inf", "-inf", "nan", "²", "٣", "→", "9" * 5000, "-" + "9" * 30, str(2**31), str(2**63),
    str(2**64), "x" * 5000, "\x1b[31m", "\x9b", "\n", "a\tb", ",", ",,,", "1,1", "0,nan", "auto",
    "[red]", "%s", "{}", "*", ".", "..", "/", "~", "/dev/null", "/dev/full", "/proc/self/mem",
    "no/such", "r.csv", "foreign", "foreign.png", "e" * 255, "2000-02-30", "99999-01-01",
    "1_0", "0x10", "True",
    "utf-16", "idna", "rot13", "\\t", '"', "::",
)  # fmt: skip

# Files of the user's that no option may replace.
_MINE = ("foreign", "foreign.png")

# What each command needs beside the option that is tried.
_BASES: dict[str, tuple[str, ...]] = {
    "baseline": ("--data", "r.csv"),
    "train": ("--data", "r.csv", "--model", "t.npz"),
    "evaluate": ("--model", "m.npz"),
    "crossval": ("--data", "r.csv", "--folds", "2"),
    "compare": ("--data", "r.csv", "--test-size", "0.3"),
    "generate": ("--out", "g.csv", "--ratings", "100", "--users", "10", "--items", "10"),
    "download": ("ml-latest", "--url", "no-such.zip"),
    "cache": (),
}
_METHODS = {
    "--lr": "gd", "--beta1": "adam", "--beta2": "adam", "--epsilon": "adam",
}  # fmt: skip


def _parameters(command: Any) -> list[Any]:
    # --debug is there to show a traceback, which is a fault everywhere else.
    return [param for param in command.params if param.name not in ("help", "debug")]


@cache
def cases() -> list[tuple[str, ...]]:
    """All command lines."""
    group = typer.main.get_command(app)
    made = []
    for name in group.list_commands(None):  # type: ignore[attr-defined]
        base = _BASES.get(name, ())
        command = group.get_command(None, name)  # type: ignore[attr-defined]
        for param in _parameters(command):
            option = param.opts[0]
            if getattr(param, "is_flag", False):
                made.append((name, *base, option))
                continue
            for value in _VALUES:
                made.append((name, *_with(base, param, option, value)))  # noqa: PERF401
    return made


def _with(base: tuple[str, ...], param: Any, option: str, value: str) -> tuple[str, ...]:
    if param.param_type_name == "argument":
        return (value, *base[1:])
    if option in base:
        place = base.index(option)
        return (*base[: place + 1], value, *base[place + 2 :])
    more = ("--method", _METHODS[option]) if option in _METHODS else ()
    return (*base, *more, option, value)


@cache
def _prepared(folder: Path) -> dict[str, bytes]:
    rows = "".join(f"{u},{i},{u * i % 10 / 2 + 0.5}\n" for u in range(1, 8) for i in range(1, 8))
    (folder / "r.csv").write_text("userId,movieId,rating\n" + rows)
    for name in _MINE:
        (folder / name).write_text("mine")
    called("train", "--data", "r.csv", "--model", "m.npz", "--test-size", "0.2")
    return {name: (folder / name).read_bytes() for name in ("r.csv", "m.npz", *_MINE)}


def case(rng: random.Random, number: int, folder: Path) -> Verdict:
    """One command line: it does it, or says why not; files of others stay as they are."""
    files = _prepared(folder)
    lines = cases()
    line = rng.choice(lines) if number >= len(lines) else lines[number]
    outcome = called(*line)
    lost = [name for name in files if not (folder / name).exists()]
    changed = [
        name for name in files if name not in lost and (folder / name).read_bytes() != files[name]
    ]
    written = "m.npz" if line[0] == "train" else ""
    spoilt = [*lost, *(name for name in changed if name != written)]
    for name in spoilt:
        (folder / name).write_bytes(files[name])
    halves = [path.name for path in folder.rglob("*.part")]
    told = " ".join(line)[:200]
    return judged(
        outcome,
        f"{told}: {spoilt} lost or changed" if spoilt else "",
        f"{told}: left {halves}" if halves else "",
    )
