"""Prepared copies: the same bits as the file, made anew when stale or damaged, listed, cleared."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mlbias.datasets import loading, prepared
from mlbias.datasets.cache import cached_copies, clear_copies
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.loading import load_dataset
from mlbias.datasets.options import IdKind, ReadOptions
from mlbias.datasets.prepared import CACHE_FOLDER, prepared_copy
from mlbias.datasets.sources import Source
from mlbias.datasets.value_codes import coded, decoded
from mlbias.ratings import Ratings

TOOK, LEFT = "took the prepared copy of an earlier run", "left a prepared copy for the next run"
STAMPED = "userId,movieId,rating,timestamp\n2,10,4.5,7\n1,10,3,8\n1,20,0.5,9\n2,30,5,9\n"


@pytest.fixture(autouse=True)
def every_size_gets_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "LEAST_SIZE", 1)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    path = tmp_path / "r.csv"
    path.write_text(STAMPED)
    return Source("r.csv", path)


def loaded(source: Source, options: ReadOptions | None = None) -> tuple[Dataset, list[str]]:
    """The set and all that is said of its copy."""
    dataset = load_dataset(source, options)
    finished = dataset.finish()
    return dataset, [*dataset.notices, *([finished] if finished else [])]


def the_copy(source: Source) -> Path:
    assert source.path is not None
    (path,) = (source.path.parent / CACHE_FOLDER).iterdir()
    return path


def assert_same_bits(one: Dataset, other: Dataset) -> None:
    a, b = one.ratings, other.ratings
    for x, y in (
        (a.user, b.user), (a.item, b.item), (a.value, b.value),
        (one.user_ids, other.user_ids), (one.item_ids, other.item_ids),
    ):  # fmt: skip
        assert type(x) is type(y)
        assert np.asarray(x).dtype == np.asarray(y).dtype
        assert x.tolist() == y.tolist()
    for field in asdict(one.incidence.statistics):
        x, y = (getattr(side.incidence.statistics, field) for side in (one, other))
        assert np.array_equal(x, y), field
    vector = np.random.default_rng(1).normal(size=len(one.item_ids))
    assert one.incidence.per_user(vector).tobytes() == other.incidence.per_user(vector).tobytes()
    assert (one.understood, one.n_ratings) == (other.understood, other.n_ratings)


def test_the_second_time_it_is_mapped_with_timestamps(source: Source) -> None:
    first, said = loaded(source)
    assert [LEFT in notice for notice in said] == [True]
    second, said = loaded(source)
    assert said == [TOOK]
    assert_same_bits(first, second)
    assert second.ratings.timestamp is not None
    assert second.ratings.timestamp.tolist() == [8, 9, 7, 9]
    assert second.ratings.value.tolist() == [3, 0.5, 4.5, 5]
    with pytest.raises(ValueError, match="read-only"):
        second.ratings.item[0] = 1


@pytest.mark.parametrize("kind", ["text ids", "parquet", "many values", "no timestamps", "doubles"])
def test_any_ratings_keep_their_bits(
    tmp_path: Path, make_ratings: Callable[..., Ratings], kind: str
) -> None:
    drawn = make_ratings(3_000, 40, 50, stars=kind != "many values")
    frame = pl.DataFrame(
        {
            "user": [f"{u}ü" for u in drawn.user.tolist()] if kind == "text ids" else drawn.user,
            "item": drawn.item,
            "rating": np.round(drawn.value, 1) + 0.1 if kind == "doubles" else drawn.value,
        }
    )
    path = tmp_path / "ratings"
    frame.write_parquet(path) if kind == "parquet" else frame.write_csv(path)
    source = Source("ratings", path)
    first, _ = loaded(source)
    second, said = loaded(source)
    assert said == [TOOK]
    assert_same_bits(first, second)
    assert second.ratings.timestamp is None


def test_the_notices_of_the_read_are_repeated(source: Source) -> None:
    assert source.path is not None
    source.path.write_text(STAMPED + "2,10,1,9\n3,x\n")
    skipping = ReadOptions(skip_bad_rows=True)
    first, _ = loaded(source, skipping)
    second, said = loaded(source, skipping)
    assert said == [TOOK]
    assert second.understood == first.understood
    assert second.understood.n_repeated == 1
    assert "line 7" in second.understood.first_skipped


def test_other_options_are_another_copy(source: Source) -> None:
    loaded(source)
    ids, said = loaded(source, ReadOptions(ids=IdKind.TEXT))
    assert LEFT in said[0]
    assert ids.user_ids.tolist() == ["1", "2"]
    stamps, _ = loaded(source, ReadOptions(rating_col="timestamp"))
    assert stamps.ratings.value.tolist() == [8, 9, 7, 9]
    for options in (
        ReadOptions(),
        ReadOptions(ids=IdKind.TEXT),
        ReadOptions(rating_col="timestamp"),
    ):
        assert loaded(source, options)[1] == [TOOK]


def touched(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def same_size_and_time(path: Path) -> None:
    times = path.stat()
    path.write_text(STAMPED.replace("4.5", "3.5"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replaced(path: Path) -> None:
    times = path.stat()
    other = path.with_name("other")
    shutil.copy2(path, other)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [touched, same_size_and_time, replaced])
def test_a_changed_file_is_read_again_in_silence(
    source: Source, change: Callable[[Path], None]
) -> None:
    assert source.path is not None
    loaded(source)
    change(source.path)
    again, said = loaded(source)
    assert said == []
    assert_same_bits(again, load_dataset(source, cache=False))
    assert the_copy(source).exists()
    assert loaded(source)[1] == [TOOK]


def test_a_copy_of_another_version_is_made_anew(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(source)
    monkeypatch.setattr(prepared, "_VERSION", prepared._VERSION + 1)
    assert loaded(source)[1] == []
    assert loaded(source)[1] == [TOOK]


def test_a_file_that_changes_while_it_is_read_leaves_no_copy(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert source.path is not None
    read = loading._read

    def reading_slowly(*arguments: object, **more: object) -> Dataset:
        dataset = read(*arguments, **more)  # type: ignore[arg-type]
        touched(source.path)  # type: ignore[arg-type]
        return dataset

    monkeypatch.setattr(loading, "_read", reading_slowly)
    assert loaded(source)[1] == []
    assert not (source.path.parent / CACHE_FOLDER).exists()


@pytest.mark.parametrize("share", [0.0, 0.005, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_damage_anywhere_is_seen_said_and_mended(source: Source, share: float) -> None:
    whole, _ = loaded(source)
    path = the_copy(source)
    content = bytearray(path.read_bytes())
    place = int(share * len(content))
    # The padding between parts holds nothing; the byte before a zero belongs to one.
    while content[place] == 0:
        place -= 1
    content[place] ^= 0x11
    path.write_bytes(content)
    again, said = loaded(source)
    assert said == [f"the prepared copy {path} was damaged; it is made anew"]
    assert_same_bits(whole, again)
    assert loaded(source)[1] == [TOOK]


@pytest.mark.parametrize("length", [0, 1, 23, 24, 100, 1000, -65])
def test_a_cut_copy_is_damaged(source: Source, length: int) -> None:
    whole, _ = loaded(source)
    path = the_copy(source)
    path.write_bytes(path.read_bytes()[:length])
    again, said = loaded(source)
    assert "was damaged" in said[0]
    assert_same_bits(whole, again)


def test_items_that_are_not_there_are_damage_even_with_a_right_checksum(source: Source) -> None:
    whole = load_dataset(source, cache=False)
    copy = prepared_copy(source, ReadOptions())
    assert copy is not None
    wrong = replace(whole.ratings, item=whole.ratings.item + 1)
    made_up = Dataset(
        whole.user_ids, whole.item_ids, whole.n_ratings, whole.understood,
        lambda: whole.incidence, lambda: wrong,
    )  # fmt: skip
    prepared.write_copy(copy, made_up)
    assert "was damaged" in loaded(source)[1][0]


def test_where_no_copy_can_be_kept_it_goes_on_without(source: Source) -> None:
    assert source.path is not None
    (source.path.parent / CACHE_FOLDER).write_text("in the way")
    dataset, said = loaded(source)
    assert dataset.n_ratings == 4
    assert len(said) == 1
    assert said[0].startswith("no prepared copy is kept: ")


def test_a_symbolic_link_has_the_copy_of_its_file(source: Source, tmp_path: Path) -> None:
    loaded(source)
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.csv"
    link.symlink_to(tmp_path / "r.csv")
    assert loaded(Source("link", link))[1] == [TOOK]


def test_copies_are_listed_with_their_state_and_cleared(source: Source, tmp_path: Path) -> None:
    assert cached_copies(tmp_path) == []
    loaded(source)
    loaded(source, ReadOptions(ids=IdKind.TEXT))
    copies = cached_copies(tmp_path)
    assert [(copy.n_ratings, copy.is_ready) for copy in copies] == [(4, True)] * 2
    assert {copy.source.label for copy in copies if copy.source} == {str(source.path)}
    touched(tmp_path / "r.csv")
    copies[0].path.write_bytes(b"no copy")
    damaged, stale = cached_copies(tmp_path)
    assert (damaged.source, damaged.is_ready) == (None, False)
    assert (stale.n_ratings, stale.is_ready) == (4, False)
    assert clear_copies(tmp_path) == damaged.size + stale.size
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["r.csv"]


def test_small_files_and_what_is_no_file_get_no_copy(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "LEAST_SIZE", 16 << 20)
    assert prepared_copy(source, ReadOptions()) is None
    assert prepared_copy(Source("sample"), ReadOptions()) is None
    assert prepared_copy(Source("standard input"), ReadOptions()) is None
    assert prepared_copy(Source("gone", Path("gone")), ReadOptions()) is None


def test_the_header_is_readable_by_anyone(source: Source) -> None:
    loaded(source)
    content = the_copy(source).read_bytes()
    start, length = (int.from_bytes(content[place:][:8], "little") for place in (16, 24))
    header = json.loads(content[start : start + length % 2**32])
    assert header["about"]["n_ratings"] == 4
    assert [part[0] for part in header["parts"]][:4] == [
        "item", "timestamp", "value_code", "value_table",
    ]  # fmt: skip


@given(
    arrays.arrays(
        st.sampled_from([np.float32, np.float64]),
        st.integers(1, 400),
        elements=st.sampled_from([-0.0, 0.0, 0.5, 1, 1.5, 2, 4.75, 1e30, 3.1e38, -3.1e38, -3.0]),
    )
)
def test_codes_give_back_every_bit(value: np.ndarray) -> None:
    codes = coded(value)
    assert codes is not None
    assert decoded(*codes).tobytes() == value.tobytes()
    assert decoded(*codes).dtype == value.dtype


def test_256_values_have_codes_and_257_have_none() -> None:
    for scale in (np.arange(256.0), np.sqrt(np.arange(256.0))):
        codes = coded(scale)
        assert codes is not None
        assert decoded(*codes).tolist() == scale.tolist()
    assert coded(np.arange(257.0)) is None
    assert coded(np.sqrt(np.arange(257.0))) is None
