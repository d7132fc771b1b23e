"""What `mlbias train` was asked to do, checked before anything is read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlbias.core.methods import make_method
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.core.methods.protocol import Method
    from mlbias.core.reml.learn import Lambdas
    from mlbias.datasets.dataset import Dataset
    from mlbias.datasets.options import ReadOptions
    from mlbias.datasets.sources import Source
    from mlbias.ratings import Ratings
    from mlbias.saved_model.record import Holdout


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train and how, with every default filled in."""

    method: "Method"
    epochs: int
    penalty: str
    lambdas: "Lambdas"
    tolerance: float | None
    every: int
    holdout: "Holdout | None"
    model_path: Path


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was read, from where, how, and in how many seconds; and a hold-out that was given."""

    source: "Source"
    options: "ReadOptions"
    dataset: "Dataset"
    seconds: float
    threads: int | None
    held_out: "Ratings | None" = None


def make_plan(
    method: str,
    epochs: int | None,
    lr: float | None,
    penalty: str | None,
    lambdas: tuple[str | None, float | None, float | None],
    tolerance: float | None,
    every: int,
    holdout: "Holdout | None",
    model_path: Path,
) -> Plan:
    """Check the options that can be checked before any data is read.

    Raises:
        OptionError: one is out of range, or the method does not have it.
        ModelFileError: the model's file cannot be written, or is something else.
    """
    from mlbias.saved_model.file import check_replaceable

    chosen = make_method(method, lr)
    scale = penalty or chosen.default_penalty
    chosen_pair = lambdas_of(chosen, scale, lambdas)
    if tolerance is not None and not 0 <= tolerance < float("inf"):
        raise OptionError(f"--tol must be a number from 0 on, not {tolerance:g}.")
    if penalty not in (None, "mean", "sum"):
        raise OptionError(f"--penalty is mean or sum, not {penalty!r}.")
    check_replaceable(model_path)
    return Plan(
        chosen,
        chosen.default_epochs if epochs is None else epochs,
        scale,
        chosen_pair,
        tolerance,
        every,
        holdout,
        model_path,
    )


def lambdas_of(
    method: "Method", scale: str, given: tuple[str | None, float | None, float | None]
) -> "Lambdas":
    """λ's as they were given, or None to learn them.

    Raises:
        OptionError: they are out of range, contradict each other, or cannot be learned so.
    """
    from mlbias.fitting import chosen_lambdas

    text, user, item = given
    if text == "auto":
        if user is not None or item is not None:
            raise OptionError(
                "--lambda auto learns both; --lambda-user and --lambda-item do not go with it."
            )
        pair = None
    else:
        both = None if text is None else _number(text)
        pair = chosen_lambdas(
            method, both if user is None else user, both if item is None else item
        )
    if pair is None:
        check_learnable(text, method, scale)
        return None
    for name, value in zip(("user", "item"), pair, strict=True):
        if not 0 <= value < float("inf"):
            option = "lambda" if user is None and item is None else f"lambda-{name}"
            raise OptionError(f"--{option} must be a number from 0 on, not {value:g}.")
    return pair


def check_learnable(text: str | None, method: "Method", scale: str) -> None:
    """See that λ is to be learned on the scale of sums, where it is a ratio of variances.

    Raises:
        OptionError: it is not; says what was left out where nobody asked for auto.
    """
    if scale == "sum":
        return
    if text is None:
        raise OptionError(f"{method.name} learns lambda on the sum scale; for mean give --lambda.")
    raise OptionError("--lambda auto is a ratio of variances, on the sum scale; add --penalty sum.")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise OptionError(f"--lambda is a number from 0 on or auto, not {text!r}.") from None
