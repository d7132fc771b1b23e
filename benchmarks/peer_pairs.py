"""A file of pairs predicted by another library's bias model, run by predict_peers.py.

    python benchmarks/peer_pairs.py LIBRARY fit TRAINING.csv MODEL.pickle
    python benchmarks/peer_pairs.py LIBRARY predict MODEL.pickle PAIRS.csv PREDICTIONS.csv

Surprise predicts by ``test``. lenskit-batch is LensKit's pipeline for batches, as in its manual;
lenskit calls its scorer alone, once for each user, which is faster. Prints one JSON document:
seconds of reading the pairs, predicting and writing, and of the processor, without imports and
without loading the model.
"""

import csv
import json
import pickle
import sys
import time
from typing import Any

import numpy as np


def surprise_fit(training: str) -> Any:
    from surprise import BaselineOnly, Dataset, Reader

    reader = Reader(line_format="user item rating", sep=",", skip_lines=1, rating_scale=(0.5, 5))
    ratings = Dataset.load_from_file(training, reader).build_full_trainset()
    return BaselineOnly(verbose=False).fit(ratings)


def surprise_predict(model: Any, pairs: str, predictions: str) -> None:
    with open(pairs, encoding="utf-8") as file:  # noqa: PTH123 - the environments are others'
        found = model.test([(user, item, 0.0) for user, item in list(csv.reader(file))[1:]])
    with open(predictions, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
        writer = csv.writer(file)
        writer.writerow(["user", "item", "prediction"])
        writer.writerows((one.uid, one.iid, one.est) for one in found)


def lenskit_fit(training: str) -> Any:
    import pandas as pd
    from lenskit.basic import BiasScorer
    from lenskit.data import from_interactions_df

    frame = pd.read_csv(training)
    model = BiasScorer()
    model.train(from_interactions_df(frame, user_col="user", item_col="item", rating_col="rating"))
    return model


def lenskit_predict(model: Any, pairs: str, predictions: str) -> None:
    import pandas as pd
    from lenskit.data import ItemList

    frame = pd.read_csv(pairs)
    users, items = frame["user"].to_numpy(), frame["item"].to_numpy()
    predicted = np.empty(len(users))
    order = np.argsort(users, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(users[order])) + 1):
        found = model(query=users[rows[0]].item(), items=ItemList(item_ids=items[rows]))
        predicted[rows] = found.scores()
    frame.assign(prediction=predicted).to_csv(predictions, index=False)


def batch_fit(training: str) -> Any:
    import pandas as pd
    from lenskit.basic import BiasScorer
    from lenskit.data import from_interactions_df
    from lenskit.pipeline import predict_pipeline

    frame = pd.read_csv(training)
    model = predict_pipeline(BiasScorer())
    model.train(from_interactions_df(frame, user_col="user", item_col="item", rating_col="rating"))
    return model


def batch_predict(model: Any, pairs: str, predictions: str) -> None:
    import pandas as pd
    from lenskit.batch import predict
    from lenskit.data import ItemListCollection, UserIDKey

    frame = pd.read_csv(pairs).rename(columns={"user": "user_id", "item": "item_id"})
    found = predict(model, ItemListCollection.from_df(frame, UserIDKey), n_jobs=1)
    found.to_df().to_csv(predictions, index=False)


LIBRARIES = {
    "lenskit-batch": (batch_fit, batch_predict),
    "surprise": (surprise_fit, surprise_predict),
    "lenskit": (lenskit_fit, lenskit_predict),
}


def main() -> None:
    library, what, one, other, *more = sys.argv[1:]
    fit, predict = LIBRARIES[library]
    if what == "fit":
        with open(other, "wb") as file:  # noqa: PTH123
            pickle.dump(fit(one), file)
        print("{}")
        return
    with open(one, "rb") as file:  # noqa: PTH123
        model = pickle.load(file)
    started, before = time.perf_counter(), time.process_time()
    predict(model, other, more[0])
    spent = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - before}
    print(json.dumps(spent))


if __name__ == "__main__":
    main()
