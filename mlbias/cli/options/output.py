"""How a command speaks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.options.spread import OUTPUT
from mlbias.cli.signals import raise_on_signals

if TYPE_CHECKING:
    from mlbias.cli.show.console import Output


Force = Annotated[
    bool,
    typer.Option(
        "--force",
        rich_help_panel=OUTPUT,
        help="Replace a file of that name even if mlbias did not write it.",
    ),
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
            "--quiet", "-q", rich_help_panel=OUTPUT, help="No notices, hints and progress bars."
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
        return Output(quiet=self.quiet, as_json=self.as_json)
