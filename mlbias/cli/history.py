"""Ratings that came after training, as `mlbias predict --history` reads them."""

import numpy as np

from mlbias.cli.options.reading import PairOptions
from mlbias.cli.reading import Reader
from mlbias.cli.show.console import Output
from mlbias.errors import DataError
from mlbias.ids import positions
from mlbias.model import BiasModel
from mlbias.ratings import Ratings
from mlbias.saved_model.file import SavedModel


def read_history(
    output: Output, saved: SavedModel, name: str, reading: PairOptions, *, refresh: bool
) -> Ratings:
    """The ratings; warns if they seem to hold the training ratings, where these would count twice.

    Raises:
        DataError: they cannot be read, or are the data that the model was trained on.
    """
    reader = Reader(output, reading.reading())
    source, options = reader.source(name), reading.of_history()
    # A prepared copy is found by its options, and must not depend on what columns there are.
    is_plain = options.user_col is None and options.item_col is None and options.separator is None
    dataset = reader.read(source, options, cache=is_plain, warn=False)
    reader.finish(dataset)
    if saved.data is not None and dataset.fingerprint == saved.data.fingerprint:
        raise DataError(
            f"{source.label} is what the model was trained on.",
            "`history` takes ratings that came after training.",
        )
    if refresh and _holds_training(saved.fit.model, dataset.ratings):
        output.warning(
            f"warning: every user of the model has as many ratings in {source.label} as in "
            "training, or more; ratings that training had count twice"
        )
    return dataset.ratings


def _holds_training(model: BiasModel, history: Ratings) -> bool:
    """Whether every user of the model has as many ratings in the history as in training."""
    if model.trained_on is None:
        return False
    places = positions(model.user_ids, history.user_ids)
    if (places < 0).any():
        return False
    counts = np.bincount(history.user, minlength=history.n_users)
    return bool((counts[places] >= model.trained_on.user_counts).all())
