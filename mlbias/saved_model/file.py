"""Trained models on disk: a NumPy archive (npz) of plain arrays, without pickle.

``about`` is a JSON text with the format's name and version, the model's numbers, how it was
trained and on what. The arrays user_bias and item_bias go with ids: integers in user_ids, or texts
in user_ids.arrow, an Arrow file in the same archive, which is mapped (texts.py). user_stderr and
item_stderr are the biases' standard errors, where they are known; user_noise has the users' own
σ's, if they differ; user_counts and item_counts are their numbers of training ratings; history has
a row for each epoch.
"""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlbias import __version__
from mlbias.arguments import checks_options
from mlbias.errors import ModelFileError
from mlbias.files import obstacle, written_whole
from mlbias.fitting.record import Fit
from mlbias.ids import TextIds
from mlbias.model import BiasModel
from mlbias.saved_model.archive import DAMAGE, Archive, opened_archive, write_archive
from mlbias.saved_model.content import rebuilt_model, whole
from mlbias.saved_model.optimisation import (
    Optimisation,
    described_optimisation,
    history_array,
    rebuilt_optimisation,
)
from mlbias.saved_model.record import TrainingData, described_data, rebuilt_data

_FORMAT = "mlbias model"
# Format 4 is format 3 with a noise of each user, which older versions would leave out; format 5 is
# either with ids that are text, as Arrow files.
_VERSION, _WITH_NOISE, _PLAIN = 5, 4, 3


@dataclass(frozen=True, slots=True)
class SavedModel:
    """All that a model file holds.

    Attributes:
        fit: the model with the record of its fit.
        data: what it was trained on; None where it was saved from Python.
        written_by: the version of mlbias that wrote it; None where that is not known.
    """

    fit: Fit
    data: TrainingData | None
    written_by: str | None = None


