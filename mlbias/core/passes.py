"""Passes over ratings in pieces that fit a cache, on all cores, with results in their order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from mlbias.core.cores import usable_cores

# Larger than any array that a piece of a pass needs.
_KEPT = 16 << 20

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def pieces(n: int, size: int) -> list[slice]:
    """The places 0 to n - 1 in pieces of a size; the last may be smaller."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def in_order(work: Callable[[Piece], Result], places: Sequence[Piece]) -> Iterator[Result]:
    """What work gives for each piece, in the order of the pieces, worked on by all cores.

    So whatever is added up from it has the same bits on any number of cores. Few results wait at a
    time, however many pieces there are.
    """
    n_threads = min(usable_cores(), len(places))
    if n_threads < 2:
        yield from map(work, places)
        return
    # Until it has freed an array of this size, the C library of Linux gives those of each piece
    # back to the system and fetches every page of the next ones anew, a third of the time of
    # an evaluation.
    np.empty(_KEPT, np.uint8)
    waiting = deque[Future[Result]]()
    with ThreadPoolExecutor(n_threads) as pool:
        for here in places:
            waiting.append(pool.submit(work, here))
            if len(waiting) > 2 * n_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def done(work: Callable[[Piece], None], places: Sequence[Piece]) -> None:
    """Do the work on each piece, which must not touch the places of another one."""
    deque(in_order(work, places), maxlen=0)
