"""The ratings that reml.py compares estimates on."""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.ratings_file import generated_csv
from mlbias import load_ratings
from mlbias.datasets.generated.shapes import PRESETS
from mlbias.ratings import Ratings

GENERATED = {"1m": 1_000_000, "5m": 5_000_000}


def ratings_of(name: str) -> Ratings:
    """Generated ones, InstEval from R, or an archive in data/ or where MLBIAS_REAL_DATA says."""
    if name in GENERATED:
        PRESETS[name] = PRESETS["ml-25m"].resized(GENERATED[name])
        return load_ratings(generated_csv(name))
    if name == "nested":
        return nested()
    if name == "schools":
        return schools()
    if name == "insteval":
        return insteval()
    return load_ratings(Path(os.environ.get("MLBIAS_REAL_DATA", "data")) / f"{name}.zip")


def nested() -> Ratings:
    """6,300 users, each of whom rates one of 2,100 items twice."""
    user = np.repeat(np.arange(6_300), 2)
    return _drawn(user, user // 6)


def schools() -> Ratings:
    """8,800 students who rate their school three times, or for one rating in 50 another one."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(8_800), 3)
    moves = rng.random(len(user)) < 0.02
    return _drawn(user, np.where(moves, rng.integers(2_200, size=len(user)), user // 12))


def insteval() -> Ratings:
    """lme4's 73,421 ratings of lecturers by students."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/insteval.csv"
        subprocess.run(["Rscript", "benchmarks/lme4_fit.R", "--insteval", path], check=True)
        return load_ratings(path)


def _drawn(user: np.ndarray, item: np.ndarray) -> Ratings:
    """Ratings from the model, with σ 0.85, σ_u 0.43 and σ_i 0.5."""
    rng = np.random.default_rng(1)
    of_user = 0.43 * rng.normal(size=user.max() + 1)
    of_item = 0.5 * rng.normal(size=item.max() + 1)
    noise = 0.85 * rng.normal(size=len(user))
    return Ratings.from_ids(user, item, 3.5 + of_user[user] + of_item[item] + noise)
