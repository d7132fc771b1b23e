"""Which files in a folder hold ratings, and which files a pattern stands for."""

import os
import re
from collections.abc import Iterable
from glob import glob
from pathlib import Path

# What the file of ratings is called in public data sets.
USUAL_NAMES = ("ratings.csv", "ratings.dat", "u.data", "ratings.parquet", "ratings.tsv")
_PACKED = ("", ".gz", ".bz2", ".xz", ".zst")
# How the name of a truth ends, which lies beside generated ratings and holds none.
TRUTH_ENDING = ".truth.npz"


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
    usual = {f"{name}{packed}" for name in USUAL_NAMES for packed in _PACKED}
    return [name for name in names if name.rpartition("/")[2].lower() in usual]


def holds_ratings(folder: Path) -> bool:
    """Whether a folder is a data set: a usual name, one file alone, or parts."""
    files = ratings_files(folder)
    usual = usual_files(file.name for file in files)
    return bool(usual) or len(files) == 1 or bool(part_files(folder))


def ratings_files(folder: Path) -> list[Path]:
    """Files in a folder that are called as ratings are; or else all that may hold some."""
    files = sorted(
        entry for entry in folder.iterdir() if entry.is_file() and is_candidate(entry.name)
    )
    usual = set(usual_files(file.name for file in files))
    return [file for file in files if file.name in usual] or files


def part_files(folder: Path) -> list[Path]:
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
    return "=" in path.name and path.name[0] not in "._" and is_folder(path)


def matching_files(pattern: Path) -> list[Path]:
    """The files that a pattern stands for, as parts/*.csv or hive/*, by name."""
    found = [Path(name) for name in glob(str(pattern), recursive=True)]  # noqa: PTH207 - absolute
    inside = [file for path in found if _is_hive(path) for file in _hive_files(path)]
    return sorted({*inside, *filter(is_file, found)})


def is_file(path: Path) -> bool:
    """Whether it is there and no folder."""
    # Unlike pathlib's these take a name that is too long for a file for none.
    return os.path.exists(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112


def is_folder(path: Path) -> bool:
    """Whether it is there and a folder."""
    return os.path.isdir(path)  # noqa: PTH112
