"""From what a user types as --data to a stream of bytes: names, folders, files, archives."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from mlbias.datasets.catalogue import DEFAULT_NAME, FOLDERS
from mlbias.datasets.folders import (
    USUAL_NAMES,
    holds_ratings,
    is_file,
    is_folder,
    matching_files,
    part_files,
    ratings_files,
)
from mlbias.errors import DataError, OptionError

# Where data sets are, seen from where a command is run.
DATA_DIR = "data"
SAMPLE = "sample"
STANDARD_INPUT = "-"

_PATTERN = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True)
class Source:
    """Where ratings come from.

    Attributes:
        label: what the user calls it.
        path: a file, a folder of parts or a pattern of names; None for the sample and for standard
            input.
        member: the file inside a zip archive.
    """

    label: str
    path: Path | None = None
    member: str | None = None

    @property
    def is_sample(self) -> bool:
        """Whether it is the generated sample."""
        return self.label == SAMPLE and self.path is None

    @property
    def is_standard_input(self) -> bool:
        """Whether it is read from standard input, and so only once."""
        return self.path is None and not self.is_sample

    @property
    def where(self) -> str:
        """What error messages call it."""
        if self.path is None:
            return self.label
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read as one, in the order of their names; none but on disk.

        A pattern is expanded only if no file is called so.
        """
        if self.path is None:
            return ()
        if self.path.is_dir():
            return tuple(part_files(self.path))
        if self.path.exists() or not _PATTERN.search(str(self.path)):
            return (self.path,)
        return tuple(matching_files(self.path))


def find_source(data: str | None, data_dir: Path) -> Source:
    """What ``data`` names: sample, -, a file, a folder, a pattern, a member, or a data set.

    Without ``data``: ml-25m in the data folder, or else the only data set there.

    Raises:
        DataError: there is no such thing, or more than one thing that it could be.
    """
    if data is None:
        return _default_source(data_dir)
    if data == STANDARD_INPUT:
        return Source("standard input")
    if data == SAMPLE:
        return Source(SAMPLE)
    if not data:
        raise OptionError("`data` names nothing: it is empty.")
    found = _source_on_disk(data, data_dir)
    if found is None:
        raise _not_found(data, data_dir)
    return found


def _source_on_disk(data: str, data_dir: Path) -> Source | None:
    for path in (Path(data), data_dir / data):
        if is_file(path) or (path == Path(data) and is_folder(path)):
            return _in_path(data, path)
        archive = next((parent for parent in path.parents if is_file(parent)), None)
        if archive is not None:
            return Source(data, archive, path.relative_to(archive).as_posix())
    for name in (FOLDERS.get(data, data), data, f"{data}.zip"):
        if "/" not in data and (is_file(data_dir / name) or is_folder(data_dir / name)):
            return _in_path(data, data_dir / name)
    patterns = (Path(data), data_dir / data) if _PATTERN.search(data) else ()
    return next((Source(data, pattern) for pattern in patterns if matching_files(pattern)), None)


def data_sets(data_dir: Path) -> list[str]:
    """Names of the data sets in the folder, known ones by their names in the catalogue."""
    if not data_dir.is_dir():
        return []
    names = {folder: name for name, folder in FOLDERS.items()}
    found = {
        names.get(entry.stem if entry.suffix == ".zip" else entry.name, entry.stem)
        for entry in data_dir.iterdir()
        if not entry.name.startswith(".")  # as the prepared copies' folder
        if entry.suffix == ".zip" or (entry.is_dir() and holds_ratings(entry))
    }
    return sorted(found)


def _in_path(label: str, path: Path) -> Source:
    if not path.is_dir():
        return Source(label, path)
    found = ratings_files(path)
    if len(found) == 1:
        return Source(label, found[0])
    if part_files(path):
        return Source(label, path)
    if found:
        raise DataError(
            f"the folder {path} has {listed([file.name for file in found])}: which is meant?",
            f"Name it, as in `data` {found[0]}; a pattern such as `data` '{path}/*"
            f"{found[0].suffix}' reads several files as one.",
        )
    names = sorted(entry.name for entry in path.iterdir())
    raise DataError(
        f"the folder {path} has no ratings file: it holds {listed(names)}.",
        f"Expected {', '.join(USUAL_NAMES)} or one file alone; or name a file.",
    )


def _default_source(data_dir: Path) -> Source:
    found = data_sets(data_dir)
    if DEFAULT_NAME in found:
        return find_source(DEFAULT_NAME, data_dir)
    if len(found) == 1:
        return find_source(found[0], data_dir)
    if found:
        raise DataError(
            f"there is no {DEFAULT_NAME} in the folder {data_dir}, but {listed(found)}.",
            f"Choose one with `data`, as in `data` {found[0]}.",
        )
    raise DataError(
        f"there is no data set in the folder {data_dir}.",
        f"`mlbias download` fetches {DEFAULT_NAME}; sample needs no file, as in `data` sample.",
    )


def _not_found(data: str, data_dir: Path) -> DataError:
    if data in FOLDERS:
        return DataError(
            f"the data set {data} is not in the folder {data_dir}.",
            f"`mlbias download {data}` fetches it; `data_dir` names another folder.",
        )
    known = [SAMPLE, *FOLDERS, *data_sets(data_dir)]
    near = difflib.get_close_matches(data, known, n=1)
    return DataError(
        f"there is no file, folder or data set {data!r}.",
        f"Did you mean {near[0]}?" if near else _what_there_is(data_dir),
    )


def _what_there_is(data_dir: Path) -> str:
    found = data_sets(data_dir)
    if found:
        return f"The folder {data_dir} has {listed(found)}."
    return f"The folder {data_dir} has no data set; sample is always there, as in `data` sample."


def listed(names: list[str], most: int = 8) -> str:
    """The first names as a list in a sentence, and how many more there are."""
    if not names:
        return "nothing"
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
