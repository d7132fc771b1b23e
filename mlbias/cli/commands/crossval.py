"""mlbias crossval: settings side by side on the same folds."""

from dataclasses import asdict
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlbias.cli import method_options as method_opt
from mlbias.cli import options as opt
from mlbias.cli.plan import check_learnable
from mlbias.cli.reading import finish, read
from mlbias.cli.show.console import GOOD, Output
from mlbias.cli.show.tables import Table, counted, data_line
from mlbias.core.methods import make_method
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.core.methods.protocol import Method
    from mlbias.core.reml.learn import Lambdas
    from mlbias.evaluation.crossval import Trial
    from mlbias.fitting import Setting


def crossval(
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
    folds: Annotated[
        int,
        typer.Option(
            "--folds", min=2, metavar="K", rich_help_panel=opt.HOLDOUT, help="How many folds."
        ),
    ] = 5,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            metavar="N",
            rich_help_panel=opt.HOLDOUT,
            help="Another seed makes other folds.",
        ),
    ] = 0,
    method: method_opt.MethodName = "exact",
    epochs: method_opt.Epochs = None,
    lr: method_opt.LearningRate = None,
    lambda_: Annotated[
        str | None,
        typer.Option(
            "--lambda",
            metavar="X,Y,…|auto",
            rich_help_panel=opt.MODEL,
            help="λ's of both sides to try, or auto to learn them on each fold. "
            "[default: the method's own; auto of exact]",
        ),
    ] = None,
    lambda_user: Annotated[
        str | None,
        typer.Option(
            "--lambda-user",
            metavar="X,Y,…",
            rich_help_panel=opt.MODEL,
            help="Of the users, each tried with each of the items'; exact adds a row for auto.",
        ),
    ] = None,
    lambda_item: Annotated[
        str | None,
        typer.Option(
            "--lambda-item", metavar="X,Y,…", rich_help_panel=opt.MODEL, help="Of the items."
        ),
    ] = None,
    penalty: method_opt.PenaltyName = None,
    tol: method_opt.Tolerance = None,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,  # noqa: ARG001 - main() looks for it
) -> None:
    """Cross-validate: each λ on the same folds, the best marked, and those as good as it.

    Example: mlbias crossval --data sample --lambda-user 2,5 --lambda-item 2,5
    """
    options = opt.read_options(user_col, item_col, rating_col, separator, ids, skip_bad_rows)
    chosen = make_method(method, lr)
    settings = _settings(chosen, penalty, (lambda_, lambda_user, lambda_item), epochs, tol)

    from mlbias.datasets.sources import find_source
    from mlbias.evaluation.crossval import CrossValidation

    output = Output(quiet=quiet, as_json=as_json)
    source = find_source(data, data_dir)
    if data is None:
        output.notice(f"no --data: taking {source.label}")
    dataset, _ = read(output, source, options, threads, cache=not no_cache)
    ratings = dataset.ratings
    tried = f"{counted(len(settings), 'setting')} on the same {folds} folds, seed {seed}"
    output.line(data_line(source.label, len(ratings), len(ratings.user_ids), len(ratings.item_ids)))
    output.line(f"{chosen.name}, λ on the {settings[0].scale} scale: {tried}")
    output.line()
    run = CrossValidation(ratings, settings, folds, seed, threads)
    with output.progress("cross-validating", "fits") as bar:
        for done in run.run():
            bar.update(done, folds * len(settings))
    trials = run.trials()
    for number, reason in run.failed.items():
        output.notice(f"left out {_name(settings[number])}: {reason}")
    best = min(trials, key=lambda trial: trial.errors.rmse)
    _report(output, trials, best)
    output.document(
        {
            "data": source.label,
            "n_ratings": len(ratings),
            "folds": folds,
            "seed": seed,
            "effective_users": best.errors.effective_users,
            "settings": [_document(trial, best) for trial in trials],
        }
    )
    finish(output, dataset)


