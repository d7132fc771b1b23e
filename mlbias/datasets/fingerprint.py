"""A digest by which ratings are known again."""

import hashlib

import numpy as np

from mlbias.core.statistics import Incidence
from mlbias.ids import Ids, packed_ids


def fingerprint(user_ids: Ids, item_ids: Ids, incidence: Incidence) -> str:
    """A digest of the ids, of who rated what, and of each id's sum of ratings; 32 hex digits.

    The order of rows does not matter: sums of half stars are exact, and others are rounded to
    float32 first. Who rated what is in a product with whole numbers that tell users apart. Only
    ratings that change places and leave every user's and every item's sum alone go unseen.

    Args:
        user_ids: (n_users,) ids.
        item_ids: (n_items,) ids.
        incidence: the matrix that has these users and items.
    """
    digest = hashlib.blake2b(digest_size=16)
    statistics = incidence.statistics
    # Below 2²⁰, so that sums over any number of ratings that fits in memory are exact.
    marks = np.arange(1, statistics.n_users + 1) * 2_654_435_761 % (1 << 20)
    arrays = [np.array([statistics.center]), incidence.per_item(marks.astype(np.float64))]
    for ids, counts, sums in (
        (user_ids, statistics.user_counts, statistics.user_sums),
        (item_ids, statistics.item_counts, statistics.item_sums),
    ):
        # Adding zero makes one zero of the two that floats have.
        with np.errstate(over="ignore"):
            arrays += [*packed_ids("ids", ids).values(), counts, sums.astype(np.float32) + 0]
    for array in arrays:
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
