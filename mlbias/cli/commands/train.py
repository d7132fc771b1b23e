"""mlbias train: fits the model, draws each epoch as it ends, saves the result."""

from dataclasses import replace
from typing import Annotated

import typer

from mlbias.cli import method_options as method_opt
from mlbias.cli import options as opt
from mlbias.cli.holdout import (
    given_holdout,
    given_training,
    needs_time,
    plan_holdout,
    warn_of_overlap,
)
from mlbias.cli.plan import Inputs, make_plan
from mlbias.cli.reading import finish, read
from mlbias.cli.show.console import Output
from mlbias.core.methods import DEFAULT_METHOD


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
    method: method_opt.MethodName = DEFAULT_METHOD,
    epochs: method_opt.Epochs = None,
    lr: method_opt.LearningRate = None,
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
    penalty: method_opt.PenaltyName = None,
    tol: method_opt.Tolerance = None,
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
    data = given_training(data, train_file, test_file, (split, test_size, test_from, pick, seed))
    holdout = plan_holdout(split, test_size, test_from, pick, seed)
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
        warn_of_overlap(output, dataset.ratings, held_out)
        finish(output, test_set)
        plan = replace(plan, holdout=given_holdout(test_source, test_set))

    from mlbias.cli.session import run

    run(output, plan, Inputs(source, options, dataset, seconds, threads, held_out))
