"""All ratings of one source at hand, however they came in: read, or from a prepared copy."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

from mlbias.core.bits import Bits
from mlbias.core.incidence import BlockIncidence
from mlbias.core.rest import HeldOut
from mlbias.core.statistics import Incidence
from mlbias.datasets.fingerprint import fingerprint
from mlbias.datasets.understood import Understood
from mlbias.ids import Ids
from mlbias.ratings import Ratings, used_ids


class Dataset:
    """Ratings whose matrix and columns are there when they are asked for, and not before.

    Args:
        user_ids, item_ids: (n_users,) and (n_items,) ids.
        n_ratings: how many ratings.
        understood: how they were taken, and what was odd about them.
        incidence: makes the matrix.
        ratings: makes the columns; None where they are not to come to this machine.
        fingerprint: of these ratings, if it is known already.

    ``notices`` is what is worth knowing about where they came from, and ``is_on_disk`` whether
    they have a copy there already.
    """

    def __init__(
        self,
        user_ids: Ids,
        item_ids: Ids,
        n_ratings: int,
        understood: Understood,
        incidence: Callable[[], Incidence],
        ratings: Callable[[], Ratings] | None,
        fingerprint: str | None = None,
    ) -> None:
        self.user_ids = user_ids
        self.item_ids = item_ids
        self.n_ratings = n_ratings
        self.understood = understood
        self.notices: list[str] = []
        self.is_on_disk = False
        self._make_incidence = incidence
        self._make_ratings = ratings
        self._fingerprint = fingerprint
        self._copying: Future[str] | None = None

    @classmethod
    def of(cls, ratings: Ratings, understood: Understood, threads: int | None = None) -> "Dataset":
        """Ratings that are in memory already."""
        return cls(
            ratings.user_ids,
            ratings.item_ids,
            len(ratings),
            understood,
            lambda: BlockIncidence(ratings, threads),
            lambda: ratings,
        )

    def rest(self, kept: Bits, held_out: Ratings, threads: int | None = None) -> "Dataset":
        """What is left to train on; its columns are copied only if they are asked for.

        Args:
            kept: (n,) which ratings are not held out, at least one.
            held_out: the others, with all ids.
            threads: how many work at a time; by default one for each core.
        """
        ratings, whole = self.ratings, self.incidence.statistics
        sums = HeldOut.of(held_out, whole.center)
        return Dataset(
            used_ids(self.user_ids, whole.user_counts > sums.user_counts),
            used_ids(self.item_ids, whole.item_counts > sums.item_counts),
            len(kept) - len(held_out),
            Understood(),
            lambda: BlockIncidence.rest(ratings, whole, kept, sums, threads),
            lambda: ratings.select(kept),
        )

    @cached_property
    def incidence(self) -> Incidence:
        """The matrix, with the statistics."""
        return self._make_incidence()

    @property
    def has_columns(self) -> bool:
        """Whether the columns can be had."""
        return self._make_ratings is not None

    @cached_property
    def ratings(self) -> Ratings:
        """The columns, in the order of users."""
        assert self._make_ratings is not None
        return self._make_ratings()

    @cached_property
    def fingerprint(self) -> str:
        """By which these ratings are known again; see fingerprint.py."""
        return self._fingerprint or fingerprint(self.user_ids, self.item_ids, self.incidence)

    def keep(self, path: Path, write: Callable[[], int], *, tell: bool) -> None:
        """Write a copy in the background, while the ratings are being used already.

        Args:
            path: of the copy.
            write: writes it and returns its bytes.
            tell: whether ``finish`` says so even if all went well.
        """

        def kept() -> str:
            try:
                size = write() / (1 << 20)
            except OSError as error:
                return f"no prepared copy is kept: {path.parent}: {error.strerror or error}"
            return f"left a prepared copy for the next run, {size:.1f} MiB" if tell else ""

        # Made here with the matrix, since two threads that ask at once might make them twice.
        _ = self.fingerprint
        # The interpreter waits for the pool's thread before it ends, however it ends.
        self._copying = ThreadPoolExecutor(1).submit(kept)

    def finish(self) -> str:
        """Wait until the copy is written, if one is; what came of it."""
        return "" if self._copying is None else self._copying.result()
