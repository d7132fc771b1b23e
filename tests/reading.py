"""What the tests of reading share: a file of some content, and its ratings as plain rows."""

from collections.abc import Callable
from pathlib import Path

from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.read import read_ratings
from mlbias.datasets.reading.reader import Reading
from mlbias.datasets.sources import Source
from mlbias.ratings import Ratings

Triples = list[tuple[object, object, float]]
Read = Callable[..., Reading]


def triples(ratings: Ratings) -> Triples:
    """User, item and rating of each row."""
    users, items = ratings.user_ids.tolist(), ratings.item_ids.tolist()
    return [
        (users[user], items[item], value)
        for user, item, value in zip(
            ratings.user.tolist(), ratings.item.tolist(), ratings.value.tolist(), strict=True
        )
    ]


def in_order(rows: Triples) -> Triples:
    """As reading orders them: by user, item and value."""
    return sorted(rows)


def reader(path: Path) -> Read:
    """A function from content and options to what reading a file of it at this path gives."""

    def read(content: str | bytes, *, timestamps: bool = False, **options: object) -> Reading:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_ratings(
            Source("ratings", path),
            ReadOptions(**options),  # type: ignore[arg-type]
            timestamps=timestamps,
        )

    return read


def notices(reading: Reading) -> str:
    """All that is said of a source, joined."""
    understood = reading.understood
    return "; ".join([*understood.notices, *understood.warnings, *understood.time_notices])
