"""Predictions by another library's own model, run by judge_peers.py in an environment that has it.

    python benchmarks/peer_predict.py surprise|lenskit TRAINING.csv TEST.csv PREDICTIONS.csv

Surprise's SVD and LensKit's biased matrix factorisation by ALS, each with its own defaults and a
seed. The files have a header and the columns user, item and rating.
"""

import csv
import importlib.metadata
import sys
from typing import Any


def surprise(training: str, test: list[tuple[int, int]]) -> list[float]:
    from surprise import SVD, Dataset, Reader

    reader = Reader(line_format="user item rating", sep=",", skip_lines=1, rating_scale=(1, 5))
    model = SVD(random_state=0).fit(Dataset.load_from_file(training, reader).build_full_trainset())
    return [model.predict(str(user), str(item)).est for user, item in test]


def lenskit(training: str, test: list[tuple[int, int]]) -> list[float]:
    import pandas as pd
    from lenskit.als import BiasedMFScorer
    from lenskit.data import ItemList, from_interactions_df
    from lenskit.training import TrainingOptions

    ratings: Any = from_interactions_df(
        pd.read_csv(training), user_col="user", item_col="item", rating_col="rating"
    )
    model = BiasedMFScorer()
    model.train(ratings, TrainingOptions(rng=0))
    by_user: dict[int, list[int]] = {}
    for user, item in test:
        by_user.setdefault(user, []).append(item)
    found = {
        (user, item): score
        for user, items in by_user.items()
        for item, score in zip(
            items, model(query=user, items=ItemList(item_ids=items)).scores(), strict=True
        )
    }
    return [float(found[pair]) for pair in test]


LIBRARIES = {"surprise": surprise, "lenskit": lenskit}
PACKAGES = {"surprise": "scikit-surprise", "lenskit": "lenskit"}


def main() -> None:
    library, training, test, predictions = sys.argv[1:]
    with open(test, encoding="utf-8") as file:  # noqa: PTH123 - the environments are others'
        pairs = [(int(row["user"]), int(row["item"])) for row in csv.DictReader(file)]
    predicted = LIBRARIES[library](training, pairs)
    with open(predictions, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
        writer = csv.writer(file)
        writer.writerow(["user", "item", "prediction"])
        # An item without a rating in training has no prediction in LensKit: its row is left out.
        rows = zip(pairs, predicted, strict=True)
        writer.writerows([*pair, value] for pair, value in rows if value == value)
    print(importlib.metadata.version(PACKAGES[library]))


if __name__ == "__main__":
    main()
