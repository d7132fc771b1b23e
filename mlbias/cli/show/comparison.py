"""Methods side by side: a table, the curves of their cost, and JSON."""

from collections.abc import Sequence
from typing import Any

from mlbias.cli.reading import Sides
from mlbias.cli.show.console import Output
from mlbias.cli.show.curves import chart
from mlbias.cli.show.scores import document_standing, standing, warn_of_few_users
from mlbias.cli.show.source import document_skipped
from mlbias.cli.show.streams import GOOD
from mlbias.cli.show.tables import Column, Table
from mlbias.cli.show.text import counted, data_line, duration
from mlbias.evaluation.compare import Comparison, Result

_CHART_WIDTH = 78


def report_sides(output: Output, sides: Sides) -> None:
    """What is trained on and what is held out."""
    assert sides.held_out is not None
    training = sides.training
    users, items = len(training.user_ids), len(training.item_ids)
    output.line(data_line(sides.source.label, training.n_ratings, users, items))
    output.line(f"{counted(len(sides.held_out), 'rating')} held out")


def draw_comparison(output: Output, comparison: Comparison, names: Sequence[str]) -> list[Result]:
    """Fit and score each contestant; a row for each, in the end, and their curves."""
    user, item = ("infinite" if x is None else f"{x:.4g}" for x in comparison.lambdas)
    origin = "given" if comparison.task.learned is None else "learned beforehand"
    output.line(f"one objective: λ users {user}, items {item}, {origin}")
    output.line()
    results = []
    with output.progress("comparing", "methods") as bar:
        bar.update(0, len(names))
        for result in comparison.run(names):
            results.append(result)
            bar.update(len(results), len(names))
    _report(output, results, best_of(results))
    return results


def best_of(results: Sequence[Result]) -> Result:
    """The one with the smallest error on the hold-out; the first if all diverged."""
    return min(
        (result for result in results if not result.diverged),
        key=lambda result: result.held_out.rmse,
        default=results[0],
    )


def document(comparison: Comparison, sides: Sides, results: Sequence[Result]) -> dict[str, Any]:
    """All of it under the names that it has in JSON."""
    assert sides.held_out is not None
    best, (user, item) = best_of(results), comparison.lambdas
    return {
        "data": sides.source.label,
        "holdout": sides.holdout_document(),
        **document_skipped(sides.whole.understood),
        "n_ratings": sides.training.n_ratings,
        "n_held_out": len(sides.held_out),
        "lambda_user": user,
        "lambda_item": item,
        "effective_users": best.held_out.effective_users,
        "auto": comparison.task.learned is not None,
        "methods": [_document_result(result, best) for result in results],
    }


def _report(output: Output, results: Sequence[Result], best: Result) -> None:
    curves = {result.name: result.gaps for result in results if len(result.gaps) > 1}
    columns = [
        Column("method", max(11, *(len(result.name) for result in results))),
        Column("epochs", 10, above="within 1e-6", rank=1),
        Column("time", 7, above="within 1e-6", rank=3),
        Column("RMSE", 8, above="training", rank=2),
        Column("RMSE", 8, above="hold-out"),
        Column("±", 6, above="hold-out", rank=4),
        Column("above the best", 20),
    ]
    with Table(output, columns) as table:
        for result in results:
            table.row(_cells(output, result, best), GOOD if result is best else "")
    output.line()
    output.line("= is within one standard error of the best")
    warn_of_few_users(output, best.held_out.effective_users)
    for result in results:
        if result.diverged:
            output.line(result.diverged)
    if curves:
        output.line()
        output.line("relative excess cost by epoch")
        for line in chart(curves, min(output.width, _CHART_WIDTH)):
            output.line(line)
        output.line(" ".join([" " * 7, *(f"{name[0]} {name}  " for name in curves)]).rstrip())


def _cells(output: Output, result: Result, best: Result) -> list[str]:
    if result.diverged:
        return [result.name, "diverged", *[""] * 5]
    score, near = result.held_out.score(), result.near
    missed = f"not in {result.history[-1].epoch}" if result.history else ""
    return [
        result.name,
        missed if near is None else f"{near.epoch}",
        "" if near is None else duration(near.seconds),
        f"{result.training.rmse:.6f}",
        f"{score.rmse:.6f}",
        "" if score.rmse_stderr is None else f"{score.rmse_stderr:.4f}",
        "best" if result is best else standing(output, result.held_out.above(best.held_out)),
    ]


def _document_result(result: Result, best: Result) -> dict[str, Any]:
    if result.diverged:
        return {"name": result.name, "diverged": result.diverged}
    score, near = result.held_out.score(), result.near
    above = result.held_out.above(best.held_out)
    return {
        "name": result.name,
        "epochs_to_optimum": None if near is None else near.epoch,
        "seconds_to_optimum": None if near is None else near.seconds,
        "epochs": result.history[-1].epoch if result.history else None,
        "rmse": result.training.rmse,
        "holdout_rmse": score.rmse,
        "holdout_rmse_stderr": score.rmse_stderr,
        "holdout_mae": score.mae,
        "holdout_mae_stderr": score.mae_stderr,
        **document_standing(above, is_best=result is best),
        "diverged": None,
        "gaps": list(result.gaps),
    }
