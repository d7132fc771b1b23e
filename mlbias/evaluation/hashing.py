"""A stable hash of pairs of a user and an item, by which splits are decided.

The hash is part of the format of model files. Of a text, D is the first 8 bytes, little-endian,
of its BLAKE2b digest of 8 bytes; M is the finaliser of SplitMix64 (Steele, Lea & Flood, Fast
splittable pseudorandom number generators, OOPSLA 2014). A rating of user u and item i has

    h = M(M(D("KIND:SEED") xor D(u)) xor D(i))

with ids written as text, an integer in decimal digits. Each kind of split salts it with its own
name: folds that were cut from the hash of a hold-out would be all but empty inside it.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mlbias.core.vectors import FloatArray
from mlbias.ids import Ids
from mlbias.ratings import Ratings

_PIECE = 1 << 16

Words = NDArray[np.uint64]


def hashed_pieces(ratings: Ratings, kind: str, seed: int) -> Iterator[tuple[slice, Words]]:
    """The ratings in pieces, with the hash of each one's pair."""
    of_user = _mixed(_digests(ratings.user_ids) ^ _digest(f"{kind}:{seed}"))
    of_item = _digests(ratings.item_ids)
    for start in range(0, len(ratings), _PIECE):
        here = slice(start, start + _PIECE)
        yield here, _mixed(of_user[ratings.user[here]] ^ of_item[ratings.item[here]])


def pair_hashes(ratings: Ratings, kind: str, seed: int) -> Words:
    """All of them at once, (n,)."""
    return np.concatenate([hashes for _, hashes in hashed_pieces(ratings, kind, seed)])


def as_shares(hashes: Words) -> FloatArray:
    """From 0 to below 1: h / 2⁶⁴, (n,)."""
    # The upper 53 bits make a float without rounding.
    return np.asarray((hashes >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def _digest(text: str) -> np.uint64:
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _digests(ids: Ids) -> Words:
    return np.array([_digest(str(id_)) for id_ in ids], dtype=np.uint64)


def _mixed(words: Words) -> Words:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
