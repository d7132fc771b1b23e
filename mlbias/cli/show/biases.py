"""The highest biases as a table."""

import polars as pl

from mlbias.cli.show.console import Output
from mlbias.cli.show.tables import Table
from mlbias.printable import printable

_HEADERS = {"n_ratings": "ratings", "std_error": "std. error"}
# What is left out first where the terminal is narrow.
_LEAST = ("upper", "std_error", "n_ratings", "lower")


def report(output: Output, rows: pl.DataFrame) -> None:
    """The rows, with as many columns as fit."""
    cells = {name: [_cell(name, each) for each in rows[name].to_list()] for name in rows.columns}
    widths = {
        name: max(map(len, [_HEADERS.get(name, name), *column])) for name, column in cells.items()
    }
    for name in _LEAST:
        if sum(widths.values()) + len(widths) > output.width:
            widths.pop(name, None)
    headers = [_HEADERS.get(name, name) for name in widths]
    with Table(output, headers, list(widths.values())) as table:
        for row in zip(*(cells[name] for name in widths), strict=True):
            table.row(row)


def _cell(name: str, value: object) -> str:
    if name == "std_error":
        return f"{value:.4f}"
    if name == "n_ratings":
        return f"{value:,}"
    return f"{value:+.4f}" if isinstance(value, float) else printable(str(value))
