"""BLAKE2b of many short texts at once (RFC 7693, section 3), with digests of 8 bytes.

hashlib takes a text a call, under Python's lock. Here an operation is one on all texts of a piece,
so that no object is made of any, and cores work side by side.
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

# Bytes of a block, the longest text that one call takes.
BLOCK = 128
_ROUNDS = 12
_INITIAL = (
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
)  # fmt: skip
# For digests of 8 bytes, without a key.
_PARAMETERS = 0x01010008
_ORDERS = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
# Columns of the state, and then its diagonals.
_MIXED = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip


def digests(texts: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Words:
    """The digests of texts as little-endian words, (n,).

    Args:
        texts: (n, k) bytes, a text each row and zeros behind it; k at most 128.
        lengths: (n,) bytes of each text.
    """
    n, width = texts.shape
    words = np.zeros((n, -(-width // 8)), "<u8")
    words.view(np.uint8)[:, :width] = texts
    # Words that are zero in all texts change nothing.
    message: list[Words | None] = [np.ascontiguousarray(column) for column in words.T]
    message += [None] * (16 - len(message))
    state = [np.full(n, word, np.uint64) for word in 2 * _INITIAL]
    first = np.uint64(_INITIAL[0] ^ _PARAMETERS)
    state[0][:] = first
    state[12] ^= lengths.astype(np.uint64)
    state[14] = ~state[14]  # this block is the last
    scratch = np.empty(n, np.uint64)
    for number in range(_ROUNDS):
        order = _ORDERS[number % len(_ORDERS)]
        for k, places in enumerate(_MIXED):
            mixed = [state[place] for place in places]
            _mix(mixed, message[order[2 * k]], message[order[2 * k + 1]], scratch)
    return first ^ state[0] ^ state[8]


def _mix(state: list[Words], x: Words | None, y: Words | None, scratch: Words) -> None:
    """The function G, in place."""
    a, b, c, d = state
    for word, of_d, of_b in ((x, 32, 24), (y, 16, 63)):
        a += b
        if word is not None:
            a += word
        d ^= a
        _rotate(d, of_d, scratch)
        c += d
        b ^= c
        _rotate(b, of_b, scratch)


def _rotate(words: Words, n_bits: int, scratch: Words) -> None:
    """Rotate to the right, in place."""
    np.left_shift(words, np.uint64(64 - n_bits), out=scratch)
    words >>= np.uint64(n_bits)
    words |= scratch
