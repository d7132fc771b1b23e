"""A download under way: its bytes so far, and what they are the beginning of."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from mlbias.datasets.files import new_temporary, open_held, sweep, written_whole


@dataclass(frozen=True, slots=True)
class Version:
    """Which file it is that is being downloaded.

    Args:
        url: its address, without credentials and query.
        validator: a strong ETag, or the time of its last change; None if it cannot be resumed.
        size: in bytes; None if the server does not say.
    """

    url: str
    validator: str | None = None
    size: int | None = None


class Part:
    """The file beside an archive's place that a download grows in, locked while it is open.

    It has the archive's name with .part, and beside it .part.json says what it is a part of, so
    that a later process can go on with it. While another process has that file, this one grows
    in a file of its own, with which nobody goes on.

    Args:
        archive: the place.

    Raises:
        OSError: the files cannot be made.
    """

    def __init__(self, archive: Path) -> None:
        archive.parent.mkdir(parents=True, exist_ok=True)
        sweep(archive.parent, f".{archive.name}.")
        self.path = archive.with_name(f"{archive.name}.part")
        self._about = archive.with_name(f"{archive.name}.part.json")
        descriptor = open_held(self.path)
        self.is_only_one = descriptor is not None
        if descriptor is None:
            self.path, descriptor = new_temporary(archive)
        self._descriptor = descriptor
        # Whether the bytes came over several connections, so that they may not fit together.
        self.is_patched = self.size > 0
        # Whether to ask for all of the file again, keeping these bytes until that comes.
        self.is_doubtful = False
        self.version = self._known_version() if self.is_only_one else None
        if self.version is None:
            self.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it; what nobody could go on with is removed."""
        if not self.can_be_resumed:
            self.discard()
        os.close(self._descriptor)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return os.fstat(self._descriptor).st_size

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the file is missing, as far as is known."""
        known = self.version is not None and self.version.size == self.size
        return known and not self.is_doubtful

    @property
    def can_be_resumed(self) -> bool:
        """Whether a later process can go on with what there is."""
        known = self.version is not None and self.version.validator is not None
        return self.is_only_one and known and self.size > 0

    def beginning(self, length: int) -> bytes:
        """Its first bytes."""
        return os.pread(self._descriptor, length, 0)

    def restart(self, version: Version) -> None:
        """Forget all bytes; what comes from now on is the beginning of this."""
        self.clear()
        self.version = version
        if self.is_only_one:
            with written_whole(self._about) as file:
                file.write(json.dumps(asdict(version)).encode())

    def append(self, content: bytes) -> None:
        """More bytes."""
        os.lseek(self._descriptor, 0, os.SEEK_END)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def clear(self) -> None:
        """Forget all bytes, and what they were."""
        os.ftruncate(self._descriptor, 0)
        self.is_patched = self.is_doubtful = False
        self.version = None

    def discard(self) -> None:
        """Away with it, whatever is in it."""
        for path in (self.path, self._about) if self.is_only_one else (self.path,):
            with suppress(OSError):
                path.unlink()

    def become(self, archive: Path) -> None:
        """All of it is there and right: let it have its own name."""
        os.fsync(self._descriptor)
        self.path.replace(archive)
        if self.is_only_one:
            self._about.unlink(missing_ok=True)

    def _known_version(self) -> Version | None:
        try:
            return Version(**json.loads(self._about.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None


def discard_part(archive: Path) -> None:
    """Remove what an earlier download left, now that nobody needs it; not what somebody is at."""
    part = archive.with_name(f"{archive.name}.part")
    if part.exists():
        with Part(archive) as left:
            left.discard()
