"""Distinct ids on disk, and those of many runs numbered as one set within little memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.datasets.scratch import Scratch, Stored
from mlbias.errors import DataError
from mlbias.ids import Ids, TextIds, as_text, content_of, joined_ids
from mlbias.texts import Texts

# Ids that are read at once.
_BLOCK = 1 << 14
# What joining takes for each id.
_BYTES_PER_ID = 192


@dataclass(frozen=True, slots=True)
class StoredIds:
    """Ids in blocks of equal length, so that a few can be read.

    Attributes:
        scratch: where they are.
        blocks: of integers, or of text in Arrow's format.
        firsts: the first id of each block.
        length: how many there are.
        order: (n,) where each id is among the codes of its run; None where it is the same place.
    """

    scratch: Scratch
    blocks: Sequence[Stored]
    firsts: Ids
    length: int
    order: NDArray[np.integer[Any]] | None = None

    @property
    def are_text(self) -> bool:
        """Whether they are text."""
        return isinstance(self.firsts, TextIds)

    def between(self, start: int, stop: int) -> Ids:
        """The ids at these places."""
        first = start // _BLOCK
        blocks = [self._block(k) for k in range(first, -(-stop // _BLOCK))]
        blocks = blocks or [self.firsts[:0]]
        return _concatenated(blocks)[start - first * _BLOCK : stop - first * _BLOCK]

    def place_of(self, wanted: Any) -> int:
        """How many ids are below the wanted one."""
        block = max(_place(self.firsts, wanted) - 1, 0)
        return block * _BLOCK + _place(self._block(block), wanted)

    def _block(self, number: int) -> Ids:
        found = self.scratch.array(self.blocks[number])
        return TextIds(Texts.in_file(found)) if self.are_text else found


def compact(ids: Ids) -> Ids:
    """The same ids, which in Polars otherwise keep alive all texts that they were chosen from."""
    return TextIds(Texts.in_file(content_of(ids)).series()) if isinstance(ids, TextIds) else ids


def store_ids(scratch: Scratch, ids: Ids, order: NDArray[Any] | None = None) -> StoredIds:
    """Write distinct ids, which ascend."""
    starts = range(0, len(ids), _BLOCK)
    blocks = []
    for start in starts:
        block = content_of(ids[start : start + _BLOCK])
        blocks.append(scratch.append(block))
    firsts = compact(ids[np.array(starts)])
    return StoredIds(scratch, blocks, firsts, len(ids), order)


def number_ids(
    runs: Sequence[StoredIds], *, are_text: bool, n_bytes: int
) -> tuple[Ids, list[Stored]]:
    """The distinct ids of all runs, ascending, and where the ids of each are among them.

    They are integers if those of every run are, and nothing says otherwise.

    Args:
        runs: of one role.
        are_text: whether they are text even if those of every run are integers.
        n_bytes: memory that may be taken beside what is returned.

    Raises:
        DataError: there are more of them than int32 can number.
        OSError: the codes cannot be written.
    """
    scratch = runs[0].scratch
    if are_text or any(run.are_text for run in runs):
        runs = [run if run.are_text else _as_texts(run) for run in runs]
    codes = [scratch.reserve(np.dtype(np.int32), run.length) for run in runs]
    n, joined = 0, []
    for places in _ranges(runs, max(n_bytes // _BYTES_PER_ID, _BLOCK)):
        parts = [run.between(*place) for run, place in zip(runs, places, strict=True)]
        ids, numbers = joined_ids(parts)
        for code, place, number in zip(codes, places, numbers, strict=True):
            scratch.write(code, place[0], number + np.int32(n))
        joined.append(compact(ids))
        n += len(ids)
        if n > np.iinfo(np.int32).max:
            raise DataError(f"{n:,} distinct ids are more than mlbias can number")
    ordered = [_in_codes(scratch, code, run) for code, run in zip(codes, runs, strict=True)]
    return _concatenated(joined), ordered


def _in_codes(scratch: Scratch, sorted_codes: Stored, run: StoredIds) -> Stored:
    """The same numbers in the order of the run's own codes."""
    if run.order is None:
        return sorted_codes
    codes = np.empty(run.length, np.int32)
    codes[run.order] = scratch.array(sorted_codes)
    return scratch.append(codes)


def _as_texts(run: StoredIds) -> StoredIds:
    """Integers as text, in the order of text."""
    texts = as_text(run.between(0, run.length))
    order = texts.arg_sort().to_numpy()
    return store_ids(run.scratch, TextIds(texts.gather(order)), order)


def _ranges(runs: Sequence[StoredIds], most: int) -> Iterator[list[tuple[int, int]]]:
    """Ranges of ids in which there are about so many, as their places in each run."""
    n_ranges = -(-sum(run.length for run in runs) // most)
    firsts = _sorted(_concatenated([run.firsts for run in runs]))
    places = np.unique(np.arange(1, n_ranges) * len(firsts) // n_ranges)
    cuts = [[0] * len(runs)]
    cuts += [[run.place_of(firsts[int(place)]) for run in runs] for place in places]
    cuts += [[run.length for run in runs]]
    for starts, stops in pairwise(cuts):
        yield list(zip(starts, stops, strict=True))


def _concatenated(parts: Sequence[Ids]) -> Ids:
    if len(parts) == 1:
        return parts[0]
    if not isinstance(parts[0], TextIds):
        return np.concatenate([np.asarray(part) for part in parts])
    import polars as pl

    return TextIds(pl.concat([as_text(part) for part in parts]).rechunk())


def _sorted(ids: Ids) -> Ids:
    return TextIds(ids.series.sort()) if isinstance(ids, TextIds) else np.sort(ids)


def _place(ids: Ids, wanted: Any) -> int:
    if isinstance(ids, TextIds):
        return int(ids.series.search_sorted(wanted, side="left"))
    return int(np.searchsorted(ids, wanted))
