"""Named arrays in one file, mapped into memory as they are, each with a checksum.

A magic word; where the header begins, its length and its CRC-32; the arrays; the header. The header
is a JSON text: what the writer wants to say, and for each array its name, type, place, length in
bytes and CRC-32. Arrays are plain, little-endian and begin at multiples of 64 bytes. Nothing in the
file is executed.
"""

import json
import mmap
import os
import struct
import zlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_PREFIX = struct.Struct("<16sQII")
_MAGIC = b"mlbias arrays 1\n"
_ALIGNMENT = 64
_LONGEST_HEADER = 1 << 20
_TYPES = ("<i4", "<i8", "<f4", "<f8", "|u1")
_PIECE = 1 << 20


class DamagedFileError(Exception):
    """The file is not what was written."""


def write_arrays(
    file: BinaryIO, about: Mapping[str, Any], arrays: Iterable[tuple[str, NDArray[Any]]]
) -> None:
    """Write one-dimensional arrays, each as it comes, and ``about``, which JSON can hold."""
    file.write(bytes(_ALIGNMENT))
    parts = []
    for name, array in arrays:
        little = array.dtype.newbyteorder("<")
        content = np.ascontiguousarray(array, little).data.cast("B")
        parts.append((name, little.str, file.tell(), len(content), _write(file, content)))
        file.write(bytes(-len(content) % _ALIGNMENT))
    start = file.tell()
    header = json.dumps({"about": about, "parts": parts}).encode()
    file.write(header)
    file.seek(0)
    file.write(_PREFIX.pack(_MAGIC, start, len(header), zlib.crc32(header)))


def read_about(file: BinaryIO) -> dict[str, Any]:
    """What the writer said.

    Raises:
        DamagedFileError: the header is not what was written.
    """
    about: dict[str, Any] = _header(file)["about"]
    return about


def map_arrays(file: BinaryIO, threads: int) -> dict[str, NDArray[Any]]:
    """The arrays, read-only and mapped into memory, after all of them have been checked.

    Raises:
        DamagedFileError: the file is not what was written.
    """
    header = _header(file)
    size = os.fstat(file.fileno()).st_size
    for _, kind, start, length, _ in header["parts"]:
        if kind not in _TYPES or start < 0 or length < 0 or start + length > size:
            raise DamagedFileError
    with ThreadPoolExecutor(threads) as pool:
        places = [(start, length) for _, _, start, length, _ in header["parts"]]
        found = list(pool.map(partial(_checksum, file.fileno()), places))
    arrays = {}
    memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    for (name, kind, start, length, expected), checksum in zip(header["parts"], found, strict=True):
        if checksum != expected:
            raise DamagedFileError
        dtype = np.dtype(kind)
        arrays[name] = np.frombuffer(memory, dtype, length // dtype.itemsize, start)
    return arrays


def _header(file: BinaryIO) -> dict[str, Any]:
    file.seek(0)
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        raise DamagedFileError
    magic, start, length, checksum = _PREFIX.unpack(prefix)
    if magic != _MAGIC or length > _LONGEST_HEADER:
        raise DamagedFileError
    file.seek(start)
    text = file.read(length)
    if len(text) < length or zlib.crc32(text) != checksum:
        raise DamagedFileError
    header: dict[str, Any] = json.loads(text)
    return header


def _write(file: BinaryIO, content: memoryview) -> int:
    """Write it in pieces that are still in the cache for their checksum, which is returned."""
    checksum = 0
    for start in range(0, len(content), _PIECE):
        piece = content[start : start + _PIECE]
        checksum = zlib.crc32(piece, checksum)
        file.write(piece)
    return checksum


def _checksum(descriptor: int, place: tuple[int, int]) -> int:
    """Of so many bytes from there; read, since mapping them would count as memory in use."""
    start, length = place
    checksum = 0
    for offset in range(start, start + length, _PIECE):
        piece = os.pread(descriptor, min(_PIECE, start + length - offset), offset)
        checksum = zlib.crc32(piece, checksum)
    return checksum
