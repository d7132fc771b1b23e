"""Options that say how files are read, shared by commands for ratings and for pairs."""

from pathlib import Path
from typing import Annotated

import typer

from mlbias.cli.options.spread import DATA

DEFAULT_DATA_DIR = Path("data")

DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        metavar="FOLDER",
        envvar="MLBIAS_DATA_DIR",
        rich_help_panel=DATA,
        help="The folder of data sets.",
    ),
]

UserCol = Annotated[
    str | None,
    typer.Option(
        "--user-col",
        metavar="COLUMN",
        rich_help_panel=DATA,
        help="Column of the users: its name in the header, or its number from 1. Needed "
        "where the header has no usual name such as userId, user_id or user.",
    ),
]
ItemCol = Annotated[
    str | None,
    typer.Option(
        "--item-col",
        metavar="COLUMN",
        rich_help_panel=DATA,
        help="Column of the items; usual names: movieId, item_id, item.",
    ),
]
RatingCol = Annotated[
    str | None,
    typer.Option(
        "--rating-col",
        metavar="COLUMN",
        rich_help_panel=DATA,
        help="Column of the ratings; usual names: rating, score, stars.",
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(
        "--separator",
        metavar="TEXT",
        rich_help_panel=DATA,
        help="The separator between fields, if it is not detected.",
    ),
]
IdsKind = Annotated[
    str,
    typer.Option(
        "--ids",
        metavar="auto|text",
        rich_help_panel=DATA,
        help="auto: ids are integers if every id in the column is a plain integer without leading"
        " zeros, and text otherwise. text: ids are text.",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        rich_help_panel=DATA,
        help="Encoding of text, such as latin-1. [default: UTF-8, or as a byte order mark says]",
    ),
]
Decimal = Annotated[
    str,
    typer.Option(
        "--decimal",
        metavar=".|,",
        rich_help_panel=DATA,
        help="The decimal mark of ratings.",
    ),
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        rich_help_panel=DATA,
        help="Parse the file even if it has a prepared copy, and leave no copy; see `mlbias "
        "cache`.",
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        envvar="MLBIAS_MEMORY_LIMIT",
        rich_help_panel=DATA,
        help="Memory that reading may take, such as 4G, and at least 256M; ratings that need more "
        "are sorted on disk. It never changes a result. [default: half of what the machine or its "
        "container has]",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        metavar="N",
        envvar="MLBIAS_THREADS",
        rich_help_panel=DATA,
        help="Threads to work with, at most one for each core; they never change a result. "
        "[default: one for each core]",
    ),
]
