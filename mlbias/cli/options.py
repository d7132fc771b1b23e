"""Options that several commands share, grouped in --help by what they are for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from mlbias.datasets.options import ReadOptions

DATA, HOLDOUT, MODEL, OUTPUT = "Data", "Hold-out", "Model", "Output"

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="WHAT",
        rich_help_panel=DATA,
        help="sample, the name of a data set, a folder, a file (CSV, .dat, u.data, Parquet; .gz "
        "and .zip as they are, ARCHIVE.zip/MEMBER for one of many), or - for standard input. "
        "Without it: ml-25m, or else the only data set in the data folder.",
    ),
]
DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        metavar="FOLDER",
        envvar="MLBIAS_DATA_DIR",
        rich_help_panel=DATA,
        help="Where data sets are.",
    ),
]
UserCol = Annotated[
    str | None,
    typer.Option(
        "--user-col",
        metavar="COLUMN",
        rich_help_panel=DATA,
        help="Column of the users: its name in the header, or its number from 1. Needed where "
        "the header has no usual name such as userId, user_id or user.",
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
        help="What stands between fields, if it is no comma, tab, '::' or space.",
    ),
]
Ids = Annotated[
    str,
    typer.Option(
        "--ids",
        metavar="auto|text",
        rich_help_panel=DATA,
        help="auto: an id column is of integers if its first 10,000 rows are, none with a leading "
        "zero; text further down is then a bad row. text: ids are text.",
    ),
]
SkipBadRows = Annotated[
    bool,
    typer.Option(
        "--skip-bad-rows",
        rich_help_panel=DATA,
        help="Count rows that are no ratings and leave them out, instead of stopping.",
    ),
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        rich_help_panel=DATA,
        help="Parse the file even if there is a prepared copy of it, and leave none; see "
        "`mlbias cache`.",
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
        help="Threads to work with; they never change a result. [default: one for each core]",
    ),
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="random|user|time",
        rich_help_panel=HOLDOUT,
        help="What --test-size holds out: random ratings, by a hash of user, item and seed; the "
        "last ones of each user; or the latest of all. [default: random]",
    ),
]
TestSize = Annotated[
    float | None,
    typer.Option(
        "--test-size",
        metavar="SHARE",
        rich_help_panel=HOLDOUT,
        help="Hold out about this share of the ratings and report the errors on them; with "
        "--split user it may be a number of ratings of each user.",
    ),
]
TestFrom = Annotated[
    str | None,
    typer.Option(
        "--test-from",
        metavar="DATE",
        rich_help_panel=HOLDOUT,
        help="Hold out what was rated from this date on: 2015-03-31 (UTC), or a timestamp.",
    ),
]
Pick = Annotated[
    str | None,
    typer.Option(
        "--pick",
        metavar="last|random",
        rich_help_panel=HOLDOUT,
        help="Which ratings --split user holds out. [default: last]",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        rich_help_panel=HOLDOUT,
        help="Another seed holds out other ratings. [default: 0]",
    ),
]
TrainFile = Annotated[
    str | None,
    typer.Option(
        "--train",
        metavar="WHAT",
        rich_help_panel=HOLDOUT,
        help="Instead of --data, where the hold-out is a file of its own: see --test.",
    ),
]
TestFile = Annotated[
    str | None,
    typer.Option(
        "--test",
        metavar="WHAT",
        rich_help_panel=HOLDOUT,
        help="Hold out the ratings of this file, and train on all of --train; as "
        "--train ml-100k.zip/ml-100k/u1.base --test ml-100k.zip/ml-100k/u1.test.",
    ),
]
ModelPath = Annotated[
    Path,
    typer.Option("--model", metavar="FILE", rich_help_panel=OUTPUT, help="The model's file."),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", rich_help_panel=OUTPUT, help="Print one JSON document, and nothing else."
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", rich_help_panel=OUTPUT, help="No notices, hints and progress bars."
    ),
]
Debug = Annotated[
    bool,
    typer.Option("--debug", rich_help_panel=OUTPUT, help="Show the traceback of an error."),
]

DEFAULT_DATA_DIR = Path("data")
DEFAULT_MODEL = Path("data/model.npz")


class Command(TyperCommand):
    """A command whose help groups the options, without boxes, as narrow as the terminal."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write each group under its name."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                groups.setdefault(getattr(param, "rich_help_panel", None) or "Other", []).append(
                    record
                )
        for name, records in groups.items():
            with formatter.section(name):
                formatter.write_dl(records)


def read_options(
    user_col: str | None,
    item_col: str | None,
    rating_col: str | None,
    separator: str | None,
    ids: str,
    skip_bad_rows: bool,
) -> "ReadOptions":
    """The reading options as the datasets room takes them.

    Raises:
        OptionError: ids is neither auto nor text, or the separator is no single character.
    """
    from mlbias.datasets.options import IdKind, ReadOptions
    from mlbias.errors import OptionError

    if ids not in list(IdKind):
        raise OptionError(f"--ids is auto or text, not {ids!r}.")
    if separator is not None:
        separator = separator.replace("\\t", "\t")
        if separator != "::" and (len(separator) != 1 or separator in '\r\n"'):
            raise OptionError(f"--separator is one character or '::', not {separator!r}.")
    return ReadOptions(user_col, item_col, rating_col, separator, IdKind(ids), skip_bad_rows)
