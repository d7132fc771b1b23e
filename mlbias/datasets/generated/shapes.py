"""Shapes of generated ratings, after the MovieLens sets: how many, and how long the tails."""

import math
from dataclasses import dataclass, replace

from mlbias.errors import OptionError

Quantiles = tuple[tuple[float, float], ...]

_MOST_CODES = 2**31 - 1  # they are int32

# Where users rate less than ml-25m's, the least active one keeps this share of the mean.
_MEAN_OVER_FEWEST = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """How many ratings, users and items, and how unevenly the ratings fall on them.

    Args:
        n_ratings, n_users, n_items: how many of each; every user has a rating, but an item may
            end up without one.
        user_quantiles, item_quantiles: (share of users or items, ratings of the one at that
            share), from (0, fewest) to (1, most); straight lines between. They are stretched
            above the fewest so that all add up to n_ratings.

    Raises:
        OptionError: so many ratings and users cannot be.
    """

    n_ratings: int
    n_users: int
    n_items: int
    user_quantiles: Quantiles
    item_quantiles: Quantiles

    def __post_init__(self) -> None:
        ratings, users, items = self.n_ratings, self.n_users, self.n_items
        for what, number in (("ratings", ratings), ("users", users), ("items", items)):
            if number < 1:
                raise OptionError(f"the number of {what} is at least 1, not {number:,}.")
            if number > _MOST_CODES and what != "ratings":
                raise OptionError(f"there are at most {_MOST_CODES:,} {what}, not {number:,}.")
        if ratings < users:
            raise OptionError(
                f"{ratings:,} ratings are too few for {users:,} users, who have at least one each."
            )
        if ratings > users * items:
            raise OptionError(
                f"{ratings:,} ratings are too many for {users:,} users and {items:,} items, "
                f"which make {users * items:,} pairs."
            )

    def resized(
        self, n_ratings: int | None = None, n_users: int | None = None, n_items: int | None = None
    ) -> "Shape":
        """The same tails over other numbers; those not given follow the number of ratings.

        Users grow with the ratings, and items with their square root, about as from ml-100k to
        ml-25m; but items are enough for at least twice as many pairs as ratings.

        Raises:
            OptionError: so many ratings and users cannot be.
        """
        ratings = self.n_ratings if n_ratings is None else n_ratings
        growth = max(ratings, 1) / self.n_ratings
        users = max(1, round(self.n_users * growth)) if n_users is None else n_users
        if n_items is None:
            enough = math.ceil(2 * ratings / max(users, 1))
            n_items = max(round(self.n_items * math.sqrt(growth)), enough)
        lowest = self.user_quantiles[0][1]
        fewest = min(lowest, max(1, ratings // (_MEAN_OVER_FEWEST * max(users, 1))))
        return replace(
            self,
            n_ratings=ratings,
            n_users=users,
            n_items=n_items,
            user_quantiles=tuple(
                (share, height * fewest / lowest) for share, height in self.user_quantiles
            ),
        )


SAMPLE = Shape(
    n_ratings=100_000,
    n_users=1_000,
    n_items=4_000,
    user_quantiles=(
        (0, 20), (0.25, 32), (0.5, 58), (0.75, 115), (0.9, 220), (0.97, 400), (1, 1_400),
    ),
    item_quantiles=(
        (0, 1), (0.25, 2), (0.5, 7), (0.75, 22), (0.9, 70), (0.97, 160), (1, 400),
    ),
)  # fmt: skip

# More items than ml-25m's 59,047, because some of the rarest draw no rating.
ML_25M = Shape(
    n_ratings=25_000_095,
    n_users=162_541,
    n_items=63_500,
    user_quantiles=(
        (0, 20), (0.25, 36), (0.5, 71), (0.75, 155), (0.9, 330), (0.95, 500), (0.99, 1_050),
        (0.999, 2_300), (0.9999, 4_500), (1, 33_800),
    ),
    item_quantiles=(
        (0, 1), (0.25, 2), (0.5, 4), (0.75, 36), (0.9, 300), (0.95, 1_100), (0.98, 4_000),
        (0.99, 8_200), (0.999, 38_000), (1, 160_000),
    ),
)  # fmt: skip

# By the numbers in the sets' own README files. The older sets hold few of the rarely rated items,
# as the sample does; the newer ones are as top-heavy as ml-25m.
PRESETS = {
    "sample": SAMPLE,
    "ml-100k": SAMPLE.resized(100_000, 943, 1_682),
    "ml-1m": SAMPLE.resized(1_000_209, 6_040, 3_706),
    "ml-10m": SAMPLE.resized(10_000_054, 69_878, 10_677),
    "ml-20m": ML_25M.resized(20_000_263, 138_493, 26_744),
    "ml-25m": ML_25M,
    "ml-32m": ML_25M.resized(32_000_204, 200_948, 84_432),
}
