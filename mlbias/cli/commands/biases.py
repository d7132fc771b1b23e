"""mlbias biases: the biases of a model, shown or written to a file."""

from pathlib import Path
from typing import Annotated

import typer

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.model import DEFAULT_MODEL, ModelPath
from mlbias.cli.options.output import OutputOptions
from mlbias.cli.options.spread import OUTPUT, takes_groups
from mlbias.errors import DataError, OptionError

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
        help="Write all of them: .csv, .tsv, .jsonl, .parquet or .arrow; or .db or .sqlite, a "
        "database of users, items and the model, with the SQL that predicts.",
    ),
]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="lower|upper|bias|count",
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


@takes_groups
def biases(
    speaking: OutputOptions,
    side: Side,
    model: ModelPath = DEFAULT_MODEL,
    out: Out = None,
    sort: Sort = None,
    top: Top = 10,
    min_ratings: MinRatings = 0,
) -> None:
    """Show the highest and the lowest biases of users or of items, or write all of them.

    The order of items is the same for every user: the model has no tastes.

    Example: mlbias train --data sample --method exact && mlbias biases items
    """
    if side not in ("users", "items"):
        raise OptionError(f"SIDE is users or items, not {side[:40]!r}.")
    output = speaking.console()

    from mlbias.cli.show import biases as show
    from mlbias.datasets.writing import format_of, write_frames
    from mlbias.files import obstacle, written_whole
    from mlbias.saved_model.file import read_model
    from mlbias.use.biases import biases, extreme
    from mlbias.use.database import PREDICT, database

    form = None if out is None else format_of(out, _DATABASES)
    fitted = read_model(model).fit.model
    table = biases(fitted, side)
    if out is None:
        found = {
            "highest": extreme(table, sort, top, min_ratings),
            "lowest": extreme(table, sort, top, min_ratings, lowest=True),
        }
        for name, rows in found.items():
            output.line(f"{name} {side}")
            show.report(output, rows)
        rows_of = {name: rows.to_dicts() for name, rows in found.items()}
        output.document({"side": side} | rows_of | {"model": str(model)})
        return
    reason = obstacle(out)
    if reason:
        raise DataError(f"{out} cannot be written: {reason}.")
    with written_whole(out) as file:
        if form is None:
            file.write(database(fitted))
        else:
            write_frames([table], file, form)
    if form is None:
        for line in PREDICT.splitlines():
            output.line(line)
    output.notice(f"saved {out}")
    output.document(
        {
            "side": side,
            "out": str(out),
            "n_rows": len(table),
            "sql": PREDICT if form is None else None,
            "model": str(model),
        }
    )


app = command_app(biases, Command)
