"""Model files: the same bytes each time, checked whole, refused in a sentence if damaged."""

import io
import json
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbias import load_model as load_public
from mlbias.core.equations.certificate import Certificate
from mlbias.core.methods import make_method
from mlbias.core.model import PenaltyScale
from mlbias.core.regularisation import Regularisation
from mlbias.core.trained_on import TrainedOn
from mlbias.core.training import EpochStats
from mlbias.core.uncertainty import Uncertainty
from mlbias.datasets.options import IdKind, ReadOptions
from mlbias.datasets.sources import Source
from mlbias.errors import ModelFileError
from mlbias.evaluation.holdout import Holdout
from mlbias.fitting.fit import fit
from mlbias.fitting.record import Fit, Settings
from mlbias.id_columns import column_of_ids
from mlbias.ids import TextIds
from mlbias.model import BiasModel
from mlbias.ratings import Ratings
from mlbias.saved_model.file import (
    SavedModel,
    check_replaceable,
    read_model,
    save_model,
    write_model,
)
from mlbias.saved_model.record import TrainingData
from mlbias.texts import Texts, arrow_file
from tests.conftest import is_mapped

SAVED = SavedModel(
    Fit(
        BiasModel(
            alpha=3.25,
            user_bias=np.array([0.1, -0.2, 0.3]),
            item_bias=np.array([1.5, -0.5]),
            user_ids=np.array([-5, 7, 2**40]),
            item_ids=column_of_ids(["a b", "日本"]),
            mean=3.3,
        ),
        # The seconds of a history are not kept.
        (
            EpochStats(0, 1.0, 100.0, 3.3, 1.25, 1.0, 0.0),
            EpochStats(1, 0.9, 90.0, 3.25, None, None, 0.0),
        ),
        Certificate(0.5, 0.25, 0.125),
        None,
        Settings(
            make_method("gd", {"lr": 0.5}),
            Regularisation(PenaltyScale.MEAN, (0.001, 0.002)),
            12,
            1e-6,
        ),
    ),
    TrainingData(
        Source("mine", Path("/tmp/ratings.zip"), "inner/é.csv"),
        ReadOptions(user_col="who", ids=IdKind.TEXT, skip_bad_rows=True),
        111,
        "ab" * 16,
        Holdout("random", 0.1, 42),
    ),
)


FULL = replace(
    SAVED,
    fit=replace(
        SAVED.fit,
        model=replace(
            SAVED.fit.model,
            uncertainty=Uncertainty(0.9, 0.4, 0.0, np.array([0.1, 0.2, 0.3]), np.array([0.0, 0.1])),
            trained_on=TrainedOn(0.5, 5.0, np.array([1.0, 2.0, 3.0]), np.array([4.0, 2.0])),
        ),
    ),
)


def same(one: SavedModel, other: SavedModel) -> bool:
    arrays = ("user_bias", "item_bias", "user_ids", "item_ids")
    return (
        all(np.array_equal(getattr(one.fit, a), getattr(other.fit, a)) for a in arrays)
        and (one.fit.alpha, one.fit.mean) == (other.fit.alpha, other.fit.mean)
        and replace(one.fit, model=other.fit.model) == other.fit
        and one.data == other.data
    )


def test_a_model_comes_back_as_it_was_and_in_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "deep" / "er" / "a.npz", tmp_path / "b"
    write_model(SAVED, first)
    write_model(SAVED, second)
    assert same(read_model(first), SAVED)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "deep"]


def test_the_sample_and_no_holdout_come_back_too(tmp_path: Path) -> None:
    data = TrainingData(Source("sample"), ReadOptions(), 5, "00", None)
    saved = replace(SAVED, data=data)
    write_model(saved, tmp_path / "m")
    assert same(read_model(tmp_path / "m"), saved)


