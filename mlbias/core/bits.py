"""Yes or no for each rating, in a bit each."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mlbias.core.compact import At, Column, Compact
from mlbias.core.passes import pieces

_PIECE = 1 << 16

Mask = NDArray[np.bool_]


class Bits(Compact[np.bool_]):
    """A mask in an eighth of an array's bytes.

    Args:
        packed: (⌈n/8⌉,) as np.packbits gives them; what comes after the end is of no matter.
        n: how many.
    """

    dtype = np.dtype(np.bool_)

    def __init__(self, packed: NDArray[np.uint8], n: int) -> None:
        self._packed, self._n = packed, n

    @classmethod
    def joined(cls, parts: Iterable[Mask], n: int) -> "Bits":
        """The entries of arrays of any length, n together, one after the other."""
        packed, end, rest = np.empty(-(-n // 8), np.uint8), 0, np.empty(0, np.bool_)
        for part in parts:
            both = np.concatenate([rest, part])
            n_bytes = len(both) // 8
            packed[end : end + n_bytes] = np.packbits(both[: 8 * n_bytes])
            end, rest = end + n_bytes, both[8 * n_bytes :]
        packed[end:] = np.packbits(rest)
        return cls(packed, n)

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, at: At, /) -> Mask:
        if not isinstance(at, slice):
            shifted = self._packed[at >> 3] >> (7 - (at & 7)).astype(np.uint8)
            return np.asarray(shifted & 1, np.bool_)
        start, stop, _ = at.indices(self._n)
        first, stop = start // 8, max(start, stop)
        found = np.unpackbits(self._packed[first : -(-stop // 8)]).view(np.bool_)
        return found[start - 8 * first : stop - 8 * first]

    def __invert__(self) -> "Bits":
        return Bits(~self._packed, self._n)


def number_of(mask: Column[np.bool_]) -> int:
    """How many entries are true."""
    return sum(int(np.count_nonzero(mask[here])) for here in pieces(len(mask), _PIECE))
