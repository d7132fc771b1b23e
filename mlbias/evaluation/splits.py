"""Splits into training and hold-out by a stable hash: no row's side depends on another row.

The hash is part of the format of model files. Of a text, D is the first 8 bytes, little-endian,
of its BLAKE2b digest of 8 bytes; M is the finaliser of SplitMix64 (Steele, Lea & Flood, Fast
splittable pseudorandom number generators, OOPSLA 2014). A rating of user u and item i has

    h = M(M(D("random:SEED") xor D(u)) xor D(i))

with ids written as text, an integer in decimal digits, and is held out if h / 2⁶⁴ < test_size.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import Ids, Ratings
from mlbias.errors import DataError, OptionError

_PIECE = 1 << 16

Words = NDArray[np.uint64]


def random_split(ratings: Ratings, test_size: float, seed: int = 0) -> tuple[Ratings, Ratings]:
    """Training ratings and hold-out, the latter about this share of all.

    A rating's side depends on the seed, its user and its item alone: neither the order of rows
    nor added data moves it, and all ratings of a pair are on one side.

    Args:
        ratings: to be split.
        test_size: share to hold out, above 0 and below 1.
        seed: another seed is another split.

    Raises:
        OptionError: test_size is out of range.
        DataError: one side would be empty.
    """
    if not 0 < test_size < 1:
        raise OptionError(f"test-size must be above 0 and below 1, not {test_size:g}.")
    held_out = _held_out(ratings, f"random:{seed}", test_size)
    n_held_out = int(np.count_nonzero(held_out))
    if n_held_out in (0, len(ratings)):
        side = "hold out" if n_held_out == 0 else "train on"
        raise DataError(
            f"a test-size of {test_size:g} leaves none of {len(ratings):,} ratings to {side}.",
            "Choose another test-size or seed.",
        )
    return ratings.select(~held_out), ratings.select(held_out)


def _held_out(ratings: Ratings, salt: str, share: float) -> NDArray[np.bool_]:
    of_user = _mixed(_digests(ratings.user_ids) ^ _digest(salt))
    of_item = _digests(ratings.item_ids)
    held_out = np.empty(len(ratings), dtype=np.bool_)
    for start in range(0, len(ratings), _PIECE):
        piece = slice(start, start + _PIECE)
        hashes = _mixed(of_user[ratings.user[piece]] ^ of_item[ratings.item[piece]])
        # The upper 53 bits make a float without rounding.
        held_out[piece] = (hashes >> np.uint64(11)) * 2.0**-53 < share
    return held_out


def _digest(text: str) -> np.uint64:
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _digests(ids: Ids) -> Words:
    return np.array([_digest(str(id_)) for id_ in ids.tolist()], dtype=np.uint64)


def _mixed(words: Words) -> Words:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
