"""A download in progress: the bytes so far, and which file they are the beginning of."""

import json
import os
import re
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from mlbias.errors import BadArchiveError, DownloadError
from mlbias.files import written_whole

_LONGEST_RECORD = 1 << 16


@dataclass(frozen=True, slots=True)
class Version:
    """Which file is being downloaded.

    Attributes:
        url: its address, as it is shown.
        validator: a strong ETag, or the time of its last change; None if it cannot be resumed.
        size: in bytes; None if the server does not say.

    Raises:
        ValueError: it is not what a server can have said.
    """

    url: str
    validator: str | None
    size: int | None

    def __post_init__(self) -> None:
        sane_size = self.size is None or (type(self.size) is int and 0 <= self.size < 1 << 60)
        sane = self.validator is None or re.fullmatch(r"[\x20-\x7e]{1,300}", self.validator)
        if not (sane and sane_size and isinstance(self.url, str)):
            raise ValueError


def part_path(archive: Path) -> Path:
    """Where the partial file of an archive is."""
    return archive.with_name(f"{archive.name}.part")


class PartialFile:
    """The file that a download grows in, beside the archive's place.

    It is called like the archive with .part appended; another file, with .part.json appended, says
    what it is a part of, so that a later process can resume. Only the holder of the lock on the
    download opens it.

    Args:
        archive: where the archive would be.

    Raises:
        DownloadError: there is a link, a device or a folder of that name.
        OSError: the files cannot be made.
    """

    def __init__(self, archive: Path) -> None:
        self.path = part_path(archive)
        self._record = archive.with_name(f"{archive.name}.part.json")
        for path in (self.path, self._record):
            _check_regular(path)
        # The flag is for what appears between the check and the opening.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(self.path, flags, 0o666), "r+b", buffering=0)
        try:
            with self._record.open("rb") as file:
                self.version: Version | None = Version(**json.loads(file.read(_LONGEST_RECORD)))
        except (OSError, ValueError, TypeError, RecursionError):
            self.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Close it; what is bad, or what we fail on, is removed. No room or no time is neither."""
        is_bad = isinstance(error, BadArchiveError) or (
            isinstance(error, Exception) and not isinstance(error, DownloadError | OSError)
        )
        if not self._file.closed:
            if is_bad or not self.can_be_resumed:
                self.discard()
            self._file.close()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return os.fstat(self._file.fileno()).st_size

    @property
    def can_be_resumed(self) -> bool:
        """Whether a later request can ask for the rest."""
        return self.version is not None and self.version.validator is not None and self.size > 0

    def restart(self, version: Version) -> None:
        """Drop all bytes; what comes from now on is the beginning of this version."""
        self.clear()
        self.version = version
        with written_whole(self._record) as file:
            file.write(json.dumps(asdict(version)).encode())

    def append(self, content: bytes) -> None:
        """Add bytes at the end."""
        self._file.seek(0, os.SEEK_END)
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]

    def clear(self) -> None:
        """Drop all bytes, and what is known of them."""
        self._file.truncate(0)
        self.version = None

    def discard(self) -> None:
        """Remove the file and its record."""
        self._file.close()
        for path in (self.path, self._record):
            with suppress(OSError):
                path.unlink()

    def become(self, archive: Path) -> None:
        """Give the complete file its own name."""
        os.fsync(self._file.fileno())
        self._file.close()
        self.path.replace(archive)
        self._record.unlink(missing_ok=True)


def _check_regular(path: Path) -> None:
    """See that what has this name, if anything, is an ordinary file with no other name."""
    if os.path.lexists(path):
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise DownloadError(
                f"{path} is in the way: it is a link, a folder or a device; it is left alone.",
                "Move it away, or choose another folder with `data_dir`.",
            )