def _settings(
    method: "Method",
    penalty: str | None,
    given: tuple[str | None, str | None, str | None],
    epochs: int | None,
    tolerance: float | None,
) -> "list[Setting]":
    """The settings to try, in the given order.

    Raises:
        OptionError: a λ is no number from 0 on, or options do not go together.
    """
    from mlbias.fitting import Setting

    scale = penalty or method.default_penalty
    if penalty not in (None, "mean", "sum"):
        raise OptionError(f"--penalty is mean or sum, not {penalty!r}.")
    if tolerance is not None and not 0 <= tolerance < float("inf"):
        raise OptionError(f"--tol must be a number from 0 on, not {tolerance:g}.")
    return [
        Setting(method, scale, lambdas, epochs, tolerance)
        for lambdas in _all_lambdas(method, scale, *given)
    ]


def _all_lambdas(
    method: "Method", scale: str, both: str | None, user: str | None, item: str | None
) -> "list[Lambdas]":
    learns = method.default_lambda is None
    if both is not None and (user is not None or item is not None):
        raise OptionError("--lambda is of both sides; it goes without those of one.")
    if both == "auto" or (learns and both is user is item is None):
        check_learnable(both, method, scale)
        return [None]
    pairs: list[Lambdas]
    if both is not None:
        pairs = [(number, number) for number in _numbers("lambda", both)]
    else:
        if learns and (user is None or item is None):
            raise OptionError(f"{method.name} takes --lambda-user with --lambda-item.")
        own = f"{method.default_lambda}"
        pairs = list(
            product(_numbers("lambda-user", user or own), _numbers("lambda-item", item or own))
        )
    return [*pairs, None] if learns and scale == "sum" else pairs


def _numbers(name: str, text: str) -> list[float]:
    """The numbers of a list with commas."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        alone = "; --lambda auto stands alone" if "auto" in text else ""
        raise OptionError(
            f"--{name} is numbers with commas, as 1,2,5, not {text!r}{alone}."
        ) from None
    for number in numbers:
        if not 0 <= number < float("inf"):
            raise OptionError(f"--{name} must be numbers from 0 on, not {number:g}.")
    return numbers


def _report(output: Output, trials: "list[Trial]", best: "Trial") -> None:
    from mlbias.cli.show.scores import standing, warn_of_few_users

    headers = ["λ users", "λ items", "RMSE", "± sd", "MAE", "± sd", "above the best"]
    table = Table(output, headers, [10, 10, 8, 6, 8, 6, 20])
    for trial in trials:
        cells = [
            *_lambda_cells(trial),
            f"{trial.rmse.mean:.6f}",
            f"{trial.rmse.sd:.4f}",
            f"{trial.mae.mean:.6f}",
            f"{trial.mae.sd:.4f}",
            "best" if trial is best else standing(output, trial.above(best)),
        ]
        table.row(cells, GOOD if trial is best else "")
    output.line()
    output.line("means and standard deviations over folds; = is within one standard error")
    warn_of_few_users(output, best.errors.effective_users)


def _name(setting: "Setting") -> str:
    if setting.lambdas is None:
        return "auto"
    return "λ " + " and ".join(f"{value:g}" for value in setting.lambdas)


def _lambda_cells(trial: "Trial") -> list[str]:
    if trial.setting.lambdas is not None:
        return [f"{value:g}" for value in trial.setting.lambdas]
    sides = [
        [fold.lambda_user for fold in trial.folds],
        [fold.lambda_item for fold in trial.folds],
    ]
    return [f"auto {_mean(side)}" for side in sides]


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if len(known) == len(values) else "infinite"


def _document(trial: "Trial", best: "Trial") -> dict[str, Any]:
    from mlbias.cli.show.scores import document_standing

    user, item = trial.setting.lambdas or (None, None)
    return {
        "method": trial.setting.method.name,
        "penalty": str(trial.setting.scale),
        "auto": trial.setting.lambdas is None,
        "lambda_user": user,
        "lambda_item": item,
        "folds": [asdict(fold) for fold in trial.folds],
        "rmse": asdict(trial.rmse),
        "mae": asdict(trial.mae),
        "pooled": asdict(trial.errors.score()),
        **document_standing(trial.above(best), is_best=trial is best),
    }
