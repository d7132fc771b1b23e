"""The three methods as the lecture page sets them: each with its own λ scale, step and epochs."""

from collections.abc import Sequence
from typing import Any

from mlbias.cli.reading import Sides
from mlbias.cli.show.console import Output
from mlbias.cli.show.curves import learning_curve
from mlbias.cli.show.source import document_skipped
from mlbias.cli.show.tables import Column, Table
from mlbias.cli.show.text import counted, data_line
from mlbias.core.methods import make_method
from mlbias.core.methods.protocol import options_of
from mlbias.evaluation.predicted import scorer
from mlbias.fitting.pipeline import Fitting
from mlbias.fitting.record import Fit, Settings
from mlbias.fitting.task import Task

_METHODS = ("gd", "adam", "closed-form")
_CURVE_WIDTH = 24


def draw_lecture(output: Output, sides: Sides) -> list[Fit]:
    """Fit each method, and a row for each in the end.

    Raises:
        DivergenceError: a method moved away from the optimum.
    """
    training, held_out = sides.training, sides.held_out
    ids = training.user_ids, training.item_ids
    output.line(data_line(sides.source.label, training.n_ratings, *map(len, ids)))
    if held_out is not None:
        output.line(f"{counted(len(held_out), 'rating')} held out")
    output.line("as the lecture sets them: each method minimises a cost of its own")
    output.line()
    score = None if held_out is None else scorer(held_out, *ids)
    fits = []
    for name in _METHODS:
        settings = Settings.of(make_method(name))
        task = Task.of(training.incidence, *ids, settings.regularisation)
        fits.append(Fitting(task, settings, score).run())
    _report(output, fits, with_holdout=held_out is not None)
    return fits


def lecture_document(sides: Sides, fits: Sequence[Fit]) -> dict[str, Any]:
    """The same under the names that it has in JSON."""
    return {
        "data": sides.source.label,
        "as_lecture": True,
        "holdout": None if sides.holdout is None else sides.holdout_document(),
        **document_skipped(sides.whole.understood),
        "n_ratings": sides.training.n_ratings,
        "n_held_out": 0 if sides.held_out is None else len(sides.held_out),
        "methods": [_document_fit(found) for found in fits],
    }


def _report(output: Output, fits: Sequence[Fit], *, with_holdout: bool) -> None:
    widths = {"method": 11, "λ scale": 7, "λ": 6, "lr": 4, "epochs": 6, "RMSE": 9}
    columns = [Column(header, width) for header, width in widths.items()]
    with Table(output, [*columns, Column("hold-out", 9, is_shown=with_holdout)]) as table:
        for found in fits:
            row = _document_fit(found)
            rate, held_out = row["lr"], row["holdout_rmse"]
            table.row(
                [
                    row["name"],
                    row["penalty"],
                    f"{row['lambda_user']:g}",
                    "" if rate is None else f"{rate:g}",
                    f"{row['epochs']}",
                    f"{row['rmse']:.6f}",
                    "" if held_out is None else f"{held_out:.6f}",
                ]
            )
    if output.unicode:
        output.line()
        output.line("training RMSE by epoch")
        for found in fits:
            row = _document_fit(found)
            output.line(f" {row['name']:>11}  {learning_curve(row['history'], _CURVE_WIDTH)}")


def _document_fit(found: Fit) -> dict[str, Any]:
    assert found.settings is not None
    method, last = found.settings.method, found.history[-1]
    user, item = found.settings.regularisation.lambdas or (None, None)
    return {
        "name": method.name,
        "penalty": found.settings.regularisation.scale,
        "lambda_user": user,
        "lambda_item": item,
        "lr": options_of(method).get("lr"),
        "epochs": last.epoch,
        "rmse": last.rmse,
        "holdout_rmse": last.holdout_rmse,
        "holdout_mae": last.holdout_mae,
        "history": [stats.rmse for stats in found.history],
    }
