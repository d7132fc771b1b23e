"""mlbias crossval: settings side by side on the same folds."""

from dataclasses import dataclass
from typing import Annotated

import typer

from mlbias.cli.command import MethodCommand, command_app
from mlbias.cli.options.model import MethodName, MethodOptions
from mlbias.cli.options.output import OutputOptions
from mlbias.cli.options.plot import PlotOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.options.spread import HOLDOUT, MODEL, takes_groups

Folds = Annotated[
    int,
    typer.Option("--folds", min=2, metavar="K", rich_help_panel=HOLDOUT, help="How many folds."),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", metavar="N", rich_help_panel=HOLDOUT, help="Another seed makes other folds."
    ),
]


@dataclass(frozen=True, slots=True)
class TriedMethodOptions(MethodOptions):
    """The same, but by default the method whose λ's are worth trying."""

    method: MethodName = "exact"


@dataclass(frozen=True, slots=True)
class TriedLambdaOptions:
    """Lists of λ's to try."""

    lambda_: Annotated[
        str | None,
        typer.Option(
            "--lambda",
            metavar="X,Y,…|auto",
            rich_help_panel=MODEL,
            help="λ's of both sides to try, or auto to learn them on each fold. "
            "[default: the method's own; auto of exact]",
        ),
    ] = None
    lambda_user: Annotated[
        str | None,
        typer.Option(
            "--lambda-user",
            metavar="X,Y,…",
            rich_help_panel=MODEL,
            help="Of the users, each tried with each of the items'; exact adds a row for auto.",
        ),
    ] = None
    lambda_item: Annotated[
        str | None,
        typer.Option("--lambda-item", metavar="X,Y,…", rich_help_panel=MODEL, help="Of the items."),
    ] = None


@takes_groups
def crossval(
    reading: ReadingOptions,
    method: TriedMethodOptions,
    lambdas: TriedLambdaOptions,
    speaking: OutputOptions,
    plotting: PlotOptions,
    folds: Folds = 5,
    seed: Seed = 0,
) -> None:
    """Cross-validate settings on the same folds, the best marked.

    Example: mlbias crossval --data sample --lambda-user 2,5 --lambda-item 2,5
    """
    from mlbias.cli.reading import Reader
    from mlbias.cli.show import trials as show
    from mlbias.cli.show.source import document_skipped
    from mlbias.core.regularisation import parse_lambdas, parse_numbers
    from mlbias.evaluation.crossval import CrossValidation, candidates
    from mlbias.figures.curves import lambda_curve
    from mlbias.fitting.record import Settings

    output = speaking.console()
    plotting.check()
    reader = Reader(output, reading)
    chosen, tol = method.chosen()
    both = parse_lambdas(lambdas.lambda_)
    user = parse_numbers(lambdas.lambda_user, "lambda_user")
    item = parse_numbers(lambdas.lambda_item, "lambda_item")
    tried = candidates(chosen, method.penalty, both, user, item)
    settings = [Settings.of(chosen, each, method.epochs, tol) for each in tried]
    source = reader.source(reading.data)
    dataset = reader.read(source)
    validation = CrossValidation(dataset.ratings, settings, folds, seed, reading.n_threads)
    show.report_task(output, source, validation)
    trials = show.draw_trials(output, validation)
    skipped = document_skipped(dataset.understood)
    output.document(show.document(source, validation, trials) | skipped)
    plotting.save(output, lambda: lambda_curve(trials))
    reader.finish(dataset)


app = command_app(crossval, MethodCommand)
