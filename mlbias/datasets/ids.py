"""Ids as arrays that can be written to disk without pickle."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import Ids


def pack_ids(name: str, ids: Ids) -> dict[str, NDArray[Any]]:
    """Ids (n,) as plain arrays by name: integers as they are, texts as bytes and their ends."""
    if ids.dtype == np.int64:
        return {name: ids}
    texts = [str(id_).encode("utf-8") for id_ in ids.tolist()]
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    return {name: np.frombuffer(b"".join(texts), np.uint8), f"{name}_ends": ends}


def unpack_ids(name: str, arrays: Mapping[str, NDArray[Any]]) -> Ids:
    """The ids that were packed under this name among these arrays.

    Raises:
        KeyError, ValueError: they are not there, or are no ids.
    """
    stored = arrays[name]
    if f"{name}_ends" not in arrays:
        if stored.dtype != np.int64:
            raise ValueError("ids are neither integers nor text")
        return stored
    ends = arrays[f"{name}_ends"].tolist()
    joined = stored.tobytes()
    texts = [
        joined[start:end].decode("utf-8") for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]
    return np.array(texts, dtype=np.dtypes.StringDType())
