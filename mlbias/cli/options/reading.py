"""Where ratings are and how they are read: a new option of the reading room is one field here."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.options.of_files import (
    DEFAULT_DATA_DIR,
    DataDir,
    Decimal,
    Encoding,
    IdsKind,
    ItemCol,
    MemoryLimit,
    NoCache,
    RatingCol,
    Separator,
    Threads,
    UserCol,
)
from mlbias.cli.options.spread import DATA
from mlbias.core.cores import usable_threads
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.datasets.options import ReadOptions


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """Where ratings are, and how they are read."""

    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="WHAT",
            rich_help_panel=DATA,
            help="sample, the name of a data set, a file (CSV and other text, JSON lines, "
            "Parquet, Arrow; compressed ones as they are, ARCHIVE.zip/MEMBER for one of many), a "
            "folder of parts, a pattern in quotes such as 'parts/*.csv', or - for standard "
            "input. [default: ml-25m, or else the only data set in the data folder]",
        ),
    ] = None
    data_dir: DataDir = DEFAULT_DATA_DIR
    user_col: UserCol = None
    item_col: ItemCol = None
    rating_col: RatingCol = None
    time_col: Annotated[
        str | None,
        typer.Option(
            "--time-col",
            metavar="COLUMN",
            rich_help_panel=DATA,
            help="Column of the times; usual names: timestamp, date, created_at.",
        ),
    ] = None
    separator: Separator = None
    ids: IdsKind = "auto"
    skip_bad_rows: Annotated[
        bool,
        typer.Option(
            "--skip-bad-rows",
            rich_help_panel=DATA,
            help="Leave out rows that are not ratings, and count them, instead of stopping at the"
            " first.",
        ),
    ] = False
    max_bad_share: Annotated[
        float,
        typer.Option(
            "--max-bad-share",
            metavar="SHARE",
            rich_help_panel=DATA,
            help="The largest share of rows that --skip-bad-rows may leave out, in files of ten "
            "rows or more.",
        ),
    ] = 0.1
    decimal: Decimal = "."
    encoding: Encoding = None
    not_rated: Annotated[
        str | None,
        typer.Option(
            "--not-rated",
            metavar="X",
            rich_help_panel=DATA,
            help='A number that means "not rated", such as -1, 0 or 99, or several separated by '
            "commas. Such rows are left out and counted.",
        ),
    ] = None
    duplicates: Annotated[
        str,
        typer.Option(
            "--duplicates",
            metavar="keep|first|last|mean|error",
            rich_help_panel=DATA,
            help="What to do with several ratings of one item by one user. first and last go by "
            "time if every rating has one, and by row otherwise.",
        ),
    ] = "keep"
    time_unit: Annotated[
        str | None,
        typer.Option(
            "--time-unit",
            metavar="s|ms|us|ns",
            rich_help_panel=DATA,
            help="Unit of times that are numbers. [default: detected from their size]",
        ),
    ] = None
    no_cache: NoCache = False
    memory_limit: MemoryLimit = None
    threads: Threads = None

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
            time_col=self.time_col,
            decimal=self.decimal,
            encoding=self.encoding,
            time_unit=self.time_unit,
            not_rated=self.not_rated,
            duplicates=self.duplicates,
            max_bad_share=self.max_bad_share,
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
    def limit(self) -> int:
        """The memory that reading may take, in bytes.

        Raises:
            OptionError: what was asked for is no size.
        """
        from mlbias.memory import memory_limit

        return memory_limit(self.memory_limit)

    @property
    def n_threads(self) -> int | None:
        """The threads that were asked for, at most one for each core; None for the default."""
        return None if self.threads is None else usable_threads(self.threads)


@dataclass(frozen=True, slots=True)
class PairOptions:
    """How pairs are read, and ratings that came after training."""

    data_dir: DataDir = DEFAULT_DATA_DIR
    user_col: UserCol = None
    item_col: ItemCol = None
    rating_col: Annotated[
        str | None,
        typer.Option(
            "--rating-col",
            metavar="COLUMN",
            rich_help_panel=DATA,
            help="Column of the ratings in --history; usual names: rating, score, stars.",
        ),
    ] = None
    separator: Separator = None
    ids: IdsKind = "auto"
    encoding: Encoding = None
    memory_limit: Annotated[
        str | None,
        typer.Option(
            "--memory-limit",
            metavar="SIZE",
            envvar="MLBIAS_MEMORY_LIMIT",
            rich_help_panel=DATA,
            help="Memory that reading --history may take, see `mlbias train`; pairs are read and "
            "written in parts, and need little.",
        ),
    ] = None
    threads: Threads = None

    def of_history(self) -> "ReadOptions":
        """How --history is read: a column or separator of the pairs counts where it has that."""
        from mlbias.columns.names import IfThere

        options = self.reading().options()
        user, item, separator = (
            None if given is None else IfThere(given)
            for given in (options.user_col, options.item_col, options.separator)
        )
        return replace(
            options, user_col=user, item_col=item, separator=separator, rating_col=self.rating_col
        )

    def reading(self) -> ReadingOptions:
        """How the pairs are read."""
        return ReadingOptions(
            data_dir=self.data_dir,
            user_col=self.user_col,
            item_col=self.item_col,
            separator=self.separator,
            ids=self.ids,
            encoding=self.encoding,
            memory_limit=self.memory_limit,
            threads=self.threads,
        )
