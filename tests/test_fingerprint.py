"""Fingerprints: the same ratings are known again, in any order, and other ratings are not."""

from mlbias.core.incidence import BlockIncidence
from mlbias.datasets.fingerprint import fingerprint
from mlbias.ratings import Ratings


def test_a_fingerprint_knows_the_ratings_in_any_order() -> None:
    users, items, values = [1, 1, 2, 3], [10, 20, 10, 20], [5.0, 3.0, 4.0, 2.5]

    def of(users: list[int], items: list[int], values: list[float]) -> str:
        ratings = Ratings.from_ids(users, items, values)
        return fingerprint(ratings.user_ids, ratings.item_ids, BlockIncidence(ratings))

    known = of(users, items, values)
    assert of(users[::-1], items[::-1], values[::-1]) == known
    others = [
        of([1, 1, 2, 4], items, values),
        of(users, items, [5.0, 3.0, 4.0, 3.0]),
        of(users, [10, 20, 20, 10], values),
        of([*users, 1], [*items, 10], [*values, 5.0]),
        of(users, items, [value + 1 for value in values]),
    ]
    assert len({known, *others}) == 6
    # The same ratings of each user and each item, but others rated others.
    assert of([1, 2, 1, 2], [1, 2, 1, 2], [3, 3, 4, 4]) != of(
        [1, 2, 1, 2], [2, 1, 1, 2], [3, 3, 4, 4]
    )
    assert of([1, 2, 1, 2], [1, 2, 1, 2], [3, 3, 3, 3]) != of(
        [1, 2, 1, 2], [2, 1, 2, 1], [3, 3, 3, 3]
    )
