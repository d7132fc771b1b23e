"""The highest and lowest biases as tables."""

from collections.abc import Mapping, Sequence

import polars as pl
from rich.cells import cell_len

from mlbias.cli.show.console import Output
from mlbias.cli.show.formats import Format
from mlbias.cli.show.tables import Column, Table

_HEADERS = {"n_ratings": "ratings", "std_error": "std. error"}
# What is left out first where the terminal is narrow, and what next.
_LEAST = ("genres", "std_error", "mean", "n_ratings", "upper", "lower")
_LONGEST_TITLE = 28


def report(output: Output, side: str, found: Mapping[str, pl.DataFrame]) -> None:
    """The highest and the lowest, with the same columns as far as they fit."""
    names = next(iter(found.values())).columns
    columns = [_column(output, name, list(found.values())) for name in names]
    is_whole = output.format != Format.TEXT
    for end, rows in found.items():
        output.line(f"{end} {side}" + ("" if len(rows) else ": none"))
        if not len(rows) and output.format == Format.TEXT:
            continue
        with Table(output, columns) as table:
            for row in rows.iter_rows():
                cells = zip(names, row, strict=True)
                table.row([_cell(name, each, is_whole=is_whole) for name, each in cells])


def _column(output: Output, name: str, tables: Sequence[pl.DataFrame]) -> Column:
    cells = [_cell(name, each) for table in tables for each in table[name].to_list()]
    width = max((cell_len(output.shown(cell)) for cell in cells), default=0)
    rank = len(_LEAST) - _LEAST.index(name) if name in _LEAST else 0
    return Column(_HEADERS.get(name, name), width, rank=rank)


def _cell(name: str, value: object, *, is_whole: bool = False) -> str:
    if value is None:
        return ""
    if name in ("std_error", "mean", "prediction"):
        return f"{value:.4f}"
    if name == "n_ratings":
        return f"{value:,}"
    if name in ("title", "genres"):
        text, most = str(value), _LONGEST_TITLE
        return text if len(text) <= most or is_whole else f"{text[: most - 1]}…"
    return f"{value:+.4f}" if isinstance(value, float) else str(value)
