"""Published folds: pairs of a training file and a test file, such as ml-100k's u1.base, u1.test."""

import re
import zipfile
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path

from mlbias.errors import DataError

# How public data sets call the training file of a fold, whose test file has "test" instead.
_TRAINING = re.compile(r"base|training|train", re.IGNORECASE)


def fold_files(pattern: str, data_dir: Path) -> list[tuple[str, str]]:
    """The training file and the test file of each fold, as `data` would name them.

    Args:
        pattern: of the training files, such as ``u[1-5].base``, with ARCHIVE.zip/ in front where
            they are members of an archive.
        data_dir: where they may be too, or in a folder inside it.

    Raises:
        DataError: there are no such files, or a test file is missing.
    """
    places = [Path(pattern), data_dir / pattern, data_dir / "*" / pattern]
    names = next((found for place in places if (found := _matches(place))), [])
    if not names:
        raise DataError(
            f"there are no files {pattern!r} of folds, here or in the folder {data_dir}.",
            "Name their training files by a pattern in quotes, as in `folds_from` 'u[1-5].base'.",
        )
    return [(name, _test_file(name, names)) for name in names]


def _matches(pattern: Path) -> list[str]:
    archive = next((parent for parent in pattern.parents if parent.is_file()), None)
    if archive is None:
        return sorted(name for name in glob(str(pattern)) if Path(name).is_file())  # noqa: PTH207
    wanted = pattern.relative_to(archive).as_posix()
    return [f"{archive}/{name}" for name in _members(archive) if fnmatchcase(name, wanted)]


def _members(archive: Path) -> list[str]:
    return sorted(zipfile.ZipFile(archive).namelist()) if zipfile.is_zipfile(archive) else []


def _test_file(name: str, names: list[str]) -> str:
    """The test file that belongs to a training file.

    Raises:
        DataError: there is none.
    """
    path = Path(name)
    *_, last = _TRAINING.finditer(path.name) if _TRAINING.search(path.name) else [None]
    if last is None:
        raise DataError(
            f"{name} is not called as a training file is: it has neither base nor train in it.",
            f"The pattern matches {len(names)} files; it is to match training files alone.",
        )
    test = str(path.with_name(f"{path.name[: last.start()]}test{path.name[last.end() :]}"))
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    is_there = (
        Path(test).is_file()
        if archive is None
        else Path(test).relative_to(archive).as_posix() in _members(archive)
    )
    if not is_there:
        raise DataError(f"{name} has no test file: there is no {test}.")
    return test
