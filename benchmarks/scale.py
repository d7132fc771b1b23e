"""Seconds and own memory of preparing and of each method, from 100,000 to a billion ratings.

    make scale
    python -m benchmarks.scale --largest 1e8

Ratings are generated with 100 for each user, in Parquet, and 500,000 items at a billion, fewer with
the square root. Every measurement is a process of its own, and adds a line to data/scale.jsonl, so
that a second run goes on where the first one ended. Methods read the prepared copy that the first
command left; files below 16 MiB have none. Own memory is the peak of RssAnon, in which mapped
files do not count. What a size takes on disk is removed once it is measured.

After them come ratings like those of Amazon, in a CSV in no order, with text ids of 28 characters.
"""

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.past_memory import measured, write_ratings
from mlbias import __version__
from mlbias.datasets.cache import clear_copies
from mlbias.datasets.generated.file import truth_path
from mlbias.datasets.generated.generate import generate

_SIZES = (10**5, 10**6, 10**7, 25_000_000, 10**8, 10**9)
_AMAZON = 57_000_000
# Below, starting Python takes most of the time.
_LEAST_OF_SLOPE = 10**7

_EPOCHS = 10
_METHODS = {
    "gd": ["gd", "--epochs", str(_EPOCHS)],
    "adam": ["adam", "--epochs", str(_EPOCHS)],
    "closed-form": ["closed-form", "--epochs", str(_EPOCHS)],
    "exact, λ given": ["exact", "--lambda", "4"],
    "exact, λ learned": ["exact", "--lambda", "auto"],
}
_ROWS = ("preparing", *_METHODS)

Line = dict[str, Any]


def slope(points: Iterable[tuple[float, float]]) -> float:
    """The slope of a straight line through the logarithms of both; NaN of fewer than two points."""
    x, y = np.log([pair for pair in points if min(pair) > 0] or [(1, 1)]).T
    return float(np.polyfit(x, y, 1)[0]) if len(x) > 1 else math.nan


def table(lines: list[Line]) -> Iterator[str]:
    """Seconds and GB of each row of each set, and the slopes of each row."""
    for name in dict.fromkeys(line["set"] for line in lines):
        yield _heading(name)
        for line in (line for line in lines if line["set"] == name):
            epoch = f"{line['epoch']:10.4f} s" if "epoch" in line else " " * 12
            yield (
                f"{line['row']:26}{line['seconds']:10.2f} s{epoch}{line['processor']:10.2f} s"
                f"{line['peak'] / 1e9:9.2f} GB"
            )
    yield _heading(f"slopes, {_LEAST_OF_SLOPE:,} and more")
    for row in _ROWS:
        of_row = [line for line in _generated(lines, row) if line["ratings"] >= _LEAST_OF_SLOPE]
        yield f"{row:26}" + "".join(
            f"{slope((line['ratings'], line.get(what, 0)) for line in of_row):12.2f}"
            for what in ("seconds", "epoch", "processor", "peak")
        )


def _heading(name: str) -> str:
    return f"\n{name:26}" + "".join(
        f"{what:>12}" for what in ("seconds", "an epoch", "processor", "memory")
    )


def _generated(lines: list[Line], row: str) -> list[Line]:
    """The lines of a row over the generated sets, ascending by size."""
    of_row = [line for line in lines if line["row"] == row and line["ids"] == "integers"]
    return sorted(of_row, key=lambda line: int(line["ratings"]))


def draw(lines: list[Line], path: Path) -> None:
    """Seconds and GB by ratings, both logarithmic, with a line for each row."""
    from matplotlib.figure import Figure

    figure = Figure((10, 4.5), layout="constrained")
    for axes, what, unit, label in zip(
        figure.subplots(1, 2),
        ("seconds", "peak"),
        (1, 1e9),
        ("seconds", "own memory, GB"),
        strict=True,
    ):
        for row in _ROWS:
            found = _generated(lines, row)
            x, y = ([line[of] for line in found] for of in ("ratings", what))
            axes.loglog(x, np.divide(y, unit), marker="o", markersize=3, label=row)
        axes.set(xlabel="ratings", ylabel=label)
        axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path)


