"""A source opened as a stream of bytes: files, gzip, members of zip archives, standard input."""

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

from mlbias.datasets.sources import RATINGS_FILES, Source, listed
from mlbias.errors import DataError

_ZIP, _GZIP, _PARQUET = b"PK\x03\x04", b"\x1f\x8b", b"PAR1"


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
            f"{source.path} has no {name}.", f"It has {listed(_files(archive))}."
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
    for usual in RATINGS_FILES:
        found = [name for name in files if name.rpartition("/")[2] == usual]
        if len(found) == 1:
            return found[0]
    if len(files) == 1:
        return files[0]
    raise DataError(
        f"{source.where} holds {listed(files)}, and none of them is plainly the ratings.",
        f"Name one, as in --data {source.path}/{files[0] if files else 'ratings.csv'}.",
    )


def _files(archive: zipfile.ZipFile) -> list[str]:
    return [info.filename for info in archive.infolist() if not info.is_dir()]
