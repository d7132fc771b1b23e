"""From what a user types as --data to a stream of bytes: names, folders, files, archives."""

import difflib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from mlbias.datasets.catalogue import DEFAULT_NAME, FOLDERS
from mlbias.errors import DataError, OptionError

# Where data sets are, seen from where a command is run.
DATA_DIR = "data"
SAMPLE = "sample"
STANDARD_INPUT = "-"

# What the file of ratings is called in public data sets.
_USUAL_NAMES = ("ratings.csv", "ratings.dat", "u.data", "ratings.parquet", "ratings.tsv")
_PACKED = ("", ".gz", ".bz2", ".xz", ".zst")
# How the name of a truth ends, which lies beside generated ratings and holds none.
TRUTH_ENDING = ".truth.npz"
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
            return tuple(_parts(self.path))
        if self.path.exists() or not _PATTERN.search(str(self.path)):
            return (self.path,)
        return tuple(_matches(self.path))


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
        if _is_file(path) or (path == Path(data) and _is_folder(path)):
            return _in_path(data, path)
        archive = next((parent for parent in path.parents if _is_file(parent)), None)
        if archive is not None:
            return Source(data, archive, path.relative_to(archive).as_posix())
    for name in (FOLDERS.get(data, data), data, f"{data}.zip"):
        if "/" not in data and (_is_file(data_dir / name) or _is_folder(data_dir / name)):
            return _in_path(data, data_dir / name)
    patterns = (Path(data), data_dir / data) if _PATTERN.search(data) else ()
    return next((Source(data, pattern) for pattern in patterns if _matches(pattern)), None)


def data_sets(data_dir: Path) -> list[str]:
    """Names of the data sets in the folder, known ones by their names in the catalogue."""
    if not data_dir.is_dir():
        return []
    names = {folder: name for name, folder in FOLDERS.items()}
    found = {
        names.get(entry.stem if entry.suffix == ".zip" else entry.name, entry.stem)
        for entry in data_dir.iterdir()
        if not entry.name.startswith(".")  # as the prepared copies' folder
        if entry.suffix == ".zip" or (entry.is_dir() and _holds_ratings(entry))
    }
    return sorted(found)


def is_candidate(name: str) -> bool:
    """Whether a file of this name, in a folder or an archive, may hold ratings."""
    parts = name.split("/")
    last = parts[-1].lower()
    return bool(
        last
        and last[0] not in "._"
        and "__MACOSX" not in parts
        and not last.startswith(("readme", "license", "licence", "changelog", "citation"))
        and not last.endswith((TRUTH_ENDING, ".md", ".crc", ".md5", ".sha256"))
    )


def usual_files(names: Iterable[str]) -> list[str]:
    """Those of the names that files of ratings usually have in public data sets."""
    usual = {f"{name}{packed}" for name in _USUAL_NAMES for packed in _PACKED}
    return [name for name in names if name.rpartition("/")[2].lower() in usual]


def _holds_ratings(folder: Path) -> bool:
    files = _ratings_files(folder)
    usual = usual_files(file.name for file in files)
    return bool(usual) or len(files) == 1 or bool(_parts(folder))


def _in_path(label: str, path: Path) -> Source:
    if not path.is_dir():
        return Source(label, path)
    found = _ratings_files(path)
    if len(found) == 1:
        return Source(label, found[0])
    if _parts(path):
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
        f"Expected {', '.join(_USUAL_NAMES)} or one file alone; or name a file.",
    )


def _ratings_files(folder: Path) -> list[Path]:
    """Files in a folder that are called as ratings are; or else all that may hold some."""
    files = sorted(
        entry for entry in folder.iterdir() if entry.is_file() and is_candidate(entry.name)
    )
    usual = set(usual_files(file.name for file in files))
    return [file for file in files if file.name in usual] or files


def _parts(folder: Path) -> list[Path]:
    """The files of a table that was written in parts, as by Spark; none if it was not.

    Parts have names that differ in their numbers alone, or begin with "part-"; they may lie in
    folders of a hive, such as year=2019.
    """
    files = _hive_files(folder)
    kinds = {re.sub(r"^part-.*?(?=\.|$)|[0-9]+", "#", file.name) for file in files}
    is_hive = any(file.parent != folder for file in files)
    return files if len(kinds) == 1 and (len(files) > 1 or is_hive) else []


def _hive_files(folder: Path) -> list[Path]:
    """The files in a folder and in those of a hive within it, in the order of their names."""
    files: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if _is_hive(entry):
            files += _hive_files(entry)
        elif not entry.is_dir() and is_candidate(entry.name):
            files.append(entry)
    return files


def _is_hive(path: Path) -> bool:
    return "=" in path.name and path.name[0] not in "._" and _is_folder(path)


def _matches(pattern: Path) -> list[Path]:
    """The files that a pattern stands for, as parts/*.csv or hive/*, by name."""
    found = [Path(name) for name in glob(str(pattern), recursive=True)]  # noqa: PTH207 - absolute
    inside = [file for path in found if _is_hive(path) for file in _hive_files(path)]
    return sorted({*inside, *filter(_is_file, found)})


def _is_file(path: Path) -> bool:
    """Whether it is there and no folder."""
    # Unlike pathlib's these take a name that is too long for a file for none.
    return os.path.exists(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112


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