@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_a_flipped_bit_is_found_or_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, position: float, bit: int
) -> None:
    path = tmp_path_factory.mktemp("flip") / "m.npz"
    write_model(SAVED, path)
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 1 << bit
    path.write_bytes(content)
    # Dates and attributes of the archive's members mean nothing to a model.
    try:
        assert same(read_model(path), SAVED)
    except ModelFileError as error:
        assert "is not a model of mlbias" in str(error)  # noqa: PT017


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "m.npz"
    write_model(SAVED, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFileError, match="is not a model of mlbias, or is damaged"):
        read_model(path)


def arrays_of(path: Path) -> dict[str, Any]:
    """The arrays of a model file, with text as formats 1 to 4 keep it: its bytes and their ends."""
    with np.load(path) as archive:
        content = dict(archive)
    for name in [name for name in content if name.endswith(".arrow")]:
        ids = name.removesuffix(".arrow")
        texts = Texts.in_file(np.frombuffer(content.pop(name), np.uint8))
        content |= {ids: texts.joined, f"{ids}_ends": texts.offsets[1:]}
    return content


def rewritten(path: Path, changes: dict[str, object], **arrays: np.ndarray) -> None:
    """The saved model with other entries in ``about``, or other arrays."""
    content = contents(path)
    about = json.loads(content["about"].tobytes()) | changes
    content["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(path, **(content | arrays))


@pytest.mark.parametrize(
    ("changes", "arrays", "message"),
    [
        ({"version": 6}, {}, "has format 6, but this version of mlbias reads formats 1 to 5"),
        ({"format": "something else"}, {}, "is not a model of mlbias"),
        ({"alpha": "x"}, {}, "or is damaged"),
        ({"alpha": float("nan")}, {}, "or is damaged"),
        ({"training": {"method": "gd"}}, {}, "or is damaged"),
        ({}, {"history": np.array([[1.0, 2.0]])}, "or is damaged"),
        ({}, {"history": np.full((1, 5), np.nan)}, "or is damaged"),
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
        read_model(path)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "sprung",))  # type: ignore[return-value]

    write_model(SAVED, path)
    with np.load(path) as archive:
        content = dict(archive)
    content["user_bias"] = np.array([Trap()], dtype=object)
    np.savez(path, **content)
    with pytest.raises(ModelFileError, match="or is damaged"):
        read_model(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [b"", b"1,2,3\n", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_only_a_model_is_replaced_by_a_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="exists and is not a model"):
        check_replaceable(path)
    with pytest.raises(ModelFileError, match="it is a folder, not a regular file"):
        check_replaceable(tmp_path)
    write_model(SAVED, tmp_path / "m")
    check_replaceable(tmp_path / "m")
    check_replaceable(tmp_path / "new")
    check_replaceable(path, force=True)
    with pytest.raises(ModelFileError, match="it is a folder"):
        check_replaceable(tmp_path, force=True)


def test_a_missing_model_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no model") as caught:
        read_model(tmp_path / "m.npz")
    assert "mlbias train" in caught.value.advice
    with pytest.raises(ModelFileError, match="cannot be read: it is a folder"):
        read_model(tmp_path)


def test_members_of_the_archive_are_plain_arrays_and_text_in_arrow(tmp_path: Path) -> None:
    write_model(SAVED, tmp_path / "m")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "m").read_bytes())) as archive:
        assert pl.read_ipc(archive.read("item_ids.arrow"))["id"].to_list() == ["a b", "日本"]
        names = set(archive.namelist()) - {"item_ids.arrow"}
    assert names == {
        f"{name}.npy" for name in ("about", "history", "user_bias", "item_bias", "user_ids")
    }


