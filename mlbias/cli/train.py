"""mlbias train: fits the model, draws each epoch as it ends, saves the result."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from mlbias.cli import options as opt
from mlbias.cli.holdout import given_holdout, given_training, needs_time, plan_holdout
from mlbias.cli.output import Output
from mlbias.cli.plan import Inputs, make_plan
from mlbias.cli.reading import finish, read
from mlbias.core.methods import DEFAULT_METHOD, METHODS, load_method, make_method


class TrainCommand(opt.Command):
    """Fills the methods' own defaults into the help, which alone has to load them."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help with the placeholders replaced."""
        methods = {name: load_method(name) for name in METHODS}
        rates = {
            name: make_method(name).learning_rate  # type: ignore[attr-defined]
            for name, method in methods.items()
            if "learning_rate" in method.__dataclass_fields__  # type: ignore[attr-defined]
        }
        known = {
            "{epochs}": _each({name: method.default_epochs for name, method in methods.items()}),
            "{lr}": _each({name: f"{rate:g}" for name, rate in rates.items()}),
            "{lambda}": _each(
                {
                    name: "auto" if method.default_lambda is None else method.default_lambda
                    for name, method in methods.items()
                }
            ),
            "{penalty}": _each({name: method.default_penalty for name, method in methods.items()}),
        }
        for param in self.params:
            help_: str | None = getattr(param, "help", None)
            for placeholder, text in known.items():
                help_ = help_ and help_.replace(placeholder, text)
            setattr(param, "help", help_)  # noqa: B010 - only options have the attribute
        super().format_help(ctx, formatter)


def _each(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def train(
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
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="|".join(METHODS),
            autocompletion=lambda: list(METHODS),
            rich_help_panel=opt.MODEL,
            help="How to minimise the cost.",
        ),
    ] = DEFAULT_METHOD,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=0,
            metavar="N",
            rich_help_panel=opt.MODEL,
            help="The most updates to make; 0 gives the baseline. [default: {epochs}]",
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            "--lr",
            metavar="X",
            rich_help_panel=opt.MODEL,
            help="Learning rate, for methods that have one. [default: {lr}]",
        ),
    ] = None,
    lambda_: Annotated[
        str | None,
        typer.Option(
            "--lambda",
            metavar="X|auto",
            rich_help_panel=opt.MODEL,
            help="Regularisation of both biases. It means different things: on the mean scale it "
            "stands before the mean of the squared biases, beside the mean squared error; on the "
            "sum scale before their sum, so that it is added to the counts. auto learns both from "
            "the ratings, by restricted maximum likelihood. [default: {lambda}]",
        ),
    ] = None,
    lambda_user: Annotated[
        float | None,
        typer.Option(
            "--lambda-user",
            metavar="X",
            rich_help_panel=opt.MODEL,
            help="Of the users alone. [default: as --lambda]",
        ),
    ] = None,
    lambda_item: Annotated[
        float | None,
        typer.Option(
            "--lambda-item",
            metavar="X",
            rich_help_panel=opt.MODEL,
            help="Of the items alone. [default: as --lambda]",
        ),
    ] = None,
    penalty: Annotated[
        str | None,
        typer.Option(
            "--penalty",
            metavar="mean|sum",
            rich_help_panel=opt.MODEL,
            help="The scale of every lambda; with it all methods minimise one and the same cost. "
            "[default: {penalty}]",
        ),
    ] = None,
    tol: Annotated[
        float | None,
        typer.Option(
            "--tol",
            metavar="X",
            rich_help_panel=opt.MODEL,
            help="Stop once an epoch changes the cost by no more than this share of it (adam: "
            "five epochs in a row). Of exact it is the relative residual. [default: exact 1e-10]",
        ),
    ] = None,
    split: opt.Split = None,
    test_size: opt.TestSize = None,
    test_from: opt.TestFrom = None,
    pick: opt.Pick = None,
    seed: opt.Seed = None,
    train_file: opt.TrainFile = None,
    test_file: opt.TestFile = None,
    model: opt.ModelPath = opt.DEFAULT_MODEL,
    every: Annotated[
        int,
        typer.Option(
            "--every",
            min=1,
            metavar="K",
            rich_help_panel=opt.OUTPUT,
            help="A row for every K-th epoch only; the first and the last always. JSON has all.",
        ),
    ] = 1,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,  # noqa: ARG001 - main() looks for it
) -> None:
    """Train the model, a row as each epoch ends, and save it.

    Example: mlbias train --method closed-form --data sample
    """
    options = opt.read_options(user_col, item_col, rating_col, separator, ids, skip_bad_rows)
    holdout = plan_holdout(split, test_size, test_from, pick, seed)
    data = given_training(data, train_file, test_file, holdout)
    plan = make_plan(
        method, epochs, lr, penalty, (lambda_, lambda_user, lambda_item), tol, every, holdout,
        model,
    )  # fmt: skip

    from mlbias.datasets.sources import find_source

    output = Output(quiet=quiet, as_json=as_json)
    source = find_source(data, data_dir)
    test_source = None if test_file is None else find_source(test_file, data_dir)
    if data is None:
        output.notice(f"no --data: taking {source.label}")
    dataset, seconds = read(
        output, source, options, threads, cache=not no_cache, timestamps=needs_time(holdout),
        meanwhile="mlbias.cli.session",
    )  # fmt: skip
    held_out = None
    if test_source is not None:
        test_set, more = read(output, test_source, options, threads, cache=not no_cache)
        held_out, seconds = test_set.ratings, seconds + more
        finish(output, test_set)
        plan = replace(plan, holdout=given_holdout(test_source))

    from mlbias.cli.session import run

    run(output, plan, Inputs(source, options, dataset, seconds, threads, held_out))
