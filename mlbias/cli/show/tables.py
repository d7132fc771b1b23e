"""Tables whose rows appear as they come."""

from collections.abc import Sequence
from typing import Self

from mlbias.cli.show.console import FAINT, Output
from mlbias.cli.show.formats import Format
from mlbias.core.statistics import Statistics
from mlbias.core.training import EpochStats


class Table:
    """A table whose rows appear one at a time, so that its widths are fixed from the start.

    In Markdown and LaTeX it is ended by ``with``; CSV and JSON have no such tables.

    Args:
        output: where to.
        headers: above the columns.
        widths: of the columns in text; all are flush right, with a space in between. Columns
            of width 0 are left out of text.
        names: the headers where nothing stands above them that would tell which is which.
    """

    def __init__(
        self,
        output: Output,
        headers: Sequence[str],
        widths: Sequence[int],
        names: Sequence[str] | None = None,
    ) -> None:
        self._output = output
        self._is_marked_up = output.format in (Format.MARKDOWN, Format.LATEX)
        self._widths = [
            width and max(width, len(output.shown(header)))
            for width, header in zip(widths, headers, strict=True)
        ]
        if self._is_marked_up:
            output.begin_table(names or headers)
            return
        self._row(headers, "")
        shown = [width for width in self._widths if width]
        output.line("─" * (sum(shown) + len(shown)), FAINT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._is_marked_up:
            self._output.end_table()

    def row(self, cells: Sequence[str], style: str = "") -> None:
        """One more row."""
        if self._is_marked_up:
            self._output.table_row(cells)
        else:
            self._row(cells, style)

    def _row(self, cells: Sequence[str], style: str) -> None:
        pairs = zip(cells, self._widths, strict=True)
        line = "".join(f" {self._output.shown(cell):>{width}}" for cell, width in pairs if width)
        self._output.line(line.rstrip(), style)


class EpochTable:
    """The rows of a training run, each drawn as its epoch ends.

    Args:
        output: where to.
        statistics: of the training ratings, for the widths of the columns.
        with_holdout: whether there are hold-out errors, which take the place of the cost.
    """

    def __init__(self, output: Output, statistics: Statistics, *, with_holdout: bool) -> None:
        self._output = output
        self._with_holdout = with_holdout
        self.last_epoch = -1
        s = statistics
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

    def row(self, history: Sequence[EpochStats]) -> None:
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
