"""Put new files into a folder that is there already, beside what the user has in it."""

import os
from pathlib import Path

from mlbias.datasets.cache_folder import CACHE_FOLDER
from mlbias.errors import DownloadError
from mlbias.files import sync_folder


def merge_folder(new: Path, place: Path, *, replace: bool) -> None:
    """Move all files of a folder into another one, each in one step; all others there stay.

    Args:
        new: the folder whose files are moved.
        place: the folder that they are moved to, on the same disk.
        replace: whether they replace files of the same names; otherwise those stay too.

    Raises:
        DownloadError: something of the user's has the name of a file or a folder that is needed;
            nothing was moved.
        OSError: a file cannot be moved.
    """
    sources = [path for path in sorted(new.rglob("*")) if path.is_symlink() or not path.is_dir()]
    moves = {path: place / path.relative_to(new) for path in sources}
    if not replace or (place / CACHE_FOLDER).is_symlink():
        # A prepared copy is of the ratings that it came with.
        moves = {s: t for s, t in moves.items() if CACHE_FOLDER not in s.relative_to(new).parts}
    if not replace:
        moves = {s: t for s, t in moves.items() if not os.path.lexists(t)}
    for target in moves.values():
        if (obstacle := _obstacle(target, place)) is not None:
            raise DownloadError(
                f"{obstacle} is in the way of a file of the archive; nothing was changed.",
                "Move it away.",
            )
    for source, target in moves.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    for folder in {target.parent for target in moves.values()}:
        sync_folder(folder)


def _obstacle(target: Path, place: Path) -> Path | None:
    """What keeps a file from its place: a folder of its name, or a link where a folder must be."""
    if target.is_dir() and not target.is_symlink():
        return target
    folders = [one for one in target.parents if one != place and one.is_relative_to(place)]
    return next((one for one in folders if one.is_symlink() or one.is_file()), None)
