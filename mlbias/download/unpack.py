"""Unpack a data set from its zip archive into an empty folder, and nothing outside of it."""

import lzma
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mlbias.download.archive import ArchiveFile
from mlbias.download.request import GENOME_SCORES, DownloadRequest
from mlbias.download.transfer import DISK_RESERVE
from mlbias.errors import BadArchiveError, DownloadError
from mlbias.files import sync_folder

_PIECE = 1 << 20
# MovieLens' archives unpack to about four times their size.
_MOST_EXPANSION, _HARMLESS = 50, 100 << 20
# They have about ten members, in one folder.
_MOST_MEMBERS, _MOST_FOLDERS, _LONGEST_NAME = 10_000, 20, 255
# What reading a damaged archive may raise.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError,
    KeyError, NotImplementedError, RuntimeError,
)  # fmt: skip


class _FaultError(Exception):
    """What is wrong with an archive, as the end of a sentence that begins with its name."""


def unpack(
    archive: ArchiveFile,
    into: Path,
    request: DownloadRequest,
    progress: Callable[[int, int | None], None],
) -> None:
    """Unpack the files of the data set, each one flushed to disk.

    Args:
        archive: the zip archive.
        into: an empty folder, in which the data set's folder will be.
        request: says which folder of the archive is wanted, and whether all of it.
        progress: called with the bytes so far and in all.

    Raises:
        BadArchiveError: it is damaged, or a member is not a plain file or wants to be elsewhere.
        DownloadError: there is no room for it.
        OSError: a file cannot be written.
    """
    try:
        with _reading():
            opened = zipfile.ZipFile(archive.path)
        with opened:
            members = _members(opened, request)
            total = _checked_size(members, archive, into)
            done = 0
            for info in members:
                for size in _unpack_member(opened, info, into):
                    done += size
                    progress(done, total)
    except _FaultError as fault:
        raise BadArchiveError(f"{archive.origin} {fault}; nothing was unpacked.") from fault


@contextmanager
def _reading() -> Iterator[None]:
    """What fails in here is the archive's fault; an OSError elsewhere is the disk's."""
    try:
        yield
    except _DAMAGE as error:
        raise _FaultError(f"is damaged ({error})") from error


def _members(archive: zipfile.ZipFile, request: DownloadRequest) -> list[zipfile.ZipInfo]:
    """The files to unpack, once all members, wanted or not, have proved harmless."""
    infos = archive.infolist()
    if len(infos) > _MOST_MEMBERS:
        raise _FaultError(f"has {len(infos):,} members")
    for info in infos:
        _check_harmless(info)
    return [
        info
        for info in infos
        if not info.is_dir()
        and info.filename.startswith(f"{request.archive.folder}/")
        and (request.everything or not info.filename.endswith(f"/{GENOME_SCORES}"))
    ]


def _check_harmless(info: zipfile.ZipInfo) -> None:
    # zipfile cuts the first at a zero byte for the second, and newer Pythons take the second from
    # another field where there is one.
    for name in (info.orig_filename, info.filename):
        parts = name.removesuffix("/").split("/")
        shown = f"{name!r}"
        # A name with a colon is on another drive, or in a hidden stream, on Windows.
        if {"", ".", ".."} & set(parts) or "\\" in name or ":" in name or not name.isprintable():
            raise _FaultError(f"wants to write to {shown}, outside of its folder")
        if len(parts) > _MOST_FOLDERS:
            raise _FaultError(f"has a member {len(parts) - 1:,} folders deep")
        if max(len(os.fsencode(part)) for part in parts) > _LONGEST_NAME:
            raise _FaultError(f"has a member with a name that is too long, {shown}")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _FaultError(f"has {shown}, which is a link or a device and not a file")


def _checked_size(members: list[zipfile.ZipInfo], archive: ArchiveFile, into: Path) -> int:
    """Bytes of all members as they are declared; zipfile reads no further than that."""
    total = sum(info.file_size for info in members)
    packed, free = archive.path.stat().st_size, shutil.disk_usage(into).free
    if total > max(_MOST_EXPANSION * packed, _HARMLESS):
        raise _FaultError(f"has {packed:,} bytes and wants to unpack to {total:,}")
    room = free if archive.is_verified else max(0, free - DISK_RESERVE)
    if total > room:
        raise DownloadError(
            f"the data set takes {total:,} bytes, and only {room:,} are free in {into.parent}"
            f"{'' if archive.is_verified else ' (1 GiB is kept free)'}."
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
