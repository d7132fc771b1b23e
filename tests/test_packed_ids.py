"""Ids in plain arrays: text as its bytes and where each id ends, made by the piece."""

from itertools import accumulate
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mlbias import ids as ids_module
from mlbias.ids import TextIds, packed_ids, unpacked_ids

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(texts=st.lists(TEXTS, max_size=9), size=st.integers(1, 10))
def test_text_is_its_bytes_and_their_ends_whatever_the_size_of_a_piece(
    texts: list[str], size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids_module, "_IDS_A_PIECE", size)
        packed = packed_ids("ids", TextIds(pl.Series(texts, dtype=pl.String)))
        unpacked = unpacked_ids("ids", packed)
    encoded = [text.encode() for text in texts]
    assert packed["ids"].tobytes() == b"".join(encoded)
    assert packed["ids_ends"].tolist() == list(accumulate(map(len, encoded)))
    assert packed["ids_ends"].dtype == np.int64
    assert isinstance(unpacked, TextIds)
    assert unpacked.tolist() == texts
    assert unpacked.series.n_chunks() == 1


@pytest.mark.parametrize(
    ("joined", "ends"),
    [(b"a\xffb", [1, 3]), ("é".encode(), [1, 2]), (b"ab", [2, 1]), (b"ab", [1]), (b"", [-1, 0])],
    ids=["no UTF-8", "half a character", "descending", "text left over", "negative"],
)
def test_bytes_that_are_no_ids_are_refused(joined: bytes, ends: list[int]) -> None:
    packed: dict[str, NDArray[Any]] = {"ids": np.frombuffer(joined, np.uint8)}
    packed["ids_ends"] = np.array(ends, np.int64)
    with pytest.raises(ValueError, match=r"the (text of the )?ids"):
        unpacked_ids("ids", packed)
