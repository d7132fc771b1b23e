"""Tables whose rows appear as they come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rich.cells import cell_len

from mlbias.cli.show.console import Output
from mlbias.cli.show.formats import Format
from mlbias.cli.show.streams import FAINT
from mlbias.core.statistics import Statistics
from mlbias.core.training import EpochStats


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        header: above its cells.
        width: in characters, or that of the header if this is wider.
        above: what stands above the header, once over columns side by side that share it.
        rank: 0 stays in any case; where the terminal is narrow, the highest rank goes first.
        is_shown: whether it is in text; in Markdown and LaTeX every column is.
    """

    header: str
    width: int = 0
    above: str = ""
    rank: int = 0
    is_shown: bool = True

    @property
    def name(self) -> str:
        """The header where nothing stands above it."""
        return f"{self.above} {self.header}".strip()


class Table:
    """A table whose rows appear one at a time, so that its widths are fixed from the start.

    In Markdown and LaTeX it is ended by ``with``; CSV and JSON have no such tables. Cells are flush
    right, with a space in between.
    """

    def __init__(self, output: Output, columns: Sequence[Column]) -> None:
        self._output = output
        self._is_marked_up = output.format in (Format.MARKDOWN, Format.LATEX)
        if self._is_marked_up:
            output.begin_table([column.name for column in columns])
            return
        self._widths = _fitting_widths(output, columns)
        if above := self._group_line(columns):
            output.line(above)
        self._row([column.header for column in columns], "")
        output.line("─" * sum(width + 1 for width in self._widths if width), FAINT)

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

    def _group_line(self, columns: Sequence[Column]) -> str:
        """What stands above the headers, flush right over the last column of each group."""
        ends: dict[str, int] = {}
        end = 0
        for column, width in zip(columns, self._widths, strict=True):
            end += width + bool(width)
            if width and column.above:
                ends[column.above] = end
        line = ""
        for text, place in ends.items():
            line += f" {text:>{place - len(line) - 1}}"
        return line

    def _row(self, cells: Sequence[str], style: str) -> None:
        pairs = zip(cells, self._widths, strict=True)
        shown = [(self._output.shown(cell), width) for cell, width in pairs if width]
        # Letters of Chinese, Japanese and Korean are two columns wide.
        line = "".join(f" {' ' * (width - cell_len(cell))}{cell}" for cell, width in shown)
        self._output.line(line.rstrip(), style)


def _fitting_widths(output: Output, columns: Sequence[Column]) -> list[int]:
    """Widths of the columns, 0 for one that is not shown or for which there is no room."""
    widths = [
        max(column.width, cell_len(output.shown(column.header))) if column.is_shown else 0
        for column in columns
    ]
    ranked = sorted(range(len(columns)), key=lambda place: columns[place].rank, reverse=True)
    for place in ranked:
        if columns[place].rank and sum(width + 1 for width in widths if width) > output.width:
            widths[place] = 0
    return widths


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
        columns = [Column("epoch", 5), Column("RMSE", number), Column("change", number, rank=1)]
        columns.append(Column("α" if output.unicode else "alpha", number, rank=2))
        if with_holdout:
            columns += [Column(name, number, above="hold-out") for name in ("RMSE", "MAE")]
        else:
            columns.append(Column("cost", len(f"{s.squares:,.{self._cost_decimals}f}") + 1))
        self._table = Table(output, columns)

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
