"""Model files and prepared copies: every byte of small ones changed, and models made by hand."""

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attack.command import called
from benchmarks.attack.verdict import Outcome, Verdict, judged
from mlbias.datasets import prepared

_TEXT = "userId,movieId,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\nx,10,4\n"


@cache
def _model(folder: Path) -> tuple[bytes, str]:
    """A model and how it scores on its ratings."""
    (folder / "m.csv").write_text(_TEXT)
    called("train", "--data", "m.csv", "--model", "m.npz", "--method", "exact", "--lambda", "1")
    content = (folder / "m.npz").read_bytes()
    return content, _scored().out


def _scored() -> Outcome:
    return called("evaluate", "--model", "m.npz", "--json")


def model_byte(rng: random.Random, number: int, folder: Path) -> Verdict:
    """A byte of a model changed: refused, or it means nothing."""
    content, expected = _model(folder)
    place = number % len(content)
    changed = bytearray(content)
    changed[place] ^= rng.randrange(1, 256)
    (folder / "m.npz").write_bytes(changed)
    outcome = _scored()
    wrong = outcome.code == 0 and outcome.out != expected
    return judged(outcome, f"silently different at byte {place}" if wrong else "")


@cache
def _copy(folder: Path) -> tuple[dict[Path, bytes], str]:
    """A prepared copy and what it gives."""
    prepared.LEAST_SIZE = 1
    (folder / "c").mkdir(exist_ok=True)
    (folder / "c" / "c.csv").write_text(_TEXT)
    expected = _read().out
    (place,) = (folder / "c" / ".mlbias-cache").iterdir()
    return {path: path.read_bytes() for path in sorted(place.iterdir())}, expected


def _read() -> Outcome:
    return called("baseline", "--data", "c/c.csv", "--json")


def copy_byte(rng: random.Random, number: int, folder: Path) -> Verdict:
    """A byte of a prepared copy changed: the file is parsed instead, or it means nothing."""
    files, expected = _copy(folder)
    for path, content in files.items():
        path.write_bytes(content)
    place = number % sum(map(len, files.values()))
    for path, content in files.items():
        if place < len(content):
            changed = bytearray(content)
            changed[place] ^= rng.randrange(1, 256)
            path.write_bytes(changed)
            break
        place -= len(content)
    outcome = _read()
    wrong = (outcome.code, outcome.out) != (0, expected)
    return judged(outcome, f"different at byte {place} of {path.name}" if wrong else "")


_ARRAYS: tuple[Any, ...] = (
    lambda a: a[:0], lambda a: a[:-1], lambda a: a[::-1], lambda a: np.repeat(a, 2, 0),
    lambda a: a[None], lambda a: a.astype(object), lambda a: a.astype("U8"), lambda a: a > 0,
    lambda a: -a - 1, lambda a: a * 0, lambda a: a.astype(complex), lambda a: a.astype(">f8"),
    lambda a: a.astype(float) * np.nan, lambda a: a.astype(float) + np.inf,
    lambda a: a.astype(float) + 1.7e308, lambda a: a.astype("M8[s]"),
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, "", "\x1b[31m\x9b", -1, 0, 1e308, -1e308, 2**70, True, [], {}, [1, 2], "x" * 2000,
    [[[[[[[[]]]]]]]], "/etc/passwd", "../..", float("nan"), {"a": 1},
)  # fmt: skip


def crafted(rng: random.Random, number: int, folder: Path) -> Verdict:
    """A model whose checksums are right, and one of whose arrays or numbers no training gives."""
    content, _ = _model(folder)
    (folder / "m.npz").write_bytes(content)
    with np.load(folder / "m.npz") as archive:
        arrays = dict(archive)
    if number % 2:
        name = rng.choice([name for name in arrays if name != "about"])
        arrays[name] = rng.choice(_ARRAYS)(arrays[name])
    else:
        about = json.loads(bytes(arrays["about"]))
        inside = about
        while True:
            key = rng.choice(list(inside))
            if not (isinstance(inside[key], dict) and inside[key] and rng.random() < 0.8):
                break
            inside = inside[key]
        inside[key] = rng.choice(_VALUES)
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    with (folder / "m.npz").open("wb") as file:
        np.savez(file, **arrays)
    outcome = called(
        *rng.choice([("evaluate", "--data", "m.csv"), ("evaluate",)]), "--model", "m.npz"
    )
    unfinished = any(word in outcome.out for word in ("nan", "inf "))
    return judged(outcome, f"scores are not finite: {outcome.out[:300]}" if unfinished else "")
