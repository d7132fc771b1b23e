"""A digest by which ratings are known again."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.statistics import Incidence
from mlbias.ids import Ids, TextIds

_PIECE = 1 << 16


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
    arrays: list[NDArray[Any] | TextIds] = [
        np.array([statistics.center]),
        incidence.per_item(marks.astype(np.float64)),
    ]
    for ids, counts, sums in (
        (user_ids, statistics.user_counts, statistics.user_sums),
        (item_ids, statistics.item_counts, statistics.item_sums),
    ):
        # Adding zero makes one zero of the two that floats have.
        with np.errstate(over="ignore"):
            arrays += [*_columns_of(ids), counts, sums.astype(np.float32) + 0]
    for array in arrays:
        for start in range(0, len(array), _PIECE):
            digest.update(_bytes_of(array[start : start + _PIECE]))
    return digest.hexdigest()


def _columns_of(ids: Ids) -> list[NDArray[Any] | TextIds]:
    """Integers as they are; text, and where each ends among the bytes of all."""
    if not isinstance(ids, TextIds):
        return [ids]
    return [ids, np.cumsum(ids.series.str.len_bytes().to_numpy(), dtype=np.int64)]


def _bytes_of(values: NDArray[Any] | TextIds) -> bytes:
    if isinstance(values, TextIds):
        return str(values.series.str.join("").item()).encode()
    return values.astype(values.dtype.newbyteorder("<")).tobytes()