@checks_options
def save_model(fit: Fit, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Save a fitted model with the record of its fit; ``load_model`` and the command line read it.

    Args:
        fit: from fit.
        path: of the file; another model there is replaced, whole or not at all.
        force: replace a file that is not a model, too.

    Raises:
        ModelFileError: the file cannot be written, or something else has the name.

    Example:
        >>> import tempfile
        >>> from mlbias import Ratings, fit, load_model, save_model
        >>> found = fit(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_model(found, f"{folder}/model.npz")
        ...     load_model(f"{folder}/model.npz").alpha == found.alpha
        True
    """
    check_replaceable(Path(path), force=force)
    write_model(SavedModel(fit, None), Path(path))


@checks_options
def load_model(path: str | os.PathLike[str]) -> Fit:
    """Read a model that ``save_model`` or ``mlbias train`` saved. Nothing in it is executed.

    Args:
        path: of the model file.

    Raises:
        ModelFileError: the file is missing, is not a model, is damaged, or has a newer format.

    Example:
        >>> import tempfile
        >>> from mlbias import fit, load_model, load_ratings, save_model
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_model(fit(load_ratings("sample")), f"{folder}/model.npz")
        ...     load_model(f"{folder}/model.npz")
        <Fit: closed-form, RMSE 0.809336 after 10 epochs>
    """
    return read_model(Path(path)).fit


def write_model(saved: SavedModel, path: Path) -> None:
    """Write a model file; the same model gives the same bytes.

    It shows the ids of its training data, so it is open to nobody who cannot read those.

    Raises:
        ModelFileError: the file cannot be written.
    """
    text = json.dumps(_about(saved), allow_nan=False, sort_keys=True)
    arrays = {"about": np.frombuffer(text.encode("ascii"), np.uint8)} | _arrays(saved.fit)
    ids = {"user_ids": saved.fit.user_ids, "item_ids": saved.fit.item_ids}
    texts = {name: of for name, of in ids.items() if isinstance(of, TextIds)}
    arrays |= {name: of for name, of in ids.items() if not isinstance(of, TextIds)}
    try:
        with written_whole(path, _made_from(saved.data)) as file:
            write_archive(file, arrays, texts)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be written: {error.strerror or error}.") from error


def _about(saved: SavedModel) -> dict[str, Any]:
    """What is no array, as plain JSON values."""
    model = saved.fit.model
    known, trained_on = model.uncertainty, model.trained_on
    return {
        "format": _FORMAT,
        "version": _version(model),
        "mlbias": __version__,
        "alpha": model.alpha,
        "mean": model.mean,
        "sigmas": known and (known.sigma, known.sigma_user, known.sigma_item),
        "alpha_stderr": known and known.alpha_stderr,
        "unknown_noise": known and known.unknown_noise,
        "spread": model.scale and model.scale.spread,
        "scale": trained_on and (trained_on.low, trained_on.high),
        "training": described_optimisation(saved.fit),
        "data": saved.data and described_data(saved.data),
    }


def _version(model: BiasModel) -> int:
    """The lowest format that holds the model."""
    if isinstance(model.user_ids, TextIds) or isinstance(model.item_ids, TextIds):
        return _VERSION
    is_noisy = model.uncertainty is not None and model.uncertainty.user_noise is not None
    return _WITH_NOISE if is_noisy else _PLAIN


def _arrays(fit: Fit) -> dict[str, Any]:
    model = fit.model
    known, trained_on = model.uncertainty, model.trained_on
    arrays = {
        "user_bias": model.user_bias,
        "item_bias": model.item_bias,
    }
    if fit.history:
        arrays["history"] = history_array(fit)
    if known is not None:
        arrays |= {"user_stderr": known.user_stderr, "item_stderr": known.item_stderr}
        if known.user_noise is not None:
            arrays["user_noise"] = known.user_noise
    if model.scale is not None:
        arrays |= {"scale_values": model.scale.values, "thresholds": model.scale.thresholds}
    if trained_on is not None:
        arrays |= {
            "user_counts": trained_on.user_counts.astype(np.int32),
            "item_counts": trained_on.item_counts.astype(np.int32),
        }
        if trained_on.user_means is not None and trained_on.item_means is not None:
            arrays |= {"user_means": trained_on.user_means, "item_means": trained_on.item_means}
    return arrays


def _made_from(data: TrainingData | None) -> tuple[Path, ...]:
    """The files that a model was trained on; none where they are not known, or not on disk."""
    return () if data is None else data.source.files


def read_model(path: Path) -> SavedModel:
    """Read a model file. Nothing in it is executed, and all of it is checked.

    Raises:
        ModelFileError: it is missing, is not a model, is damaged, or has a newer format.
    """
    try:
        with opened_archive(path) as archive:
            about = archive.about()
            if about["format"] == _FORMAT and whole(about["version"], 1) <= _VERSION:
                return _rebuilt(about, archive)
            name, version = about["format"], about["version"]
    except FileNotFoundError as error:
        raise ModelFileError(
            f"there is no model {path}.", "Train one with mlbias train, or name another file."
        ) from error
    except DAMAGE as error:
        if isinstance(error, OSError) and error.filename is not None:  # the file, not its content
            raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
        raise ModelFileError(f"{path} is not a model of mlbias, or is damaged.") from error
    if name != _FORMAT:
        raise ModelFileError(f"{path} is not a model of mlbias.")
    raise ModelFileError(
        f"{path} has format {version}, but this version of mlbias reads formats 1 to {_VERSION}.",
        "Update mlbias, or train the model again.",
    )


def check_replaceable(path: Path, *, force: bool = False) -> None:
    """See that a model can be saved here without harm to anything that is not a model.

    Args:
        path: of the model to be saved.
        force: whether a regular file that is not a model may be replaced.

    Raises:
        ModelFileError: nothing can be written here, or something else would be replaced.
    """
    reason = obstacle(path)
    if reason:
        raise ModelFileError(f"{path} cannot be written: {reason}.")
    if path.exists() and not force and not _is_model_file(path):
        raise ModelFileError(
            f"{path} exists and is not a model of mlbias, so it is not replaced.",
            "Replace it with `force`, or name another file.",
        )


def _is_model_file(path: Path) -> bool:
    """Whether the file calls itself a model of mlbias, of whatever format."""
    try:
        with opened_archive(path) as archive:
            return bool(archive.about()["format"] == _FORMAT)
    except DAMAGE:
        return False


def _rebuilt(about: dict[str, Any], archive: Archive) -> SavedModel:
    record = Optimisation()
    # Formats 1 and 2 say how the model was trained, but not how the training went.
    if about["version"] >= 3 and about["training"] is not None:
        record = rebuilt_optimisation(about["training"], archive["history"])
    model = rebuilt_model(about, archive)
    fit = Fit(
        replace(model, penalty=record.penalty(model.trained_on)),
        record.history,
        record.certificate,
        record.learned,
        record.settings,
        record.leave_one_out,
    )
    data = about["data"] and rebuilt_data(about["data"])
    written_by = about.get("mlbias")
    return SavedModel(fit, data, written_by if isinstance(written_by, str) else None)
