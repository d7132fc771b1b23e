"""A data set of the catalogue, from the site or a mirror to its folder: fetched, verified, counted.

Nothing has its final name before all of it is right: the archive grows in a part (part.py), the
folder is made beside its place, with the prepared copy of its ratings in it, and is renamed.
"""

from dataclasses import dataclass
from pathlib import Path

from mlbias.datasets.catalogue import Archive
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.files import replace_folder, sync_folder, temporary_folder
from mlbias.datasets.loading import load_dataset
from mlbias.datasets.sources import Source
from mlbias.errors import BadArchiveError, DataError, DownloadError
from mlbias.fetching.archive import archive_file
from mlbias.fetching.part import discard_part
from mlbias.fetching.unpack import unpack
from mlbias.fetching.watcher import Watcher
from mlbias.fetching.wish import Wish


@dataclass(frozen=True, slots=True)
class Download:
    """A data set that has just come to its folder.

    Args:
        dataset: its ratings.
        origin: what messages call the place that its archive came from.
        is_verified: whether a digest proved the archive.
    """

    dataset: Dataset
    origin: str
    is_verified: bool


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
    with archive_file(wish, watcher) as archive, temporary_folder(wish.folder) as temporary:
        origin = str(archive.path) if archive.path == wish.archive_path else wish.shown
        with watcher.progress("unpacking", "bytes") as bar:
            unpack(
                archive.path, temporary, wish.archive.folder, label=origin,
                everything=wish.everything, progress=bar.update,
            )  # fmt: skip
        dataset = _counted(wish, temporary / wish.archive.folder, watcher)
        if not _put_in_place(wish, temporary / wish.archive.folder):
            return None
    discard_part(wish.archive_path)
    return Download(dataset, origin, archive.is_verified)


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
        if wish.has_folder and not wish.replace:
            return False
        if wish.replace:
            replace_folder(folder, wish.folder)
        else:
            _add_missing(folder, wish.folder)
    sync_folder(wish.data_dir)
    return True


def _add_missing(folder: Path, to: Path) -> None:
    """Move the files that are not there yet, and leave all that is there alone."""
    for path in folder.iterdir():
        if not (to / path.name).exists():
            path.rename(to / path.name)
    sync_folder(to)
