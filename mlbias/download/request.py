"""What a download is asked for: which archive, from where, and how strictly it is checked."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from urllib3 import Retry
from urllib3.util import Url

from mlbias.datasets.catalogue import Archive
from mlbias.download.address import in_folder, parse_address, shown
from mlbias.errors import OptionError

# 415 MB in ml-25m; no command reads them.
GENOME_SCORES = "genome-scores.csv"


class Bar(Protocol):
    """Shows how far some work has come."""

    def update(self, done: int, total: int | None) -> None:
        """So much is done, of a total that may be unknown."""


class Reporter(Protocol):
    """Receives what there is to say about a download: the command line, or a test."""

    def notice(self, text: str) -> None:
        """Something worth knowing."""

    def progress(self, what: str, unit: str) -> AbstractContextManager[Bar]:
        """Some work begins, counted in this unit."""


@dataclass(frozen=True, slots=True)
class DownloadRequest:
    """One data set to download.

    Attributes:
        archive: from the catalogue.
        data_dir: the folder of data sets.
        mirror: address or path of the archive, or of a folder that holds it (ending in /); None
            for the publisher's.
        trust_any_certificate: accept a certificate that has expired or is wrong.
        replace: download even if the data set is there.
        keep_archive: keep the zip archive beside the folder.
        everything: unpack the genome scores too.
        timeout: seconds without a byte after which a connection is given up; also the most
            seconds that the headers of an answer may take.
        retry: how often to try without progress, and how long to wait in between.

    Raises:
        OptionError: the mirror is not an address, would show its password to the network, or any
            certificate is accepted for an archive with no known SHA-256.
    """

    archive: Archive
    data_dir: Path
    mirror: str | None = field(default=None, repr=False)  # may hold credentials
    trust_any_certificate: bool = False
    replace: bool = False
    keep_archive: bool = False
    everything: bool = False
    timeout: float = 60.0
    retry: Retry = field(default_factory=lambda: Retry(total=4, backoff_factor=0.5))

    def __post_init__(self) -> None:
        if self.trust_any_certificate and self.archive.sha256 is None:
            raise OptionError(
                "`allow_bad_certificate` needs an archive with a known SHA-256, which proves its "
                f"bytes; {self.archive.name} has none."
            )
        if self.mirror == "":
            raise OptionError("`url` is empty.")
        if self.local_mirror is None:
            try:
                address = self.address
            except ValueError:
                raise OptionError(
                    "`url` is neither the path of a file nor an address such as "
                    "https://host/ml-25m.zip."
                ) from None
            if address.auth is not None and address.scheme != "https":
                raise OptionError(
                    "`url` has a password, which plain http would send unencrypted.",
                    "Use https, or leave the password out.",
                )

    @property
    def folder(self) -> Path:
        """Where the data set will be."""
        return self.data_dir / self.archive.folder

    @property
    def archive_path(self) -> Path:
        """Where the archive is kept."""
        return self.data_dir / self.archive.file

    @property
    def local_mirror(self) -> Path | None:
        """The mirror, if it is a file."""
        mirror = self.mirror
        if mirror is None:
            return None
        if mirror.startswith("file://"):
            mirror = unquote(mirror.removeprefix("file://"))
        elif "://" in mirror:
            return None
        path = Path(mirror)
        return path / self.archive.file if path.is_dir() else path

    @property
    def address(self) -> Url:
        """Where the archive is fetched from, if not from a file."""
        return in_folder(parse_address(self.mirror or self.archive.url), self.archive.file)

    @property
    def shown(self) -> str:
        """What messages call the place that the archive comes from."""
        local = self.local_mirror
        return shown(self.address) if local is None else str(local)

    @property
    def is_fulfilled(self) -> bool:
        """Whether everything that is asked for is there."""
        return self.has_folder and (not self.keep_archive or self.archive_path.is_file())

    @property
    def has_folder(self) -> bool:
        """Whether the data set is there, with all the files that are asked for."""
        folder = self.folder
        # An archive with tags of the genome also has scores.
        without_scores = (folder / "genome-tags.csv").is_file() and not (
            folder / GENOME_SCORES
        ).is_file()
        has_ratings = (folder / self.archive.ratings_file).is_file()
        return has_ratings and not (self.everything and without_scores)

    @property
    def is_plain_http(self) -> bool:
        """Whether anybody on the way can change the bytes."""
        return self.local_mirror is None and self.address.scheme == "http"

    @property
    def is_strict(self) -> bool:
        """Whether the bytes must be those of the catalogue, even if the archive may change."""
        return self.is_plain_http or self.trust_any_certificate or not self.archive.may_change
