"""The lecture page's own way, run by against_source.py: its reading loop, its epochs.

    python -m benchmarks.source_loops closed-form FILE EPOCHS
    python -m benchmarks.source_loops gd FILE EPOCHS

closed-form reads line by line, as the page does. gd is there for its epochs alone, so that the
columns come from Polars. Prints one JSON document: seconds of reading and of each epoch, RMSE.
"""

import json
import sys
import time

import numpy as np
from numpy.typing import NDArray

LAMBDA = 0.001

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Columns = tuple[Codes, Codes, Floats]


def read_by_lines(path: str) -> Columns:
    users, items, ratings = [], [], []
    with open(path) as file:  # noqa: PTH123 - as the page does
        file.readline()
        for line in file:
            user, item, rating, _ = line.split(",")
            users.append(int(user))
            items.append(int(item))
            ratings.append(float(rating))
    return np.array(users), np.array(items), np.array(ratings)


def read_fast(path: str) -> Columns:
    import polars as pl

    frame = pl.read_csv(path, columns=[0, 1, 2])
    user, item, rating = (column.to_numpy() for column in frame)
    return user, item, rating


def closed_form(columns: Columns, epochs: int) -> tuple[list[float], float]:
    users, items, ratings = columns
    alpha = ratings.mean()
    user_bias, item_bias = np.zeros(users.max() + 1), np.zeros(items.max() + 1)
    seconds = []
    for _ in range(epochs):
        started = time.perf_counter()
        predicted = alpha + user_bias[users] + item_bias[items]
        rmse = ((predicted - ratings) ** 2).mean() ** 0.5
        alpha = (ratings - (user_bias[users] + item_bias[items])).mean()
        errors = ratings - (alpha + item_bias[items])
        user_bias = np.bincount(users, weights=errors) / (np.bincount(users) + LAMBDA)
        errors = ratings - (alpha + user_bias[users])
        item_bias = np.bincount(items, weights=errors) / (np.bincount(items) + LAMBDA)
        seconds.append(time.perf_counter() - started)
    predicted = alpha + user_bias[users] + item_bias[items]
    rmse = ((predicted - ratings) ** 2).mean() ** 0.5
    return seconds, float(rmse)


def gd(columns: Columns, epochs: int) -> tuple[list[float], float]:
    users, items, ratings = columns
    n = len(ratings)
    alpha = ratings.mean()
    user_bias, item_bias = np.zeros(users.max() + 1), np.zeros(items.max() + 1)
    seconds = []
    for _ in range(epochs):
        started = time.perf_counter()
        errors = alpha + user_bias[users] + item_bias[items] - ratings
        rmse = (errors**2).mean() ** 0.5
        g_alpha = errors.mean()
        g_user = np.bincount(users, weights=errors) / n + LAMBDA * user_bias / len(user_bias)
        g_item = np.bincount(items, weights=errors) / n + LAMBDA * item_bias / len(item_bias)
        alpha = alpha - g_alpha
        user_bias = user_bias - g_user
        item_bias = item_bias - g_item
        seconds.append(time.perf_counter() - started)
    return seconds, float(rmse)


def main() -> None:
    method, path, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    started = time.perf_counter()
    columns = read_by_lines(path) if method == "closed-form" else read_fast(path)
    read = time.perf_counter() - started
    seconds, rmse = (closed_form if method == "closed-form" else gd)(columns, epochs)
    print(json.dumps({"read": read, "epochs": seconds, "rmse": rmse}))


if __name__ == "__main__":
    main()
