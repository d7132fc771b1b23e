"""Titles and genres of items: from the set of the ratings, or from a file of labels."""

import csv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlbias.datasets.sources import Source
from mlbias.errors import DataError

# The genres of ml-100k, whose file of items has a column of 0 and 1 for each.
_GENRES = (
    "", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
_FILES = ("movies.csv", "movies.dat", "u.item")
_ID, _TITLE, _GENRE = ("id", "item", "movieid", "itemid", "user", "userid"), "title", "genres"


@dataclass(frozen=True, slots=True)
class Title:
    """What an item is called, and its genres where they are known."""

    text: str
    genres: str = ""


def titles_of(source: Source) -> dict[str, Title]:
    """Titles by the ids as text, from movies.csv, movies.dat or u.item beside the ratings.

    Nothing where there is no such file, or it is not what its name says.
    """
    found = _beside(source)
    if found is None:
        return {}
    name, content = found
    try:
        if name == "movies.csv":
            return _labels(content.decode("utf-8-sig").splitlines(), ",")
        # Older sets are in Latin-1.
        lines = content.decode("latin-1").splitlines()
        mark = "::" if name == "movies.dat" else "|"
        return dict(_row(line.split(mark)) for line in lines if line)
    except (ValueError, IndexError, DataError):
        return {}


def read_labels(path: Path) -> dict[str, Title]:
    """Titles by the ids as text, from a CSV or tab-separated file with a header.

    The ids are in a column called id, item, user or so, or else in the first one; the titles in
    one called title, name or label, or else in the second one.

    Raises:
        DataError: it cannot be read, or has fewer than two columns.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        return _labels(lines, "\t" if path.suffix.lower() in (".tsv", ".tab") else ",")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8.") from error
    except DataError as error:
        raise DataError(f"{path} {error}", error.advice) from None


def _labels(lines: list[str], separator: str) -> dict[str, Title]:
    rows = csv.reader(lines, delimiter=separator)
    header = [name.strip().lower() for name in next(rows, [])]
    if len(header) < 2:
        raise DataError(
            f"has {len(header)} column; labels need an id and a title.", "Give it a header of both."
        )
    plain = [name.replace("_", "") for name in header]
    id_at = next((plain.index(name) for name in _ID if name in plain), 0)
    named = (plain.index(name) for name in (_TITLE, "name", "label") if name in plain)
    title_at = next(named, 1 if id_at == 0 else 0)
    genre_at = plain.index(_GENRE) if _GENRE in plain else len(header)
    most = max(id_at, title_at)
    return {
        row[id_at]: Title(row[title_at], row[genre_at] if genre_at < len(row) else "")
        for row in rows
        if len(row) > most
    }


def _row(fields: list[str]) -> tuple[str, Title]:
    """A row of movies.dat, which has genres in the third field, or of u.item, with its flags."""
    if len(fields) == 3:
        return fields[0], Title(fields[1], fields[2])
    flags = fields[-len(_GENRES) :]
    genres = [genre for genre, flag in zip(_GENRES, flags, strict=True) if flag == "1" and genre]
    return fields[0], Title(fields[1], "|".join(genres))


def _beside(source: Source) -> tuple[str, bytes] | None:
    """Name and content of a file of titles in the folder of the ratings, or in their archive."""
    path = source.path
    try:
        if path is not None and path.is_file() and zipfile.is_zipfile(path):
            return next(_in_archive(path), None)
        folder = path if path is None or path.is_dir() else path.parent
        for name in _FILES if folder is not None else ():
            assert folder is not None
            if (folder / name).is_file():
                return name, (folder / name).read_bytes()
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return None
    return None


def _in_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            name = PurePosixPath(member).name
            if name in _FILES:
                yield name, archive.read(member)
