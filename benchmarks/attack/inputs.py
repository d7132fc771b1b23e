"""Ratings that are damaged: as text, in archives, as Parquet and Arrow."""

import bz2
import gzip
import io
import lzma
import random
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl

from benchmarks.attack.command import called
from benchmarks.attack.verdict import Verdict, judged
from benchmarks.fuzz_reading import FAULTS, findings, make_case

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ROWS = [(user, item, user * item % 10 / 2 + 0.5) for user in range(1, 9) for item in range(1, 8)]
_TEXT = "userId,movieId,rating\n" + "".join(f"{u},{i},{r}\n" for u, i, r in _ROWS)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """The bytes with a few of them changed, cut, repeated or put elsewhere."""
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        place, length = rng.randrange(len(content) + 1), rng.choice([1, 1, 2, 4, 16, 200])
        piece = content[place : place + length]
        kind = rng.randrange(7)
        if kind == 0:
            piece = bytes(byte ^ 1 << rng.randrange(8) for byte in piece)
        elif kind == 1:
            piece = rng.randbytes(len(piece))
        elif kind == 2:
            piece = b""
        elif kind == 3:
            piece = piece * rng.choice([2, 50])
        elif kind == 4:
            piece = rng.choice([b"\0", b"\xff"]) * len(piece)
        elif kind == 5:
            other = rng.randrange(len(content) + 1)
            piece = content[other : other + length]
        else:
            return content[:place]
        content = content[:place] + piece + content[place + length :]
        if not content:
            break
    return content


def text(rng: random.Random, number: int, folder: Path) -> Verdict:  # noqa: ARG001
    """A mutated text, read as the oracle reads it or refused; see fuzz_reading."""
    found = findings(make_case(f"{rng.random()}"), folder / "ratings")
    fault = next((f"{kind}: {told}" for kind, told in found if kind in FAULTS), "")
    return Verdict("accepted" if "accepted" in found[0][0] else "refused", fault)


def _zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ml-latest/README.txt", "Terms of use.")
        archive.writestr("ml-latest/ratings.csv", _TEXT)
    return buffer.getvalue()


def _zstd() -> bytes:
    return zstd.compress(_TEXT.encode(), options={zstd.CompressionParameter.checksum_flag: 1})


_PACKED: dict[str, Callable[[], bytes]] = {
    "zip": _zipped,
    "gz": lambda: gzip.compress(_TEXT.encode(), mtime=0),
    "bz2": lambda: bz2.compress(_TEXT.encode()),
    "xz": lambda: lzma.compress(_TEXT.encode()),
    "zst": _zstd,
}


@cache
def _baseline(folder: Path) -> str:
    """What the whole text gives."""
    (folder / "whole.csv").write_text(_TEXT)
    return _without_name(called("baseline", "--data", "whole.csv", "--json").out)


def _without_name(document: str) -> str:
    lines = document.splitlines()
    end = next((n for n, line in enumerate(lines) if '"n_skipped"' in line), len(lines))
    return "\n".join(line for line in lines[:end] if '"data"' not in line)


def archive(rng: random.Random, number: int, folder: Path) -> Verdict:
    """A damaged archive: refused, or read as if it were whole, since all of them have checksums."""
    ending = list(_PACKED)[number % len(_PACKED)]
    path = folder / f"damaged.{ending}"
    path.write_bytes(mutated(_PACKED[ending](), rng))
    if ending == "zip" and rng.random() < 0.5:
        return _downloaded(path, folder)
    outcome = called("baseline", "--data", path.name, "--json")
    wrong = outcome.code == 0 and _without_name(outcome.out) != _baseline(folder)
    # What was compressed may itself have become another member, or plain text of two columns.
    return judged(outcome, f"silently different: {outcome.out[:600]}" if wrong else "")


def _downloaded(path: Path, folder: Path) -> Verdict:
    (folder / "d" / "ml-latest").mkdir(parents=True, exist_ok=True)
    mine = folder / "d" / "ml-latest" / "mine.csv"
    mine.write_text("mine")
    here = sorted(folder.iterdir())
    outcome = called("download", "ml-latest", "--url", path.name, "--data-dir", "d", "--force")
    fault = ""
    ratings = mine.with_name("ratings.csv")
    if outcome.code == 0 and ratings.read_text() != _TEXT:
        fault = "other ratings were unpacked"
    if outcome.code and ratings.exists():
        fault = "an archive that is refused was unpacked"
    if mine.read_text() != "mine" or sorted(folder.iterdir()) != here:
        fault = "a file was lost, or appeared elsewhere"
    ratings.unlink(missing_ok=True)
    mine.with_name("README.txt").unlink(missing_ok=True)
    if [entry.name for entry in mine.parent.iterdir()] != ["mine.csv"]:
        fault = f"left over: {list(mine.parent.iterdir())}"
    return judged(outcome, fault)


@cache
def _tables() -> dict[str, bytes]:
    frame = pl.DataFrame(_ROWS, ["userId", "movieId", "rating"], orient="row")
    texts = frame.with_columns(pl.col("userId").cast(pl.String))
    made = {}
    for name, one in (("numbers", frame), ("texts", texts)):
        for ending in ("uncompressed", "zstd", "snappy"):
            buffer = io.BytesIO()
            one.write_parquet(buffer, compression=ending)
            made[f"{name}.{ending}.parquet"] = buffer.getvalue()
        buffer = io.BytesIO()
        one.write_ipc(buffer)
        made[f"{name}.arrow"] = buffer.getvalue()
    return made


def table(rng: random.Random, number: int, folder: Path) -> Verdict:
    """A damaged Parquet or Arrow file: there are no checksums, so it may be other ratings."""
    name = list(_tables())[number % len(_tables())]
    (folder / name).write_bytes(mutated(_tables()[name], rng))
    return judged(called("baseline", "--data", name, "--json"))
