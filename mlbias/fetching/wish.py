"""What is wanted of a download: which archive, from where, and how strictly."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from mlbias.datasets.catalogue import Archive
from mlbias.errors import OptionError
from mlbias.fetching.transfer import Patience
from mlbias.fetching.unpack import GENOME_SCORES
from mlbias.fetching.web import Address


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted, and how.

    Args:
        archive: of the catalogue.
        data_dir: the folder of data sets.
        mirror: address or path of the archive, or of a folder that has it (ending in /); by
            default the publisher's.
        trust_any_certificate: accept a certificate that is expired or worse.
        replace: even if the data set is there.
        keep_archive: leave the archive beside the folder.
        everything: with the genome scores.
        patience: how often to try and how long to wait.

    Raises:
        OptionError: any certificate is to be trusted, and nothing else could prove the bytes; or
            the mirror is no address.
    """

    archive: Archive
    data_dir: Path
    mirror: str | None = field(default=None, repr=False)  # it may hold credentials
    trust_any_certificate: bool = False
    replace: bool = False
    keep_archive: bool = False
    everything: bool = False
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        if self.trust_any_certificate and self.archive.sha256 is None:
            raise OptionError(
                "--allow-bad-certificate is for archives whose SHA-256 is known, since then the "
                f"bytes prove themselves; that of {self.archive.name} is not."
            )
        if self.mirror is not None and self.local_mirror is None:
            Address.parse(self.mirror)
        if self.mirror == "":
            raise OptionError("--url names nothing: it is empty.")

    @property
    def folder(self) -> Path:
        """Where the data set will be."""
        return self.data_dir / self.archive.folder

    @property
    def archive_path(self) -> Path:
        """Where the archive would be kept."""
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
    def address(self) -> Address:
        """Where the archive is fetched from, if not from a file."""
        address = Address.parse(self.mirror or self.archive.url)
        return address.inside(self.archive.file) if address.is_folder else address

    @property
    def shown(self) -> str:
        """What messages call the place that the archive comes from."""
        local = self.local_mirror
        return str(local) if local is not None else self.address.shown

    @property
    def is_fulfilled(self) -> bool:
        """Whether all that is wanted is there."""
        return self.has_folder and (not self.keep_archive or self.archive_path.is_file())

    @property
    def has_folder(self) -> bool:
        """Whether the data set is there, with all that is wanted of it."""
        folder = self.folder
        # Where there are tags of the genome, the archive has scores.
        lacks_scores = (folder / "genome-tags.csv").is_file() and not (
            folder / GENOME_SCORES
        ).is_file()
        is_there = (folder / self.archive.ratings_file).is_file()
        return is_there and not (self.everything and lacks_scores)

    @property
    def is_strict(self) -> bool:
        """Whether bytes that are not the catalogue's are refused, even if they may have changed."""
        plain = self.local_mirror is None and not self.address.is_encrypted
        return plain or self.trust_any_certificate or not self.archive.may_change
