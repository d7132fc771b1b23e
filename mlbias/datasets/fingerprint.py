"""A digest by which ratings are known again."""

import hashlib

import numpy as np

from mlbias.core.ratings import Ratings
from mlbias.core.statistics import Statistics
from mlbias.datasets.ids import pack_ids


def fingerprint(ratings: Ratings, statistics: Statistics) -> str:
    """A digest of the ids and of how many ratings of what sum each has; 32 hexadecimal digits.

    The order of rows does not matter: sums of half stars are exact, and others are rounded to
    float32 first.

    Args:
        ratings: for their ids.
        statistics: of the same ratings.
    """
    digest = hashlib.blake2b(digest_size=16)
    arrays = [np.array([statistics.center])]
    for ids, counts, sums in (
        (ratings.user_ids, statistics.user_counts, statistics.user_sums),
        (ratings.item_ids, statistics.item_counts, statistics.item_sums),
    ):
        # Adding zero makes one zero of the two that floats have.
        arrays += [*pack_ids("ids", ids).values(), counts, sums.astype(np.float32) + 0]
    for array in arrays:
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
