"""The highest and lowest biases as tables."""

import polars as pl

from mlbias.cli.show.console import Output
from mlbias.cli.show.tables import Table

_HEADERS = {"n_ratings": "ratings", "std_error": "std. error"}
# What is left out first where the terminal is narrow.
_LEAST = ("genres", "std_error", "mean", "n_ratings", "upper", "lower")
_LONGEST_TITLE = 28


def report(output: Output, rows: pl.DataFrame) -> None:
    """The rows, with as many columns as fit."""
    cells = {name: [_cell(name, each) for each in rows[name].to_list()] for name in rows.columns}
    widths = {
        name: max(map(len, [_HEADERS.get(name, name), *map(output.shown, column)]))
        for name, column in cells.items()
    }
    for name in _LEAST:
        if sum(widths.values()) + len(widths) > output.width and name in widths:
            widths[name] = 0
    headers = [_HEADERS.get(name, name) for name in widths]
    with Table(output, headers, list(widths.values())) as table:
        for row in zip(*cells.values(), strict=True):
            table.row(row)


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in ("std_error", "mean", "prediction"):
        return f"{value:.4f}"
    if name == "n_ratings":
        return f"{value:,}"
    if name in ("title", "genres"):
        text = str(value)
        return text if len(text) <= _LONGEST_TITLE else f"{text[: _LONGEST_TITLE - 1]}…"
    return f"{value:+.4f}" if isinstance(value, float) else str(value)
