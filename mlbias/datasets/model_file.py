"""Trained models on disk: a NumPy archive (npz) of plain arrays, without pickle.

``about`` is a JSON text with the format's name and version, the model's numbers, how it was
trained and on what. The arrays user_bias and item_bias (and user_stderr and item_stderr, where the
biases' standard errors are known; and user_counts and item_counts, their numbers of training
ratings) go with ids: either integers in user_ids,
or texts, as the UTF-8 bytes of all of them in user_ids and where each ends in user_ids_ends.
"""

import io
import json
import math
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray
from mlbias.datasets.files import unwritable_folder, written_whole
from mlbias.datasets.training_data import TrainingData, described_data, rebuilt_data
from mlbias.errors import ModelFileError
from mlbias.ids import packed_ids, unpacked_ids
from mlbias.model import BiasModel, TrainedOn

_FORMAT = "mlbias model"
_VERSION = 2
_ZIP = b"PK\x03\x04"

# What reading a damaged archive, array or text may raise.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError,
    ValueError, KeyError, TypeError, AttributeError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Training:
    """How a model was trained: the options, the λ's on the scale ``penalty`` names, the result.

    A λ is None where it was learned to be infinite, so that the biases are 0.
    """

    method: str
    learning_rate: float | None
    epochs: int
    penalty: str
    lambda_user: float | None
    lambda_item: float | None
    n_ratings: int
    rmse: float


@dataclass(frozen=True, slots=True)
class SavedModel:
    """All that a model file holds."""

    model: BiasModel
    training: Training
    data: TrainingData


def save_model(saved: SavedModel, path: Path) -> None:
    """Write a model file; the same model gives the same bytes.

    Raises:
        ModelFileError: the file cannot be written.
    """
    model, known, trained_on = saved.model, saved.model.uncertainty, saved.model.trained_on
    about = {
        "format": _FORMAT,
        "version": _VERSION,
        "alpha": model.alpha,
        "mean": model.mean,
        "sigmas": known and (known.sigma, known.sigma_user, known.sigma_item),
        "alpha_stderr": known and known.alpha_stderr,
        "scale": trained_on and (trained_on.low, trained_on.high),
        "training": asdict(saved.training),
        "data": described_data(saved.data),
    }
    text = json.dumps(about, allow_nan=False, sort_keys=True)
    arrays = {
        "about": np.frombuffer(text.encode("ascii"), np.uint8),
        "user_bias": model.user_bias,
        "item_bias": model.item_bias,
        **packed_ids("user_ids", model.user_ids),
        **packed_ids("item_ids", model.item_ids),
    }
    if known is not None:
        arrays |= {"user_stderr": known.user_stderr, "item_stderr": known.item_stderr}
    if trained_on is not None:
        arrays |= {
            "user_counts": trained_on.user_counts.astype(np.int32),
            "item_counts": trained_on.item_counts.astype(np.int32),
        }
    try:
        with written_whole(path) as file:
            # Its stubs take **arrays for allow_pickle, a parameter of newer versions.
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise ModelFileError(f"{path} cannot be written: {error.strerror or error}.") from error


def load_model(path: Path) -> SavedModel:
    """Read a model file; nothing in it is executed.

    Raises:
        ModelFileError: it is missing, no model file, damaged, or of a newer format.
    """
    try:
        content = _archive_bytes(path)
    except FileNotFoundError as error:
        raise ModelFileError(
            f"there is no model {path}.", "`mlbias train` makes one; --model names another."
        ) from error
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    return _loaded(io.BytesIO(content), path)


def check_replaceable(path: Path) -> None:
    """See that a model can be saved here without harm to anything that is no model.

    Raises:
        ModelFileError: a folder or another file has the name.
    """
    if path.is_dir():
        raise ModelFileError(f"{path} is a folder; a model is a file.")
    if path.exists() and not _is_model_file(path):
        raise ModelFileError(
            f"{path} is there and is no model of mlbias, so that it is not replaced.",
            "Delete it, or name another file with --model.",
        )
    blocking = unwritable_folder(path)
    if blocking is not None:
        raise ModelFileError(f"{path} cannot be written: {blocking} is no folder to write to.")


def _is_model_file(path: Path) -> bool:
    """Whether the file calls itself a model of mlbias, too new as it may be."""
    try:
        with np.load(io.BytesIO(_archive_bytes(path)), allow_pickle=False) as archive:
            return bool(_about(archive)["format"] == _FORMAT)
    except _DAMAGE:
        return False


def _archive_bytes(path: Path) -> bytes:
    """The whole file if it begins like an archive, else only its beginning."""
    with path.open("rb") as file:
        start = file.read(len(_ZIP))
        return start + file.read() if start == _ZIP else start


def _loaded(file: BinaryIO, path: Path) -> SavedModel:
    try:
        with np.load(file, allow_pickle=False) as archive:
            about = _about(archive)
            if about["format"] == _FORMAT and about["version"] <= _VERSION:
                return _rebuilt(about, archive)
            name, version = about["format"], about["version"]
    except _DAMAGE as error:
        raise ModelFileError(f"{path} is no model of mlbias, or is damaged.") from error
    if name != _FORMAT:
        raise ModelFileError(f"{path} is no model of mlbias.")
    raise ModelFileError(
        f"{path} has format {version}, and this version of mlbias reads none above {_VERSION}.",
        "Update mlbias, or train the model again.",
    )


def _about(archive: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(archive["about"].tobytes())
    return found


def _rebuilt(about: dict[str, Any], archive: Any) -> SavedModel:
    user_bias, item_bias = _biases(archive["user_bias"]), _biases(archive["item_bias"])
    user_ids, item_ids = unpacked_ids("user_ids", archive), unpacked_ids("item_ids", archive)
    alpha, mean = float(about["alpha"]), float(about["mean"])
    if (len(user_ids), len(item_ids)) != (len(user_bias), len(item_bias)):
        raise ValueError("ids and biases differ in number")
    if not (math.isfinite(alpha) and math.isfinite(mean)):
        raise ValueError("a number is not finite")
    return SavedModel(
        BiasModel(
            alpha,
            user_bias,
            item_bias,
            user_ids,
            item_ids,
            mean,
            _uncertainty(about, archive),
            _trained_on(about, archive),
        ),
        Training(**about["training"]),
        rebuilt_data(about["data"]),
    )


def _uncertainty(about: dict[str, Any], archive: Any) -> Uncertainty | None:
    sigmas = about.get("sigmas")
    if sigmas is None:
        return None
    user, item = _biases(archive["user_stderr"]), _biases(archive["item_stderr"])
    if (len(user), len(item)) != (len(archive["user_bias"]), len(archive["item_bias"])):
        raise ValueError("biases and standard errors differ in number")
    sigma, sigma_user, sigma_item = (float(value) for value in sigmas)
    of_alpha = about.get("alpha_stderr")  # models of older versions have none
    alpha = None if of_alpha is None else float(of_alpha)
    return Uncertainty(sigma, sigma_user, sigma_item, user, item, alpha)


def _trained_on(about: dict[str, Any], archive: Any) -> TrainedOn | None:
    scale = about.get("scale")
    if scale is None:
        return None
    low, high = (float(value) for value in scale)
    user, item = (archive[name].astype(np.float64) for name in ("user_counts", "item_counts"))
    if (user.shape, item.shape) != (archive["user_bias"].shape, archive["item_bias"].shape):
        raise ValueError("biases and counts differ in number")
    return TrainedOn(low, high, user, item)


def _biases(array: NDArray[Any]) -> FloatArray:
    if array.dtype != np.float64 or array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError("biases are not one row of finite numbers")
    return array