def test_models_of_format_1_are_read_and_hold_out_at_random(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    write_model(SAVED, path)
    with np.load(path) as archive:
        about = json.loads(archive["about"].tobytes())
    data = about["data"] | {"holdout": {"test_size": 0.2, "seed": 7}}
    rewritten(path, {"version": 1, "data": data, "scale": None})
    loaded = read_model(path)
    assert loaded.data is not None
    assert loaded.data.holdout == Holdout("random", 0.2, 7)
    assert loaded.fit.trained_on is None


def contents(path: Path) -> dict[str, Any]:
    write_model(FULL, path)
    return arrays_of(path)


def refused(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_model(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


def test_all_of_a_model_comes_back(tmp_path: Path) -> None:
    write_model(FULL, tmp_path / "m")
    model = read_model(tmp_path / "m").fit.model
    assert model.uncertainty is not None
    assert model.trained_on is not None
    assert (model.uncertainty.sigma, model.uncertainty.sigma_item) == (0.9, 0.0)
    assert model.uncertainty.item_stderr.tolist() == [0.0, 0.1]
    assert model.trained_on.user_counts.tolist() == [1.0, 2.0, 3.0]
    assert (model.trained_on.low, model.trained_on.high) == (0.5, 5.0)
    assert load_public(tmp_path / "m").alpha == 3.25


@pytest.mark.parametrize(
    "arrays",
    [
        {"user_ids": np.array([7, -5, 2**40])},
        {"user_ids": np.array([-5, -5, 7])},
        {"user_ids": np.array([-5, 7])},
        {"user_ids": np.array([-5, 7, 8], np.int32)},
        {"user_ids": np.array([-5.0, 7, 8])},
        {"user_ids": np.array([[-5, 7, 8]])},
        {"item_ids_ends": np.array([9, 3])},
        {"item_ids_ends": np.array([-1, 9])},
        {"item_ids_ends": np.array([3, 10])},
        {"item_ids_ends": np.array([3.0, 9.0])},
        {"item_ids_ends": np.array([2**62, 9])},
        {"item_ids_ends": np.array([4, 9])},  # in the middle of a letter
        {"item_ids": np.frombuffer(b"aba", np.uint8), "item_ids_ends": np.array([2, 3])[::-1]},
        {"item_ids": np.frombuffer(b"ba", np.uint8), "item_ids_ends": np.array([1, 2])},
        {"item_ids": np.frombuffer(b"aa", np.uint8), "item_ids_ends": np.array([1, 2])},
        {"user_bias": np.array([1.0, np.nan, 0.0])},
        {"user_bias": np.array([1.0, 0.0, 0.0], np.float32)},
        {"user_bias": np.zeros((3, 1))},
        {"user_bias": np.array(0.0)},
        {"user_bias": np.array([1, 2, 3])},
        {"user_bias": np.array(["a", "b", "c"])},
        {"user_bias": np.zeros(3, [("a", "<f8")])},
        {"user_bias": np.zeros(3, ">f8")},
        {"user_stderr": np.array([0.1, -0.2, 0.3])},
        {"user_stderr": np.array([0.1, np.inf, 0.3])},
        {"user_stderr": np.array([0.1, 0.3])},
        {"user_counts": np.array([1, -2, 3], np.int32)},
        {"user_counts": np.array([1.0, 2.0, 3.0])},
        {"item_counts": np.array([1], np.int32)},
        {"about": np.frombuffer(b"[]", np.uint8)},
        {"about": np.frombuffer(b"{}", np.uint8)},
        {"about": np.frombuffer(b"[" * 100_000, np.uint8)},
        {"about": np.frombuffer(b'{"format": "mlbias model", "version": 1e999}', np.uint8)},
        {"about": np.frombuffer(b" " * (2 << 20), np.uint8)},
    ],
)
def test_arrays_that_no_training_gives_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray]
) -> None:
    path = tmp_path / "m.npz"
    np.savez(path, **(contents(path) | arrays))
    assert refused(path) == f"{path} is not a model of mlbias, or is damaged."


def test_no_ids_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    content = {name: array for name, array in contents(path).items() if "item" not in name}
    nothing = {f"item_{name}": np.zeros(0) for name in ("bias", "stderr")}
    counts = {"item_ids": np.zeros(0, np.int64), "item_counts": np.zeros(0, np.int32)}
    np.savez(path, **(content | nothing | counts))
    assert "is damaged" in refused(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"sigmas": [0, 1, 1]},
        {"sigmas": [-1, 1, 1]},
        {"sigmas": [1, -1, 1]},
        {"sigmas": [1, 1]},
        {"sigmas": [True, 1, 1]},
        {"sigmas": "123"},
        {"sigmas": [float("nan"), 1, 1]},
        {"sigmas": [float("inf"), 1, 1]},
        {"sigmas": [10**400, 1, 1]},
        {"scale": [5, 1]},
        {"scale": [1, 5, 6]},
        {"scale": [None, 5]},
        {"scale": 5},
        {"alpha": 10**400},
        {"alpha": None},
        {"alpha": "3"},
        {"alpha": True},
        {"alpha": float("-inf")},
        {"mean": [3]},
        {"version": 0},
        {"version": -1},
        {"version": 1.5},
        {"version": "2"},
        {"version": None},
        {"training": []},
        {"data": "x"},
    ],
)
def test_numbers_that_no_training_gives_are_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    path = tmp_path / "m.npz"
    rewritten(path, changes)
    assert refused(path) == f"{path} is not a model of mlbias, or is damaged."


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("training", {"method": 1}),
        ("training", {"epochs": -1}),
        ("training", {"epochs": 1.5}),
        ("training", {"penalty": "none"}),
        ("training", {"rmse": -1}),
        ("training", {"lambda_user": -1}),
        ("training", {"options": {"surprise": 1}}),
        ("training", {"max_epochs": -1}),
        ("training", {"tol": -1}),
        ("training", {"certificate": {"gap": "x"}}),
        ("training", {"learned": {"components": {}}}),
        ("data", {"label": 5}),
        ("data", {"path": 5}),
        ("data", {"path": "a\0b"}),
        ("data", {"label": "\ud800"}),
        ("data", {"member": []}),
        ("data", {"n_ratings": 0}),
        ("data", {"n_ratings": "5"}),
        ("data", {"fingerprint": None}),
        ("data", {"options": {"ids": "other"}}),
        ("data", {"options": {"ids": "text", "user_col": ["x"]}}),
        ("data", {"options": {"ids": "text", "surprise": 1}}),
        ("data", {"holdout": {"split": "other"}}),
        ("data", {"holdout": {"split": "random"}}),
        ("data", {"holdout": {"split": "random", "test_size": 1.5}}),
        ("data", {"holdout": {"split": "random", "test_size": 0}}),
        ("data", {"holdout": {"split": "user", "test_size": 1.5}}),
        ("data", {"holdout": {"split": "user", "test_size": 1, "pick": "best"}}),
        ("data", {"holdout": {"split": "user", "test_size": 1, "seed": "x"}}),
        ("data", {"holdout": {"split": "time"}}),
        ("data", {"holdout": {"split": "given"}}),
    ],
)
def test_records_that_no_training_leaves_are_refused(
    tmp_path: Path, part: str, changes: dict[str, object]
) -> None:
    path = tmp_path / "m.npz"
    about = json.loads(contents(path)["about"].tobytes())
    rewritten(path, {part: about[part] | changes})
    assert refused(path) == f"{path} is not a model of mlbias, or is damaged."


