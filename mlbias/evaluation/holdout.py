"""A hold-out, from its description to its two sides."""

from dataclasses import asdict, dataclass
from typing import Any

from mlbias.core.bits import Bits
from mlbias.datasets.sources import Source
from mlbias.errors import OptionError
from mlbias.evaluation.splits import random_holdout, time_holdout, user_holdout
from mlbias.ratings import Ratings
from mlbias.times import moment, shown_time

_SPLITS = ("random", "user", "time")
_PICKS = ("last", "random")


@dataclass(frozen=True, slots=True)
class Holdout:
    """Which ratings are held out; splits.py does the splitting.

    Attributes:
        split: random, user or time, or given where the hold-out is a file of its own.
        test_size: the share, or a number for each user; None where a time or a file says it.
        seed: of the hash.
        pick: last or random, of a user's ratings.
        start: the first time that is held out, in Unix seconds.
        source: of the ratings that were given.
        fingerprint: of the same; see datasets/fingerprint.py.
    """

    split: str
    test_size: float | None = None
    seed: int = 0
    pick: str = "last"
    start: float | None = None
    source: Source | None = None
    fingerprint: str | None = None

    @classmethod
    def of(
        cls,
        split: str | None = None,
        test_size: float | None = None,
        test_from: str | None = None,
        pick: str | None = None,
        seed: int | None = None,
    ) -> "Holdout | None":
        """What was asked for; None for no hold-out.

        Args:
            split: random, user or time; by default what the other options call for.
            test_size: share to hold out, or with user a number of ratings of each user.
            test_from: the first date or timestamp to hold out.
            pick: last or random, with user.
            seed: another seed holds out other ratings.

        Raises:
            OptionError: an option is out of range, or does not go with the others.
        """
        kind = split or ("random" if test_from is None else "time")
        _check_kind(kind, test_from, test_size, pick)
        if test_size is None and test_from is None:
            if split is not None:
                raise OptionError("`split` goes with `test_size`, which says how much to hold out.")
            if seed is not None:
                raise OptionError("`seed` goes with `test_size`: it chooses what is held out.")
            return None
        if test_size is not None:
            _check_size(kind, test_size)
        start = None if test_from is None else moment(test_from)
        return cls(kind, test_size, seed or 0, pick or "last", start)

    @classmethod
    def given(cls, source: Source, fingerprint: str) -> "Holdout":
        """The ratings of another source."""
        return cls("given", source=source, fingerprint=fingerprint)

    @property
    def is_given(self) -> bool:
        """Whether the hold-out is a source of its own."""
        return self.split == "given"

    @property
    def needs_times(self) -> bool:
        """Whether the timestamps decide."""
        return self.split == "time" or (self.split == "user" and self.pick == "last")

    @property
    def told(self) -> str:
        """How ratings are held out, in words."""
        if self.source is not None:
            return self.source.label
        if self.start is not None:
            return f"from {shown_time(self.start)} on"
        assert self.test_size is not None
        kinds = {"random": "random", "time": "the latest", "user": f"{self.pick} of each user"}
        whole = "1 rating" if self.test_size == 1 else f"{self.test_size:g} ratings"
        amount = whole if self.test_size >= 1 else f"{100 * self.test_size:g} %"
        # With times the seed decides among ratings of the same time alone.
        seed = "" if self.needs_times and not self.seed else f", seed {self.seed}"
        return f"{kinds[self.split]}, {amount}{seed}"

    def held_out(self, ratings: Ratings) -> Bits:
        """Which ratings of one source are held out, (n,); they are in the order of users.

        Raises:
            DataError: one side would be empty, or there are no timestamps.
        """
        if self.split == "time":
            return time_holdout(ratings, self.test_size, self.start, self.seed)
        assert self.test_size is not None
        if self.split == "user":
            random = self.pick == "random"
            return user_holdout(ratings, self.test_size, random=random, seed=self.seed)
        return random_holdout(ratings, self.test_size, self.seed)

    def document(self) -> dict[str, Any]:
        """How ratings are held out, under the names that it has in JSON."""
        return asdict(self) | {"source": self.source and self.source.label}


def _check_kind(
    kind: str, test_from: str | None, test_size: float | None, pick: str | None
) -> None:
    if kind not in _SPLITS:
        raise OptionError(f"`split` is random, user or time, not {kind!r}.")
    if test_from is not None and kind != "time":
        raise OptionError(f"`test_from` cuts by time; it does not go with `split` {kind}.")
    if test_from is not None and test_size is not None:
        raise OptionError("`test_from` and `test_size` both say what to hold out; give one.")
    if pick is not None and (kind != "user" or pick not in _PICKS):
        raise OptionError("`pick` is last or random, and goes with `split` user.")


def _check_size(kind: str, test_size: float) -> None:
    if kind == "user" and test_size >= 1 and test_size % 1 == 0:
        return
    if not 0 < test_size < 1:
        more = ", or a whole number of each user's" if kind == "user" else ""
        raise OptionError(f"`test_size` must be above 0 and below 1{more}, not {test_size:g}.")
