"""mlbias show: one screen about a saved model."""

from pathlib import Path
from typing import Annotated

import typer

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.model import DEFAULT_MODEL, ModelPath, check_file
from mlbias.cli.options.output import OutputOptions
from mlbias.cli.options.spread import takes_groups

Model = Annotated[
    Path | None,
    typer.Argument(
        metavar="[MODEL]", callback=check_file, help="The model's file. [default: that of --model]"
    ),
]


@takes_groups
def show(
    speaking: OutputOptions,
    file: Model = None,
    model: ModelPath = DEFAULT_MODEL,
) -> None:
    """Show how a saved model was fitted, to what, and how good it is.

    Example: mlbias train --data sample && mlbias show
    """
    from mlbias.cli.show import saved
    from mlbias.saved_model.file import read_model

    output = speaking.console()
    path = file or model
    found = read_model(path)
    output.document(saved.document(found, path))
    saved.report(output, found, path)


app = command_app(show, Command)