def test_every_byte_of_a_model_is_either_checked_or_means_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    write_model(FULL, path)
    content = path.read_bytes()
    n_refused = 0
    for place in range(len(content)):
        for flip in (0x01, 0xFF):
            changed = bytes([content[place] ^ flip])
            path.write_bytes(content[:place] + changed + content[place + 1 :])
            try:
                assert same(read_model(path), FULL), place
            except ModelFileError as error:
                n_refused += 1
                assert "is not a model of mlbias" in str(error)  # noqa: PT017
    assert n_refused > len(content)


def test_a_cut_model_is_refused_at_any_length(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    write_model(FULL, path)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert "is damaged" in refused(path)


def with_ids(path: Path, change: Callable[[bytes], bytes], compression: int = 0) -> Path:
    """The saved model with another Arrow file, whose checksum is right."""
    write_model(FULL, path)
    made_up = path.with_name("made up.npz")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(made_up, "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "item_ids.arrow":
                other.writestr(name, change(content), compression)
            else:
                other.writestr(name, content)
    return made_up


def exchanged(new: bytes, _: bytes) -> bytes:
    """The new one."""
    return new


def test_text_ids_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    write_model(FULL, path)
    ids = read_model(path).fit.item_ids
    assert isinstance(ids, TextIds)
    assert ids.stored is not None
    assert is_mapped(ids.stored.joined)
    write_model(SAVED, path)  # takes the place of a file that is still mapped
    assert ids.tolist() == ["a b", "日本"]


def test_a_model_that_was_read_is_written_in_the_same_bytes(tmp_path: Path) -> None:
    write_model(FULL, tmp_path / "a")
    write_model(read_model(tmp_path / "a"), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "texts", [["b", "a"], ["a", "a"], [], ["a"], ["a", "b", "c"]],
    ids=["descending", "twice", "none", "too few", "too many"],
)  # fmt: skip
def test_texts_that_are_no_ids_of_the_model_are_refused(tmp_path: Path, texts: list[str]) -> None:
    series = pl.Series(texts, dtype=pl.String)
    assert "is damaged" in refused(
        with_ids(tmp_path / "m.npz", partial(exchanged, arrow_file(series).tobytes()))
    )


def test_a_changed_arrow_file_is_refused_though_its_checksum_is_right(tmp_path: Path) -> None:
    content = arrow_file(pl.Series(["a b", "日本"])).tobytes()
    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        with suppress(ModelFileError):
            path = with_ids(tmp_path / "m.npz", partial(exchanged, bytes(changed)))
            assert len(read_model(path).fit.item_ids) == 2
        path = with_ids(tmp_path / "m.npz", partial(exchanged, content[:place]))
        assert "is damaged" in refused(path)


def test_an_arrow_file_that_is_missing_or_compressed_is_refused(tmp_path: Path) -> None:
    made_up = with_ids(tmp_path / "m.npz", lambda content: content, zipfile.ZIP_DEFLATED)
    assert "is damaged" in refused(made_up)
    content = contents(tmp_path / "m.npz")
    np.savez(tmp_path / "m.npz", **{name: of for name, of in content.items() if "ids" not in name})
    assert "is damaged" in refused(tmp_path / "m.npz")


def with_header(header: str) -> Callable[[bytes], bytes]:
    text = header.encode() + b"\n"
    return lambda _: b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


HEADER = "{'descr': %s, 'fortran_order': False, 'shape': %s, }"


@pytest.mark.parametrize(
    "change",
    [
        with_header(HEADER % ("'<f8'", "(1000000000000,)")),
        with_header(HEADER % ("'<f8'", "(999999999999999999,)")),
        with_header(HEADER % ("'<f8'", "(999999999999999999, 999999999999999999)")),
        with_header(HEADER % ("'<f8'", "(-1,)")),
        with_header(HEADER % ("'<f8'", "(3L,)")),
        with_header(HEADER % ("'|O'", "(3,)")),
        with_header(HEADER % ("'|V1000000000'", "(3,)")),
        with_header("{'descr': __import__('os').system('false')}"),
        with_header("(" * 500),
        lambda content: content[:6] + b"\x02\x00" + content[8:],
        lambda content: content + b"more",
        lambda _: b"",
    ],
)
def test_headers_are_not_believed(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path, made_up = tmp_path / "m.npz", tmp_path / "made up.npz"
    write_model(FULL, path)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(made_up, "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            other.writestr(name, change(content) if name == "user_bias.npy" else content)
    assert refused(made_up) == f"{made_up} is not a model of mlbias, or is damaged."


def test_what_could_hold_more_than_its_size_is_refused_before_it_is_unpacked(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bomb.npz"
    content = contents(tmp_path / "m.npz")
    np.savez_compressed(path, **(content | {"user_bias": np.zeros(50_000_000)}))
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    assert "is damaged" in refused(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


@pytest.mark.parametrize("operation", [read_model, check_replaceable])
def test_a_pipe_or_a_device_is_refused_and_does_not_block(
    tmp_path: Path, operation: Callable[[Path], Any]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ModelFileError, match=r"it is a (pipe|device), not a regular file"):
            operation(path)


def test_a_link_to_a_model_is_followed_and_permissions_are_kept(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    target, link = tmp_path / "deep" / "m.npz", tmp_path / "link.npz"
    write_model(SAVED, target)
    target.chmod(0o600)
    link.symlink_to(target)
    check_replaceable(link)
    write_model(FULL, link)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    assert read_model(link).fit.uncertainty is not None


def test_a_model_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_bytes(b"")
    with pytest.raises(ModelFileError, match="cannot be written"):
        write_model(SAVED, tmp_path / "blocked" / "m.npz")


@pytest.mark.parametrize("version", [1, 2])
def test_models_of_older_formats_have_no_record(tmp_path: Path, version: int) -> None:
    path = tmp_path / "m.npz"
    old = {"method": "gd", "learning_rate": 0.5, "epochs": 12, "penalty": "mean"} | {
        "lambda_user": 0.001, "lambda_item": 0.002, "n_ratings": 100, "rmse": 0.9,
    }  # fmt: skip
    write_model(replace(SAVED, fit=Fit(SAVED.fit.model)), path)
    content = arrays_of(path)
    about = json.loads(content["about"].tobytes()) | {"version": version, "training": old}
    content["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(path, **content)
    loaded = load_public(path)
    assert loaded.predict([7], ["a b"]).tolist() == [3.25 - 0.2 + 1.5]
    assert (loaded.history, loaded.certificate, loaded.learned, loaded.settings) == (
        (), None, None, None,
    )  # fmt: skip


def test_what_older_versions_did_not_save_is_not_asked_for(
    tmp_path: Path, make_ratings: Callable[..., Ratings]
) -> None:
    path = tmp_path / "m.npz"
    found = fit(make_ratings(2_000, 30, 40), "exact")
    save_model(found, path)
    content = arrays_of(path)
    about = json.loads(content["about"].tobytes())
    for name in ("n_parameters", "noise"):
        del about["training"]["learned"][name]
    for name in ("mean_rmse", "leverage_error"):
        del about["training"]["leave_one_out"][name]
    content["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(path, **content)
    loaded = load_public(path)
    assert found.learned is not None
    assert loaded.learned == replace(found.learned, n_parameters=None, inverse=None)
    assert loaded.leave_one_out is None
    assert loaded.predict([1], [1]) == found.predict([1], [1])


def test_a_fit_comes_back_with_all_that_was_learned(
    tmp_path: Path, make_ratings: Callable[..., Ratings]
) -> None:
    found = fit(make_ratings(2_000, 30, 40), "exact", tol=1e-12)
    save_model(found, tmp_path / "m.npz")
    loaded = load_public(tmp_path / "m.npz")
    assert loaded.settings == found.settings
    assert loaded.certificate == found.certificate
    assert loaded.learned == found.learned
    assert loaded.lambdas == found.lambdas
    assert loaded.history == tuple(replace(stats, seconds=0.0) for stats in found.history)
    assert read_model(tmp_path / "m.npz").data is None
    (tmp_path / "other").write_text("not ours")
    with pytest.raises(ModelFileError, match="is not a model of mlbias"):
        save_model(found, tmp_path / "other")
