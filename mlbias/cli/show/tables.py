"""Numbers and tables as lines of text, for people."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlbias.cli.show.console import FAINT, Output

if TYPE_CHECKING:
    from mlbias.core.model import Problem
    from mlbias.core.training import EpochStats

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
            max(width, len(output.shown(header)))
            for width, header in zip(widths, headers, strict=True)
        ]
        self._row(headers, "")
        output.line("─" * (sum(self._widths) + len(self._widths)), FAINT)

    def row(self, cells: Sequence[str], style: str = "") -> None:
        """One more row."""
        self._row(cells, style)

    def _row(self, cells: Sequence[str], style: str) -> None:
        pairs = zip(cells, self._widths, strict=True)
        line = "".join(f" {self._output.shown(cell):>{width}}" for cell, width in pairs)
        self._output.line(line.rstrip(), style)


class EpochTable:
    """The rows of a training run, each drawn as its epoch ends.

    Args:
        output: where to.
        problem: what is trained, for the widths of the columns.
        with_holdout: whether there are hold-out errors, which take the place of the cost.
    """

    def __init__(self, output: Output, problem: "Problem", *, with_holdout: bool) -> None:
        self._output = output
        self._with_holdout = with_holdout
        self.last_epoch = -1
        s = problem.statistics
        # As many decimals as leave the start's cost ten digits or so.
        self._cost_decimals = max(0, 6 - len(f"{s.squares:.0f}"))
        number = len(f"{max(abs(s.center), (s.squares / s.n_ratings) ** 0.5):.6f}") + 1
        headers = ["epoch", "RMSE", "change", "α" if output.unicode else "alpha"]
        widths = [5, number, number, number]
        if with_holdout:
            output.line(" " * (sum(widths) + len(widths) + 2 * number - 6) + "hold-out")
            headers += ["RMSE", "MAE"]
            widths += [number, number]
        else:
            headers.append("cost")
            widths.append(len(f"{s.squares:,.{self._cost_decimals}f}") + 1)
        self._table = Table(output, headers, widths)

    def row(self, history: "list[EpochStats]") -> None:
        """Draw the last epoch of the history."""
        stats = history[-1]
        self.last_epoch = stats.epoch
        change = ""
        if len(history) > 1:
            change = self._output.signed(stats.rmse - history[-2].rmse, 6)
        cells = [f"{stats.epoch}", f"{stats.rmse:.6f}", change, f"{stats.alpha:.6f}"]
        if self._with_holdout:
            cells += [f"{stats.holdout_rmse:.6f}", f"{stats.holdout_mae:.6f}"]
        else:
            cells.append(f"{stats.cost:,.{self._cost_decimals}f}")
        self._table.row(cells)


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


def against_mean(rmse: float, mean_rmse: float) -> str:
    """How far an RMSE is below the one of predicting the mean."""
    share = 1 - rmse / mean_rmse if mean_rmse else 0.0
    if abs(share) < 0.0005:
        return "as the mean's"
    return f"{percent(abs(share))} {'below' if share > 0 else 'above'} the mean's"


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
