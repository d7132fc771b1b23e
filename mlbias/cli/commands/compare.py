"""mlbias compare: methods side by side on one split and one objective."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlbias.cli import options as opt
from mlbias.cli.holdout import (
    document_holdout,
    given_holdout,
    given_training,
    needs_time,
    plan_holdout,
    split_as,
    warn_of_overlap,
)
from mlbias.cli.plan import lambdas_of
from mlbias.cli.reading import finish, read
from mlbias.cli.show.console import GOOD, Output, duration
from mlbias.cli.show.curves import chart
from mlbias.cli.show.tables import Table, counted, data_line
from mlbias.core.methods import make_method
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlbias.evaluation.compare import Comparison, Result

_DEFAULT_SIZE = 0.1
_CHART_WIDTH = 78


def compare(
    data: opt.Data = None,
    data_dir: opt.DataDir = opt.DEFAULT_DATA_DIR,
    user_col: opt.UserCol = None,
    item_col: opt.ItemCol = None,
    rating_col: opt.RatingCol = None,
    separator: opt.Separator = None,
    ids: opt.Ids = "auto",
    skip_bad_rows: opt.SkipBadRows = False,
    no_cache: opt.NoCache = False,
    threads: opt.Threads = None,
    split: opt.Split = None,
    test_size: opt.TestSize = None,
    test_from: opt.TestFrom = None,
    pick: opt.Pick = None,
    seed: opt.Seed = None,
    train_file: opt.TrainFile = None,
    test_file: opt.TestFile = None,
    methods: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="NAME,NAME,…",
            rich_help_panel=opt.MODEL,
            help="Which, in this order. [default: mean, user-means, item-means, gd, adam, "
            "closed-form, exact]",
        ),
    ] = None,
    epochs: Annotated[
        int,
        typer.Option(
            "--epochs",
            min=1,
            metavar="N",
            rich_help_panel=opt.MODEL,
            help="The most updates of gd, adam and closed-form.",
        ),
    ] = 100,
    lambda_: Annotated[
        str | None,
        typer.Option(
            "--lambda",
            metavar="X|auto",
            rich_help_panel=opt.MODEL,
            help="Regularisation of both biases, on the scale of sums; auto learns both. "
            "[default: auto]",
        ),
    ] = None,
    lambda_user: Annotated[
        float | None,
        typer.Option(
            "--lambda-user", metavar="X", rich_help_panel=opt.MODEL, help="Of the users alone."
        ),
    ] = None,
    lambda_item: Annotated[
        float | None,
        typer.Option(
            "--lambda-item", metavar="X", rich_help_panel=opt.MODEL, help="Of the items alone."
        ),
    ] = None,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,  # noqa: ARG001 - main() looks for it
) -> None:
    """Train methods side by side on one split and one objective.

    Without a hold-out of another kind, a tenth of the ratings is held out at random.

    Example: mlbias compare --data sample
    """  # fmt: skip
    options = opt.read_options(user_col, item_col, rating_col, separator, ids, skip_bad_rows)
    if test_file is None and test_size is None and test_from is None:
        test_size = _DEFAULT_SIZE
    data = given_training(data, train_file, test_file, (split, test_size, test_from, pick, seed))
    holdout = plan_holdout(split, test_size, test_from, pick, seed)
    lambdas = lambdas_of(make_method("exact"), "sum", (lambda_, lambda_user, lambda_item))

    from mlbias.datasets.sources import find_source
    from mlbias.evaluation.compare import Comparison

    names = _names(methods)
    output = Output(quiet=quiet, as_json=as_json)
    source = find_source(data, data_dir)
    if data is None:
        output.notice(f"no --data: taking {source.label}")
    dataset, _ = read(
        output, source, options, threads, cache=not no_cache, timestamps=needs_time(holdout)
    )
    if holdout is None:
        assert test_file is not None
        test_source = find_source(test_file, data_dir)
        test_set, _ = read(output, test_source, options, threads, cache=not no_cache)
        training, held_out = dataset.ratings, test_set.ratings
        holdout = given_holdout(test_source, test_set)
        warn_of_overlap(output, training, held_out)
    else:
        training, held_out = split_as(holdout, dataset.ratings)
    n_users, n_items = len(training.user_ids), len(training.item_ids)
    output.line(data_line(source.label, len(training), n_users, n_items))
    output.line(f"{counted(len(held_out), 'rating')} held out")
    comparison = Comparison(training, held_out, lambdas, epochs, threads)
    output.line(_penalty_line(comparison))
    output.line()
    results = _run(output, comparison, names)
    best = min(
        (result for result in results if not result.diverged),
        key=lambda result: result.held_out.rmse,
        default=results[0],
    )
    _report(output, results, best)
    sizes = {"n_ratings": len(training), "n_held_out": len(held_out)}
    how = {"data": source.label, "holdout": document_holdout(holdout)}
    output.document(how | sizes | _document(comparison, results, best))
    finish(output, dataset)


def _run(output: Output, comparison: "Comparison", names: "Sequence[str]") -> "list[Result]":
    results = []
    with output.progress("comparing", "methods") as bar:
        for result in comparison.run(names):
            results.append(result)
            bar.update(len(results), len(names))
    return results


def _names(methods: str | None) -> tuple[str, ...]:
    from mlbias.evaluation.compare import CONTESTANTS

    if methods is None:
        return CONTESTANTS
    names = tuple(name.strip() for name in methods.split(","))
    for name in names:
        if name not in CONTESTANTS:
            known = ", ".join(CONTESTANTS)
            raise OptionError(f"--methods has no {name!r}.", f"There are {known}.")
    return tuple(dict.fromkeys(names))


def _lambda_pair(comparison: "Comparison") -> tuple[float | None, float | None]:
    """λ of the users and of the items; None where it is infinite."""
    if comparison.learned is None:
        return comparison.penalty.user, comparison.penalty.item
    return comparison.learned.components.lambda_user, comparison.learned.components.lambda_item


def _penalty_line(comparison: "Comparison") -> str:
    user, item = (
        "infinite" if value is None else f"{value:.4g}" for value in _lambda_pair(comparison)
    )
    origin = "given" if comparison.learned is None else "learned beforehand"
    return f"one objective: λ users {user}, items {item}, {origin}"


def _report(output: Output, results: "list[Result]", best: "Result") -> None:
    from mlbias.cli.show.scores import warn_of_few_users

    curves = {result.name: result.gaps for result in results if len(result.gaps) > 1}
    output.line(f"{'within 1e-6':>24}{'training':>17}{'hold-out':>9}")
    headers = ["method", "epochs", "time", "RMSE", "RMSE", "±", "above the best"]
    table = Table(output, headers, [11, 10, 7, 8, 8, 6, 20])
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
        output.line("how far the cost is above its minimum, as a share of it, by epoch")
        for line in chart(curves, min(output.width, _CHART_WIDTH)):
            output.line(line)
        output.line(" ".join([" " * 7, *(f"{name[0]} {name}  " for name in curves)]).rstrip())


def _cells(output: Output, result: "Result", best: "Result") -> list[str]:
    from mlbias.cli.show.scores import standing

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


def _document(comparison: "Comparison", results: "list[Result]", best: "Result") -> dict[str, Any]:
    user, item = _lambda_pair(comparison)
    return {
        "lambda_user": user,
        "lambda_item": item,
        "effective_users": best.held_out.effective_users,
        "auto": comparison.learned is not None,
        "methods": [_document_result(result, best) for result in results],
    }


def _document_result(result: "Result", best: "Result") -> dict[str, Any]:
    from mlbias.cli.show.scores import document_standing

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
