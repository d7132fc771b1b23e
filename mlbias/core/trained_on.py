"""What a model keeps of its training ratings."""

from dataclasses import dataclass

from mlbias.core.statistics import Statistics
from mlbias.core.vectors import FloatArray


@dataclass(frozen=True, slots=True, repr=False)
class TrainedOn:
    """What a model's training ratings were like, where scoring asks for it.

    Args:
        low, high: the scale, as far as it was used.
        user_counts, item_counts: (n_users,) and (n_items,) ratings of each.
        user_means, item_means: (n_users,) and (n_items,) their plain means; None in models of
            older files.
    """

    low: float
    high: float
    user_counts: FloatArray
    item_counts: FloatArray
    user_means: FloatArray | None = None
    item_means: FloatArray | None = None

    @classmethod
    def of(cls, statistics: Statistics) -> "TrainedOn":
        """That of the ratings with these statistics."""
        s = statistics
        return cls(
            s.low,
            s.high,
            s.user_counts,
            s.item_counts,
            s.user_sums / s.user_counts + s.center,
            s.item_sums / s.item_counts + s.center,
        )

    @property
    def n_ratings(self) -> int:
        """Training ratings."""
        return int(self.user_counts.sum())

    @property
    def n_users(self) -> int:
        """Users in training."""
        return len(self.user_counts)

    @property
    def n_items(self) -> int:
        """Items in training."""
        return len(self.item_counts)
