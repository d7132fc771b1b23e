"""Ratings on a local Spark Connect server equal those in memory; run by test_spark.py.

A process of its own, since Connect and plain Spark do not share one.
"""

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from mlbias.core.bits import number_of
from mlbias.engines.joins import known_counts, predict
from mlbias.engines.spark import incidence
from mlbias.errors import DataError
from mlbias.evaluation.holdout import Holdout
from mlbias.evaluation.sides_in_parts import sides_in_parts
from mlbias.fitting.fit import fit
from tests.engines import check_products, columns_of, timed_ratings

session = SparkSession.builder.remote("local[2]").config("spark.sql.shuffle.partitions", 2)
spark = session.getOrCreate()
ratings = timed_ratings(600, 20, 10)
frame = spark.createDataFrame(pa.table(columns_of(ratings)))
parts = incidence(frame, time="when")
assert len(parts.places) == 2
check_products(parts, ratings)
holdout = Holdout("time", 0.25)
_, held_out = sides_in_parts(parts, holdout)
assert len(held_out) == number_of(holdout.held_out(ratings))
pairs = spark.createDataFrame([(1, 3), (1, 77)], "user long, item long")
assert known_counts(predict(fit(parts, epochs=1).model, pairs))["user"] == 1
no_rating = spark.createDataFrame([(1, 2, None)], "user long, item long, rating double")
with pytest.raises(DataError, match="the rating is missing"):
    incidence(no_rating)
parts.release()
spark.stop()
