"""A file opened as a stream of bytes: unpacked, decoded to UTF-8, its format detected."""

import codecs
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

from mlbias.datasets.folders import is_candidate, usual_files
from mlbias.datasets.reading.compression import COMPRESSED, unpacked
from mlbias.datasets.reading.foreign import CSV_ADVICE, refuse_foreign
from mlbias.datasets.sources import Source, listed
from mlbias.errors import DataError

_ZIP = b"PK\x03\x04"
_PEEKED = 512
_PIECE = 1 << 20

_TABLES = {b"PAR1": "Parquet", b"ARROW1": "Arrow"}

# Byte order marks of text that is not UTF-8; the longer first.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes of one file, unpacked.

    Attributes:
        file: to read from; UTF-8 where it is text.
        where: what messages call the file.
        size: bytes to read in all, as ``tell`` counts them; None where nobody knows.
        tell: bytes read so far, of the compressed file where there is one.
        format: text, Parquet or Arrow.
        packing: gzip, bzip2, xz, zstd or zip, joined by a comma; empty for none.
        encoding: of the text.
        path: the file itself, where its bytes are these.
        part_size: the most bytes of text that are read at a time; None for what is quickest.
    """

    file: io.BufferedReader
    where: str
    size: int | None
    tell: Callable[[], int]
    format: str = "text"
    packing: str = ""
    encoding: str = "utf-8"
    path: Path | None = None
    part_size: int | None = None


@contextmanager
def opened(source: Source, path: Path | None, encoding: str | None) -> Iterator[Stream]:
    """Open one file of a source, or standard input.

    Args:
        source: which may name a member of an archive.
        path: the file, None for standard input.
        encoding: of text, None for UTF-8 or what its byte order mark says.

    Raises:
        DataError: it cannot be opened or read, is damaged, or is no file of ratings.
    """
    where = source.label if path is None else str(path)
    where += f"/{source.member}" if source.member else ""
    try:
        with ExitStack() as stack:
            yield _opened(source, path, where, encoding, stack)
    except (zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError) as error:
        raise DataError(f"{where} is damaged: {error}.") from error
    except UnicodeError as error:
        raise DataError(f"{where} is not in {encoding or 'UTF-16'}: {error}.") from error
    except OSError as error:
        # Without a number it is not the system's, but that of an unpacker.
        what = "cannot be read" if error.errno else "is damaged"
        raise DataError(f"{where} {what}: {error.strerror or error}.") from error


def _opened(
    source: Source, path: Path | None, where: str, encoding: str | None, stack: ExitStack
) -> Stream:
    raw: io.BufferedReader = stack.enter_context(path.open("rb")) if path else _standard_input()
    is_file = path is not None and raw.seekable()
    size = path.stat().st_size if path is not None and is_file else None
    tell = raw.tell if is_file else _nobody_knows
    if not is_file:
        raw = io.BufferedReader(_WithBeginning(raw.read(_PEEKED), raw))
    file, packings = raw, []
    if _beginning(file).startswith(_ZIP):
        seekable: Any = raw if is_file else io.BytesIO(raw.read())
        file, size, tell = _zip_member(zipfile.ZipFile(seekable), source, where, stack)
        packings.append("zip")
    elif source.member is not None:
        raise DataError(f"{path} is no zip archive, so that it has no {source.member}.")
    for magic, name in COMPRESSED.items():
        if _beginning(file).startswith(magic):
            file = stack.enter_context(unpacked(file, name))
            packings.append(name)
            break
    beginning = _beginning(file)
    refuse_foreign(beginning, where)
    form = next((name for magic, name in _TABLES.items() if beginning.startswith(magic)), "text")
    if form == "text":
        mark = next((codec for mark, codec in _MARKS.items() if beginning.startswith(mark)), None)
        encoding = encoding or mark
        if encoding and codecs.lookup(encoding).name != "utf-8":
            file = stack.enter_context(io.BufferedReader(_Recoded(file, encoding), _PIECE))
    return Stream(
        file,
        where,
        size,
        tell,
        form,
        ", ".join(packings),
        encoding or "utf-8",
        path if is_file and not packings and not encoding else None,
    )


def _beginning(file: io.BufferedReader) -> bytes:
    return file.peek(_PEEKED)[:_PEEKED]


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


class _Recoded(io.RawIOBase):
    """Text in another encoding as UTF-8.

    Raises:
        UnicodeError: a byte is not in the encoding.
    """

    def __init__(self, file: io.BufferedReader, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            piece = self._file.read(_PIECE)
            self._ready = self._decoder.decode(piece, final=not piece).encode("utf-8")
            if not piece:
                break
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


def _standard_input() -> io.BufferedReader:
    if sys.stdin is None:
        raise DataError("standard input is closed.")
    # A descriptor of our own, so that closing the stream leaves the process's open.
    return open(sys.stdin.fileno(), "rb", closefd=False)


def _zip_member(
    archive: zipfile.ZipFile, source: Source, where: str, stack: ExitStack
) -> tuple[io.BufferedReader, int, Callable[[], int]]:
    name = source.member or _ratings_member(archive, where)
    try:
        info = archive.getinfo(name)
    except KeyError:
        files = [file for file in archive.namelist() if not file.endswith("/")]
        raise DataError(f"{where} is not there.", f"The archive has {listed(files)}.") from None
    if info.flag_bits & 1:
        raise DataError(f"{where} is encrypted.", "Unpack it, and give the file itself.")
    try:
        member = stack.enter_context(archive.open(info))
    except NotImplementedError as error:
        raise DataError(f"{where} cannot be unpacked: {error}.") from error
    return io.BufferedReader(cast(io.RawIOBase, member), _PIECE), info.file_size, member.tell


def _ratings_member(archive: zipfile.ZipFile, where: str) -> str:
    names = archive.namelist()
    if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
        raise DataError(f"{where} is an Excel workbook or another Office file.", CSV_ADVICE)
    if names and all(name.endswith(".npy") for name in names):
        raise DataError(f"{where} is an archive of NumPy arrays.", CSV_ADVICE)
    files = [name for name in names if is_candidate(name)]
    found = usual_files(files) or files
    if len(found) == 1:
        return found[0]
    if not found:
        raise DataError(f"{where} holds no file of ratings, but {listed(names)}.")
    raise DataError(
        f"{where} holds {listed(found)}: which is meant?",
        f"Name it, as in `data` {where}/{found[0]}.",
    )
