"""A data set of the catalogue, from the site or a mirror to its folder: fetched, verified, counted.

Nothing has its final name before all of it is right: the archive grows in a part (part.py), the
folder is made beside its place, with the prepared copy of its ratings in it, and is renamed.
"""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlbias.datasets.catalogue import Archive
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.files import replace_folder, sync_folder, temporary_folder, written_whole
from mlbias.datasets.loading import load_dataset
from mlbias.datasets.part import Part
from mlbias.datasets.sources import Source
from mlbias.datasets.transfer import Transfer
from mlbias.datasets.unpack import unpack
from mlbias.datasets.verify import difference, read_md5
from mlbias.datasets.web import Address, BrokenError, Web
from mlbias.datasets.wish import Wish
from mlbias.errors import BadArchiveError, DataError, DownloadError

_LONGEST_MD5 = 1 << 12


class Bar(Protocol):
    """Shows how far some work has come."""

    def update(self, done: int, total: int | None) -> None:
        """So much is done, of so much where that is known."""


class Watcher(Protocol):
    """Who is told what happens on the way."""

    def notice(self, text: str) -> None:
        """Something worth knowing."""

    def progress(self, what: str, unit: str) -> AbstractContextManager[Bar]:
        """Some work begins, counted in this unit."""


@dataclass(frozen=True, slots=True)
class Download:
    """A data set that has just come to its folder.

    Args:
        dataset: its ratings.
        origin: what messages call the place that its archive came from.
    """

    dataset: Dataset
    origin: str


def download(wish: Wish, watcher: Watcher) -> Download | None:
    """Bring a data set to its folder; None if it is there already, and nothing was done.

    Raises:
        DownloadError: it cannot be fetched, or there is no room for it.
        BadArchiveError: what there is to fetch is not the data set.
    """
    if wish.is_fulfilled and not wish.replace:
        return None
    _check_place(wish)
    try:
        return _downloaded(wish, watcher)
    except OSError as error:
        reason = error.strerror or error
        raise DownloadError(f"{wish.data_dir} cannot be written to: {reason}.") from error


def _downloaded(wish: Wish, watcher: Watcher) -> Download | None:
    with _verified_archive(wish, watcher) as archive, temporary_folder(wish.folder) as temporary:
        origin = str(archive) if archive == wish.archive_path else wish.shown
        with watcher.progress("unpacking", "bytes") as bar:
            unpack(
                archive, temporary, wish.archive.folder, label=origin,
                everything=wish.everything, progress=bar.update,
            )  # fmt: skip
        dataset = _counted(wish, temporary / wish.archive.folder, watcher)
        if not _put_in_place(wish, temporary / wish.archive.folder):
            return None
    return Download(dataset, origin)


def on_disk(archive: Archive, data_dir: Path) -> str | None:
    """How far a data set has come: "unpacked", "archive", "begun", or None."""
    wish = Wish(archive, data_dir)
    if wish.is_fulfilled:
        return "unpacked"
    if wish.archive_path.is_file():
        return "archive"
    return "begun" if wish.archive_path.with_name(f"{archive.file}.part").exists() else None


def _check_place(wish: Wish) -> None:
    """See that nothing of the user's is in the way."""
    folder = wish.folder
    there = folder.is_dir() and any(folder.iterdir())
    if folder.exists() and not folder.is_dir():
        raise DownloadError(f"{folder} is in the way: it is no folder.", "Move it away.")
    if there and not wish.replace and not (folder / wish.archive.ratings_file).is_file():
        raise DownloadError(
            f"{folder} is there, but has no {wish.archive.ratings_file}; it is left alone.",
            "Move it away, or replace it with --force.",
        )


@contextmanager
def _verified_archive(wish: Wish, watcher: Watcher) -> Iterator[Path]:
    """The archive as a file, for as long as it takes to unpack it."""
    local = wish.local_mirror
    if local is not None:
        _verify(wish, _existing(local), watcher)
        yield local
        if wish.keep_archive:
            _copy(local, wish.archive_path)
    elif _has_archive(wish, watcher):
        yield wish.archive_path
    else:
        with Part(wish.archive_path) as part:
            _fetch(wish, part, watcher)
            with _told_what_is_kept(part, watcher):
                yield part.path
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
    if differs:
        watcher.notice(f"{path} is not the published archive ({differs}), which is fetched instead")
    return not differs


