"""Seconds to read, per epoch and for exact with REML: in memory, in parts, on Dask and on Spark.

python -m benchmarks.engines [--ratings N] [--epochs K] [--beside]

Beside them, with --beside, what Spark users have: the alternating sweep in DataFrames, with join
and groupBy, and MLlib's ALS of rank 10. Needs the extras mlbias[spark,dask] and Java.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mlbias import Ratings, fit, generate, load_ratings
from mlbias.engines.local import LocalParts, split
from mlbias.engines.partitioned import PartitionedIncidence

MASTER, PARTS = "local[2]", 4


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ratings", type=int, default=25_000_095)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--beside", action="store_true")
    asked = parser.parse_args()
    path = generated(asked.ratings)
    print(f"{asked.ratings:,} ratings, {PARTS} parts, Spark on {MASTER}")
    print("engine        read  epoch  exact  rounds   KB a round")
    measured("in memory", lambda: load_ratings(path, cache=False), asked.epochs)
    measured("parts", lambda: in_parts(path), asked.epochs)
    measured("Dask", lambda: on_dask(path), asked.epochs)
    session = spark_session()
    measured("Spark", lambda: on_spark(session, path), asked.epochs)
    if asked.beside:
        sweep(session, path, asked.epochs)
        als(session, path, asked.epochs)


def generated(n: int) -> Path:
    """A file of so many ratings, made if it is not there."""
    path = Path("data", f"engines-{n}.parquet").resolve()
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        generate("ml-25m", ratings=n, out=path)
    return path


def measured(name: str, read: Callable[[], Ratings | PartitionedIncidence], epochs: int) -> None:
    """A row of the table."""
    started = time.perf_counter()
    ratings = read()
    reading = time.perf_counter() - started
    fit(ratings, "gd", epochs=1)  # once, to warm up
    one, more = (timed(partial(fit, ratings, "gd", epochs=k)) for k in (1, 1 + epochs))
    rounds = ratings.rounds if isinstance(ratings, PartitionedIncidence) else 0
    exact = timed(lambda: fit(ratings, "exact"))
    line = f"{name:10}  {reading:6.2f} {(more - one) / epochs:6.3f} {exact:6.2f}"
    if isinstance(ratings, PartitionedIncidence):
        line += f"  {ratings.rounds - rounds:6} {bytes_a_round(ratings) / 1e3:12.0f}"
    print(line, flush=True)


def bytes_a_round(incidence: PartitionedIncidence) -> int:
    """What a round of an epoch sends to the parts and back: 8 bytes a number, by the formula."""
    users = incidence.statistics.n_users
    items = sum(len(items) for items in incidence._items)
    return 8 * (3 * users + 2 * items)


def timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def in_parts(path: Path) -> PartitionedIncidence:
    return PartitionedIncidence(LocalParts(split(load_ratings(path, cache=False), PARTS)))


def on_dask(path: Path) -> PartitionedIncidence:
    import dask.dataframe as dd

    from mlbias.engines.dask import incidence

    return incidence(dd.read_parquet(path), parts=PARTS)


def spark_session() -> Any:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(MASTER).config("spark.driver.memory", "6g")
    quiet = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    session = builder.config(map=quiet).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


def on_spark(session: Any, path: Path) -> PartitionedIncidence:
    from mlbias.engines.spark import incidence

    return incidence(session.read.parquet(str(path)), parts=PARTS)


def sweep(session: Any, path: Path, epochs: int) -> None:
    """The closed form in DataFrames: each side's biases by a join and a groupBy."""
    from pyspark.sql import functions as F  # noqa: N812

    rows = session.read.parquet(str(path)).select("userId", "movieId", "rating").cache()
    mean = rows.agg(F.mean("rating")).first()[0]
    users = rows.select("userId").distinct().withColumn("bu", F.lit(0.0))

    def epoch() -> None:
        nonlocal users
        by_item = rows.join(users, "userId").groupBy("movieId")
        items = by_item.agg(
            (F.sum(F.col("rating") - mean - F.col("bu")) / F.count("*")).alias("bi")
        )
        by_user = rows.join(items, "movieId").groupBy("userId")
        users = by_user.agg(
            (F.sum(F.col("rating") - mean - F.col("bi")) / F.count("*")).alias("bu")
        )
        users = users.localCheckpoint()

    epoch()
    started = time.perf_counter()
    for _ in range(epochs):
        epoch()
    seconds = (time.perf_counter() - started) / epochs
    print(f"{'sweep':10}  {'':6} {seconds:6.3f}", flush=True)
    rows.unpersist()


def als(session: Any, path: Path, epochs: int) -> None:
    """MLlib's ALS of rank 10, without reading."""
    from pyspark.ml.recommendation import ALS

    rows = session.read.parquet(str(path)).select("userId", "movieId", "rating").cache()
    rows.count()
    names = {"userCol": "userId", "itemCol": "movieId", "ratingCol": "rating"}
    ALS(rank=10, maxIter=1, **names).fit(rows)  # once, to warm up
    seconds = timed(partial(ALS(rank=10, maxIter=epochs, **names).fit, rows)) / epochs
    print(f"{'ALS':10}  {'':6} {seconds:6.3f}", flush=True)


if __name__ == "__main__":
    main()
