"""Where ratings are and how they are read: a new option of the reading room is one field here."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.options.spread import DATA
from mlbias.core.cores import usable_threads
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.datasets.options import ReadOptions

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


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """Where ratings are, and how they are read."""

    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="WHAT",
            rich_help_panel=DATA,
            help="sample, the name of a data set, a folder, a file (CSV, .dat, u.data, Parquet; "
            ".gz and .zip as they are, ARCHIVE.zip/MEMBER for one of many), or - for standard "
            "input. Without it: ml-25m, or else the only data set in the data folder.",
        ),
    ] = None
    data_dir: DataDir = DEFAULT_DATA_DIR
    user_col: Annotated[
        str | None,
        typer.Option(
            "--user-col",
            metavar="COLUMN",
            rich_help_panel=DATA,
            help="Column of the users: its name in the header, or its number from 1. Needed "
            "where the header has no usual name such as userId, user_id or user.",
        ),
    ] = None
    item_col: Annotated[
        str | None,
        typer.Option(
            "--item-col",
            metavar="COLUMN",
            rich_help_panel=DATA,
            help="Column of the items; usual names: movieId, item_id, item.",
        ),
    ] = None
    rating_col: Annotated[
        str | None,
        typer.Option(
            "--rating-col",
            metavar="COLUMN",
            rich_help_panel=DATA,
            help="Column of the ratings; usual names: rating, score, stars.",
        ),
    ] = None
    separator: Annotated[
        str | None,
        typer.Option(
            "--separator",
            metavar="TEXT",
            rich_help_panel=DATA,
            help="What stands between fields, if it is no comma, tab, '::' or space.",
        ),
    ] = None
    ids: Annotated[
        str,
        typer.Option(
            "--ids",
            metavar="auto|text",
            rich_help_panel=DATA,
            help="auto: an id column is of integers if its first 10,000 rows are, none with a "
            "leading zero; text further down is then a bad row. text: ids are text.",
        ),
    ] = "auto"
    skip_bad_rows: Annotated[
        bool,
        typer.Option(
            "--skip-bad-rows",
            rich_help_panel=DATA,
            help="Count rows that are no ratings and leave them out, instead of stopping.",
        ),
    ] = False
    no_cache: Annotated[
        bool,
        typer.Option(
            "--no-cache",
            rich_help_panel=DATA,
            help="Parse the file even if there is a prepared copy of it, and leave none; see "
            "`mlbias cache`.",
        ),
    ] = False
    threads: Annotated[
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
    ] = None

    def options(self) -> "ReadOptions":
        """How files are read, checked.

        Raises:
            OptionError: an option is out of range.
        """
        from mlbias.datasets.options import IdKind, ReadOptions

        if self.ids not in list(IdKind):
            raise OptionError(f"`ids` is auto or text, not {self.ids[:40]!r}.")
        return ReadOptions(
            user_col=self.user_col,
            item_col=self.item_col,
            rating_col=self.rating_col,
            separator=None if self.separator is None else self.separator.replace("\\t", "\t"),
            ids=IdKind(self.ids),
            skip_bad_rows=self.skip_bad_rows,
        )

    def check_only_with_data(self) -> None:
        """Check that options for reading come with --data, where a model knows its own data.

        Raises:
            OptionError: they do not.
        """
        options = self.options()
        if self.data is None and options != type(options)():
            raise OptionError(
                "options for reading go with --data; the model knows how to read its own data."
            )

    @property
    def n_threads(self) -> int | None:
        """The threads that were asked for, at most one for each core; None for the default."""
        return None if self.threads is None else usable_threads(self.threads)
