"""Whether a command saves a figure of what it found."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.options.spread import OUTPUT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mlbias.cli.show.console import Output


@dataclass(frozen=True, slots=True)
class PlotOptions:
    """The file of the figure, by whose ending its format is told."""

    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Save a figure of it as .png, .svg or .pdf. Needs the extra mlbias[plot].",
        ),
    ] = None

    def check(self) -> None:
        """See, before any work, that the figure can be drawn and saved.

        Raises:
            MlbiasError, OptionError, DataError: see check_figure_path.
        """
        if self.plot is not None:
            from mlbias.figures.style import check_figure_path

            check_figure_path(self.plot)

    def save(self, output: "Output", draw: "Callable[[], Figure]") -> None:
        """Draw and save the figure, if one is wanted."""
        if self.plot is not None:
            from mlbias.figures.style import save_figure

            save_figure(draw(), self.plot)
            output.notice(f"saved {self.plot}")
