"""From what a user types as --data to a stream of bytes: names, folders, files, archives."""

import difflib
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mlbias.datasets.catalogue import DEFAULT_NAME, FOLDERS
from mlbias.errors import DataError, OptionError

# Where data sets are, seen from where a command is run.
DATA_DIR = "data"
SAMPLE = "sample"
STANDARD_INPUT = "-"

# What ratings files are called in data sets; the first that is there is taken.
_PLAIN_FILES = ("ratings.csv", "ratings.dat", "u.data", "ratings.parquet", "ratings.tsv")
# How the name of a truth ends, which lies beside generated ratings and holds none.
TRUTH_ENDING = ".truth.npz"
_RATINGS_FILES = (*_PLAIN_FILES, *(f"{name}.gz" for name in _PLAIN_FILES))
_ZIP, _GZIP, _PARQUET = b"PK\x03\x04", b"\x1f\x8b", b"PAR1"


@dataclass(frozen=True, slots=True)
class Source:
    """Where ratings come from.

    Args:
        label: what the user calls it.
        path: the file; None for the sample and for standard input.
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
        """What error messages call the file."""
        if self.path is None:
            return self.label
        return f"{self.path}/{self.member}" if self.member else str(self.path)


def find_source(data: str | None, data_dir: Path) -> Source:
    """What ``data`` names: sample, -, a file, a folder, an archive's member, or a data set.

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
        raise OptionError("--data names nothing: it is empty.")
    for path in (Path(data), data_dir / data):
        if path.is_file() or (path == Path(data) and path.exists()):
            return _in_path(data, path)
        archive = next((parent for parent in path.parents if parent.is_file()), None)
        if archive is not None:
            return Source(data, archive, path.relative_to(archive).as_posix())
    for name in (FOLDERS.get(data, data), data, f"{data}.zip"):
        if "/" not in data and (data_dir / name).exists():
            return _in_path(data, data_dir / name)
    raise _not_found(data, data_dir)


def data_sets(data_dir: Path) -> list[str]:
    """Names of the data sets in the folder, known ones by their names in the catalogue."""
    if not data_dir.is_dir():
        return []
    names = {folder: name for name, folder in FOLDERS.items()}
    found = {
        names.get(entry.stem if entry.suffix == ".zip" else entry.name, entry.stem)
        for entry in data_dir.iterdir()
        if not entry.name.startswith(".")  # as the prepared copies' folder
        if entry.suffix == ".zip" or (entry.is_dir() and _ratings_file(entry))
    }
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes of a source, decompressed, and how far the reading has come.

    Args:
        file: to read from.
        size: bytes to read in all, as ``tell`` counts them; None where nobody knows.
        tell: bytes read so far, of the compressed file where there is one.
        path: the file itself, where its bytes are these.
    """

    file: io.BufferedReader
    size: int | None
    tell: Callable[[], int]
    path: Path | None = None

    @property
    def is_parquet(self) -> bool:
        """Whether the bytes are Parquet's, not those of a text."""
        return self.file.peek(len(_PARQUET))[: len(_PARQUET)] == _PARQUET


@contextmanager
def opened(source: Source) -> Iterator[Stream]:
    """Open a source that is not the sample; errors while it is read are told as its own.

    Raises:
        DataError: it cannot be opened or read, or is a damaged or encrypted archive.
    """
    try:
        with ExitStack() as stack:
            yield _opened(source, stack)
    except (zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError) as error:
        raise DataError(f"{source.where} is damaged: {error}.") from error
    except OSError as error:
        raise DataError(f"{source.where} cannot be read: {error.strerror or error}.") from error


def _opened(source: Source, stack: ExitStack) -> Stream:
    raw = stack.enter_context(source.path.open("rb")) if source.path else _standard_input()
    is_file = raw.seekable() and source.path is not None
    if not is_file:
        raw = io.BufferedReader(_WithBeginning(raw.read(len(_ZIP)), raw))
    size = source.path.stat().st_size if source.path and is_file else None
    tell = raw.tell if is_file else _nobody_knows
    magic = raw.peek(len(_ZIP))
    if magic.startswith(_ZIP):
        seekable = raw if is_file else io.BytesIO(raw.read())
        return _zip_member(zipfile.ZipFile(seekable), source, stack)
    if source.member is not None:
        raise DataError(f"{source.path} is no zip archive, so that it has no {source.member}.")
    if magic.startswith(_GZIP):
        unzipped = stack.enter_context(gzip.GzipFile(fileobj=raw))
        return Stream(io.BufferedReader(unzipped), size, tell)
    return Stream(raw, size, tell, source.path if is_file else None)


