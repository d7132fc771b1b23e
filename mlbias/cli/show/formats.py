"""Tables as Markdown, LaTeX and CSV: what stands in one and how it is escaped."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any


class Format(StrEnum):
    """How a command shows its results."""

    TEXT = "text"
    MARKDOWN = "markdown"
    LATEX = "latex"
    CSV = "csv"
    JSON = "json"


_LATEX = str.maketrans(
    {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {sign: f"\\{sign}" for sign in "&%$#_{}"}
    | {"|": r"\textbar{}", "…": r"\dots{}", "<": "$<$", ">": "$>$", "±": r"$\pm$", "−": "$-$"}
    | {"→": r"$\to$", "×": r"$\times$", "α": r"$\alpha$", "λ": r"$\lambda$", "σ": r"$\sigma$"}
)


def table_head(format_: Format, headers: Sequence[str]) -> list[str]:
    """What stands above the rows of a table."""
    if format_ == Format.LATEX:
        columns = "l" + "r" * (len(headers) - 1)
        begin = rf"\begin{{tabular}}{{{columns}}} % with \usepackage{{booktabs}}"
        return [begin, r"\toprule", table_row(format_, headers), r"\midrule"]
    return [table_row(format_, headers), table_row(format_, [":--", *["--:"] * (len(headers) - 1)])]


def table_row(format_: Format, cells: Sequence[str]) -> str:
    """One row of a table in Markdown or LaTeX."""
    cells = [cell.strip() for cell in cells]
    if format_ == Format.LATEX:
        return " & ".join(_latex_cell(cell) for cell in cells) + r" \\"
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def table_end(format_: Format) -> list[str]:
    """What stands below the rows of a table."""
    return [r"\bottomrule", r"\end{tabular}"] if format_ == Format.LATEX else []


def csv_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A row for each mapping: nested ones are joined to their key, lists are left out."""
    flat = [_flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    lines = [_csv_line(names), *(_csv_line(map(row.get, names)) for row in flat)]
    return "\n".join(lines)


def _csv_line(values: Iterable[Any]) -> str:
    line = io.StringIO()
    # With this end of line a field that holds a carriage return is quoted too.
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue().removesuffix("\r\n")


def _latex_cell(cell: str) -> str:
    escaped = cell.translate(_LATEX)
    # A hyphen in front of a number is a minus; one inside a name or a range stays.
    return re.sub(r"(?<![\w$])-(?=[0-9])", "$-$", escaped)


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}_")
        elif isinstance(value, bool):
            found[before + name] = "true" if value else "false"
        elif not isinstance(value, list | tuple):
            found[before + name] = value
    return found
