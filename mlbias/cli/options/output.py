"""How a command speaks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.options.spread import OUTPUT
from mlbias.cli.signals import raise_on_signals
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.cli.show.console import Output
    from mlbias.cli.show.formats import Format


Force = Annotated[
    bool,
    typer.Option(
        "--force",
        rich_help_panel=OUTPUT,
        help="Replace a file of that name even if mlbias did not write it.",
    ),
]


Overwrite = Annotated[
    bool,
    typer.Option("--force", rich_help_panel=OUTPUT, help="Replace a file of that name."),
]


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """For people or as JSON, with notices or without."""

    as_json: Annotated[
        bool,
        typer.Option(
            "--json", rich_help_panel=OUTPUT, help="Print one JSON document, and nothing else."
        ),
    ] = False
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", rich_help_panel=OUTPUT, help="No notices, hints or progress bars."
        ),
    ] = False
    debug: Annotated[
        bool,
        typer.Option("--debug", rich_help_panel=OUTPUT, help="Show the traceback of an error."),
    ] = False

    def console(self) -> "Output":
        """The two streams of a command that speaks so; from now on a signal clears up first."""
        # Rich would double the time that --help takes.
        from mlbias.cli.show.console import Output

        raise_on_signals()
        return Output(quiet=self.quiet, format_=self._format())

    def _format(self) -> "Format":
        from mlbias.cli.show.formats import Format

        return Format.JSON if self.as_json else Format.TEXT


@dataclass(frozen=True, slots=True)
class TableOutputOptions(OutputOptions):
    """The same of a command that prints tables, which may be pasted into a paper."""

    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="text|markdown|latex|csv|json",
            rich_help_panel=OUTPUT,
            help="How to print the tables, and nothing else; csv has one table with all digits. "
            "--json is short for --format json. [default: text]",
        ),
    ] = None

    def _format(self) -> "Format":
        from mlbias.cli.show.formats import Format

        if self.format is not None and self.format not in list(Format):
            raise OptionError(f"`format` is {', '.join(Format)}, not {self.format[:40]!r}.")
        if self.as_json and self.format not in (None, Format.JSON):
            raise OptionError(f"--json and --format {self.format} do not go together.")
        return Format.JSON if self.as_json else Format(self.format or Format.TEXT)
