"""Parts in this process, worked on by threads: the reference that every engine is held to."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mlbias.core.cores import usable_threads
from mlbias.engines.parts import Argument, Call, Part, Request, Result
from mlbias.ratings import Ratings

# Knuth's multiplicative hash: neighbours go to different parts.
_HASH = 2_654_435_761


class LocalParts:
    """Parts in memory.

    Args:
        parts: the parts.
        threads: how many work at a time; by default one for each core.
    """

    def __init__(self, parts: Sequence[Part], threads: int | None = None) -> None:
        self._of, self._threads = parts, usable_threads(threads)

    def __len__(self) -> int:
        return len(self._of)

    def derived(self, function: Callable[[Part], Part]) -> "LocalParts":
        """Parts that a function makes of these."""
        return LocalParts([function(part) for part in self._of], self._threads)

    def release(self) -> None:
        """Forget them."""
        self._of = []

    def map(
        self, call: Call[Argument, Result], requests: Sequence[Request[Argument]]
    ) -> list[Result | None]:
        """Answer one request for each part, in the order of the parts."""
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(call.on, self._of, requests))


def split(ratings: Ratings, n_parts: int) -> list[Part]:
    """Ratings in parts by a hash of their users; a part may be empty."""
    hashed = (ratings.user.astype(np.uint64) * np.uint64(_HASH)) % np.uint64(1 << 32)
    part = (hashed * np.uint64(n_parts)) >> np.uint64(32)
    return [Part.of(ratings.select(part == k)) for k in range(n_parts)]
