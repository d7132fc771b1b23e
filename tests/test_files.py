"""Model files: whole or not there, the same bytes each time, refused in a sentence if damaged."""

import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbias import files
from mlbias.core.incidence import BlockIncidence
from mlbias.datasets.columns import IdKind, ReadOptions
from mlbias.datasets.fingerprint import fingerprint
from mlbias.datasets.sources import Source
from mlbias.errors import ModelFileError
from mlbias.files import open_held, replace_folder, temporary_folder, written_whole
from mlbias.ids import column_of_ids
from mlbias.model import BiasModel
from mlbias.ratings import Ratings
from mlbias.saved_model.file import (
    SavedModel,
    Training,
    check_replaceable,
    load_model,
    save_model,
)
from mlbias.saved_model.record import Holdout, TrainingData

SAVED = SavedModel(
    BiasModel(
        alpha=3.25,
        user_bias=np.array([0.1, -0.2, 0.3]),
        item_bias=np.array([1.5, -0.5]),
        user_ids=np.array([-5, 7, 2**40]),
        item_ids=column_of_ids(["a b", "日本"]),
        mean=3.3,
    ),
    Training("gd", 0.5, 12, "mean", 0.001, 0.002, 100, 0.9),
    TrainingData(
        Source("mine", Path("/tmp/ratings.zip"), "inner/é.csv"),
        ReadOptions(user_col="who", ids=IdKind.TEXT, skip_bad_rows=True),
        111,
        "ab" * 16,
        Holdout("random", 0.1, 42),
    ),
)


def same(one: SavedModel, other: SavedModel) -> bool:
    arrays = ("user_bias", "item_bias", "user_ids", "item_ids")
    return (
        all(np.array_equal(getattr(one.model, a), getattr(other.model, a)) for a in arrays)
        and (one.model.alpha, one.model.mean) == (other.model.alpha, other.model.mean)
        and (one.training, one.data) == (other.training, other.data)
    )


def test_a_model_comes_back_as_it_was_and_in_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "deep" / "er" / "a.npz", tmp_path / "b"
    save_model(SAVED, first)
    save_model(SAVED, second)
    assert same(load_model(first), SAVED)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "deep"]


def test_the_sample_and_no_holdout_come_back_too(tmp_path: Path) -> None:
    data = TrainingData(Source("sample"), ReadOptions(), 5, "00", None)
    saved = replace(SAVED, data=data)
    save_model(saved, tmp_path / "m")
    assert same(load_model(tmp_path / "m"), saved)


@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_a_flipped_bit_is_found_or_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, position: float, bit: int
) -> None:
    path = tmp_path_factory.mktemp("flip") / "m.npz"
    save_model(SAVED, path)
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 1 << bit
    path.write_bytes(content)
    # Dates and attributes of the archive's members mean nothing to a model.
    try:
        assert same(load_model(path), SAVED)
    except ModelFileError as error:
        assert "is no model of mlbias" in str(error)  # noqa: PT017


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "m.npz"
    save_model(SAVED, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFileError, match="is no model of mlbias, or is damaged"):
        load_model(path)


def rewritten(path: Path, changes: dict[str, object], **arrays: np.ndarray) -> None:
    """The saved model with other entries in ``about``, or other arrays."""
    save_model(SAVED, path)
    with np.load(path) as archive:
        content = dict(archive)
    about = json.loads(content["about"].tobytes()) | changes
    content["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(path, **(content | arrays))


@pytest.mark.parametrize(
    ("changes", "arrays", "message"),
    [
        ({"version": 3}, {}, "has format 3, and this version of mlbias reads none above 2"),
        ({"format": "something else"}, {}, "is no model of mlbias"),
        ({"alpha": "x"}, {}, "or is damaged"),
        ({"alpha": float("nan")}, {}, "or is damaged"),
        ({"training": {"method": "gd"}}, {}, "or is damaged"),
        ({}, {"user_bias": np.array([1.0])}, "or is damaged"),
        ({}, {"user_bias": np.array([1.0, np.inf, 0.0])}, "or is damaged"),
        ({}, {"user_ids": np.array([1.5, 2, 3])}, "or is damaged"),
        ({}, {"item_ids_ends": np.array([1])}, "or is damaged"),
    ],
)
def test_files_that_are_something_else_are_refused(
    tmp_path: Path, changes: dict[str, object], arrays: dict[str, np.ndarray], message: str
) -> None:
    path = tmp_path / "m.npz"
    rewritten(path, changes, **arrays)
    with pytest.raises(ModelFileError, match=message):
        load_model(path)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "sprung",))  # type: ignore[return-value]

    save_model(SAVED, path)
    with np.load(path) as archive:
        content = dict(archive)
    content["user_bias"] = np.array([Trap()], dtype=object)
    np.savez(path, **content)
    with pytest.raises(ModelFileError, match="or is damaged"):
        load_model(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [b"", b"1,2,3\n", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_only_a_model_is_replaced_by_a_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="is there and is no model"):
        check_replaceable(path)
    with pytest.raises(ModelFileError, match="is a folder"):
        check_replaceable(tmp_path)
    save_model(SAVED, tmp_path / "m")
    check_replaceable(tmp_path / "m")
    check_replaceable(tmp_path / "new")


def test_a_missing_model_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no model") as caught:
        load_model(tmp_path / "m.npz")
    assert "mlbias train" in caught.value.advice
    with pytest.raises(ModelFileError, match="cannot be read: Is a directory"):
        load_model(tmp_path)


def test_a_file_that_could_not_be_finished_leaves_nothing_and_what_was_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail_half_way() -> None:
        with written_whole(path) as file:
            file.write(b"half")
            raise RuntimeError("full")

    with pytest.raises(RuntimeError, match="full"):
        fail_half_way()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "blocked").write_bytes(b"")
    with pytest.raises(ModelFileError, match="cannot be written"):
        save_model(SAVED, tmp_path / "blocked" / "m.npz")


