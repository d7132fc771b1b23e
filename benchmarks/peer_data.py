"""Our own parts of peers.py, each in a process of its own so that the parent stays small.

    python -m benchmarks.peer_data split NAME FOLDER
    python -m benchmarks.peer_data score MODEL.npz FOLDER
    python -m benchmarks.peer_data agree LIBRARY FOLDER PREDICTIONS.npy

A parent's memory would be counted as its children's. FOLDER has training.csv and test.csv. Each
prints one JSON document.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import recurrences
from benchmarks.ratings_file import generated_csv
from mlbias import BiasModel, Ratings, evaluate, load_model, load_ratings, random_split
from mlbias.core.incidence import BlockIncidence
from mlbias.datasets.generated.shapes import PRESETS
from mlbias.model import to_model

GENERATED = {"1m": 1_000_000, "5m": 5_000_000, "25m": 0}
RECURRENCES = {
    "surprise": recurrences.surprise,
    "lenskit": recurrences.lenskit,
    "mymedialite": recurrences.mymedialite,
}


def real_archive(name: str) -> Path | None:
    """MovieLens' archive of this name, in data/ or where MLBIAS_REAL_DATA says; None without."""
    archive = Path(os.environ.get("MLBIAS_REAL_DATA", "data")) / f"{name}.zip"
    return archive if archive.exists() else None


def source_of(name: str) -> tuple[str, Path]:
    """What a set is called in tables, and its file: real, generated here, or a path as it is."""
    if name in PRESETS or name in GENERATED:
        archive = real_archive(name)
        if archive:
            return name, archive
        if GENERATED.get(name):
            PRESETS[name] = PRESETS["ml-25m"].resized(GENERATED[name])
        preset = "ml-25m" if name == "25m" else name
        return f"{name}, generated", generated_csv(preset)
    return Path(name).stem, Path(name)


def split(name: str, folder: Path) -> dict[str, object]:
    """Write training.csv and test.csv: a tenth held out, the order of rows that of users."""
    called, path = source_of(name)
    sides = random_split(load_ratings(path), 0.1, seed=42)
    for side, ratings in zip(("training", "test"), sides, strict=True):
        columns = {
            "user": ratings.user_ids[ratings.user],
            "item": ratings.item_ids[ratings.item],
            "rating": ratings.value,
        }
        pl.DataFrame(columns).write_csv(folder / f"{side}.csv")
    return {"name": called, "n_training": len(sides[0]), "n_test": len(sides[1])}


def score(model: Path, folder: Path) -> dict[str, object]:
    errors = evaluate(load_model(model), load_ratings(folder / "test.csv")).model
    return {"rmse": errors.rmse, "mae": errors.mae}


def recurrence_model(library: str, training: Ratings, incidence: BlockIncidence) -> BiasModel:
    """The model of this library's recurrence on these ratings."""
    is_loop = library == "cornac"
    found = recurrences.cornac(training) if is_loop else RECURRENCES[library](incidence)
    return to_model(found, incidence.statistics, training.user_ids, training.item_ids)


def agree(library: str, folder: Path, predictions: Path) -> dict[str, object]:
    """How far the library's predictions of the test file are from its recurrence's, at most."""
    training, test = (load_ratings(folder / f"{side}.csv") for side in ("training", "test"))
    model = recurrence_model(library, training, BlockIncidence(training))
    # As the library had them: load_ratings brings rows into the order of users, as they are.
    own = model.predict(test.user_ids[test.user], test.item_ids[test.item])
    return {"apart": float(np.abs(own - np.load(predictions)).max())}


def main() -> None:
    what, subject, folder, *more = sys.argv[1:]
    if what == "split":
        document = split(subject, Path(folder))
    elif what == "score":
        document = score(Path(subject), Path(folder))
    else:
        document = agree(subject, Path(folder), Path(more[0]))
    print(json.dumps(document))


if __name__ == "__main__":
    main()
