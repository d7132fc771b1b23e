"""Hold-outs of ratings in parts, which decide alone: each has all of its users.

Only a share of the latest ratings takes all parts together: where the cut is, is found by counting
times in bins, and then hashes at that time, ever more closely.
"""

from dataclasses import dataclass

import numpy as np

from mlbias.core.bits import Bits
from mlbias.core.compact import UserRuns
from mlbias.core.ratings import Codes
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.parts import Call, Part
from mlbias.errors import DataError
from mlbias.evaluation.hashing import PairHashes
from mlbias.evaluation.holdout import Holdout
from mlbias.evaluation.latest import TimeCut, no_times, pair_times
from mlbias.evaluation.ranks import Counts, Range, keys_of, of_rank, time_of
from mlbias.evaluation.splits import held_out_at_random, held_out_of_users
from mlbias.ids import positions
from mlbias.number_columns import Timestamps
from mlbias.ratings import Ratings


def sides_in_parts(
    incidence: PartitionedIncidence, holdout: Holdout
) -> tuple[PartitionedIncidence, PartitionedIncidence]:
    """Training ratings and hold-out, the same ones as in memory.

    Raises:
        DataError: one side would be empty, or there are no times.
    """
    if holdout.needs_times and incidence.span is None:
        raise no_times(incidence.untimed)
    cut = _cut(incidence, holdout) if holdout.split == "time" else None
    try:
        training, held_out = (
            PartitionedIncidence(incidence.parts.derived(_Side(holdout, cut, is_held_out)))
            for is_held_out in (False, True)
        )
    except DataError as error:
        raise DataError(f"a hold-out of {holdout.told}: on one side {error}.") from error
    return training, held_out


def n_shared_in_parts(training: PartitionedIncidence, held_out: PartitionedIncidence) -> int:
    """How many ratings that were given to be held out are of pairs that are in training too.

    The held-out ratings come to this process.
    """
    given = held_out.ratings()
    user = positions(given.user_ids, training.user_ids)[given.user]
    item = positions(given.item_ids, training.item_ids)[given.item]
    asked = []
    for users, items in training.places:
        of_user = _places(users, len(training.user_ids))[user]
        of_item = _places(items, len(training.item_ids))[item]
        known = (of_user >= 0) & (of_item >= 0)
        asked.append((of_user[known], of_item[known]))
    return sum(n for n in training.ask(_SHARED, asked) if n is not None)


def _places(codes: Codes, n: int) -> Codes:
    """Where each of n codes stands among these, -1 where it does not, and for a code of -1."""
    found = np.full(n + 1, -1, np.int32)
    found[codes] = np.arange(len(codes), dtype=np.int32)
    return found


def _shared(part: Part, pairs: tuple[Codes, Codes]) -> int:
    user, item = (codes.astype(np.int64) for codes in pairs)
    there = UserRuns.of_counts(part.counts)[:].astype(np.int64) * part.n_items + part.item
    return int(np.count_nonzero(np.isin(user * part.n_items + item, there)))


_SHARED: Call[tuple[Codes, Codes], int] = Call(_shared)


@dataclass(frozen=True, slots=True)
class _Side:
    """From a part to its training ratings or its hold-out."""

    holdout: Holdout
    cut: TimeCut | None
    is_held_out: bool

    def __call__(self, part: Part) -> Part:
        if part.is_empty:
            return part
        ratings = part.ratings()
        held_out = self._held_out(ratings)
        return Part.of(ratings.select(held_out if self.is_held_out else ~held_out), part.time_unit)

    def _held_out(self, ratings: Ratings) -> Bits:
        holdout = self.holdout
        size, seed = holdout.test_size, holdout.seed
        if self.cut is not None:
            return self.cut.held_out(*_moments(ratings, seed))
        assert size is not None
        if holdout.split == "user":
            return held_out_of_users(ratings, size, random=holdout.pick == "random", seed=seed)
        return held_out_at_random(ratings, size, seed)


def _moments(ratings: Ratings, seed: int) -> tuple[Timestamps, PairHashes]:
    """What a split by time goes by."""
    return pair_times(ratings), PairHashes(ratings, "time", seed)


def _cut(incidence: PartitionedIncidence, holdout: Holdout) -> TimeCut:
    """Where a split by time cuts."""
    if holdout.start is not None:
        return TimeCut(holdout.start)
    assert holdout.test_size is not None
    assert incidence.span is not None
    n = len(incidence)
    n_held_out = round(holdout.test_size * n)
    if n_held_out in (0, n):
        raise DataError(f"a hold-out of {holdout.told}: on one side there are no ratings.")
    first, last = (int(keys_of(np.array([time]))[0]) for time in incidence.span)
    times, everything = _Asked(incidence, holdout.seed), Range(first, last)
    key, n_before, n_tied = of_rank(times, everything, n - n_held_out, n)
    time = time_of(key)
    hashes = _Asked(incidence, holdout.seed, time)
    n_more = n_held_out - (n - n_before - n_tied)
    return TimeCut(time, of_rank(hashes, Range(0, (1 << 64) - 1), n_more - 1, n_tied)[0])


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be counted: times or, of ratings at one time, hashes."""

    seed: int
    at: float | None
    among: Range


def _counted(part: Part, wanted: _Wanted) -> Counts:
    times, hashes = _moments(part.ratings(), wanted.seed)
    if wanted.at is None:
        return wanted.among.counted(keys_of(times))
    return wanted.among.counted(hashes[np.flatnonzero(times == wanted.at)])


_COUNTED: Call[_Wanted, Counts] = Call(_counted, values=True, ids=True, times=True)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Counts from all parts, a round each time."""

    incidence: PartitionedIncidence
    seed: int
    at: float | None = None

    def __call__(self, among: Range) -> list[Counts]:
        wanted = _Wanted(self.seed, self.at, among)
        found = self.incidence.ask(_COUNTED, [wanted] * len(self.incidence.places))
        return [of for of in found if of is not None]