def _nobody_knows() -> int:
    """How far a pipe has been read."""
    return 0


class _WithBeginning(io.RawIOBase):
    """A pipe whose first bytes were taken out to look at; a peek may show fewer than it wants."""

    def __init__(self, beginning: bytes, rest: io.BufferedReader) -> None:
        self._beginning, self._rest = beginning, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._beginning:
            return self._rest.readinto1(buffer)
        size = min(len(buffer), len(self._beginning))
        buffer[:size], self._beginning = self._beginning[:size], self._beginning[size:]
        return size


def _standard_input() -> io.BufferedReader:
    if sys.stdin is None:
        raise DataError("standard input is closed.")
    # A descriptor of our own, so that closing the stream leaves the process's open.
    return open(sys.stdin.fileno(), "rb", closefd=False)


def _zip_member(archive: zipfile.ZipFile, source: Source, stack: ExitStack) -> Stream:
    name = source.member or _ratings_member(archive, source)
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise DataError(
            f"{source.path} has no {name}.", f"It has {_listed(_files(archive))}."
        ) from None
    if info.flag_bits & 1:
        raise DataError(f"{source.where} is encrypted.", "Unpack it and give the file itself.")
    try:
        member = stack.enter_context(archive.open(info))
    except NotImplementedError as error:
        raise DataError(f"{source.where} cannot be unpacked: {error}.") from error
    buffered: io.BufferedReader = io.BufferedReader(cast(io.RawIOBase, member))
    if buffered.peek(len(_GZIP)).startswith(_GZIP):
        inner = stack.enter_context(gzip.GzipFile(fileobj=buffered))
        return Stream(io.BufferedReader(inner), info.file_size, member.tell)
    return Stream(buffered, info.file_size, member.tell)


def _ratings_member(archive: zipfile.ZipFile, source: Source) -> str:
    files = _files(archive)
    for usual in _RATINGS_FILES:
        found = [name for name in files if name.rpartition("/")[2] == usual]
        if len(found) == 1:
            return found[0]
    if len(files) == 1:
        return files[0]
    raise DataError(
        f"{source.where} holds {_listed(files)}, and none of them is plainly the ratings.",
        f"Name one, as in --data {source.path}/{files[0] if files else 'ratings.csv'}.",
    )


def _files(archive: zipfile.ZipFile) -> list[str]:
    return [info.filename for info in archive.infolist() if not info.is_dir()]


def _in_path(label: str, path: Path) -> Source:
    if not path.is_dir():
        return Source(label, path)
    file = _ratings_file(path)
    if file is not None:
        return Source(label, file)
    names = sorted(entry.name for entry in path.iterdir())
    raise DataError(
        f"the folder {path} has no ratings file: it holds {_listed(names)}.",
        f"Expected {', '.join(_PLAIN_FILES)} or one file alone; or name a file.",
    )


def _ratings_file(folder: Path) -> Path | None:
    for usual in _RATINGS_FILES:
        if (folder / usual).is_file():
            return folder / usual
    files = [
        entry
        for entry in folder.iterdir()
        if entry.is_file() and entry.name[0] != "." and not entry.name.endswith(TRUTH_ENDING)
    ]
    return files[0] if len(files) == 1 else None


def _default_source(data_dir: Path) -> Source:
    found = data_sets(data_dir)
    if DEFAULT_NAME in found:
        return find_source(DEFAULT_NAME, data_dir)
    if len(found) == 1:
        return find_source(found[0], data_dir)
    if found:
        raise DataError(
            f"there is no {DEFAULT_NAME} in the folder {data_dir}, but {_listed(found)}.",
            f"Choose one with --data, as in --data {found[0]}.",
        )
    raise DataError(
        f"there is no data set in the folder {data_dir}.",
        f"`mlbias download` fetches {DEFAULT_NAME}; `--data sample` tries everything at once.",
    )


def _not_found(data: str, data_dir: Path) -> DataError:
    if data in FOLDERS:
        return DataError(
            f"the data set {data} is not in the folder {data_dir}.",
            f"`mlbias download {data}` fetches it; --data-dir names another folder.",
        )
    known = [SAMPLE, *FOLDERS, *data_sets(data_dir)]
    near = difflib.get_close_matches(data, known, n=1)
    return DataError(
        f"there is no file, folder or data set {data!r}.",
        f"Did you mean {near[0]}?"
        if near
        else f"The folder {data_dir} has {_listed(data_sets(data_dir))}.",
    )


def _listed(names: list[str], most: int = 8) -> str:
    if not names:
        return "nothing"
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
