"""Ratings that do not fit into memory: sorted on disk, to the very bytes of a prepared copy."""

import gzip
import json
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlbias.datasets import disk_folder, prepared
from mlbias.datasets.array_folder import MANIFEST
from mlbias.datasets.cache_folder import CACHE_FOLDER
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.loading import load_dataset
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading import merge, runs, stored_ids, text
from mlbias.datasets.sources import Source
from mlbias.errors import DataError

# So little that each part of a file is a run of its own.
LEAST = 1


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in many parts, ranges of few ids, blocks of few ratings, and copies of small files."""
    monkeypatch.setattr(prepared, "LEAST_SIZE", 1)
    monkeypatch.setattr(text, "PART_SIZE", 1 << 12)
    monkeypatch.setattr(stored_ids, "_BLOCK", 32)
    monkeypatch.setattr(merge, "_LEAST_BLOCK", 64)


Rows = dict[str, list[object]]


def rows(n: int = 2_000, seed: int = 0) -> Rows:
    """Columns of ratings in no order, some pairs twice."""
    rng = np.random.default_rng(seed)
    return {
        "user": rng.integers(1, 90, n).tolist(),
        "item": rng.integers(1, 70, n).tolist(),
        "rating": (rng.integers(1, 11, n) / 2).tolist(),
        "timestamp": rng.integers(1_000_000_000, 1_600_000_000, n).tolist(),
    }


def csv(columns: Rows) -> str:
    lines = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(map(str, line)) for line in lines)]) + "\n"


def bytes_of(copy: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in copy.iterdir()}


def the_copy(folder: Path) -> Path:
    (copy,) = (folder / CACHE_FOLDER).iterdir()
    return copy


def load(
    source: Source, options: ReadOptions | None = None, memory_limit: int | None = None
) -> Dataset:
    dataset = load_dataset(source, options, timestamps=True, memory_limit=memory_limit)
    dataset.finish()
    return dataset


def assert_same_copy(path: Path, options: ReadOptions | None = None) -> dict[str, bytes]:
    """The copy of a source that is sorted on disk is the one that is made in memory."""
    source = Source("ratings", path)
    folder = path if path.is_dir() else path.parent
    in_memory = load(source, options)
    assert not in_memory.is_on_disk
    expected = bytes_of(the_copy(folder))
    shutil.rmtree(folder / CACHE_FOLDER)
    on_disk = load(source, options, memory_limit=LEAST)
    assert on_disk.is_on_disk
    found = bytes_of(the_copy(folder))
    assert json.loads(found[MANIFEST])["about"] == json.loads(expected[MANIFEST])["about"]
    assert found == expected
    assert on_disk.understood == in_memory.understood
    assert on_disk.fingerprint == in_memory.fingerprint
    assert on_disk.ratings.value.tobytes() == in_memory.ratings.value.tobytes()
    assert "took the prepared copy" in load(source, options).notices[0]
    return found


def as_text(number: object, role: str = "u") -> str:
    return f"{role}-ä-{number}-{'x' * (int(str(number)) % 40)}"


def times(change: Callable[[int], object], first: int = 0) -> Callable[[Rows], None]:
    def changed(columns: Rows) -> None:
        columns["timestamp"][first:] = [change(int(str(t))) for t in columns["timestamp"][first:]]

    return changed


def texts(*roles: str) -> Callable[[Rows], None]:
    def changed(columns: Rows) -> None:
        for role in roles:
            columns[role] = [as_text(number, role) for number in columns[role]]

    return changed


def placed(column: str, place: int, value: object) -> Callable[[Rows], None]:
    def changed(columns: Rows) -> None:
        columns[column][place] = value

    return changed


def each(column: str, change: Callable[[float], object]) -> Callable[[Rows], None]:
    def changed(columns: Rows) -> None:
        columns[column] = [change(float(str(value))) for value in columns[column]]

    return changed


def one_user_has_most(columns: Rows) -> None:
    columns["user"][100:1700] = [7] * 1600


SHAPES: dict[str, Callable[[Rows], object]] = {
    "integers": lambda _: None,
    "text users": texts("user"),
    "text": texts("user", "item"),
    "users are text in the end": placed("user", -1, "ann"),
    "items are text in the end": placed("item", -300, "007"),
    "users are text in the beginning": placed("user", 0, "ann"),
    "wide ids": each("user", lambda user: int(user) * 10**16),
    "one user has most": one_user_has_most,
    "sorted": lambda columns: columns["user"].sort(key=str),
    "doubles": each("rating", lambda value: value / 3),
    "some doubles": placed("rating", 1500, 0.1 + 0.2),
    "no times": lambda columns: columns.pop("timestamp"),
    "a time is missing": placed("timestamp", 1700, ""),
    "milliseconds": times(lambda time: time * 1000),
    "fractions": times(lambda time: time * 1000 + 7),
    "large times in the end": times(lambda time: time + 2**32, 1900),
    "floats in the end": times(lambda time: time + 0.5, 1900),
    "years in the end": times(lambda time: time % 2 + 2018, 1900),
    "dates": times(lambda time: f"20{time % 89 + 10}-03-04"),
    "equal columns": lambda columns: columns.update(item=list(columns["user"])),
    "large ratings": lambda columns: columns.update(rating=list(columns["timestamp"])),
}


def shaped(kind: str) -> Rows:
    columns = rows()
    SHAPES[kind](columns)
    return columns


@pytest.mark.parametrize("kind", SHAPES)
def test_the_copy_has_the_bytes_of_one_that_was_made_in_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(csv(shaped(kind)))
    assert_same_copy(path)


KINDS_OF_TWICE = [
    "integers", "no times", "users are text in the end", "fractions", "one user has most",
]  # fmt: skip


@pytest.mark.parametrize("duplicates", ["keep", "first", "last", "mean"])
@pytest.mark.parametrize("kind", KINDS_OF_TWICE)
def test_pairs_that_are_rated_twice(tmp_path: Path, kind: str, duplicates: str) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(csv(shaped(kind)))
    assert_same_copy(path, ReadOptions(duplicates=duplicates))


@pytest.mark.parametrize("repeated", [False, True])
def test_the_mean_of_a_pair_widens_the_ratings_only_where_there_is_one(
    tmp_path: Path, *, repeated: bool
) -> None:
    columns = rows(900)
    columns["user"] = list(range(900))
    if repeated:
        columns["user"][-1], columns["item"][-1] = columns["user"][-2], columns["item"][-2]
    path = tmp_path / "ratings.csv"
    path.write_text(csv(columns))
    about = json.loads(assert_same_copy(path, ReadOptions(duplicates="mean"))[MANIFEST])["about"]
    assert about["value_type"] == ("<f8" if repeated else "<f4")


@pytest.mark.parametrize("kind", ["integers", "one user has most"])
def test_the_first_pair_that_is_rated_twice_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(csv(shaped(kind)))
    source, options = Source("ratings", path), ReadOptions(duplicates="error")
    with pytest.raises(DataError) as expected:
        load(source, options)
    with pytest.raises(DataError) as found:
        load(source, options, memory_limit=LEAST)
    assert str(found.value) == str(expected.value)
    assert not (tmp_path / CACHE_FOLDER).exists() or not list((tmp_path / CACHE_FOLDER).iterdir())


@pytest.mark.parametrize("key", [None, {"another": "key"}])
def test_a_copy_that_another_command_removes_or_replaces_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: dict[str, str] | None
) -> None:
    (tmp_path / "ratings.csv").write_text(csv(rows()))
    load_folder = prepared.load_folder

    def late(path: Path, _: object, threads: int | None) -> Dataset | None:
        if key is None:
            shutil.rmtree(path)
        return load_folder(path, key or {}, threads)

    monkeypatch.setattr(disk_folder, "load_folder", late)
    with pytest.raises(DataError, match="removed or replaced by another command"):
        load(Source("ratings", tmp_path / "ratings.csv"), ReadOptions(), memory_limit=LEAST)


def test_what_is_sorted_at_once_is_bounded_whoever_has_the_ratings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, blocks = list[int](), merge.Merge.blocks

    def seen(self: merge.Merge) -> Iterator[merge.Block]:
        for block in blocks(self):
            sizes.append(block.n_read)
            yield block

    monkeypatch.setattr(merge.Merge, "blocks", seen)
    path = tmp_path / "ratings.csv"
    path.write_text(csv(shaped("one user has most")))
    load(Source("ratings", path), memory_limit=LEAST)
    assert sum(sizes) == 2_000
    assert max(sizes) <= 64


@pytest.mark.parametrize(
    "options",
    [
        ReadOptions(not_rated="0.5"),
        ReadOptions(skip_bad_rows=True),
        ReadOptions(time_unit="ms"),
        ReadOptions(rating_col="timestamp"),
    ],
)
def test_other_ways_to_read(tmp_path: Path, options: ReadOptions) -> None:
    columns = rows()
    if options.skip_bad_rows:
        columns["rating"][100] = columns["rating"][1900] = "four"
    path = tmp_path / "ratings.csv"
    path.write_text(csv(columns))
    assert_same_copy(path, options)


def test_compressed_files_members_of_archives_and_tables(tmp_path: Path) -> None:
    content = csv(rows())
    for name in ("gz", "zip", "parquet", "jsonl"):
        (tmp_path / name).mkdir()
    (tmp_path / "gz" / "r.csv.gz").write_bytes(gzip.compress(content.encode()))
    with zipfile.ZipFile(tmp_path / "zip" / "r.zip", "w") as archive:
        archive.writestr("ratings.csv", content)
    table = pl.DataFrame(rows())
    table.write_parquet(tmp_path / "parquet" / "r.parquet", row_group_size=300)
    table.rename({"user": "user_id", "item": "item_id"}).write_ndjson(
        tmp_path / "jsonl" / "r.jsonl"
    )
    for path in tmp_path.glob("*/r.*"):
        assert_same_copy(path)


@pytest.mark.parametrize("name", ["", "*.csv"])
def test_folders_and_patterns(tmp_path: Path, name: str) -> None:
    for number in range(3):
        columns = rows(400, number)
        if number == 1:
            texts("user")(columns)
        (tmp_path / f"part-{number}.csv").write_text(csv(columns))
    assert_same_copy(tmp_path / name)


def test_without_a_copy_they_are_sorted_in_a_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, elsewhere = tmp_path / "data" / "ratings.csv", tmp_path / "elsewhere"
    path.parent.mkdir()
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    path.write_text(csv(rows()))
    source = Source("ratings", path)
    in_memory = load_dataset(source, cache=False, timestamps=True)
    on_disk = load_dataset(source, cache=False, timestamps=True, memory_limit=LEAST)
    assert on_disk.is_on_disk
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]
    assert on_disk.ratings.item.tobytes() == in_memory.ratings.item.tobytes()
    assert on_disk.fingerprint == in_memory.fingerprint
    assert on_disk.understood == in_memory.understood


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("duplicates", ["keep", "mean"])
@pytest.mark.parametrize("kind", ["integers", "doubles"])
def test_nothing_is_mapped_while_it_is_removed_or_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, duplicates: str
) -> None:
    """On Windows it could be neither."""
    seen = set[str]()
    unlink, rename = Path.unlink, Path.rename

    def unmapped(path: Path) -> Path:
        maps = Path("/proc/self/maps").read_text()
        assert str(path.resolve()) not in maps
        seen.add(path.name)
        return path

    monkeypatch.setattr(Path, "unlink", lambda path, **how: unlink(unmapped(path), **how))
    monkeypatch.setattr(Path, "rename", lambda path, to: rename(unmapped(path), to))
    path = tmp_path / "ratings.csv"
    path.write_text(csv(shaped(kind)))
    load(Source("ratings", path), ReadOptions(duplicates=duplicates), memory_limit=LEAST)
    assert {"scratch.npy", "ratings.npy"} <= seen
    assert any(name.endswith(".part") for name in seen)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: None,
        placed("user", -1, 1),
        placed("item", 2_000, 0),
        placed("user", -1, "ann"),
        placed("item", 2_000, "007"),
        texts("user", "item"),
        each("rating", lambda rating: rating / 3),
    ],
)
def test_ratings_in_order_are_runs_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Rows], object]
) -> None:
    # Room for some chunks in order, and for none in disorder.
    room = {LEAST: 12_000}
    monkeypatch.setattr(runs, "room_for_ratings", lambda limit: room.get(limit, limit))
    columns: Rows = {
        "user": [10 + row // 40 for row in range(4_000)],
        "item": [100 + row % 40 for row in range(4_000)],
        "rating": [1 + row % 9 / 2 for row in range(4_000)],
        "timestamp": [1_000_000_000 + row for row in range(4_000)],
    }
    change(columns)
    path = tmp_path / "ratings.csv"
    path.write_text(csv(columns))
    assert_same_copy(path)


class Watch:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def begin(self, notice: str) -> None:
        self.told.append((notice, 0, 0))

    def sorting(self, done: int, total: int) -> None:
        self.told.append(("sorting", done, total))

    def finishing(self, done: int, total: int) -> None:
        self.told.append(("finishing", done, total))


def test_it_is_said_when_the_first_ratings_go_to_disk_and_how_far_they_come(
    tmp_path: Path,
) -> None:
    watch, read = Watch(), list[int]()
    path = tmp_path / "ratings.csv"
    path.write_text(csv(rows()))

    def progress(done: int, total: int | None) -> None:
        read.append(done)
        assert total == path.stat().st_size
        if len(read) == 3:  # the first part is the header, the second finds memory empty
            (told,) = watch.told
            assert told[0].startswith("the ratings take more than 0 MiB of memory: sorted on disk")

    load_dataset(
        Source("ratings", path), cache=False, progress=progress, sorting=watch, memory_limit=LEAST
    )
    assert len(read) > 3
    assert ("sorting", 2_000, 2_000) in watch.told
    assert watch.told[-1] == ("finishing", 3, 4)
    assert len({what for what, _, _ in watch.told}) == 3
