"""mlbias: the rating-bias baseline for recommenders, r ≈ α + b_user + b_item.

    from mlbias import load_ratings, fit
    ratings = load_ratings("ml-latest-small")
    model = fit(ratings, "closed-form")

The names below are loaded when they are first used, so that the import itself takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlbias.core.model import PenaltyScale
    from mlbias.datasets.loading import load_ratings
    from mlbias.errors import (
        BadRowError,
        DataError,
        DivergenceError,
        MlbiasError,
        ModelFileError,
        OptionError,
    )
    from mlbias.evaluation.describe import describe
    from mlbias.evaluation.evaluate import evaluate
    from mlbias.evaluation.splits import random_split, time_split, user_split
    from mlbias.fitting import fit
    from mlbias.model import BiasModel
    from mlbias.ratings import Ratings
    from mlbias.saved_model import load_model

_HOMES = {
    "BadRowError": "errors",
    "BiasModel": "model",
    "DataError": "errors",
    "DivergenceError": "errors",
    "MlbiasError": "errors",
    "ModelFileError": "errors",
    "OptionError": "errors",
    "PenaltyScale": "core.model",
    "Ratings": "ratings",
    "describe": "evaluation.describe",
    "evaluate": "evaluation.evaluate",
    "fit": "fitting",
    "load_model": "saved_model",
    "load_ratings": "datasets.loading",
    "random_split": "evaluation.splits",
    "time_split": "evaluation.splits",
    "user_split": "evaluation.splits",
}

__version__ = "0.1.0"

__all__ = [
    "BadRowError",
    "BiasModel",
    "DataError",
    "DivergenceError",
    "MlbiasError",
    "ModelFileError",
    "OptionError",
    "PenaltyScale",
    "Ratings",
    "__version__",
    "describe",
    "evaluate",
    "fit",
    "load_model",
    "load_ratings",
    "random_split",
    "time_split",
    "user_split",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlbias' has no attribute {name!r}")
    return getattr(import_module(f"mlbias.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
