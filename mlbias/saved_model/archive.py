"""The npz archive of a model file, read so that nothing in it is believed or executed.

``numpy.savez`` stores its arrays as they are, and Arrow files beside them are stored likewise. An
archive that is compressed is refused: so none can hold more than its own size.
"""

import io
import json
import math
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mlbias.files import state_of_file
from mlbias.ids import TextIds
from mlbias.npy import read_header
from mlbias.texts import Texts, write_texts

# What reading a damaged archive, array or text may raise.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError,
    ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip

_ZIP = b"PK\x03\x04"
_LONGEST_TEXT = 1 << 20
_PIECE = 1 << 20
# Of a member's header: its size, and where the lengths of the name and of the extra field are.
_HEADER, _LENGTHS = 30, 26


class Archive(Mapping[str, NDArray[Any]]):
    """Arrays by their names, and the JSON text ``about``.

    Args:
        file: the archive.
        size: of the file, in bytes.

    Raises:
        One of DAMAGE: the file is not such an archive; so do the methods.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        # zipfile finds archives behind other content too.
        if file.read(len(_ZIP)) != _ZIP:
            raise ValueError("not an archive")
        self._zip = zipfile.ZipFile(file)
        self._file, self._size = file, size

    def __contains__(self, name: object) -> bool:
        return f"{name}.npy" in self._zip.NameToInfo

    def __iter__(self) -> Iterator[str]:
        return (name.removesuffix(".npy") for name in self._zip.NameToInfo)

    def __len__(self) -> int:
        return len(self._zip.NameToInfo)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A row or a table of numbers, read-only."""
        member = self._stored(f"{name}.npy")
        content = self._zip.read(member)
        header = read_header(io.BytesIO(content), len(content))
        numbers = np.frombuffer(content, header.dtype, offset=header.offset)
        return numbers.reshape(header.shape)

    def texts(self, name: str) -> Texts | None:
        """Texts in an Arrow file that is mapped once its checksum is seen to be right."""
        if f"{name}.arrow" not in self._zip.NameToInfo:
            return None
        member = self._stored(f"{name}.arrow")
        if sys.platform == "win32":  # where a file that is mapped cannot be replaced
            return Texts.in_file(np.frombuffer(self._zip.read(member), np.uint8))
        with self._zip.open(member) as content:
            while content.read(_PIECE):
                pass
        self._file.seek(member.header_offset + _LENGTHS)
        start = member.header_offset + _HEADER + sum(struct.unpack("<HH", self._file.read(4)))
        mapped = np.memmap(self._file, np.uint8, "r", start, (member.file_size,))
        return Texts.in_file(np.asarray(mapped))

    def _stored(self, name: str) -> zipfile.ZipInfo:
        """A member that is not compressed."""
        member = self._zip.getinfo(name)
        sizes = member.compress_size, member.file_size
        if member.compress_type != zipfile.ZIP_STORED or max(sizes) > self._size:
            raise ValueError("compressed")
        return member

    def about(self) -> dict[str, Any]:
        """The JSON text, with finite numbers and texts that can be shown or name a file."""
        content = self["about"].tobytes()
        if len(content) > _LONGEST_TEXT:
            raise ValueError("the text is too long")
        found: dict[str, Any] = json.loads(content, parse_constant=_refuse)
        _check(found)
        return found


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """The archive at a path, which must be a regular file.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: something else has the name, or it cannot be read.
        One of DAMAGE: it is not an archive.
    """
    state = state_of_file(path)
    if state is None:
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        yield Archive(file, state.st_size)


def write_archive(
    file: BinaryIO, arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, TextIds]
) -> None:
    """Write arrays, and texts as Arrow files, by their names."""
    np.savez(file, **arrays)  # type: ignore[arg-type]
    if not texts:
        return
    with zipfile.ZipFile(file, "a") as archive:
        for name, of in texts.items():
            with archive.open(zipfile.ZipInfo(f"{name}.arrow"), "w", force_zip64=True) as member:
                write_texts(of.kept, member)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _check(value: object) -> None:
    """See that all numbers are finite, and that all texts are text."""
    if isinstance(value, dict):
        _check(list(value.items()))
    elif isinstance(value, list | tuple):
        for entry in value:
            _check(entry)
    elif isinstance(value, str):
        # Names of files may hold bytes that are not UTF-8, which Python writes as surrogates.
        if b"\0" in value.encode("utf-8", "surrogateescape"):
            raise ValueError("a text holds a null character")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is not finite")
