"""A bias model by another library, run by peers.py in an environment that has it.

    python benchmarks/peer_fit.py surprise|lenskit|cornac TRAINING.csv TEST.csv [PREDICTIONS.npy]

The library reads user, item and rating by the reader that its manual shows, and fits with its own
defaults. Prints one JSON document: seconds of both, RMSE and MAE on the test file, unclipped. Of
the three, Surprise and Cornac clip predictions to the scale unless told not to.
"""

import argparse
import importlib.metadata
import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Predict = Callable[[Any, Any], Any]
Fitted = tuple[float, float, Predict]


def surprise(path: str, seeded: bool) -> Fitted:  # noqa: ARG001 - it draws nothing
    from surprise import BaselineOnly, Dataset, Reader

    started = time.perf_counter()
    reader = Reader(line_format="user item rating", sep=",", skip_lines=1, rating_scale=(0.5, 5))
    ratings = Dataset.load_from_file(path, reader).build_full_trainset()
    read = time.perf_counter()
    model = BaselineOnly(verbose=False).fit(ratings)
    fitted = time.perf_counter()

    def predict(users: Any, items: Any) -> Any:
        pairs = zip(users, items, strict=True)
        return [model.predict(str(u), str(i), clip=False).est for u, i in pairs]

    return read - started, fitted - read, predict


def lenskit(path: str, seeded: bool) -> Fitted:  # noqa: ARG001 - it draws nothing
    import pandas as pd
    from lenskit.basic import BiasScorer
    from lenskit.data import ItemList, from_interactions_df

    started = time.perf_counter()
    frame = pd.read_csv(path)
    ratings = from_interactions_df(frame, user_col="user", item_col="item", rating_col="rating")
    read = time.perf_counter()
    model = BiasScorer()
    model.train(ratings)
    fitted = time.perf_counter()

    def predict(users: Any, items: Any) -> Any:
        predicted = np.empty(len(users))
        order = np.argsort(users, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(users[order])) + 1):
            scores = model(query=users[rows[0]].item(), items=ItemList(item_ids=items[rows]))
            predicted[rows] = scores.scores()
        return predicted

    return read - started, fitted - read, predict


def cornac(path: str, seeded: bool) -> Fitted:
    from cornac.data import Dataset, Reader
    from cornac.models import BaselineOnly

    started = time.perf_counter()
    ratings = Dataset.from_uir(Reader().read(path, fmt="UIR", sep=",", skip_lines=1))
    read = time.perf_counter()
    # Without a seed its threads step on each other's toes, and no two runs agree.
    model = BaselineOnly(seed=0 if seeded else None).fit(ratings)
    fitted = time.perf_counter()

    def predict(users: Any, items: Any) -> Any:
        # Its own score() takes an unknown item's user bias away, and fails on an unknown user.
        user_bias, item_bias = np.append(model.u_biases, 0.0), np.append(model.i_biases, 0.0)
        user = [model.uid_map.get(str(u), -1) for u in users]
        item = [model.iid_map.get(str(i), -1) for i in items]
        return model.global_mean + user_bias[user] + item_bias[item]

    return read - started, fitted - read, predict


LIBRARIES = {"surprise": surprise, "lenskit": lenskit, "cornac": cornac}
PACKAGES = {"surprise": "scikit-surprise", "lenskit": "lenskit", "cornac": "cornac"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("training")
    parser.add_argument("test")
    parser.add_argument("predictions", nargs="?")
    parser.add_argument("--seeded", action="store_true", help="the same bits every time")
    parser.add_argument("--memory", type=float, help="GB that it may allocate")
    options = parser.parse_args()
    if options.memory:
        resource.setrlimit(resource.RLIMIT_DATA, (int(options.memory * 1e9),) * 2)
    read, fit, predict = LIBRARIES[options.library](options.training, options.seeded)
    test = np.loadtxt(options.test, delimiter=",", skiprows=1, ndmin=2)
    predicted = np.asarray(predict(*test[:, :2].astype(np.int64).T), dtype=np.float64)
    errors = test[:, 2] - predicted
    if options.predictions:
        np.save(options.predictions, predicted)
    document = {
        "version": importlib.metadata.version(PACKAGES[options.library]),
        "read": read,
        "fit": fit,
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "mae": float(np.mean(np.abs(errors))),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
