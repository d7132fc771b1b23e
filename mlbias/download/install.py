"""A data set from the catalogue to its folder: fetched, checked, unpacked, counted, put in place.

Nothing has its final name before all of it is right: the archive grows in a partial file, the
folder is made beside its place, and a file that replaces another one does so in one step.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mlbias.datasets.catalogue import Archive
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.loading import load_dataset
from mlbias.datasets.sources import Source
from mlbias.download.archive import archive_file
from mlbias.download.merge import merge_folder
from mlbias.download.partial_file import PartialFile, part_path
from mlbias.download.request import DownloadRequest, Reporter
from mlbias.download.unpack import unpack
from mlbias.errors import BadArchiveError, DataError, DownloadError
from mlbias.files import sync_folder, temporary_folder


@dataclass(frozen=True, slots=True)
class Download:
    """A data set that has just come to its folder.

    Attributes:
        dataset: its ratings.
        origin: what messages call the place that its archive came from.
        is_verified: whether a digest that can be trusted proved the archive.
    """

    dataset: Dataset
    origin: str
    is_verified: bool


def download(request: DownloadRequest, reporter: Reporter) -> Download | None:
    """Bring a data set to its folder; None if it is there already, and nothing was done.

    Raises:
        DownloadError: it cannot be fetched, or there is no room for it.
        BadArchiveError: what there is to fetch is not the data set.
    """
    if request.is_fulfilled and not request.replace:
        return None
    try:
        with _locked(request, reporter) as had_to_wait:
            if had_to_wait and request.is_fulfilled:
                return None
            _check_place(request)
            return _downloaded(request, reporter)
    except OSError as error:
        reason = error.strerror or error
        raise DownloadError(f"{request.data_dir} cannot be written to: {reason}.") from error


def on_disk(archive: Archive, data_dir: Path) -> str | None:
    """How far a data set has come: "unpacked", "archive", "begun", or None.

    A file of the archive's name and another size is "other zip", where the archive does not change.
    """
    request = DownloadRequest(archive, data_dir)
    if request.is_fulfilled:
        return "unpacked"
    path = request.archive_path
    if path.is_file():
        is_other = archive.size not in (None, path.stat().st_size) and not archive.may_change
        return "other zip" if is_other else "archive"
    return "begun" if part_path(path).exists() else None


@contextmanager
def _locked(request: DownloadRequest, reporter: Reporter) -> Iterator[bool]:
    """Be the only process that downloads this data set to this folder; whether it had to wait."""
    from filelock import FileLock, SoftFileLock, Timeout

    request.data_dir.mkdir(parents=True, exist_ok=True)
    path = request.data_dir / f".{request.archive.file}.lock"
    lock = FileLock(path)
    had_to_wait = False
    try:
        lock.acquire(blocking=False)
    except Timeout:
        had_to_wait = True
        reporter.notice(f"another process is downloading {request.archive.name}; waiting for it")
        lock.acquire()
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
            raise
        lock = SoftFileLock(path)
        lock.acquire()
    try:
        yield had_to_wait
    finally:
        # While it is held: who waits for it notices, and makes a new one.
        with suppress(OSError):
            path.unlink()
        lock.release()


def _check_place(request: DownloadRequest) -> None:
    """See that nothing of the user's is in the way."""
    folder, ratings = request.folder, request.archive.ratings_file
    if folder.exists() and not folder.is_dir():
        raise DownloadError(f"{folder} is in the way: it is not a folder.", "Move it away.")
    is_used = folder.is_dir() and any(folder.iterdir())
    if is_used and not request.replace and not (folder / ratings).is_file():
        raise DownloadError(
            f"{folder} is there, but has no {ratings}; it is left alone.",
            "Move it away, or add the data set to what is there with `force`.",
        )


def _downloaded(request: DownloadRequest, reporter: Reporter) -> Download:
    # A folder that is a link to another disk is filled there.
    place = request.folder.resolve()
    with archive_file(request, reporter) as archive, temporary_folder(place) as temporary:
        with reporter.progress("unpacking", "bytes") as bar:
            unpack(archive, temporary, request, bar.update)
        new = temporary / request.archive.folder
        dataset = _counted(request, new, archive.origin, reporter)
        try:
            new.rename(place)
        except OSError:  # there is a folder of this name
            merge_folder(new, place, replace=request.replace)
        sync_folder(place.parent)
    if part_path(request.archive_path).exists():
        PartialFile(request.archive_path).discard()
    return Download(dataset, archive.origin, archive.is_verified)


def _counted(request: DownloadRequest, folder: Path, origin: str, reporter: Reporter) -> Dataset:
    """The ratings in a new folder, which also gets their prepared copy.

    Raises:
        BadArchiveError: there are none, or not as many as in the catalogue.
    """
    archive = request.archive
    file = folder / archive.ratings_file
    if not file.is_file():
        raise BadArchiveError(
            f"{origin} has no {archive.folder}/{archive.ratings_file}; nothing was unpacked."
        )
    try:
        with reporter.progress("counting", "bytes") as bar:
            dataset = load_dataset(
                Source(archive.name, file),
                known_as=request.folder / archive.ratings_file,
                progress=bar.update,
            )
            notice = dataset.finish()
    except DataError as error:
        raise BadArchiveError(f"the ratings in {origin} are bad: {error}") from error
    if notice:
        reporter.notice(notice)
    found = {
        "ratings": (archive.n_ratings, dataset.n_ratings),
        "users": (archive.n_users, len(dataset.user_ids)),
        "items": (archive.n_items, len(dataset.item_ids)),
    }
    for what, (expected, number) in found.items():
        if expected not in (None, number):
            differs = f"expected {expected:,} {what}, found {number:,}"
            if request.is_strict:
                raise BadArchiveError(f"{origin} is not {archive.name}: {differs}.")
            reporter.notice(f"{archive.name} has changed since it was catalogued: {differs}")
    return dataset
