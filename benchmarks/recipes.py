"""The recipes of docs/how-to/other-libraries.md, run as they stand there, on ml-100k's fold u1.

    make recipes
    python -m benchmarks.recipes

Each runs in an environment of its library that has mlbias too. Its predictions of u1.test are
compared with those of `mlbias.fit`. ml-100k.zip is in data/, or where MLBIAS_REAL_DATA says.
"""

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.judge_peers import write_side
from benchmarks.peer_data import real_archive
from mlbias import fit, load_ratings

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "other-libraries.md"

# What is done with each recipe; training.csv and test.csv are of user, item and rating.
USES = {
    "surprise": """\
import csv
from surprise import Dataset, Reader
reader = Reader(line_format="user item rating", sep=",", skip_lines=1, rating_scale=(1, 5))
model = Bias().fit(Dataset.load_from_file("training.csv", reader).build_full_trainset())
for row in csv.DictReader(open("test.csv")):
    print(model.predict(row["user"], row["item"], clip=False).est)
""",
    "lenskit": """\
import pandas as pd
from lenskit.data import from_interactions_df
from lenskit.operations import predict
from lenskit.pipeline import predict_pipeline
columns = {"user_col": "user", "item_col": "item", "rating_col": "rating"}
pipeline = predict_pipeline(Bias(), fallback=False)
pipeline.train(from_interactions_df(pd.read_csv("training.csv"), **columns))
test = pd.read_csv("test.csv")
for user, rows in test.groupby("user", sort=False):
    for score in predict(pipeline, user, rows["item"].tolist()).scores():
        print(score)
""",
}


def recipe(library: str) -> str:
    """The code block that imports this library."""
    blocks: list[str] = re.findall(
        r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    return next(block for block in blocks if block.startswith(f"from {library}"))


def main() -> None:
    archive = real_archive("ml-100k")
    if archive is None:
        raise SystemExit("ml-100k is not here; `mlbias download ml-100k` fetches it")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for member, file in (("u1.base", "training.csv"), ("u1.test", "test.csv")):
            write_side(archive, member, folder / file)
        training, test = (load_ratings(folder / file) for file in ("training.csv", "test.csv"))
        model = fit(training, "exact").model
        own = model.predict(test.user_ids[test.user], test.item_ids[test.item])
        for library, use in USES.items():
            code = recipe(library)
            python = Path(f".venv-{library}/bin/python").absolute()
            command = [str(python), "-c", f"{code}\n{use}"]
            found = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
            predicted = np.array(found.stdout.split(), dtype=float)
            rmse = np.sqrt(np.mean((test.value - predicted) ** 2))
            apart = np.abs(predicted - own).max()
            n_lines = sum(bool(line) for line in code.splitlines())
            print(f"{library:<10}{n_lines} lines   RMSE {rmse:.6f}   {apart:.1e} from mlbias.fit")


if __name__ == "__main__":
    main()
