"""Two columns of a source that are the same one, as where a column was named twice."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mlbias.ids import Ids, TextIds
from mlbias.ratings import Ratings

_PAIRS = (("users", "items"), ("users", "ratings"), ("items", "ratings"))
_PIECE = 1 << 18


class EqualColumns:
    """Which columns are equal in all ratings that were looked at."""

    def __init__(self) -> None:
        self._pairs = list(_PAIRS)

    def look(self, ratings: Ratings) -> None:
        """Look at some ratings, and no further than columns stay equal."""
        # Most columns differ in the first rating.
        starts = [0, *range(1, len(ratings), _PIECE), len(ratings)]
        for start, stop in pairwise(starts):
            here = slice(start, stop)
            self._pairs = [
                pair for pair in self._pairs if _are_equal(*(_of(ratings, k, here) for k in pair))
            ]

    def warnings(self, n_ratings: int, n_users: int, n_items: int) -> list[str]:
        """A sentence for each pair, where there are enough ratings and ids to tell."""
        n = {"users": n_users, "items": n_items, "ratings": n_ratings}
        return [
            f"the columns of {one} and {other} are equal"
            for one, other in self._pairs
            if n_ratings > 1 and (other == "items" or n[one] > 1)
        ]


def _of(ratings: Ratings, column: str, here: slice) -> Ids | NDArray[np.floating]:
    """A column as it stands in the source."""
    if column == "users":
        return ratings.user_ids[ratings.user_column[here]]
    return ratings.item_ids[ratings.item[here]] if column == "items" else ratings.value_column[here]


def _are_equal(one: Ids | NDArray[np.floating], other: Ids | NDArray[np.floating]) -> bool:
    if isinstance(one, TextIds) and isinstance(other, TextIds):
        return bool((one.series == other.series).all())
    if isinstance(one, TextIds) or isinstance(other, TextIds):
        return False
    return bool((one == other).all())
