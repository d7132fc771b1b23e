"""A saved model on one screen, and the same as JSON."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlbias.cli.show.console import Output
from mlbias.cli.show.learned import document_learned, report_learned
from mlbias.cli.show.scores import report_leave_one_out
from mlbias.cli.show.text import counted
from mlbias.core.methods.protocol import options_of
from mlbias.fitting.record import Fit
from mlbias.saved_model.file import SavedModel
from mlbias.saved_model.record import TrainingData

_LABEL_WIDTH = 10


def report(output: Output, saved: SavedModel, path: Path) -> None:
    """What the model is, a line for each thing that is known."""
    fit, data = saved.fit, saved.data
    method, options, lambdas = _fitted(fit)
    users, items = len(fit.user_ids), len(fit.item_ids)
    by = "" if saved.written_by is None else f" · written by mlbias {saved.written_by}"
    output.line(f"{path} · {counted(users, 'user')} · {counted(items, 'item')}{by}")
    rows = {
        "method": ", ".join([method, *options]),
        "lambda": lambdas,
        "data": "not known, as it was saved from Python" if data is None else _data(data),
        "hold-out": "" if data is None else "none" if data.holdout is None else data.holdout.told,
        "alpha": f"{fit.alpha:.6f}" + _alpha_error(fit),
    }
    for label, text in rows.items():
        if text:
            output.line(f"{label:>{_LABEL_WIDTH}}  {text}")
    if fit.history:
        first, last = fit.history[0], fit.history[-1]
        epochs = counted(last.epoch, "epoch")
        text = f"RMSE {first.rmse:.6f} → {last.rmse:.6f} after {epochs}"
        output.line(f"{'training':>{_LABEL_WIDTH}}  {text}")
        if fit.leave_one_out is not None:
            output.line()
            report_leave_one_out(output, fit.leave_one_out)
    if fit.learned is not None:
        output.line()
        report_learned(output, fit.learned)
    if fit.certificate is not None:
        output.line(f"optimum: the cost is at most {fit.certificate.gap:.1e} above its minimum")


def document(saved: SavedModel, path: Path) -> dict[str, Any]:
    """The same under the names that it has in JSON."""
    fit, data, settings = saved.fit, saved.data, saved.fit.settings
    user, item = fit.lambdas
    trained_on = fit.trained_on
    return {
        "model": str(path),
        "written_by": saved.written_by,
        "method": None if settings is None else settings.method.name,
        "options": None if settings is None else options_of(settings.method),
        "noise": None if settings is None else settings.noise,
        "penalty": None if settings is None else settings.regularisation.scale,
        "lambda_user": user,
        "lambda_item": item,
        "alpha": fit.alpha,
        "mean": fit.mean,
        "n_users": len(fit.user_ids),
        "n_items": len(fit.item_ids),
        "scale": None if trained_on is None else [trained_on.low, trained_on.high],
        "data": None if data is None else data.source.label,
        "n_ratings": None if data is None else data.n_ratings,
        "fingerprint": None if data is None else data.fingerprint,
        "holdout": None if data is None or data.holdout is None else data.holdout.document(),
        "epochs": fit.history[-1].epoch if fit.history else None,
        "rmse": fit.history[-1].rmse if fit.history else None,
        "leave_one_out": None if fit.leave_one_out is None else asdict(fit.leave_one_out),
        "certificate": None if fit.certificate is None else asdict(fit.certificate),
        "variance_components": None if fit.learned is None else document_learned(fit.learned),
    }


def _fitted(fit: Fit) -> tuple[str, list[str], str]:
    """The method, its options, and the λ's that were given."""
    if fit.settings is None:
        return "not known: the file is of an older version", [], ""
    settings = fit.settings
    options = [f"{name} {value:g}" for name, value in options_of(settings.method).items() if value]
    if settings.noise != "one":
        options.append(f"noise {settings.noise}")
    if settings.regularisation.lambdas is None:
        return settings.method.name, options, "learned (REML)"
    user, item = settings.regularisation.lambdas
    scale = f", on the scale of the {settings.regularisation.scale}"
    return settings.method.name, options, f"users {user:g}, items {item:g}{scale}"


def _data(data: TrainingData) -> str:
    return f"{data.source.label}, {counted(data.n_ratings, 'rating')}"


def _alpha_error(fit: Fit) -> str:
    known = fit.uncertainty
    return "" if known is None or known.alpha_stderr is None else f" ± {known.alpha_stderr:.6f}"