def test_a_fingerprint_knows_the_ratings_in_any_order() -> None:
    users, items, values = [1, 1, 2, 3], [10, 20, 10, 20], [5.0, 3.0, 4.0, 2.5]

    def of(users: list[int], items: list[int], values: list[float]) -> str:
        ratings = Ratings.from_ids(users, items, values)
        return fingerprint(ratings.user_ids, ratings.item_ids, BlockIncidence(ratings))

    known = of(users, items, values)
    assert of(users[::-1], items[::-1], values[::-1]) == known
    others = [
        of([1, 1, 2, 4], items, values),
        of(users, items, [5.0, 3.0, 4.0, 3.0]),
        of(users, [10, 20, 20, 10], values),
        of([*users, 1], [*items, 10], [*values, 5.0]),
        of(users, items, [value + 1 for value in values]),
    ]
    assert len({known, *others}) == 6
    # The same ratings of each user and each item, but others rated others.
    assert of([1, 2, 1, 2], [1, 2, 1, 2], [3, 3, 4, 4]) != of(
        [1, 2, 1, 2], [2, 1, 1, 2], [3, 3, 4, 4]
    )
    assert of([1, 2, 1, 2], [1, 2, 1, 2], [3, 3, 3, 3]) != of(
        [1, 2, 1, 2], [2, 1, 2, 1], [3, 3, 3, 3]
    )


def test_members_of_the_archive_are_plain_arrays(tmp_path: Path) -> None:
    save_model(SAVED, tmp_path / "m")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "m").read_bytes())) as archive:
        names = {Path(name).stem for name in archive.namelist()}
    assert names == {"about", "user_bias", "item_bias", "user_ids", "item_ids", "item_ids_ends"}


def test_a_temporary_in_use_is_not_swept_and_one_left_behind_is(tmp_path: Path) -> None:
    (tmp_path / ".r.csv.0badc0de.part").write_text("left behind")
    (tmp_path / ".other.csv.0badc0de.part").write_text("of another file")
    (tmp_path / "r.csv.part").write_text("a name of the user's own")
    with written_whole(tmp_path / "r.csv") as first:
        first.write(b"first")
        with written_whole(tmp_path / "r.csv") as second:
            second.write(b"second")
            assert len([p for p in tmp_path.iterdir() if p.name.startswith(".r.csv.")]) == 2
        assert (tmp_path / "r.csv").read_bytes() == b"second"
    assert (tmp_path / "r.csv").read_bytes() == b"first"
    assert {path.name for path in tmp_path.iterdir()} == {
        "r.csv", "r.csv.part", ".other.csv.0badc0de.part",
    }  # fmt: skip


def test_temporary_folders_are_gone_at_the_end_and_swept_when_left_behind(tmp_path: Path) -> None:
    (tmp_path / ".set.0badc0de.part" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".set.0badc0df.part").symlink_to(tmp_path / "elsewhere")
    with temporary_folder(tmp_path / "set") as one, temporary_folder(tmp_path / "set") as other:
        (one / "file").write_text("x")
        assert one != other
        assert one.is_dir()
        assert not (tmp_path / ".set.0badc0de.part").exists()
        assert (tmp_path / "elsewhere").is_dir()
    assert not one.exists()
    assert not other.exists()


def test_a_file_is_held_by_one_process_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "held"
    descriptor = open_held(path)
    assert descriptor is not None
    assert open_held(path) is None
    os.close(descriptor)
    again = open_held(path)
    assert again is not None
    os.close(again)


def test_a_folder_replaces_another_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    replace_folder(tmp_path / "new", tmp_path / "old")
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["new"]
    monkeypatch.setattr(files, "_exchanged", lambda *_: False)
    replace_folder(tmp_path / "new", tmp_path / "old")
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["old"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["new"]


def test_models_of_format_1_are_read_and_hold_out_at_random(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    save_model(SAVED, path)
    with np.load(path) as archive:
        about = json.loads(archive["about"].tobytes())
    data = about["data"] | {"holdout": {"test_size": 0.2, "seed": 7}}
    rewritten(path, {"version": 1, "data": data, "scale": None})
    loaded = load_model(path)
    assert loaded.data.holdout == Holdout("random", 0.2, 7)
    assert loaded.model.trained_on is None
