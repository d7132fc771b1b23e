"""The model in a model file, checked number by number."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ordinal import MOST_VALUES, OrdinalScale
from mlbias.core.trained_on import TrainedOn
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray
from mlbias.ids import Ids, TextIds, are_ascending
from mlbias.model import BiasModel
from mlbias.saved_model.archive import Archive
from mlbias.texts import Texts


def rebuilt_model(about: dict[str, Any], archive: Archive) -> BiasModel:
    """The model that an archive holds.

    Raises:
        One of DAMAGE: it holds none, or one that cannot have been trained.
    """
    user_ids, item_ids = _ids("user_ids", archive), _ids("item_ids", archive)
    sizes = len(user_ids), len(item_ids)
    user_bias, item_bias = _pair("bias", archive, sizes)
    return BiasModel(
        number(about["alpha"]),
        user_bias,
        item_bias,
        user_ids,
        item_ids,
        number(about["mean"]),
        _uncertainty(about, archive, sizes),
        _trained_on(about, archive, sizes),
        scale=_scale(about, archive),
    )


def number(value: object, least: float = -np.inf) -> float:
    """A JSON number of at least this.

    Raises:
        TypeError, ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    if value < least:
        raise ValueError(f"{value!r} is less than {least:g}")
    return float(value)


def whole(value: object, least: float = 0) -> int:
    """A JSON number that is whole and at least this.

    Raises:
        TypeError, ValueError: it is not.
    """
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    number(value, least)
    return value


def _ids(name: str, archive: Archive) -> Ids:
    ids = _stored_ids(name, archive)
    if len(ids) == 0 or not are_ascending(ids):
        raise ValueError("the ids are not distinct and ascending")
    return ids


def _stored_ids(name: str, archive: Archive) -> Ids:
    texts = archive.texts(name)
    if texts is not None:
        return TextIds(texts)
    ids = archive[name]
    if f"{name}_ends" in archive:  # how formats 1 to 4 keep text
        return TextIds(Texts(np.concatenate([[0], archive[f"{name}_ends"]]), ids))
    if ids.dtype != np.int64 or ids.ndim != 1:
        raise ValueError("the ids are neither integers nor text")
    return ids


def _uncertainty(
    about: dict[str, Any], archive: Archive, sizes: tuple[int, int]
) -> Uncertainty | None:
    if about.get("sigmas") is None:
        return None
    sigma, sigma_user, sigma_item = (number(value, 0.0) for value in about["sigmas"])
    if sigma == 0:
        raise ValueError("the standard deviation of the noise is 0")
    user, item = _pair("stderr", archive, sizes, 0.0)
    of_alpha = about.get("alpha_stderr")  # older versions saved none
    alpha = None if of_alpha is None else number(of_alpha, 0.0)
    unknown = about.get("unknown_noise")
    if unknown is None:
        return Uncertainty(sigma, sigma_user, sigma_item, user, item, alpha)
    noise = _row(archive["user_noise"], sizes[0], 0.0, np.float64)
    return Uncertainty(
        sigma, sigma_user, sigma_item, user, item, alpha, noise, number(unknown, 0.0)
    )


def _trained_on(
    about: dict[str, Any], archive: Archive, sizes: tuple[int, int]
) -> TrainedOn | None:
    if about.get("scale") is None:
        return None
    low, high = (number(value) for value in about["scale"])
    if low > high:
        raise ValueError("the scale is reversed")
    counts = _pair("counts", archive, sizes, 0.0, np.int32)
    if "user_means" not in archive:  # older versions saved none
        return TrainedOn(low, high, *counts)
    return TrainedOn(low, high, *counts, *_pair("means", archive, sizes))


def _scale(about: dict[str, Any], archive: Archive) -> OrdinalScale | None:
    if about.get("spread") is None:  # older versions saved none
        return None
    values = archive["scale_values"]
    if values.ndim != 1 or not 2 <= len(values) <= MOST_VALUES:
        raise ValueError("no scale has so many values")
    values = _row(values, len(values), -np.inf, np.float64)
    thresholds = _row(archive["thresholds"], len(values) - 1, -np.inf, np.float64)
    spread = number(about["spread"], 0.0)
    if not ((np.diff(values) > 0).all() and (np.diff(thresholds) > 0).all() and spread > 0):
        raise ValueError("the scale does not ascend")
    return OrdinalScale(values, thresholds, spread)


def _pair(
    name: str,
    archive: Archive,
    sizes: tuple[int, int],
    least: float = -np.inf,
    dtype: type[np.float64 | np.int32] = np.float64,
) -> tuple[FloatArray, FloatArray]:
    """The users' and the items' numbers of one kind, (n_users,) and (n_items,)."""
    user, item = (
        _row(archive[f"{side}_{name}"], size, least, dtype)
        for side, size in zip(("user", "item"), sizes, strict=True)
    )
    return user, item


def _row(
    array: NDArray[Any], size: int, least: float, dtype: type[np.float64 | np.int32]
) -> FloatArray:
    if array.dtype != dtype or array.shape != (size,):
        raise ValueError("there is not one number for each id")
    if not np.isfinite(array).all() or (array < least).any():
        raise ValueError("a number is not finite or too small")
    return array.astype(np.float64, copy=False)
