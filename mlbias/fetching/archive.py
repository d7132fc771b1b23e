"""The archive of a data set as a verified file: fetched, or found on disk."""

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlbias.datasets.files import written_whole
from mlbias.errors import BadArchiveError, DownloadError
from mlbias.fetching.part import Part
from mlbias.fetching.transfer import Transfer
from mlbias.fetching.verify import difference, read_md5
from mlbias.fetching.watcher import Watcher
from mlbias.fetching.web import Address, BrokenError, Web
from mlbias.fetching.wish import Wish

_LONGEST_MD5 = 1 << 12


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """An archive on disk, and whether a digest proves that it is the published one."""

    path: Path
    is_verified: bool


@contextmanager
def archive_file(wish: Wish, watcher: Watcher) -> Iterator[ArchiveFile]:
    """The archive as a file, for as long as it takes to unpack it.

    Raises:
        DownloadError: it cannot be fetched, or there is no room for it.
        BadArchiveError: what there is is something else.
        OSError: it cannot be written.
    """
    local = wish.local_mirror
    if local is not None:
        is_verified = _verify(wish, _existing(local), watcher, None, is_strict=wish.is_strict)
        yield ArchiveFile(local, is_verified)
        if wish.keep_archive:
            _copy(local, wish.archive_path)
    elif _has_archive(wish, watcher):
        yield ArchiveFile(wish.archive_path, wish.archive.sha256 is not None)
    else:
        with Part(wish.archive_path) as part:
            is_verified = _fetch(wish, part, watcher)
            with _told_what_is_kept(part, watcher), _cleared_if_bad(part):
                yield ArchiveFile(part.path, is_verified)
            if wish.keep_archive:
                part.become(wish.archive_path)
            else:
                part.discard()


def _existing(path: Path) -> Path:
    if path.is_file():
        return path
    raise DownloadError(f"there is no file {path}.", "--url names an archive, or a site's address.")


def _copy(source: Path, target: Path) -> None:
    if target.exists() and source.samefile(target):
        return
    with source.open("rb") as archive, written_whole(target) as file:
        shutil.copyfileobj(archive, file)


def _has_archive(wish: Wish, watcher: Watcher) -> bool:
    """Whether an archive that was kept, or that the user put there, makes fetching needless."""
    path = wish.archive_path
    if wish.replace or not path.is_file():
        return False
    differs = difference(path, wish.archive, lambda: None)
    if differs is None and not zipfile.is_zipfile(path):
        differs = "it is cut or damaged"
    if differs:
        watcher.notice(f"{path} is not the published archive ({differs}), which is fetched instead")
    return not differs


def _fetch(wish: Wish, part: Part, watcher: Watcher) -> bool:
    """Bring the archive into the part; whether a digest proves that it is the right one."""
    if not part.is_only_one:
        watcher.notice(f"another process is downloading {wish.archive.name}; this one does too")
    if part.version is not None and part.version.url == wish.address.shown:
        watcher.notice(f"going on after the {part.size:,} bytes of an earlier download")
    web = Web(
        check_certificate=not wish.trust_any_certificate,
        silence=wish.patience.stall,
        certificate_advice=_certificate_advice(wish),
    )
    _transfer(wish, web, part, watcher)
    try:
        # What came over several connections may be of two versions, also where a change of the
        # archive would be believed.
        is_strict = wish.is_strict or part.is_patched
        return _verify(wish, part.path, watcher, web, is_strict=is_strict)
    except BadArchiveError as error:
        is_patched = part.is_patched
        part.clear()
        if not is_patched:
            raise
        watcher.notice(f"the parts do not fit together ({error}); once more from the start")
    _transfer(wish, web, part, watcher)
    with _cleared_if_bad(part):
        return _verify(wish, part.path, watcher, web, is_strict=wish.is_strict)


def _transfer(wish: Wish, web: Web, part: Part, watcher: Watcher) -> None:
    size = wish.archive.size if wish.is_strict else None
    with _told_what_is_kept(part, watcher), watcher.progress("downloading", "bytes") as bar:
        Transfer(web, wish.address, size, wish.patience, watcher.notice, bar.update).run(part)


def _certificate_advice(wish: Wish) -> str:
    ways = "Wait until it is renewed, or name a mirror (an address or a file) with --url"
    if wish.archive.sha256 is None:
        return f"{ways}."
    return (
        f"{ways}; or accept it with --allow-bad-certificate, since the SHA-256 of "
        f"{wish.archive.file} is known and is checked."
    )


def _verify(wish: Wish, path: Path, watcher: Watcher, web: Web | None, *, is_strict: bool) -> bool:
    """Whether a digest proves that a file is the archive; not strictly, only say if it is not.

    Raises:
        BadArchiveError: it is not.
    """
    archive = wish.archive

    differs = difference(
        path, archive, lambda: None if web is None else _published_md5(web, wish.address)
    )
    if differs and is_strict:
        raise BadArchiveError(
            f"{wish.shown} is not the published {archive.file}: {differs}; "
            f"{'its bytes were removed' if web else 'nothing was unpacked'}."
        )
    if differs is None:
        watcher.notice(f"no digest of {archive.file} is known: it is taken as it came")
    elif differs:
        watcher.notice(f"{archive.name} has changed since it was catalogued: {differs}")
    return differs == ""


def _published_md5(web: Web, address: Address) -> str | None:
    try:
        beside = address.beside(".md5")
        with web.get(beside, {"Accept-Encoding": "identity"}) as response:
            if response.status_code != 200:
                return None
            content = b""
            while len(content) < _LONGEST_MD5 and (piece := web.read(beside, response, 1024)):
                content += piece
            return read_md5(content)
    except (BrokenError, DownloadError):
        return None


@contextmanager
def _told_what_is_kept(part: Part, watcher: Watcher) -> Iterator[None]:
    """Whatever ends the work, say that the next call goes on with what there is."""
    try:
        yield
    except BaseException:
        if part.can_be_resumed:
            watcher.notice(
                f"{part.size:,} bytes of the archive are kept; the same command goes on from there"
            )
        raise


@contextmanager
def _cleared_if_bad(part: Part) -> Iterator[None]:
    """An archive that is bad, or that we fail on, is not worth going on with.

    One for which there is no room, or no time, is.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, BadArchiveError) or not isinstance(error, DownloadError | OSError):
            part.clear()
        raise
