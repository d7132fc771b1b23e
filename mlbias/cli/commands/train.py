"""mlbias train: fits the model, draws each epoch as it ends, saves the result."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.command import MethodCommand, command_app
from mlbias.cli.options.engine import EngineOptions
from mlbias.cli.options.holdout import HoldoutOptions
from mlbias.cli.options.model import DEFAULT_MODEL, LambdaOptions, MethodOptions, ModelPath
from mlbias.cli.options.output import Force, OutputOptions
from mlbias.cli.options.plot import PlotOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.options.spread import OUTPUT, takes_groups
from mlbias.cli.signals import exit_code

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mlbias.fitting.record import Fit

Every = Annotated[
    int,
    typer.Option(
        "--every",
        min=1,
        metavar="K",
        rich_help_panel=OUTPUT,
        help="A row for every K-th epoch only; the first and the last always. JSON has all.",
    ),
]


NoSave = Annotated[
    bool,
    typer.Option("--no-save", rich_help_panel=OUTPUT, help="Do not save the model."),
]


@takes_groups
def train(
    reading: ReadingOptions,
    engine: EngineOptions,
    method: MethodOptions,
    lambdas: LambdaOptions,
    holdout: HoldoutOptions,
    speaking: OutputOptions,
    plotting: PlotOptions,
    model: ModelPath = DEFAULT_MODEL,
    every: Every = 1,
    no_save: NoSave = False,
    force: Force = False,
) -> None:
    """Train the model, a row as each epoch ends, and save it.

    Example: mlbias train --method closed-form --data sample
    """
    from mlbias.cli.reading import reader_of
    from mlbias.saved_model.file import SavedModel, check_replaceable, write_model

    output = speaking.console()
    plotting.check()
    reader = reader_of(output, reading, engine)
    settings, wanted = method.settings(lambdas), holdout.wanted()
    if not no_save:
        check_replaceable(model, force=force)
    sides = reader.read_sides(holdout, wanted, meanwhile="mlbias.cli.show.fit")

    from mlbias.cli.show import fit as show

    run = show.draw_fit(output, sides, settings, every)
    if not no_save:
        write_model(SavedModel(run.fit, sides.record()), model)
    evaluation = show.evaluated(run.fit, sides.held_out)
    output.document(
        show.document(run, sides, evaluation) | {"model": None if no_save else str(model)}
    )
    show.report(output, run, evaluation)
    if not no_save:
        output.notice(f"saved {model}")
    plotting.save(output, lambda: _curves(run.fit))
    reader.finish(sides.whole)
    if run.signal is not None:
        raise typer.Exit(exit_code(run.signal))
    if not no_save:
        output.hint(_next(model, is_held_out=sides.held_out is not None))


def _curves(fit: "Fit") -> "Figure":
    from mlbias.figures.curves import learning_curves  # here, since it loads what compares methods

    return learning_curves(fit)


def _next(model: Path, *, is_held_out: bool) -> str:
    """What to do with the model; its training ratings are no measure of it."""
    if not is_held_out:
        return "next: hold ratings out to score the model on, as with --test-size 0.1"
    named = "" if model == DEFAULT_MODEL else f" --model {model}"
    return f"next: mlbias evaluate{named}"


app = command_app(train, MethodCommand)
