"""mlbias download: fetches a MovieLens data set, verified, unpacked and ready."""

from dataclasses import dataclass
from typing import Annotated

import typer

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.of_files import DEFAULT_DATA_DIR, DataDir
from mlbias.cli.options.output import OutputOptions
from mlbias.cli.options.spread import DATA, takes_groups
from mlbias.datasets.catalogue import ARCHIVES, DEFAULT_NAME, find_archive

SOURCE = "Source"

Name = Annotated[
    str, typer.Argument(metavar="NAME", help=f"{', '.join(ARCHIVES)}.", show_default=True)
]
List = Annotated[
    bool,
    typer.Option(
        "--list", rich_help_panel=DATA, help="Show the catalogue, and what of it is on disk."
    ),
]


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """Where from, where to, and how strictly."""

    data_dir: DataDir = DEFAULT_DATA_DIR
    force: Annotated[
        bool,
        typer.Option("--force", rich_help_panel=DATA, help="Fetch it again, even if it is there."),
    ] = False
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            rich_help_panel=DATA,
            help="Unpack the genome scores too, which no command reads (415 MB in ml-25m).",
        ),
    ] = False
    keep_archive: Annotated[
        bool,
        typer.Option("--keep-archive", rich_help_panel=DATA, help="Keep the zip archive as well."),
    ] = False
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="PLACE",
            rich_help_panel=SOURCE,
            help="A mirror instead of GroupLens' site: address (http or https) or path of the "
            "archive, or of a folder that has it (ending in /).",
        ),
    ] = None
    allow_bad_certificate: Annotated[
        bool,
        typer.Option(
            "--allow-bad-certificate",
            rich_help_panel=SOURCE,
            help="Accept a certificate that has expired or is wrong. Only for data sets whose "
            "SHA-256 is known (all but ml-latest), since then the bytes prove themselves.",
        ),
    ] = False
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            min=0.001,
            max=86_400,
            metavar="SECONDS",
            rich_help_panel=SOURCE,
            help="Give up on a connection that delivers nothing for this long.",
        ),
    ] = 60.0


@takes_groups
def download(
    wanted: DownloadOptions,
    speaking: OutputOptions,
    name: Name = DEFAULT_NAME,
    list_: List = False,
) -> None:
    """Fetch a MovieLens data set.

    An interrupted download is resumed. The archive is verified and unpacked, and its ratings are
    counted. Without a name it is ml-25m. A data set that is complete is left alone.

    Example: mlbias download ml-latest-small
    """
    from mlbias.cli.show import download as show
    from mlbias.download.install import download
    from mlbias.download.request import DownloadRequest

    output = speaking.console()
    if list_:
        show.report_catalogue(output, wanted.data_dir)
        return
    request = DownloadRequest(
        find_archive(name), wanted.data_dir, wanted.url, wanted.allow_bad_certificate,
        wanted.force, wanted.keep_archive, wanted.everything, wanted.timeout,
    )  # fmt: skip
    done = download(request, output)
    output.document(show.document(request, done))
    show.report(output, request, done)


app = command_app(download, Command)
