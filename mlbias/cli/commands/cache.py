"""mlbias cache: the prepared copies of large files, listed or removed."""

from typing import Annotated

import typer

from mlbias.cli.command import Command, CommandGroup
from mlbias.cli.options.of_files import DEFAULT_DATA_DIR, DataDir
from mlbias.cli.options.output import OutputOptions
from mlbias.cli.options.spread import DATA, takes_groups

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="WHAT",
        rich_help_panel=DATA,
        help="A file, folder or data set elsewhere; its copies count too.",
    ),
]


@takes_groups
def cache(
    context: typer.Context,
    speaking: OutputOptions,
    data: Data = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """List prepared copies, or clear them.

    A prepared copy makes the second run on a large file fast. Copies are in folders
    .mlbias-cache beside the files. mlbias looks in the data folder, in the folders of the data
    sets in it, and in the current folder.

    Example: mlbias cache
    """
    if context.invoked_subcommand is not None:
        return
    from mlbias.cli.reading import folders_of
    from mlbias.cli.show import copies as show
    from mlbias.datasets.cache import cached_copies

    output = speaking.console()
    copies = [copy for folder in folders_of(data, data_dir) for copy in cached_copies(folder)]
    output.document({"copies": [show.document(copy) for copy in copies]})
    show.report(output, copies)


@takes_groups
def clear(speaking: OutputOptions, data: Data = None, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Remove the prepared copies that `mlbias cache` lists.

    Example: mlbias cache clear
    """
    from mlbias.cli.reading import folders_of
    from mlbias.cli.show.text import size
    from mlbias.datasets.cache import cached_copies, clear_copies

    output = speaking.console()
    folders = folders_of(data, data_dir)
    n = sum(len(cached_copies(folder)) for folder in folders)
    freed = sum(clear_copies(folder) for folder in folders)
    output.document({"removed": n, "bytes": freed})
    copies = "copy" if n == 1 else "copies"
    output.line(f"removed {n} prepared {copies}, {size(freed)}" if n else "no prepared copies")


app = typer.Typer(add_completion=False, rich_markup_mode=None, cls=CommandGroup)
app.callback(invoke_without_command=True)(cache)
app.command(cls=Command)(clear)
