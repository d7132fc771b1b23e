"""Hashes of many ids at once are those of hashlib, id by id."""

import hashlib

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.evaluation import hashing
from mlbias.evaluation.blake2b import BLOCK, digests
from mlbias.ids import Ids, TextIds


def by_hashlib(texts: list[str]) -> list[int]:
    hashed = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return [int.from_bytes(digest, "little") for digest in hashed]


@pytest.mark.parametrize("length", range(BLOCK + 1))
def test_a_text_of_each_length(length: int) -> None:
    text = bytes(range(1, length + 1))
    texts = np.frombuffer(text, np.uint8).reshape(1, length)
    expected = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
    assert digests(texts, np.array([length])).tolist() == [expected]


@given(st.lists(st.text(max_size=150)))
def test_texts(texts: list[str]) -> None:
    ids: Ids = TextIds(pl.Series(texts, dtype=pl.String))
    assert hashing._digests(ids).tolist() == by_hashlib(texts)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers(numbers: list[int]) -> None:
    expected = by_hashlib(list(map(str, numbers)))
    assert hashing._digests(np.array(numbers, np.int64)).tolist() == expected


def test_pieces_do_not_change_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_IDS", 3)
    numbers = np.arange(1, 2_000, 199)
    assert hashing._digests(numbers).tolist() == by_hashlib(list(map(str, numbers.tolist())))
