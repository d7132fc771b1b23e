"""Are Surprise's SVD and LensKit's ALS better than the bias baseline? ml-100k's published fold u1.

    make .venv-surprise/installed .venv-lenskit/installed
    python -m benchmarks.judge_peers

Each library predicts u1.test in an environment of its own (peer_predict.py), by its own defaults
and a seed; then `mlbias train --method exact` and `mlbias evaluate --predictions` print what they
say. ml-100k.zip is in data/, or where MLBIAS_REAL_DATA says.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

from benchmarks.peer_data import real_archive
from mlbias import load_ratings

LIBRARIES = {"surprise": "svd.csv", "lenskit": "als.csv"}


def write_side(archive: Path, member: str, path: Path) -> None:
    ratings = load_ratings(archive / "ml-100k" / member)
    columns = {
        "user": ratings.user_ids[ratings.user],
        "item": ratings.item_ids[ratings.item],
        "rating": ratings.value,
    }
    pl.DataFrame(columns).write_csv(path)


def mlbias(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "mlbias", *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ).stdout


def main() -> None:
    archive = real_archive("ml-100k")
    if archive is None:
        raise SystemExit("ml-100k is not here; `mlbias download ml-100k` fetches it")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides = [str(folder / file) for file in ("training.csv", "test.csv")]
        for member, path in zip(("u1.base", "u1.test"), sides, strict=True):
            write_side(archive, member, Path(path))
        for library, file in LIBRARIES.items():
            python, script = f".venv-{library}/bin/python", "benchmarks/peer_predict.py"
            command = [python, script, library, *sides, str(folder / file)]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(f"{file}: {library} {printed.split()[-1]}")
        files = ["--train", "training.csv", "--test", "test.csv"]
        mlbias(folder, "train", *files, "--method", "exact")
        print(mlbias(folder, "evaluate", "--predictions", *LIBRARIES.values()), end="")


if __name__ == "__main__":
    main()
