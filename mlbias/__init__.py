"""mlbias: the rating-bias baseline for recommenders, r ≈ α + b_user + b_item.

    from mlbias import evaluate, fit, load_ratings, random_split

    training, held_out = random_split(load_ratings("ml-latest-small"), 0.1)
    found = fit(training, "exact")
    print(evaluate(found, held_out).model.rmse)

The names below are loaded when they are first used, so that the import itself takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlbias.core.methods.adam import Adam
    from mlbias.core.methods.closed_form import ClosedForm
    from mlbias.core.methods.exact import Exact
    from mlbias.core.methods.gd import GradientDescent
    from mlbias.core.model import PenaltyScale
    from mlbias.datasets.generated.generate import generate
    from mlbias.datasets.loading import load_ratings
    from mlbias.download.call import download_ratings
    from mlbias.errors import (
        BadRowError,
        DataError,
        DivergenceError,
        DownloadError,
        MlbiasError,
        ModelFileError,
        OptionError,
    )
    from mlbias.estimator import BiasRegressor as BiasRegressor
    from mlbias.evaluation.compare import compare
    from mlbias.evaluation.crossval import crossval
    from mlbias.evaluation.describe import describe
    from mlbias.evaluation.evaluate import evaluate
    from mlbias.evaluation.judge import judge
    from mlbias.evaluation.splits import random_split, time_split, user_split
    from mlbias.fitting.fit import fit
    from mlbias.fitting.record import Fit
    from mlbias.model import BiasModel
    from mlbias.ratings import Ratings
    from mlbias.reporting.page import report
    from mlbias.saved_model.file import load_model, save_model

_HOMES = {
    "Adam": "core.methods.adam",
    "BadRowError": "errors",
    "BiasModel": "model",
    # Not in __all__: with it, an import of all names would need scikit-learn.
    "BiasRegressor": "estimator",
    "ClosedForm": "core.methods.closed_form",
    "DataError": "errors",
    "DivergenceError": "errors",
    "DownloadError": "errors",
    "Exact": "core.methods.exact",
    "Fit": "fitting.record",
    "GradientDescent": "core.methods.gd",
    "MlbiasError": "errors",
    "ModelFileError": "errors",
    "OptionError": "errors",
    "PenaltyScale": "core.model",
    "Ratings": "ratings",
    "compare": "evaluation.compare",
    "crossval": "evaluation.crossval",
    "describe": "evaluation.describe",
    "download_ratings": "download.call",
    "evaluate": "evaluation.evaluate",
    "fit": "fitting.fit",
    "generate": "datasets.generated.generate",
    "judge": "evaluation.judge",
    "load_model": "saved_model.file",
    "load_ratings": "datasets.loading",
    "random_split": "evaluation.splits",
    "report": "reporting.page",
    "save_model": "saved_model.file",
    "time_split": "evaluation.splits",
    "user_split": "evaluation.splits",
}

__version__ = "0.1.0"

__all__ = [
    "Adam",
    "BadRowError",
    "BiasModel",
    "ClosedForm",
    "DataError",
    "DivergenceError",
    "DownloadError",
    "Exact",
    "Fit",
    "GradientDescent",
    "MlbiasError",
    "ModelFileError",
    "OptionError",
    "PenaltyScale",
    "Ratings",
    "__version__",
    "compare",
    "crossval",
    "describe",
    "download_ratings",
    "evaluate",
    "fit",
    "generate",
    "judge",
    "load_model",
    "load_ratings",
    "random_split",
    "report",
    "save_model",
    "time_split",
    "user_split",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlbias' has no attribute {name!r}")
    return getattr(import_module(f"mlbias.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
