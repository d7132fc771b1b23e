"""mlbias generate: long-tailed ratings with known biases, in a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.of_files import DEFAULT_DATA_DIR, DataDir
from mlbias.cli.options.output import Force, OutputOptions
from mlbias.cli.options.spread import OUTPUT, takes_groups
from mlbias.datasets.generated.shapes import PRESETS

RATINGS = "Ratings"


@dataclass(frozen=True, slots=True)
class GeneratorOptions:
    """What to generate, and where to write it."""

    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            metavar="NAME",
            autocompletion=lambda: list(PRESETS),
            rich_help_panel=RATINGS,
            help="The data set to imitate, in size and long tails: "
            f"{', '.join(PRESETS)}. sample gives what --data sample has.",
        ),
    ] = "sample"
    ratings: Annotated[
        int | None,
        typer.Option(
            "--ratings",
            metavar="N",
            rich_help_panel=RATINGS,
            help="Number of ratings, instead of the preset's. Users then grow in proportion, and "
            "items with the square root, unless they are given too.",
        ),
    ] = None
    users: Annotated[
        int | None,
        typer.Option(
            "--users",
            metavar="N",
            rich_help_panel=RATINGS,
            help="Number of users, instead of the preset's; each has at least one rating.",
        ),
    ] = None
    items: Annotated[
        int | None,
        typer.Option(
            "--items",
            metavar="N",
            rich_help_panel=RATINGS,
            help="Number of items, instead of the preset's; some of the rarest may draw no rating.",
        ),
    ] = None
    step: Annotated[
        float,
        typer.Option(
            "--step",
            metavar="X",
            rich_help_panel=RATINGS,
            help="Ratings go from X to 5 in steps of X: 0.5 for half stars, 1 for whole ones.",
        ),
    ] = 0.5
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            metavar="N",
            rich_help_panel=RATINGS,
            help="The same seed gives the same bytes.",
        ),
    ] = 0
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="The file to write; an earlier one is replaced. The true biases go beside it, to"
            " FILE.truth.npz. [default: ratings.csv or ratings.parquet in the folder "
            "generated-PRESET of --data-dir]",
        ),
    ] = None
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv|parquet",
            rich_help_panel=OUTPUT,
            help="[default: as FILE ends, otherwise csv]",
        ),
    ] = None
    data_dir: DataDir = DEFAULT_DATA_DIR
    force: Force = False


@takes_groups
def generate(wanted: GeneratorOptions, speaking: OutputOptions) -> None:
    """Generate ratings from known biases.

    They have the long tails of MovieLens; what they were drawn from is saved beside them.

    Example: mlbias generate --preset ml-1m
    """
    from mlbias.memory import check_room

    output = speaking.console()
    check_room(32 << 20)  # a block of ratings
    from mlbias.cli.show import generated as show
    from mlbias.datasets.generated.generate import generate

    with output.progress("generating", "ratings") as bar:
        made = generate(
            wanted.preset, wanted.out, ratings=wanted.ratings, users=wanted.users,
            items=wanted.items, step=wanted.step, seed=wanted.seed, format=wanted.format_,
            data_dir=wanted.data_dir, force=wanted.force, progress=bar.update,
        )  # fmt: skip
    output.document(show.document(wanted.preset, made))
    show.report(output, wanted.preset, made)


app = command_app(generate, Command)
