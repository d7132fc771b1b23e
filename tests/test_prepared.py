"""Prepared copies: the same bits as the file, made anew when stale or damaged, listed, cleared."""

import json
import os
import shutil
import zlib
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
from mlbias.datasets.array_folder import MANIFEST, Column
from mlbias.datasets.cache import cached_copies, clear_copies
from mlbias.datasets.cache_folder import CACHE_FOLDER
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.loading import load_dataset
from mlbias.datasets.new_folder import NewFolder
from mlbias.datasets.options import IdKind, ReadOptions
from mlbias.datasets.original_state import SAMPLE_SIZE, SAMPLES, sampled_checksum
from mlbias.datasets.prepared import UnusableCopyError, load_copy, prepared_copy
from mlbias.datasets.sources import Source
from mlbias.datasets.value_steps import from_steps, to_steps
from mlbias.ids import TextIds
from mlbias.ratings import Ratings
from tests.conftest import age, is_mapped

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


def test_text_ids_are_mapped_too(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("userId,movieId,rating\nbob,10,4\nann,10,3\n")
    loaded(Source("r.csv", tmp_path / "r.csv"))
    ids = loaded(Source("r.csv", tmp_path / "r.csv"))[0].user_ids
    assert isinstance(ids, TextIds)
    assert ids.stored is not None
    assert is_mapped(ids.stored.joined)
    assert ids.tolist() == ["ann", "bob"]


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


def test_why_there_are_no_times_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,item,rating,date\n1,10,4,2020-01-01\n2,10,3,31.12.2019\n")
    source = Source("r", path)
    first, _ = loaded(source)
    again, said = loaded(source)
    assert TOOK in said
    assert again.ratings.timestamp is None
    assert again.ratings.untimed == first.ratings.untimed != ""


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
    assert_same_bits(again, load_dataset(source, cache=False, timestamps=True))
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
    [said] = loaded(source)[1]
    assert said.endswith("changed while it was read; these may be ratings of both states")
    assert not (source.path.parent / CACHE_FOLDER).exists()


def test_damage_of_any_file_is_seen_said_and_mended(source: Source) -> None:
    whole, _ = loaded(source)
    copy = the_copy(source)
    for path in sorted(copy.iterdir()):
        for share in (0.02, 0.3, 0.5, 0.7, 0.999):
            content = bytearray(path.read_bytes())
            place = int(share * len(content))
            if path.name == MANIFEST:
                # Blanks and line ends of the manifest mean nothing; the name of its format tells
                # that the folder may be removed.
                place = content.index(b"about") + int(share * len(content)) // 2
                while content[place] in b" \n":
                    place += 1
            content[place] ^= 0x11
            path.write_bytes(content)
            again, said = loaded(source)
            assert said == [f"the prepared copy {copy} was damaged; it is made anew"], path
            assert_same_bits(whole, again)
            assert loaded(source)[1] == [TOOK]


def test_every_byte_of_a_copy_is_either_checked_or_means_nothing(source: Source) -> None:
    whole, _ = loaded(source)
    copy = prepared_copy(source, ReadOptions())
    assert copy is not None
    n_seen = 0
    for path in sorted(copy.path.iterdir()):
        content = path.read_bytes()
        for place in range(len(content)):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            try:
                again = load_copy(copy)
            except UnusableCopyError:
                n_seen += 1
                continue
            # Another key, or a blank of the manifest that became another.
            assert path.name == MANIFEST
            if again is not None:
                assert_same_bits(whole, again)
        path.write_bytes(content)
    assert n_seen > 1000


@pytest.mark.parametrize("name", ["item.npy", "value.npy", "user_ids.npy", MANIFEST])
@pytest.mark.parametrize("length", [20, 100, -3])
def test_a_cut_copy_is_damage(source: Source, name: str, length: int) -> None:
    whole, _ = loaded(source)
    path = the_copy(source) / name
    path.write_bytes(path.read_bytes()[:length])
    again, said = loaded(source)
    if name == MANIFEST and length == 20:  # and no longer known to be ours
        assert len(said) == 1
        assert said[0].endswith("was damaged; remove it to have a new one made")
    else:
        assert "was damaged" in said[0]
        assert loaded(source)[1] == [TOOK]
    assert_same_bits(whole, again)


@pytest.mark.parametrize("name", ["item.npy", "user_counts.npy", MANIFEST])
def test_a_copy_without_one_of_its_files_is_damage(source: Source, name: str) -> None:
    whole, _ = loaded(source)
    (the_copy(source) / name).unlink()
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


needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)


