"""The MovieLens data sets by name: GroupLens' archives, what is in them, what they may be used for.

Sizes, SHA-256 and counts are of the published archives; each digest was found in at least two
independent public places. Users and items are those with at least one rating.
"""

import difflib
from dataclasses import dataclass

from mlbias.errors import OptionError

SITE = "https://files.grouplens.org/datasets/movielens/"
DEFAULT_NAME = "ml-25m"


@dataclass(frozen=True, slots=True)
class Archive:
    """A published archive; what is None is not known.

    Args:
        name: of the data set, and without .zip the file's.
        folder: what it unpacks to.
        ratings_file: in that folder.
        size: of the archive, in bytes.
        sha256: of the archive.
        n_ratings, n_users, n_items: in it.
        may_change: whether the site may put something else under the same name.
    """

    name: str
    folder: str
    ratings_file: str
    size: int | None = None
    sha256: str | None = None
    n_ratings: int | None = None
    n_users: int | None = None
    n_items: int | None = None
    may_change: bool = False

    @property
    def file(self) -> str:
        """Name of the archive."""
        return f"{self.name}.zip"

    @property
    def url(self) -> str:
        """Where the publisher has it; the MD5 that it publishes is at the same address + .md5."""
        return SITE + self.file


ARCHIVES = {
    archive.name: archive
    for archive in (
        Archive(
            "ml-25m", "ml-25m", "ratings.csv", 261_978_986,
            "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
            25_000_095, 162_541, 59_047,
        ),
        Archive(
            "ml-32m", "ml-32m", "ratings.csv", 238_950_008,
            "e4a68655d7386b8f95f2f2424b2ff975dfdd15ffd59e0d864a14dca43e99d6ee",
            32_000_204, 200_948,
        ),
        Archive(
            "ml-20m", "ml-20m", "ratings.csv", 198_702_078,
            "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
            20_000_263, 138_493,
        ),
        Archive(
            "ml-10m", "ml-10M100K", "ratings.dat", 65_566_137,
            "813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
            10_000_054,
        ),
        Archive(
            "ml-1m", "ml-1m", "ratings.dat", None,
            "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
            1_000_209, 6_040, 3_706,
        ),
        Archive(
            "ml-100k", "ml-100k", "u.data", 4_924_029,
            "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            100_000, 943, 1_682,
        ),
        Archive("ml-latest", "ml-latest", "ratings.csv", may_change=True),
        Archive(
            "ml-latest-small", "ml-latest-small", "ratings.csv", 978_202,
            "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
            100_836, 610, 9_724, may_change=True,
        ),
    )
}  # fmt: skip

FOLDERS = {archive.name: archive.folder for archive in ARCHIVES.values()}


def find_archive(name: str) -> Archive:
    """The archive of this name.

    Raises:
        OptionError: the catalogue has none.
    """
    if name in ARCHIVES:
        return ARCHIVES[name]
    near = difflib.get_close_matches(name, ARCHIVES, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(ARCHIVES)}."
    raise OptionError(f"there is no data set {name!r} in the catalogue.", hint)
