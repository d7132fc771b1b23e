"""The record of the optimisation in a model file, as MixedModels.jl keeps its own with the model.

``training`` in the file's JSON has the settings, the certificate and what was learned; the array
``history`` has a row for each epoch: RMSE, cost, α, hold-out RMSE and MAE, NaN without a hold-out.
Seconds are left out, so that the same fit gives the same bytes.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from mlbias.core.equations.certificate import Certificate
from mlbias.core.leave_one_out import LeaveOneOut
from mlbias.core.methods import METHODS, make_method
from mlbias.core.methods.protocol import options_of
from mlbias.core.model import Penalty, PenaltyScale, Sizes
from mlbias.core.regularisation import Regularisation
from mlbias.core.reml.check import Check
from mlbias.core.reml.learn import Learned, VarianceComponents
from mlbias.core.reml.noise_prior import NoisePrior
from mlbias.core.reml.posterior import EntriesBy
from mlbias.core.reml.standard_errors import StandardErrors
from mlbias.core.training import EpochStats
from mlbias.core.vectors import FloatArray
from mlbias.fitting.record import Fit, Settings
from mlbias.saved_model.content import number, whole

_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Optimisation:
    """All of a fit but its model."""

    history: tuple[EpochStats, ...] = ()
    certificate: Certificate | None = None
    learned: Learned | None = None
    settings: Settings | None = None
    leave_one_out: LeaveOneOut | None = None

    def penalty(self, sizes: Sizes | None) -> Penalty | None:
        """The λ's on the scale of sums; None where this does not tell."""
        if self.learned is not None:
            return self.learned.penalty
        given = None if self.settings is None else self.settings.regularisation
        if given is None or given.lambdas is None or sizes is None:
            return None
        return Penalty.on_scale(given.scale, *given.lambdas, sizes)


def described_optimisation(fit: Fit) -> dict[str, Any] | None:
    """As plain JSON values; None for a fit whose record is not known."""
    settings, learned = fit.settings, fit.learned
    if settings is None or not fit.history:
        return None
    last = fit.history[-1]
    user, item = fit.lambdas
    return {
        "method": settings.method.name,
        "options": options_of(settings.method),
        "penalty": settings.regularisation.scale,
        "lambda_user": user,
        "lambda_item": item,
        "max_epochs": settings.epochs,
        "tol": settings.tol,
        "noise": settings.noise,
        "epochs": last.epoch,
        "rmse": last.rmse,
        "certificate": fit.certificate and asdict(fit.certificate),
        "learned": learned and _described_learned(learned),
        "leave_one_out": fit.leave_one_out and asdict(fit.leave_one_out),
    }


def history_array(fit: Fit) -> FloatArray:
    """(n_epochs + 1, 5) numbers, a row for each epoch."""
    rows = [
        (s.rmse, s.cost, s.alpha, _or_nan(s.holdout_rmse), _or_nan(s.holdout_mae))
        for s in fit.history
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, _COLUMNS)


def rebuilt_optimisation(training: dict[str, Any], history: NDArray[Any]) -> Optimisation:
    """The record behind what a file holds.

    Raises:
        KeyError, TypeError, ValueError: it is no such record.
    """
    certificate, learned = training["certificate"], training["learned"]
    epochs = _rebuilt_history(history)
    if (whole(training["epochs"]), number(training["rmse"])) != (len(epochs) - 1, epochs[-1].rmse):
        raise ValueError("the history does not end as the training did")
    return Optimisation(
        epochs,
        certificate and Certificate(**_checked(certificate)),
        learned and _rebuilt_learned(learned),
        _rebuilt_settings(training),
        _rebuilt_leave_one_out(training.get("leave_one_out")),  # older versions saved none
    )


def _rebuilt_history(history: NDArray[Any]) -> tuple[EpochStats, ...]:
    if history.dtype != np.float64 or history.ndim != 2 or history.shape[1] != _COLUMNS:
        raise ValueError("the history has no five columns of numbers")
    if len(history) == 0 or not np.isfinite(history[:, :3]).all() or np.isinf(history).any():
        raise ValueError("the history is not of finite numbers")
    return tuple(
        EpochStats(epoch, rmse, cost, alpha, _or_none(holdout_rmse), _or_none(holdout_mae), 0.0)
        for epoch, (rmse, cost, alpha, holdout_rmse, holdout_mae) in enumerate(history.tolist())
    )


def _rebuilt_settings(training: dict[str, Any]) -> Settings | None:
    """None for a method that this version does not have."""
    if not isinstance(training["method"], str):
        raise TypeError("the method has no name")
    if training["method"] not in METHODS:
        return None
    lambdas = None
    if training["learned"] is None:
        lambdas = number(training["lambda_user"], 0.0), number(training["lambda_item"], 0.0)
    _checked(training["options"])
    return Settings(
        make_method(training["method"], training["options"]),
        Regularisation(PenaltyScale(training["penalty"]), lambdas),
        whole(training["max_epochs"]),
        None if training["tol"] is None else number(training["tol"], 0.0),
        training.get("noise", "one"),  # likewise
    )


def _rebuilt_leave_one_out(found: dict[str, Any] | None) -> LeaveOneOut | None:
    # Older versions did not save the mean's own, without which nothing can be said beside it.
    if found is None or "mean_rmse" not in found:
        return None
    if found["by"] not in get_args(EntriesBy):
        raise ValueError("leave-one-out by unknown means")
    numbers = {name: value for name, value in found.items() if name != "by"}
    return LeaveOneOut(**_checked(numbers), by=found["by"])


def _described_learned(learned: Learned) -> dict[str, Any]:
    return {
        "components": asdict(learned.components),
        "stderr": asdict(learned.stderr),
        # Kept beside the components, because a λ computed again may differ in its last bit.
        "penalty": [_or_none(x) for x in (learned.penalty.user, learned.penalty.item)],
        "by": learned.by,
        "check": asdict(learned.check),
        "alpha_stderr": learned.alpha_stderr,
        "n_parameters": learned.n_parameters,
        "log_likelihood": learned.log_likelihood,
        "noise": learned.noise and [_or_none(learned.noise.freedom), learned.noise.variance],
    }


def _rebuilt_learned(learned: dict[str, Any]) -> Learned:
    user, item = (math.inf if x is None else number(x, 0.0) for x in learned["penalty"])
    return Learned(
        VarianceComponents(**_checked(learned["components"])),
        StandardErrors(**_checked(learned["stderr"])),
        Penalty(user, item),
        learned["by"],
        Check(**_checked(learned["check"])),
        number(learned["alpha_stderr"], 0.0),
        None if (n := learned.get("n_parameters")) is None else number(n, 0.0),  # older versions
        learned["log_likelihood"],
        noise=_rebuilt_noise(learned.get("noise")),  # older versions saved none
    )


def _rebuilt_noise(noise: list[Any] | None) -> NoisePrior | None:
    if noise is None:
        return None
    freedom, variance = noise
    return NoisePrior(math.inf if freedom is None else number(freedom, 0.0), number(variance, 0.0))


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The same values, of which each is a number, true, false or missing.

    Raises:
        TypeError, ValueError: one is something else.
    """
    for value in values.values():
        if value is not None and not isinstance(value, bool):
            number(value)
    return values


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