@pytest.mark.parametrize("place", ["cache", "copy", "item.npy", MANIFEST])
def test_a_copy_that_others_may_write_is_made_anew(source: Source, place: str) -> None:
    whole, _ = loaded(source)
    copy = the_copy(source)
    path = {"cache": copy.parent, "copy": copy}.get(place, copy / place)
    path.chmod(path.stat().st_mode | 0o022)
    again, said = loaded(source)
    assert len(said) == 1
    assert said[0].startswith(f"the prepared copy {copy} is not used: others may write to ")
    assert said[0].endswith("; it is made anew")
    assert_same_bits(whole, again)
    assert loaded(source)[1] == [TOOK]


@needs_root
@pytest.mark.parametrize("place", ["cache", "copy", "item.npy"])
def test_a_copy_of_another_user_is_not_used(source: Source, place: str) -> None:
    whole, _ = loaded(source)
    copy = the_copy(source)
    path = {"cache": copy.parent, "copy": copy}.get(place, copy / place)
    os.chown(path, 12345, -1)
    again, said = loaded(source)
    assert len(said) == 1
    assert "is not used: others may write to " in said[0]
    assert_same_bits(whole, again)
    # A single file is replaced with the folder of ours that it is in.
    assert (loaded(source)[1] == [TOOK]) == (place == "item.npy")
    if place == "cache":
        assert cached_copies(copy.parent.parent) == []
        assert clear_copies(copy.parent.parent) == 0
    assert (copy / "item.npy").exists()


