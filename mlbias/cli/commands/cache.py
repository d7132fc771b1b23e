"""mlbias cache: the prepared copies of large files, listed or removed."""

from pathlib import Path
from typing import Annotated

import typer

from mlbias.cli import options as opt
from mlbias.cli.show.console import Output, size
from mlbias.cli.show.tables import counted

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="WHAT",
        rich_help_panel=opt.DATA,
        help="A file, folder or data set elsewhere, whose copies count too.",
    ),
]


def cache(
    context: typer.Context,
    data: Data = None,
    data_dir: opt.DataDir = opt.DEFAULT_DATA_DIR,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,  # noqa: ARG001 - main() looks for it
) -> None:
    """List the prepared copies that make the second run on a large file fast.

    They are in folders .mlbias-cache beside the files. Looked at are those in the data folder, in
    the folders of the data sets there, and in the current folder.

    Example: mlbias cache
    """
    if context.invoked_subcommand is not None:
        return
    from mlbias.datasets.cache import cached_copies

    output = Output(quiet=quiet, as_json=as_json)
    copies = [copy for folder in _folders(data, data_dir) for copy in cached_copies(folder)]
    output.document(
        {
            "copies": [
                {
                    "path": str(copy.path),
                    "source": None if copy.source is None else copy.source.label,
                    "n_ratings": copy.n_ratings,
                    "bytes": copy.size,
                    "ready": copy.is_ready,
                }
                for copy in copies
            ]
        }
    )
    for copy in copies:
        state = "ready" if copy.is_ready else "stale: the file has changed or is gone"
        if copy.source is None or copy.n_ratings is None:
            output.line(f"{copy.path}\n  damaged · {size(copy.size)}")
        else:
            ratings = counted(copy.n_ratings, "rating")
            output.line(f"{copy.source.label}\n  {ratings} · {size(copy.size)} · {state}")
    if not copies:
        output.line("no prepared copies")
    else:
        output.hint("`mlbias cache clear` removes them")


def clear(
    data: Data = None,
    data_dir: opt.DataDir = opt.DEFAULT_DATA_DIR,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,  # noqa: ARG001 - main() looks for it
) -> None:
    """Remove the prepared copies that `mlbias cache` lists.

    Example: mlbias cache clear
    """
    from mlbias.datasets.cache import cached_copies, clear_copies

    output = Output(quiet=quiet, as_json=as_json)
    folders = _folders(data, data_dir)
    n = sum(len(cached_copies(folder)) for folder in folders)
    freed = sum(clear_copies(folder) for folder in folders)
    output.document({"removed": n, "bytes": freed})
    copies = "copy" if n == 1 else "copies"
    output.line(f"removed {n} prepared {copies}, {size(freed)}" if n else "no prepared copies")


def _folders(data: str | None, data_dir: Path) -> list[Path]:
    """Where files may have copies beside them, each folder once."""
    from mlbias.datasets.sources import find_source

    folders = [Path(), data_dir]
    if data_dir.is_dir():
        folders += sorted(entry for entry in data_dir.iterdir() if entry.is_dir())
    source = find_source(data, data_dir) if data is not None else None
    if source is not None and source.path is not None:
        folders.append(source.path.parent)
    return list({folder.resolve(): folder for folder in folders}.values())
