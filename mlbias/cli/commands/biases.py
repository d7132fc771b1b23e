"""mlbias biases: the biases of a model, shown or written to a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.model import DEFAULT_MODEL, ModelPath
from mlbias.cli.options.output import Overwrite, TableOutputOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.options.spread import OUTPUT, takes_groups
from mlbias.errors import OptionError

if TYPE_CHECKING:
    import polars as pl

    from mlbias.cli.show.console import Output
    from mlbias.model import BiasModel

_DATABASES = (".db", ".sqlite")

Side = Annotated[
    str, typer.Argument(metavar="SIDE", rich_help_panel=OUTPUT, help="users or items.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="Write all of them: .csv, .tsv, .jsonl, .ndjson, .parquet, .arrow or .feather; or .db "
        "or .sqlite, a database of users, items and the model. For Parquet and databases it prints "
        "the SQL that predicts.",
    ),
]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="lower|upper|bias|mean|count",
        rich_help_panel=OUTPUT,
        help="What the highest are the highest by. [default: lower, and upper for the lowest, so "
        "that one rating makes no winner; bias where the model has no standard errors]",
    ),
]
Top = Annotated[
    int,
    typer.Option("--top", min=1, metavar="N", rich_help_panel=OUTPUT, help="How many to show."),
]
MinRatings = Annotated[
    int,
    typer.Option(
        "--min-ratings",
        min=0,
        metavar="N",
        rich_help_panel=OUTPUT,
        help="Leave out those with fewer training ratings.",
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="A CSV file of ids and titles. [default: movies.csv, movies.dat or u.item beside the "
        "ratings]",
    ),
]
User = Annotated[
    str | None,
    typer.Option(
        "--user",
        metavar="ID",
        rich_help_panel=OUTPUT,
        help="Leave out the items that this user rated, and show what is predicted.",
    ),
]


@takes_groups
def biases(
    reading: ReadingOptions,
    speaking: TableOutputOptions,
    side: Side,
    model: ModelPath = DEFAULT_MODEL,
    out: Out = None,
    sort: Sort = None,
    top: Top = 10,
    min_ratings: MinRatings = 0,
    labels: Labels = None,
    user: User = None,
    force: Overwrite = False,
) -> None:
    """Show the highest and the lowest biases of users or of items, or write all of them.

    The order of items is the same for every user: the model has no tastes. With --user it is the
    whole list of recommendations of a bias model.

    Example: mlbias train --data sample --method exact && mlbias biases items
    """
    if side not in ("users", "items"):
        raise OptionError(f"SIDE is users or items, not {side[:40]!r}.")
    if user is not None and side == "users":
        raise OptionError("`user` goes with items.")
    from mlbias.cli.labelled import labelled
    from mlbias.cli.show import biases as show
    from mlbias.datasets.writing import check_table_place
    from mlbias.saved_model.file import read_model
    from mlbias.use.biases import extreme

    output = speaking.console()
    saved = read_model(model)
    table = labelled(output, reading, saved, side, labels, user)
    if out is not None:
        check_table_place(out, force=force)
        _write(output, table, saved.fit.model, side, out, model)
        return
    if sort is None and "lower" not in table.columns:
        output.notice(
            f"the model has no error bars: {side} are sorted by their bias alone, so that those "
            "with few ratings come first; train with --method exact, or use --min-ratings"
        )
    found = {
        "highest": extreme(table, sort, top, min_ratings),
        "lowest": extreme(table, sort, top, min_ratings, lowest=True),
    }
    show.report(output, side, found)
    lists = {name: rows.to_dicts() for name, rows in found.items()}
    rows_of = [{"end": name} | row for name, rows in lists.items() for row in rows]
    output.document({"side": side} | lists | {"model": str(model)}, rows_of)


def _write(
    output: "Output", table: "pl.DataFrame", fitted: "BiasModel", side: str, out: Path, model: Path
) -> None:
    """All of the table to a file, or all of the model to a database."""
    from mlbias.datasets.writing import TableFormat, format_of, write_frames
    from mlbias.files import written_whole
    from mlbias.use.database import IN_SQLITE, database, in_parquet

    form = format_of(out, _DATABASES)
    with written_whole(out, [model]) as file:
        if form is None:
            file.write(database(fitted))
        else:
            write_frames([table], file, form)
    sql = IN_SQLITE if form is None else None
    if form is TableFormat.PARQUET:
        files = {each: str(out.with_name(f"{each}.parquet")) for each in ("users", "items")}
        sql = in_parquet(fitted, **files | {side: str(out)})
    for line in (sql or "").splitlines():
        output.line(line)
    output.notice(f"saved {out}")
    written = {"side": side, "out": str(out), "n_rows": len(table), "sql": sql}
    output.document(written | {"model": str(model)})


app = command_app(biases, Command)