def test_nothing_happens_behind_a_symbolic_link(source: Source, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    old = elsewhere / ".program.0123456789abcdef.prepared.01234567.part"
    old.write_bytes(b"")
    age(old)
    (tmp_path / CACHE_FOLDER).symlink_to(elsewhere)
    for _ in range(2):
        said = loaded(source)[1]
        assert len(said) == 1
        assert said[0].startswith("no prepared copy is kept: ")
        assert "symbolic link" in said[0]
    assert clear_copies(tmp_path) == 0
    assert list(elsewhere.iterdir()) == [old]


def test_only_what_we_made_is_swept_and_cleared(source: Source, tmp_path: Path) -> None:
    loaded(source)
    cache, copy = tmp_path / CACHE_FOLDER, the_copy(source)
    digest = "0123456789abcdef"
    killed = cache / f".r.csv.{digest}.copy.0badc0de.part"
    shutil.copytree(copy, killed)
    (killed / "item.npy").unlink()
    age(killed)
    at_work = cache / f".r.csv.{digest}.copy.0badc0df.part"
    shutil.copytree(copy, at_work)
    (cache / f"r.csv.{digest}.prepared").write_bytes(b"mlbias arrays 1\n and more")
    (cache / f".r.csv.{digest}.prepared.0badc0de.part").write_bytes(bytes(64))
    foreign = {
        "download.part": b"another program's",
        f"mine.{digest}.prepared": b"text of mine",
        f".r.csv.{digest}.copy.0badc0d1.part/notes.txt": b"in a folder of such a name",
        f"mine.{digest}.copy/notes.txt": b"likewise",
        f"yours.{digest}.copy/{MANIFEST}": b"of another program",
    }
    for name, content in foreign.items():
        (cache / name).parent.mkdir(exist_ok=True)
        (cache / name).write_bytes(content)
    for name in foreign:
        age(cache / name.split("/")[0])
    (copy / "mine.txt").write_text("in a copy of ours")
    clear_copies(tmp_path)
    assert not killed.exists()
    assert at_work.exists()
    assert {name: (cache / name).read_bytes() for name in foreign} == foreign
    assert (copy / "mine.txt").exists()
    (copy / "mine.txt").unlink()
    assert clear_copies(tmp_path) > 0
    assert not copy.exists()
    kept = {name.split("/")[0] for name in foreign} | {at_work.name}
    assert {path.name for path in cache.iterdir()} == kept


@pytest.mark.parametrize("content", [None, b"", b'{"format": "mlbias prepared copy"'])
def test_what_is_killed_at_the_very_beginning_is_swept_too(
    source: Source, tmp_path: Path, content: bytes | None
) -> None:
    killed = tmp_path / CACHE_FOLDER / ".r.csv.0123456789abcdef.copy.0badc0de.part"
    killed.mkdir(parents=True)
    if content is not None:
        (killed / "manifest.new").write_bytes(content)
    age(killed)
    assert LEFT in loaded(source)[1][0]
    assert not killed.exists()


def test_copies_of_the_old_format_are_cleaned_away(source: Source, tmp_path: Path) -> None:
    cache = tmp_path / CACHE_FOLDER
    cache.mkdir(0o755)
    (cache / "r.csv.0123456789abcdef.prepared").write_bytes(b"mlbias arrays 1\n and more")
    assert LEFT in loaded(source)[1][0]
    assert [path.suffix for path in cache.iterdir()] == [".copy"]


@pytest.mark.parametrize(("mode", "folder"), [(0o600, 0o700), (0o640, 0o750), (0o666, 0o755)])
def test_nobody_may_read_a_copy_who_may_not_read_the_file(
    source: Source, mode: int, folder: int
) -> None:
    assert source.path is not None
    source.path.chmod(mode)
    before = os.umask(0o022)
    loaded(source)
    os.umask(before)
    copy = the_copy(source)
    assert {path.stat().st_mode & 0o777 for path in copy.iterdir()} == {mode & 0o644}
    assert copy.stat().st_mode & 0o777 == folder


def test_a_file_changed_through_a_mapping_is_read_again(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a change can leave size and all times as they were, at least for a while."""
    assert source.path is not None
    loaded(source)
    state = source.path.stat()
    source.path.write_text(STAMPED.replace("4.5", "3.5"))
    stat = Path.stat

    def unchanged(path: Path, **more: bool) -> os.stat_result:
        return state if path == source.path else stat(path, **more)

    monkeypatch.setattr(Path, "stat", unchanged)
    again, said = loaded(source)
    assert said == []
    assert again.ratings.value.tolist() == [3, 0.5, 3.5, 5]


def test_the_sample_of_a_large_file_has_its_beginning_middle_and_end(tmp_path: Path) -> None:
    path = tmp_path / "large"
    size = SAMPLES * SAMPLE_SIZE * 4 + 12345
    content = bytearray(size)
    path.write_bytes(content)
    before = sampled_checksum(path, size, SAMPLES)
    for place in (0, size - 1, (size - SAMPLE_SIZE) // 127 * 60 + 100):
        content[place] = 1
        path.write_bytes(content)
        assert sampled_checksum(path, size, SAMPLES) != before
        content[place] = 0


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
def test_a_copy_that_cannot_be_finished_leaves_nothing(
    source: Source, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    write, written = NewFolder.write, []

    def failing(folder: NewFolder, name: str, column: Column) -> None:
        written.append(name)
        if len(written) == 3:
            raise error
        write(folder, name, column)

    monkeypatch.setattr(NewFolder, "write", failing)
    dataset, said = loaded(source)
    assert dataset.n_ratings == 4
    assert len(said) == 1
    assert said[0].startswith("no prepared copy is kept: ")
    assert said[0].endswith(("No space left on device", "Cannot allocate memory"))
    assert source.path is not None
    assert list((source.path.parent / CACHE_FOLDER).iterdir()) == []


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


@pytest.mark.parametrize("name", ["parts", "parts/*.csv"])
def test_a_table_in_parts_has_one_copy_until_a_part_changes_or_comes(
    tmp_path: Path, name: str
) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    for number in range(2):
        (parts / f"part-{number}.csv").write_text(STAMPED.replace("\n2,", f"\n{number + 5},"))
    source = Source(name, tmp_path / name)
    first, _ = loaded(source)
    second, said = loaded(source)
    assert said == [TOOK]
    assert_same_bits(first, second)
    assert [copy.is_ready for copy in cached_copies(parts)] == [True]
    touched(parts / "part-1.csv")
    assert TOOK not in loaded(source)[1]
    (parts / "part-2.csv").write_text(STAMPED.replace("\n2,", "\n9,"))
    assert [copy.is_ready for copy in cached_copies(parts)] == [False]
    third, said = loaded(source)
    assert TOOK not in said
    assert third.n_ratings == first.n_ratings + 4
    assert len(cached_copies(parts)) == 1


def test_a_copy_of_parts_is_as_closed_as_the_most_closed_part(tmp_path: Path) -> None:
    for number, mode in enumerate((0o644, 0o600)):
        part = tmp_path / f"part-{number}.csv"
        part.write_text(STAMPED)
        part.chmod(mode)
    loaded(Source("parts", tmp_path))
    (copy,) = (tmp_path / CACHE_FOLDER).iterdir()
    assert {file.stat().st_mode & 0o777 for file in copy.iterdir()} == {0o600}


def test_copies_are_listed_with_their_state_and_cleared(source: Source, tmp_path: Path) -> None:
    assert cached_copies(tmp_path) == []
    loaded(source)
    loaded(source, ReadOptions(ids=IdKind.TEXT))
    copies = cached_copies(tmp_path)
    assert [(copy.n_ratings, copy.is_ready) for copy in copies] == [(4, True)] * 2
    assert {copy.source.label for copy in copies if copy.source} == {str(source.path)}
    touched(tmp_path / "r.csv")
    (copies[0].path / MANIFEST).write_bytes(b"mlbias prepared copy, damaged")
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


def test_anyone_can_read_a_copy(source: Source) -> None:
    loaded(source)
    copy = the_copy(source)
    manifest = json.loads((copy / MANIFEST).read_text())
    assert manifest["about"]["statistics"]["n_ratings"] == 4
    arrays = {name: np.load(copy / name) for name in manifest["files"]}
    assert arrays["value.npy"].tolist() == [6, 1, 9, 10]
    assert manifest["about"]["steps"] == 2
    assert arrays["item.npy"].tolist() == [0, 1, 0, 2]
    for name, file in manifest["files"].items():
        assert file == [(copy / name).stat().st_size, zlib.crc32((copy / name).read_bytes())]


@given(
    arrays.arrays(
        st.sampled_from([np.float32, np.float64]),
        st.integers(1, 400),
        elements=st.sampled_from(
            [-0.0, 0.0, 0.5, 1, 1.5, 2, 4.75, 2.0**100, 2.0**127, -(2.0**127), -3]
        ),
    )
)
def test_steps_give_back_every_bit_or_are_not_used(value: np.ndarray) -> None:
    found = to_steps(value)
    if found is not None:
        assert found[:].tobytes() == value.tobytes()
    stars = bool(np.isin(value, [0.0, 0.5, 1, 1.5, 2, 4.75]).all() and not np.signbit(value).any())
    assert (found is not None) == stars


@pytest.mark.parametrize(
    ("value", "steps"),
    [
        (np.arange(1, 6, dtype=np.float32), 1),
        (np.arange(1, 11, dtype=np.float32) / 2, 2),
        (np.arange(101) / 10, 10),
        (np.arange(256.0), 1),
    ],
)
def test_usual_scales_take_a_byte_a_rating(value: np.ndarray, steps: int) -> None:
    found = to_steps(value)
    assert found is not None
    assert found.steps == steps


@pytest.mark.parametrize("value", [np.arange(257.0), np.array([-1.0]), np.array([1 / 3])])
def test_other_scales_are_kept_as_they_are(value: np.ndarray) -> None:
    assert to_steps(value) is None
    assert from_steps(value, None, value.dtype.str) is value