def measure(path: Path, about: Line, limit: str, record: Path) -> None:
    """Measure what is not yet in the record, of a file that is made if anything is."""
    done = {(line["set"], line["row"]) for line in read_record(record)}
    missing = [row for row in _ROWS if (about["set"], row) not in done]
    if not missing:
        return
    try:
        if not path.exists():
            print(f"making {path}", flush=True)
            _make(path, about)
        if missing[0] != "preparing":  # the copy went with the run before
            _run(path, "preparing", limit)
        for row in missing:
            found = about | {"row": row} | _run(path, row, limit)
            found |= {"limit": limit, "mlbias": __version__}
            with record.open("a") as file:
                file.write(json.dumps(found) + "\n")
            print(f"{about['set']}, {row}: {found['seconds']:.1f} s", flush=True)
    finally:
        clear_copies(path.parent)
        _model(path).unlink(missing_ok=True)
    path.unlink()
    truth_path(path).unlink(missing_ok=True)


def _make(path: Path, about: Line) -> None:
    part = path.with_name(f"unfinished-{path.name}")
    if about["ids"] == "text":
        write_ratings(part, about["ratings"], "text")
    else:
        sizes = {name: about[name] for name in ("ratings", "users", "items")}
        generate("ml-25m", part, **sizes, force=True)
        truth_path(part).replace(truth_path(path))
    part.replace(path)


def _run(path: Path, row: str, limit: str) -> dict[str, float]:
    entry = [sys.executable, "-m", "mlbias"]
    data = ["--data", str(path), "--memory-limit", limit, "--quiet"]
    if row == "preparing":
        clear_copies(path.parent)
        return measured([*entry, "baseline", *data])
    train = ["train", "--method", *_METHODS[row], *data, "--model", str(_model(path)), "--json"]
    with tempfile.TemporaryFile() as out:
        found = measured([*entry, *train], out)
        out.seek(0)
        epochs = json.load(out)["history"]
    if len(epochs) > 1:
        found["epoch"] = (epochs[-1]["seconds"] - epochs[0]["seconds"]) / (len(epochs) - 1)
    return found


def _model(path: Path) -> Path:
    return path.with_name("scale-model.npz")


def read_record(record: Path) -> list[Line]:
    """All measurements so far, without a line that a kill left unfinished."""
    text = record.read_text() if record.exists() else ""
    return [json.loads(line) for line in text.splitlines() if line.endswith("}")]


def sets(largest: int) -> Iterator[Line]:
    """What is measured: a name, how many ratings, users and items, and the kind of ids."""
    for n in _SIZES:
        if n <= largest:
            items = round(500_000 * math.sqrt(n / 1e9))
            about = {"set": f"{n:,} ratings", "ratings": n, "users": n // 100, "items": items}
            yield about | {"ids": "integers"}
    if largest >= _AMAZON:
        yield {"set": "57,000,000, Amazon-like", "ratings": _AMAZON, "ids": "text"}


def main() -> None:
    """Measure what is missing, print all, and draw it where matplotlib is there."""
    parser = argparse.ArgumentParser(description="Seconds and memory by the number of ratings.")
    parser.add_argument("--largest", type=float, default=1e9, help="ratings of the largest set")
    parser.add_argument("--memory-limit", default="1500M", help="for reading")
    parser.add_argument("--folder", type=Path, default=Path("data"), help="for all files")
    asked = parser.parse_args()
    folder = asked.folder / "scale"
    folder.mkdir(parents=True, exist_ok=True)
    record = asked.folder / "scale.jsonl"
    for about in sets(int(asked.largest)):
        ending = "csv" if about["ids"] == "text" else "parquet"
        path = folder / f"{about['ids']}-{about['ratings']}.{ending}"
        measure(path, about, asked.memory_limit, record)
    lines = read_record(record)
    print("\n".join(table(lines)))
    try:
        draw(lines, asked.folder / "scale.svg")
    except ImportError:
        print("no plot without matplotlib, the extra mlbias[plot]")


if __name__ == "__main__":
    main()
