"""The archive of a data set as a checked file: fetched, or found on disk."""

import filecmp
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlbias.download.digest import difference, parse_md5
from mlbias.download.failures import BrokenError
from mlbias.download.http import Client
from mlbias.download.partial_file import PartialFile, part_path
from mlbias.download.request import DownloadRequest, Reporter
from mlbias.download.transfer import Transfer
from mlbias.errors import BadArchiveError, DownloadError
from mlbias.files import written_whole

_LONGEST_MD5 = 1 << 12


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """An archive on disk.

    Attributes:
        path: of the file.
        origin: what messages call the place that it came from.
        is_verified: whether a digest that can be trusted proves that it is the published one.
    """

    path: Path
    origin: str
    is_verified: bool


@contextmanager
def archive_file(request: DownloadRequest, reporter: Reporter) -> Iterator[ArchiveFile]:
    """The archive as a file, for as long as it takes to unpack it.

    Raises:
        DownloadError: it cannot be fetched, or there is no room for it or its place.
        BadArchiveError: what there is is something else.
        OSError: it cannot be written.
    """
    local = request.local_mirror
    if local is None and _has_archive(request, reporter):
        path = request.archive_path
        yield ArchiveFile(path, str(path), request.archive.sha256 is not None)
        return
    _check_place(request)
    if local is not None:
        if not local.is_file():
            raise DownloadError(
                f"there is no file {request.shown}.", "`url` names an archive, or an address."
            )
        is_verified = _verify(request, local, reporter, None, is_strict=request.is_strict)
        yield ArchiveFile(local, request.shown, is_verified)
        if request.keep_archive and not _is_copy(request.archive_path, local):
            with local.open("rb") as source, written_whole(request.archive_path) as file:
                shutil.copyfileobj(source, file)
        return
    try:
        with PartialFile(request.archive_path) as part:
            is_verified = _fetch(request, part, reporter)
            yield ArchiveFile(part.path, request.shown, is_verified)
            if request.keep_archive:
                _check_place(request)
                part.become(request.archive_path)
            else:
                part.discard()
    except BaseException:
        part_file = part_path(request.archive_path)
        if part_file.is_file() and not part_file.is_symlink():
            reporter.notice(
                f"{part_file.stat().st_size:,} bytes of the archive are kept; the same command "
                "resumes there"
            )
        raise


def _has_archive(request: DownloadRequest, reporter: Reporter) -> bool:
    """Whether an archive from earlier, or one that the user put there, makes fetching needless."""
    path = request.archive_path
    if request.replace or not path.is_file():
        return False
    differs = difference(path, request.archive, lambda: None)
    if differs is None and not _holds_data_set(path, request):
        differs = f"it is damaged, or has no {request.archive.ratings_file}"
    if differs and not request.keep_archive:
        reporter.notice(f"{path} is not the published archive ({differs}); it is fetched instead")
    return not differs


def _check_place(request: DownloadRequest) -> None:
    """See that keeping the archive overwrites nothing that is not an archive of the data set."""
    path = request.archive_path
    local = request.local_mirror
    if not request.keep_archive or not os.path.lexists(path):
        return
    if local is not None and _is_copy(path, local):
        return
    if not (request.replace and not path.is_symlink() and _holds_data_set(path, request)):
        raise DownloadError(
            f"{path} is there and is not the published archive; it is left alone.",
            "Move it away, or leave out `keep_archive`.",
        )


def _is_copy(path: Path, source: Path) -> bool:
    return path.is_file() and source.is_file() and filecmp.cmp(path, source, shallow=False)


def _holds_data_set(path: Path, request: DownloadRequest) -> bool:
    member = f"{request.archive.folder}/{request.archive.ratings_file}"
    try:
        with zipfile.ZipFile(path) as archive:
            return member in archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _fetch(request: DownloadRequest, part: PartialFile, reporter: Reporter) -> bool:
    """Bring the archive into the part; whether a digest proves that it is the right one."""
    client = Client(
        timeout=request.timeout,
        check_certificate=not request.trust_any_certificate,
        certificate_advice=_certificate_advice(request),
    )
    transfer = Transfer(client, request, part, reporter)
    is_pieced = transfer.run()
    # Of an archive that may have changed, pieces may be of the old one and of the new one.
    is_strict = request.is_strict or is_pieced
    try:
        return _verify(request, part.path, reporter, client, is_strict=is_strict)
    except BadArchiveError as error:
        part.clear()
        if not is_pieced:
            raise
        reporter.notice(f"the pieces do not fit together ({error}); starting again")
    is_strict = transfer.run() or request.is_strict
    return _verify(request, part.path, reporter, client, is_strict=is_strict)


def _certificate_advice(request: DownloadRequest) -> str:
    ways = "Wait until it is renewed, or name a mirror (an address or a file) with `url`"
    if request.archive.sha256 is None:
        return f"{ways}."
    return (
        f"{ways}; or accept it with `allow_bad_certificate`, since the SHA-256 of "
        f"{request.archive.file} is known and is checked."
    )


def _verify(
    request: DownloadRequest, path: Path, reporter: Reporter, client: Client | None,
    *, is_strict: bool,
) -> bool:  # fmt: skip
    """Whether a digest that can be trusted proves a file; not strictly, only say if it differs.

    Raises:
        BadArchiveError: a digest or the size says that it is another file.
    """
    archive = request.archive
    differs = difference(
        path, archive, lambda: None if client is None else _published_md5(client, request)
    )
    if differs and is_strict:
        raise BadArchiveError(
            f"{request.shown} is not the published {archive.file}: {differs}; "
            f"{'its bytes were removed' if client else 'nothing was unpacked'}."
        )
    if differs is None:
        reporter.notice(f"no digest of {archive.file} is known: it is taken as it came")
    elif differs:
        reporter.notice(f"{archive.name} has changed since it was catalogued: {differs}")
    elif archive.sha256 is None and request.is_plain_http:
        reporter.notice(
            f"the MD5 of {archive.file} agrees, but came over plain http like the archive itself: "
            "it proves nothing"
        )
        return False
    return differs == ""


def _published_md5(client: Client, request: DownloadRequest) -> str | None:
    try:
        address = request.address
        beside = address._replace(path=f"{address.path}.md5", query=None)
        content = client.small_file(beside, _LONGEST_MD5)
    except (BrokenError, DownloadError):
        return None
    return parse_md5(content or b"")
