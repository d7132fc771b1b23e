"""Numbers and tables as lines of text, for people."""

import math
from collections.abc import Sequence

from mlbias.cli.output import FAINT, Output

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEVELS = "▁▂▃▄▅▆▇█"


class Table:
    """A table whose rows appear one at a time, so that its widths are fixed from the start.

    Args:
        output: where to.
        headers: above the columns.
        widths: of the columns; all are flush right, with a space in between.
    """

    def __init__(self, output: Output, headers: Sequence[str], widths: Sequence[int]) -> None:
        self._output = output
        self._widths = [
            max(width, len(header)) for width, header in zip(widths, headers, strict=True)
        ]
        self._row(headers, "")
        output.line("─" * (sum(self._widths) + len(self._widths)), FAINT)

    def row(self, cells: Sequence[str]) -> None:
        """One more row."""
        self._row(cells, "")

    def _row(self, cells: Sequence[str], style: str) -> None:
        pairs = zip(cells, self._widths, strict=True)
        self._output.line("".join(f" {cell:>{width}}" for cell, width in pairs), style)


def learning_curve(values: Sequence[float], most: int) -> str:
    """Values as blocks of eight heights, the lowest flat; at most so many, evenly chosen."""
    if len(values) > most:
        values = [values[round(k * (len(values) - 1) / (most - 1))] for k in range(most)]
    lowest, highest = min(values), max(values)
    span = highest - lowest or 1.0
    return "".join(_LEVELS[round((value - lowest) / span * 7)] for value in values)


def bar(share: float, width: int) -> str:
    """A horizontal bar, in eighths of a column; a share above 0 shows."""
    eighths = max(math.ceil(share * width * 8), 1 if share > 0 else 0)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def percent(share: float, decimals: int = 1) -> str:
    """As 24.6 %."""
    return f"{100 * share:.{decimals}f} %"


def counted(number: int, noun: str) -> str:
    """As 1 user, 1,234 users."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def data_line(label: str, n_ratings: int, n_users: int, n_items: int) -> str:
    """What data: name, size and how much of the users × items table is filled."""
    density = 100 * n_ratings / (n_users * n_items)
    filled = f"{density:.2f}" if density >= 0.995 else f"{density:.2g}"
    return " · ".join(
        [
            label,
            counted(n_ratings, "rating"),
            counted(n_users, "user"),
            counted(n_items, "item"),
            f"{filled} % filled",
        ]
    )