def _fetch(wish: Wish, part: Part, watcher: Watcher) -> None:
    """Bring the archive into the part, and see that it is the right one."""
    if not part.is_only_one:
        watcher.notice(f"another process is downloading {wish.archive.name}; this one does too")
    if part.version is not None and part.version.url == wish.address.shown:
        watcher.notice(f"going on after the {part.size:,} bytes of an earlier download")
    web = Web(
        check_certificate=not wish.trust_any_certificate,
        silence=wish.patience.stall,
        certificate_advice=_certificate_advice(wish),
    )
    for attempt in range(2):
        with _told_what_is_kept(part, watcher), watcher.progress("downloading", "bytes") as bar:
            size = wish.archive.size if wish.is_strict else None
            Transfer(web, wish.address, size, wish.patience, watcher.notice, bar.update).run(part)
        try:
            _verify(wish, part.path, watcher, web)
            return
        except BadArchiveError as error:
            is_patched = part.is_patched
            part.clear()
            if attempt or not is_patched:
                raise
            watcher.notice(f"the two parts do not fit together ({error}); once more from the start")


def _certificate_advice(wish: Wish) -> str:
    ways = "Wait until it is renewed, or name a mirror (an address or a file) with --url"
    if wish.archive.sha256 is None:
        return f"{ways}."
    return (
        f"{ways}; or accept it with --allow-bad-certificate, since the SHA-256 of "
        f"{wish.archive.file} is known and is checked."
    )


def _verify(wish: Wish, path: Path, watcher: Watcher, web: Web | None = None) -> None:
    """See that a file is the archive; where it may have changed, only say that it has.

    Raises:
        BadArchiveError: it is not.
    """
    archive = wish.archive

    def published_md5() -> str | None:
        md5 = _published_md5(web, wish.address) if web is not None else None
        if md5 is None:
            watcher.notice(f"no digest of {archive.file} is known: it is taken as it came")
        return md5

    differs = difference(path, archive, published_md5)
    if differs and wish.is_strict:
        raise BadArchiveError(
            f"{wish.shown} is not the published {archive.file}: {differs}; "
            f"{'its bytes were removed' if web else 'nothing was unpacked'}."
        )
    if differs:
        watcher.notice(f"{archive.name} has changed since it was catalogued: {differs}")


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
    """Whatever ends the work, say that the next call goes on with what there is of it.

    An archive that is bad is not worth going on with; one for which there is no room is.
    """
    try:
        yield
    except BadArchiveError:
        part.clear()
        raise
    except BaseException:
        if part.can_be_resumed:
            watcher.notice(
                f"{part.size:,} bytes of the archive are kept; the same command goes on from there"
            )
        raise


def _counted(wish: Wish, folder: Path, watcher: Watcher) -> Dataset:
    """The ratings in a new folder, which also gets their prepared copy.

    Raises:
        BadArchiveError: there are none, or not as many as in the catalogue.
    """
    archive = wish.archive
    file = folder / archive.ratings_file
    if not file.is_file():
        raise BadArchiveError(
            f"{wish.shown} has no {archive.folder}/{archive.ratings_file}; nothing was unpacked."
        )
    try:
        with watcher.progress("counting", "bytes") as bar:
            dataset = load_dataset(
                Source(archive.name, file),
                known_as=wish.folder / archive.ratings_file,
                progress=bar.update,
            )
            notice = dataset.finish()
    except DataError as error:
        raise BadArchiveError(f"the ratings in {wish.shown} are bad: {error}") from error
    if notice:
        watcher.notice(notice)
    found = {
        "ratings": (archive.n_ratings, dataset.n_ratings),
        "users": (archive.n_users, len(dataset.user_ids)),
        "items": (archive.n_items, len(dataset.item_ids)),
    }
    for what, (expected, number) in found.items():
        if expected not in (None, number):
            differs = f"expected {expected:,} {what}, found {number:,}"
            if wish.is_strict:
                raise BadArchiveError(f"{wish.shown} is not {archive.name}: {differs}.")
            watcher.notice(f"{archive.name} has changed since it was catalogued: {differs}")
    return dataset


def _put_in_place(wish: Wish, folder: Path) -> bool:
    """Give the folder its name; False if another process was first, whose folder stays."""
    try:
        folder.rename(wish.folder)
    except OSError:  # there is one of this name
        if wish.is_fulfilled and not wish.replace:
            return False
        replace_folder(folder, wish.folder)
    sync_folder(wish.data_dir)
    return True
