"""A data set out of its zip archive, into an empty folder; nothing else gets out of it."""

import lzma
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from mlbias.datasets.files import sync_folder
from mlbias.errors import BadArchiveError, DownloadError

# 415 MB in ml-25m, and no ratings.
GENOME_SCORES = "genome-scores.csv"

_PIECE = 1 << 20
# MovieLens' archives unpack to about four times their size.
_MOST_EXPANSION, _HARMLESS = 50, 100 << 20
# What reading a damaged archive may raise.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError,
    KeyError, NotImplementedError, RuntimeError,
)  # fmt: skip


class _FaultError(Exception):
    """What is wrong with an archive, as a sentence goes on that begins with its name."""


def unpack(
    archive: Path,
    into: Path,
    folder: str,
    *,
    label: str,
    everything: bool,
    progress: Callable[[int, int | None], None],
) -> None:
    """Unpack what an archive has in one folder, each file brought to disk.

    Args:
        archive: the zip archive.
        into: an empty folder, in which ``folder`` will be.
        folder: all else in the archive is left there.
        label: what messages call the archive.
        everything: with the genome scores.
        progress: called with the bytes so far and in all.

    Raises:
        BadArchiveError: it is damaged, or a member is no plain file or wants to be elsewhere.
        DownloadError: there is no room for it.
        OSError: a file cannot be written.
    """
    try:
        with _reading():
            opened = zipfile.ZipFile(archive)
        with opened:
            members = _members(opened, folder, everything)
            total = _checked_size(members, archive, into)
            done = 0
            for info in members:
                for size in _unpack_member(opened, info, into):
                    done += size
                    progress(done, total)
    except _FaultError as fault:
        raise BadArchiveError(f"{label} {fault}; nothing was unpacked.") from fault


@contextmanager
def _reading() -> Iterator[None]:
    """What fails in here is the archive's fault; an OSError elsewhere is the disk's."""
    try:
        yield
    except _DAMAGE as error:
        raise _FaultError(f"is damaged ({error})") from error


def _members(archive: zipfile.ZipFile, folder: str, everything: bool) -> list[zipfile.ZipInfo]:
    """The files to unpack, once all members, wanted or not, have shown to be harmless."""
    for info in archive.infolist():
        _check_harmless(info)
    return [
        info
        for info in archive.infolist()
        if not info.is_dir()
        and PurePosixPath(info.filename).parts[0] == folder
        and (everything or PurePosixPath(info.filename).name != GENOME_SCORES)
    ]


def _check_harmless(info: zipfile.ZipInfo) -> None:
    # zipfile cuts the first at a zero byte for the second, and newer Pythons take the second from
    # another field where there is one.
    for name in (info.orig_filename, info.filename):
        if (
            not PurePosixPath(name).parts
            or name.startswith("/")
            or "\\" in name
            or ".." in name.split("/")
            or re.match(r"[A-Za-z]:", name)
            or not name.isprintable()
        ):
            raise _FaultError(f"wants to write to {name!r}, out of its folder")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _FaultError(f"has {name!r}, which is a link or a device and no file")


def _checked_size(members: list[zipfile.ZipInfo], archive: Path, into: Path) -> int:
    """Bytes of all members, as they are declared; zipfile reads no further than that."""
    total = sum(info.file_size for info in members)
    packed, free = archive.stat().st_size, shutil.disk_usage(into).free
    if total > max(_MOST_EXPANSION * packed, _HARMLESS):
        raise _FaultError(f"has {packed:,} bytes and wants to unpack to {total:,}")
    if total > free:
        raise DownloadError(
            f"the data set takes {total:,} bytes, and only {free:,} are free in {into.parent}."
        )
    return total


def _read(member: IO[bytes]) -> bytes:
    with _reading():
        return member.read(_PIECE)


def _unpack_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, into: Path) -> Iterator[int]:
    """Write one file to disk; yield the sizes of its pieces."""
    path = into / info.filename
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise _FaultError(f"has {info.filename!r} twice") from error
    with target:
        with _reading():
            member = archive.open(info)
        while piece := _read(member):
            target.write(piece)
            yield len(piece)
        target.flush()
        os.fsync(target.fileno())
    sync_folder(path.parent)
