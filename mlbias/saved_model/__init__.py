"""Trained models on disk, with the record of what they were trained on."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlbias.model import BiasModel


def load_model(path: str | os.PathLike[str]) -> "BiasModel":
    """Read a model that ``mlbias train`` saved. Nothing in the file is executed.

    Args:
        path: of the model file.

    Raises:
        ModelFileError: the file is missing, is not a model, is damaged, or has a newer format.
    """
    from mlbias.saved_model import file

    return file.load_model(Path(path)).model
