"""Text in Arrow files: as Arrow's own library writes it, and nothing else is taken for it."""

import io
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias import texts as texts_module
from mlbias.ids import TextIds, are_ascending
from mlbias.texts import Texts, arrow_file, write_texts

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
THREE = ["ab", "", "日本 é"]


def stored(texts: list[str]) -> Texts:
    return Texts.in_file(arrow_file(pl.Series(texts, dtype=pl.String)))


@given(texts=st.lists(TEXTS, max_size=9), size=st.integers(1, 10))
def test_a_file_has_what_was_written_whatever_the_size_of_a_piece(
    texts: list[str], size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts_module, "_TEXTS", size)
        content = arrow_file(pl.Series(texts, dtype=pl.String))
        found = Texts.in_file(content)
        series = found.series()
    assert series.to_list() == texts
    assert series.n_chunks() == 1
    assert len(found) == len(texts)
    assert arrow_file(found).tobytes() == content.tobytes()
    assert found.between(0, len(texts) // 2).to_list() == texts[: len(texts) // 2]
    assert pl.read_ipc(io.BytesIO(content.tobytes()))["id"].to_list() == texts


def test_a_file_has_the_bytes_that_the_library_of_arrow_writes() -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow comes with the extras spark and dask")
    for texts in (THREE, ["x" * 1000], [str(number) for number in range(1000)]):
        table = pa.table({"id": pa.array(texts, pa.large_string())})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        assert arrow_file(pl.Series(texts)).tobytes() == sink.getvalue().to_pybytes()


def test_the_bytes_are_the_same_however_the_texts_are_kept() -> None:
    whole = pl.Series(["a", "a text of more than twelve bytes", "b", "c"])
    in_chunks = pl.concat([whole.head(1), whole.slice(1)], rechunk=False)
    chosen = pl.Series(["c", "x", *whole.head(3)]).gather([2, 3, 4, 0])
    for series in (in_chunks, chosen):
        assert arrow_file(series).tobytes() == arrow_file(whole).tobytes()


def test_ids_of_a_file_are_read_once_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "ids.arrow"
    with path.open("wb") as file:
        write_texts(pl.Series(["a", "b", "c"]), file)
    ids = TextIds(Texts.in_file(np.memmap(path, np.uint8, "r")))
    assert (len(ids), repr(ids)) == (3, "<TextIds: 'a', 'b', 'c', 3 in all>")
    assert ids[1:].tolist() == ["b", "c"]
    assert (ids[-1:].tolist(), ids[2:1].tolist(), ids[::2].tolist()) == (["c"], [], ["a", "c"])
    assert (ids[-1], ids[np.array([2, 0])].tolist(), list(ids)) == (
        "c",
        ["c", "a"],
        ["a", "b", "c"],
    )
    assert pickle.loads(pickle.dumps(ids)).tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("texts", "ascend"),
    [
        (["a", "b", "c"], True), (["a", "c", "b"], False), (["a", "b", "b"], False),
        (["b", "a"], False), (["z", "é"], True), ([""], True), ([], True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 2, 9])
def test_whether_ids_of_a_file_ascend_is_seen_within_and_between_pieces(
    monkeypatch: pytest.MonkeyPatch, texts: list[str], ascend: bool, size: int
) -> None:
    monkeypatch.setattr(texts_module, "_TEXTS", size)
    assert are_ascending(TextIds(stored(texts))) is ascend


@pytest.mark.parametrize(
    ("offsets", "joined"),
    [
        ([0, 1, 3], b"a\xffb"), ([0, 1, 2], "é".encode()), ([0, 1], b"\xc3"),
        ([0, 2, 1, 2], b"ab"), ([0, 1], b"ab"), ([0, 3], b"ab"), ([1, 2], b"ab"),
        ([0, -1, 2], b"ab"), ([], b""),
    ],
    ids=["no UTF-8", "within a character", "half a character", "descending", "bytes left over",
         "too few bytes", "not from the start", "negative", "none"],
)  # fmt: skip
def test_what_is_no_text_is_refused(offsets: list[int], joined: bytes) -> None:
    with pytest.raises(ValueError, match=r"text|utf-8"):
        Texts(np.array(offsets, np.int64), np.frombuffer(joined, np.uint8))


@pytest.mark.parametrize("dtype", [np.int32, np.float64])
def test_offsets_of_another_type_are_refused(dtype: type) -> None:
    with pytest.raises(ValueError, match="not offsets and bytes"):
        Texts(np.zeros(1, dtype), np.empty(0, np.uint8))


def test_a_changed_byte_gives_other_texts_or_none_and_never_more() -> None:
    content = arrow_file(pl.Series(THREE))
    n_refused = 0
    for place in range(len(content)):
        for flip in (0x01, 0x80, 0xFF):
            changed = content.copy()
            changed[place] ^= flip
            try:
                found = Texts.in_file(changed).series()
            except ValueError:
                n_refused += 1
            else:
                assert found.len() == len(THREE)
                assert found.to_list() != THREE
    # All but those in the texts, and in offsets that still ascend.
    assert n_refused > 3 * len(content) - 60


def test_a_file_that_is_cut_or_longer_is_refused() -> None:
    content = arrow_file(pl.Series(THREE))
    for length in range(len(content)):
        with pytest.raises(ValueError, match="texts"):
            Texts.in_file(content[:length])
    with pytest.raises(ValueError, match="not in the form"):
        Texts.in_file(np.append(content, np.uint8(0)))


@given(number=st.integers(-(2**63), 2**63 - 1), at=st.sampled_from(range(0, 320, 8)))
def test_no_length_is_believed(number: int, at: int) -> None:
    content = arrow_file(pl.Series(THREE))
    changed = content.copy()
    changed[at : at + 8] = np.frombuffer(number.to_bytes(8, "little", signed=True), np.uint8)
    if (changed != content).any() and at < 288:
        with pytest.raises(ValueError, match="texts"):
            Texts.in_file(changed)
