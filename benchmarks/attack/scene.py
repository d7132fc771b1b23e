"""A folder of ratings, models and data sets for real processes, and what may become of it."""

import ctypes
import hashlib
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.attack.command import called
from mlbias.datasets.generated.file import truth_path
from mlbias.errors import MlbiasError
from mlbias.saved_model.file import read_model

# All of them on ratings that are large enough for a prepared copy.
COMMANDS = {
    "baseline": "baseline --data big.csv",
    "train": "train --data big.csv --model t.npz --method gd --epochs 30",
    "evaluate": "evaluate --model m.npz --data big.csv",
    "crossval": "crossval --data big.csv --folds 2",
    "compare": "compare --data big.csv",
    "generate": "generate --ratings 300000 --out g.csv --seed {seed}",
    "generate Parquet": "generate --ratings 300000 --out g.parquet --seed {seed}",
    "download": "download ml-latest --url ml-latest.zip --force",
    "cache clear": "cache clear --data big.csv",
    "predict": "predict pairs.csv --model m.npz --out p.csv --force",
    "predict Arrow": "predict pairs.csv --model m.npz --out p.arrow --force",
    "biases": "biases items --model m.npz --out b.db --force",
    "report": "report --data big.csv --out r.html",
}
# Commands that write nothing but prepared copies, which they do without where they must.
READERS = ("baseline", "evaluate", "crossval", "compare", "cache clear")
_RESULTS = {"predict": "p.csv", "predict Arrow": "p.arrow", "biases": "b.db", "report": "r.html"}
_CACHE, _DIGESTS = ".mlbias-cache", "digests.json"
# The environment variable that names the folder of make_template.
TEMPLATE = "ATTACK_TEMPLATE"


@dataclass(frozen=True)
class Scene:
    """The folder, and the digests that its files may have: the old one and the new one."""

    folder: Path
    digests: dict[str, list[str]]

    def line(self, name: str, rng: random.Random) -> list[str]:
        return COMMANDS[name].format(seed=rng.randrange(2)).split()

    def forget_copies(self) -> None:
        shutil.rmtree(self.folder / _CACHE, ignore_errors=True)

    def harm(self) -> Iterator[str]:
        """What was lost, half-written or is wrong."""
        for name, allowed in self.digests.items():
            path = self.folder / name
            if not path.exists() or _digest(path) not in allowed:
                yield f"{name} is lost or is not whole"
        for name in ("g.csv", "g.parquet"):
            path = self.folder / name
            with np.load(truth_path(path)) as truth:
                if _digest(path) != self.digests[name][int(truth["seed"])]:
                    yield f"{name} has the truth of another seed"
        try:
            read_model(self.folder / "t.npz")
        except MlbiasError as error:
            yield str(error)

    def left_over(self) -> list[str]:
        """Temporaries, but not the part of a download that the next one goes on with."""
        found = [path.name for path in self.folder.rglob(".*.part")]
        return [name for name in found if name != "ml-latest.zip.part"]


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes()).hexdigest()


def make_template(folder: Path) -> None:
    """Make the folder that every worker takes a copy of."""
    os.chdir(folder)
    digests: dict[str, list[str]] = {}
    for name in ("g.csv", "g.parquet"):
        command = "generate" if name == "g.csv" else "generate Parquet"
        for seed in (1, 0):
            _done(*COMMANDS[command].format(seed=seed).split())
            digests.setdefault(name, []).insert(0, _digest(folder / name))
    _done("generate", "--ratings", "900000", "--out", "big.csv")
    with zipfile.ZipFile(folder / "ml-latest.zip", "w") as archive:
        archive.write(folder / "big.csv", "ml-latest/ratings.csv")
        archive.writestr("ml-latest/README.txt", "Terms of use.")
    with (folder / "big.csv").open("rb") as ratings:
        (folder / "pairs.csv").write_bytes(b"".join(islice(ratings, 100_000)))
    _done("train", "--data", "big.csv", "--model", "m.npz")
    for name in ("train", "download", *_RESULTS):
        _done(*COMMANDS[name].split())
    (folder / "data" / "ml-latest" / "mine.csv").write_text("mine")
    kept = ("big.csv", "m.npz", "ml-latest.zip", "data/ml-latest/ratings.csv", *_RESULTS.values())
    digests |= {name: [_digest(folder / name)] for name in (*kept, "data/ml-latest/mine.csv")}
    shutil.rmtree(folder / _CACHE)
    shutil.rmtree(folder / "data" / "ml-latest" / _CACHE)
    (folder / _DIGESTS).write_text(json.dumps(digests))


def _done(*arguments: str) -> None:
    outcome = called(*arguments)
    if outcome.code:
        raise RuntimeError(outcome.err)


@cache
def scene(folder: Path) -> Scene:
    """A worker's folder; each case leaves it as whole as it found it."""
    shutil.copytree(os.environ[TEMPLATE], folder, dirs_exist_ok=True)
    return Scene(folder, json.loads((folder / _DIGESTS).read_text()))


def without_override() -> Callable[[], None]:
    """A function for a child: permissions count for it even if it is root's."""
    libc = ctypes.CDLL(None)

    def drop() -> None:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP

    return drop
