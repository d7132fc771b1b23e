"""A stable hash of pairs of a user and an item, by which splits are decided.

The hash is part of the format of model files. Of a text, D is the first 8 bytes, little-endian,
of its BLAKE2b digest of 8 bytes; M is the finaliser of SplitMix64 (Steele, Lea & Flood, Fast
splittable pseudorandom number generators, OOPSLA 2014). A rating of user u and item i has

    h = M(M(D("KIND:SEED") xor D(u)) xor D(i))

with ids written as text, an integer in decimal digits. Each kind of split salts it with its own
name: folds that were cut from the hash of a hold-out would be all but empty inside it.
"""

import hashlib
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.compact import At
from mlbias.core.passes import in_order, pieces
from mlbias.core.vectors import FloatArray
from mlbias.evaluation.blake2b import BLOCK, Words, digests
from mlbias.ids import Ids, TextIds
from mlbias.ratings import Ratings

_PIECE, _IDS = 1 << 16, 1 << 14


class PairHashes:
    """The hash of each rating's pair, for whatever piece is asked for.

    Args:
        ratings: any.
        kind: of the split.
        seed: of the split.
    """

    def __init__(self, ratings: Ratings, kind: str, seed: int) -> None:
        self._ratings = ratings
        salt = np.uint64(_digest(f"{kind}:{seed}".encode()))
        self._of_user = _mixed(_digests(ratings.user_ids) ^ salt)
        self._of_item = _digests(ratings.item_ids)

    def __getitem__(self, at: At, /) -> Words:
        """Those at a slice or at positions (k,)."""
        # All codes are in range; "clip" only spares NumPy the check.
        words = self._of_user.take(self._ratings.user_column[at], mode="clip")
        words ^= self._of_item.take(self._ratings.item[at], mode="clip")
        return _mixed(words)

    def decided(self, decide: Callable[[Words], NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """What is decided by each hash, in pieces, in their order."""
        return in_order(lambda here: decide(self[here]), pieces(len(self._ratings), _PIECE))


def pair_hashes(ratings: Ratings, kind: str, seed: int) -> Words:
    """All of them at once, (n,)."""
    return np.concatenate(list(PairHashes(ratings, kind, seed).decided(lambda hashes: hashes)))


def below(hashes: Words, share: float) -> NDArray[np.bool_]:
    """Where as_shares is below a share of less than 1, (n,), told on the integers."""
    return hashes < np.uint64(ceil(share * 2**53) << 11)


def as_shares(hashes: Words) -> FloatArray:
    """From 0 to below 1: h / 2⁶⁴, (n,)."""
    # The upper 53 bits make a float without rounding.
    return np.asarray((hashes >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def _digests(ids: Ids) -> Words:
    digests_of = _of_texts if isinstance(ids, TextIds) else _of_integers
    found = in_order(lambda here: digests_of(ids[here]), pieces(len(ids), _IDS))
    return np.concatenate([np.empty(0, np.uint64), *found])


def _of_integers(ids: Any) -> Words:
    # As bytes of decimal digits, of which an integer of 64 bits has 20 with its sign.
    texts = ids.astype("S20").view(np.uint8).reshape(-1, 20)
    lengths = np.count_nonzero(texts, axis=1)
    return digests(texts[:, : lengths.max()], lengths)


def _of_texts(ids: Any) -> Words:
    series = ids.series
    lengths = series.str.len_bytes().to_numpy().astype(np.int64)
    is_long = lengths > BLOCK
    if is_long.any():
        found = np.empty(len(ids), np.uint64)
        found[~is_long] = _of_texts(ids[~is_long])
        found[is_long] = [_digest(text.encode()) for text in ids[is_long]]
        return found
    texts = np.zeros((len(ids), lengths.max(initial=0)), np.uint8)
    joined = series.str.join("").item().encode()
    texts[np.arange(texts.shape[1]) < lengths[:, None]] = np.frombuffer(joined, np.uint8)
    return digests(texts, lengths)


def _digest(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def _mixed(words: Words) -> Words:
    words = words ^ (words >> np.uint64(30))
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words
