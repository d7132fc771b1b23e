"""mlbias crossval: settings side by side on the same folds."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.command import MethodCommand, command_app
from mlbias.cli.options.engine import EngineOptions
from mlbias.cli.options.model import MethodName, MethodOptions
from mlbias.cli.options.output import TableOutputOptions
from mlbias.cli.options.plot import PlotOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.options.spread import HOLDOUT, MODEL, takes_groups
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.cli.reading import Reader
    from mlbias.cli.show.console import Output
    from mlbias.cli.show.trials import FoldsRead


@dataclass(frozen=True, slots=True)
class FoldOptions:
    """How ratings are cut into folds, or where published ones are."""

    folds: Annotated[
        int | None,
        typer.Option(
            "--folds", min=2, metavar="K", rich_help_panel=HOLDOUT, help="How many. [default: 5]"
        ),
    ] = None
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="random|user|time",
            rich_help_panel=HOLDOUT,
            help="What a fold is: random ratings; a part of each user's ratings; or a span of "
            "time, predicted from what is older. [default: random]",
        ),
    ] = None
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats",
            min=1,
            metavar="R",
            rich_help_panel=HOLDOUT,
            help="Repeat with new folds this many times, each time with the next seed. [default: "
            "1]",
        ),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="N",
            rich_help_panel=HOLDOUT,
            help="Seed of the folds. [default: 0]",
        ),
    ] = None
    folds_from: Annotated[
        str | None,
        typer.Option(
            "--folds-from",
            metavar="PATTERN",
            rich_help_panel=HOLDOUT,
            help="Published folds instead of --data: their training files, such as "
            "'u[1-5].base'. Beside each is its test file, called test in place of base or train.",
        ),
    ] = None

    def check(self, data: str | None, *, is_on_spark: bool) -> None:
        """See that options go together.

        Raises:
            OptionError: published folds are given with --data, with how to cut others, or on Spark.
        """
        if is_on_spark and (self.folds_from is not None or self.split == "time"):
            option = "--folds-from" if self.folds_from is not None else "--split time"
            raise OptionError(f"{option} does not go with --engine spark.")
        cutting = (data, self.folds, self.split, self.repeats, self.seed)
        if self.folds_from is not None and any(option is not None for option in cutting):
            raise OptionError(
                "--folds-from has folds already; it goes without --data, --folds, --split, "
                "--repeats and --seed."
            )


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
            metavar="X,Y,…",
            rich_help_panel=MODEL,
            help="λ's of both sides to try; auto learns both on each fold, and is among those of "
            "exact in any case. [default: the method's own]",
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
    engine: EngineOptions,
    method: TriedMethodOptions,
    lambdas: TriedLambdaOptions,
    speaking: TableOutputOptions,
    plotting: PlotOptions,
    cutting: FoldOptions,
) -> None:
    """Cross-validate settings on the same folds, the best marked.

    Example: mlbias crossval --data sample --lambda-user 2,5 --lambda-item 2,5
    """
    from mlbias.cli.reading import reader_of
    from mlbias.cli.show import trials as show
    from mlbias.core.regularisation import parse_lambdas, parse_numbers
    from mlbias.evaluation.candidates import candidates, with_noise
    from mlbias.evaluation.crossval import CrossValidation
    from mlbias.figures.curves import lambda_curve
    from mlbias.fitting.record import Settings, noise_of

    output = speaking.console()
    plotting.check()
    cutting.check(reading.data, is_on_spark=engine.is_spark)
    reader = reader_of(output, reading, engine)
    chosen, tol = method.chosen()
    both = parse_lambdas(lambdas.lambda_)
    user = parse_numbers(lambdas.lambda_user, "lambda_user")
    item = parse_numbers(lambdas.lambda_item, "lambda_item")
    tried = candidates(chosen, method.penalty, both, user, item)
    settings = [Settings.of(chosen, each, method.epochs, tol) for each in tried]
    settings = with_noise(settings, noise_of(method.noise))
    read = _read_folds(output, reader, reading, cutting)
    validation = CrossValidation(read.folds, settings, reading.n_threads)
    show.report_task(output, read, validation)
    trials = show.draw_trials(output, validation)
    document = show.document(read, trials)
    output.document(document, document["settings"])
    plotting.save(output, lambda: lambda_curve(trials))
    for dataset in read.datasets:
        reader.finish(dataset)


def _read_folds(
    output: "Output", reader: "Reader", reading: ReadingOptions, cutting: FoldOptions
) -> "FoldsRead":
    """Folds that are cut from --data, or those that are published."""
    from mlbias.cli.reading import parts_of
    from mlbias.cli.show.text import counted
    from mlbias.cli.show.trials import FoldsRead
    from mlbias.datasets.fold_files import fold_files
    from mlbias.evaluation.folds import CutFolds, Folds, GivenFolds
    from mlbias.evaluation.folds_in_parts import FoldsInParts

    if cutting.folds_from is not None:
        names = fold_files(cutting.folds_from, reading.data_dir)
        pairs = [[reader.read(reader.source(name)) for name in pair] for pair in names]
        given = GivenFolds([(one.ratings, other.ratings) for one, other in pairs])
        told = f"the published folds {', '.join(Path(training).name for training, _ in names)}"
        if (twice := given.n_scored_twice()) > 0:
            output.notice(
                f"{counted(twice, 'rating')} are scored in several folds, as where a pattern takes "
                "two sets of folds; a narrower one such as 'u[1-5].base' takes one"
            )
        datasets = tuple(dataset for pair in pairs for dataset in pair)
        return FoldsRead(cutting.folds_from, given, datasets, told)
    source = reader.source(reading.data)
    dataset = reader.read(source, times=cutting.split == "time")
    split, repeats, seed = cutting.split or "random", cutting.repeats or 1, cutting.seed or 0
    how = cutting.folds or 5, seed, split, repeats
    cut: Folds
    if dataset.has_columns:
        cut = CutFolds.of(dataset.ratings, *how)
    else:
        cut = FoldsInParts(parts_of(dataset), *how)
    kind = {"random": "", "user": " of each user's ratings", "time": " in the order of time"}[split]
    again = f", {repeats} times" if repeats > 1 else ""
    # Of times the seed decides among equal ones alone.
    seeded = "" if split == "time" and cutting.seed is None else f", seed {seed}"
    told = f"the same {cutting.folds or 5} folds{kind}{again}{seeded}"
    return FoldsRead(source.label, cut, (dataset,), told, split, repeats, seed)


app = command_app(crossval, MethodCommand)
