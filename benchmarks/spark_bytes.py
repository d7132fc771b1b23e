"""The bytes of docs/scale.md beside those that Spark counts, on generated ratings.

python -m benchmarks.spark_bytes [--ratings N]

Needs the extra mlbias[spark] and Java.
"""

import argparse
from typing import Any

import numpy as np
from py4j.protocol import Py4JJavaError

from benchmarks.engines import PARTS, generated, on_spark, spark_session


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ratings", type=int, default=2_000_000)
    path = generated(parser.parse_args().ratings)
    session = spark_session()
    ratings = on_spark(session, path)
    n, users = len(ratings), len(ratings.user_ids)
    items = sum(len(items) for _, items in ratings.places)
    print(f"{n:,} ratings, {users:,} users, S = {items:,}, {PARTS} parts; MB")
    print("what                 formula   Spark")
    counted = stages(session)
    told("shuffle", 24 * n, sum(stage.shuffleWriteBytes() for stage in counted))
    kept = session.sparkContext._jsc.sc().getRDDStorageInfo()
    cached = sum(of.memSize() + of.diskSize() for of in kept)
    told("cache", 8 * n + 4 * users + 8 * (users + items), cached)
    before = len(counted)
    ratings.both(np.ones(len(ratings.item_ids)), weights=np.ones(users))
    results = sum(stage.resultSize() for stage in stages(session)[before:])
    told("round back", 8 * (users + items), results)


def told(what: str, formula: int, counted: int) -> None:
    print(f"{what:16} {formula / 1e6:11.2f} {counted / 1e6:7.2f}")


def stages(session: Any) -> list[Any]:
    """What Spark has counted of each stage so far."""
    context, found = session.sparkContext._jsc.sc(), list[Any]()
    context.listenerBus().waitUntilEmpty()
    while True:
        try:
            found.append(context.statusStore().lastStageAttempt(len(found)))
        except Py4JJavaError:  # there is no stage after the last one
            return found


if __name__ == "__main__":
    main()
