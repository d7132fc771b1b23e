"""mlbias download: fetches a MovieLens data set, verified, unpacked and ready."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlbias.cli import options as opt
from mlbias.cli.show.console import Output, size
from mlbias.cli.show.tables import Table, data_line
from mlbias.datasets.catalogue import ARCHIVES, DEFAULT_NAME
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.datasets.catalogue import Archive
    from mlbias.download.install import Download
    from mlbias.download.request import DownloadRequest

_NAMES = ", ".join(ARCHIVES)
SOURCE = "Source"

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="PLACE",
        rich_help_panel=SOURCE,
        help="A mirror instead of GroupLens' site: the address (http or https) or path of the "
        "archive, or of a folder that holds it (ending in /).",
    ),
]
AllowBadCertificate = Annotated[
    bool,
    typer.Option(
        "--allow-bad-certificate",
        rich_help_panel=SOURCE,
        help="Accept a certificate that has expired or is wrong. Only for data sets whose "
        "SHA-256 is known (all but ml-latest), which then proves the bytes.",
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        min=0.001,
        max=86_400,
        metavar="SECONDS",
        rich_help_panel=SOURCE,
        help="Give up on a connection that is silent for so long, or whose headers take longer.",
    ),
]


def download(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=f"{_NAMES}.", show_default=True)
    ] = DEFAULT_NAME,
    list_: Annotated[
        bool,
        typer.Option(
            "--list",
            rich_help_panel=opt.DATA,
            help="Show the catalogue, and which data sets are on disk.",
        ),
    ] = False,
    data_dir: opt.DataDir = opt.DEFAULT_DATA_DIR,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            rich_help_panel=opt.DATA,
            help="Download it again; other files in its folder stay.",
        ),
    ] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            rich_help_panel=opt.DATA,
            help="Unpack the genome scores too (415 MB in ml-25m); no command reads them.",
        ),
    ] = False,
    keep_archive: Annotated[
        bool,
        typer.Option(
            "--keep-archive", rich_help_panel=opt.DATA, help="Keep the zip archive as well."
        ),
    ] = False,
    url: Url = None,
    allow_bad_certificate: AllowBadCertificate = False,
    timeout: Timeout = 60.0,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,  # noqa: ARG001 - main() looks for it
) -> None:
    """Fetch a MovieLens data set.

    An interrupted download is resumed. The archive is verified and unpacked, and its ratings are
    counted. Without a name it is ml-25m. A data set that is complete is left alone.

    Example: mlbias download ml-latest-small
    """
    output = Output(quiet=quiet, as_json=as_json)
    if list_:
        _list(output, data_dir)
        return
    archive = _archive(name)

    from mlbias.download.install import download
    from mlbias.download.request import DownloadRequest

    request = DownloadRequest(
        archive, data_dir, url, allow_bad_certificate, force, keep_archive, everything, timeout
    )
    _report(output, request, download(request, output))


def _archive(name: str) -> "Archive":
    if name in ARCHIVES:
        return ARCHIVES[name]
    near = difflib.get_close_matches(name, ARCHIVES, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {_NAMES}."
    raise OptionError(f"there is no data set {name!r} in the catalogue.", hint)


def _report(output: Output, request: "DownloadRequest", done: "Download | None") -> None:
    from mlbias.download.printable import printable

    name, folder = request.archive.name, request.folder
    document: dict[str, Any] = {"name": name, "folder": str(folder), "fetched": done is not None}
    if done is None:
        output.line(f"{name} is complete in {folder}; there is nothing to do")
    else:
        dataset = done.dataset
        users, items = len(dataset.user_ids), len(dataset.item_ids)
        document |= {"n_ratings": dataset.n_ratings, "n_users": users, "n_items": items}
        output.line(data_line(name, dataset.n_ratings, users, items))
        document["verified"] = done.is_verified
        output.line(f"from {done.origin}")
        proved = "verified" if done.is_verified else "not verified"
        output.line(f"{proved}, and unpacked to {folder}")
        if request.keep_archive:
            output.line(f"archive kept: {request.archive_path}")
        output.line("terms: no commercial use without permission; cite Harper & Konstan (2015)")
        readme = next(
            (printable(str(path)) for path in sorted(folder.glob("README*"))), "on the site"
        )
        output.line(f"in full: {readme}")
    document["archive"] = str(request.archive_path) if request.archive_path.is_file() else None
    output.document(document)
    named = "" if name == DEFAULT_NAME else f" --data {name}"
    if request.data_dir != opt.DEFAULT_DATA_DIR:
        named = f" --data {folder}"
    output.hint(f"next: mlbias train{named}")


def _list(output: Output, data_dir: Path) -> None:
    from mlbias.download.install import on_disk

    states = {archive.name: on_disk(archive, data_dir) for archive in ARCHIVES.values()}
    output.document(
        {
            "data_dir": str(data_dir),
            "data_sets": [
                {
                    "name": archive.name,
                    "bytes": archive.size,
                    "n_ratings": archive.n_ratings,
                    "n_users": archive.n_users,
                    "n_items": archive.n_items,
                    "url": archive.url,
                    "sha256": archive.sha256,
                    "may_change": archive.may_change,
                    "on_disk": states[archive.name],
                }
                for archive in ARCHIVES.values()
            ],
        }
    )
    table = Table(output, ["data set", "ratings", "archive", "on disk"], [15, 10, 9, 11])
    for archive in ARCHIVES.values():
        ratings = "varies" if archive.n_ratings is None else f"{archive.n_ratings:,}"
        packed = "?" if archive.size is None else size(archive.size)
        table.row([archive.name, ratings, packed, states[archive.name] or ""])
    output.hint("`mlbias download NAME` fetches one, `mlbias train --data NAME` trains on it")
