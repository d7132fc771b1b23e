"""Named arrays in one file, mapped into memory as they are, each with a checksum.

A magic word, the length and the CRC-32 of a header, the header, then the arrays. The header is a
JSON text: what the writer wants to say, and for each array its name, type, place, length in bytes
and CRC-32. Arrays are plain, little-endian and begin at multiples of 64 bytes. Nothing in the file
is executed.
"""

import json
import mmap
import os
import struct
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_PREFIX = struct.Struct("<16sII")
_MAGIC = b"mlbias arrays 1\n"
_ALIGNMENT = 64
_LONGEST_HEADER = 1 << 20
_TYPES = ("<i4", "<i8", "<f4", "<f8", "|u1")
_PIECE = 1 << 20


class DamagedFileError(Exception):
    """The file is not what was written."""


def write_arrays(
    file: BinaryIO, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write one-dimensional arrays, and what ``about`` says of them, which JSON can hold."""
    parts, start = [], 0
    for name, array in arrays.items():
        little = array.dtype.newbyteorder("<").str
        parts.append((name, little, start, array.nbytes, zlib.crc32(_bytes(array))))
        start += array.nbytes + _padding(array.nbytes)
    header = json.dumps({"about": about, "parts": parts}).encode()
    header += b" " * _padding(_PREFIX.size + len(header))
    file.write(_PREFIX.pack(_MAGIC, len(header), zlib.crc32(header)))
    file.write(header)
    for array in arrays.values():
        file.write(_bytes(array))
        file.write(bytes(_padding(array.nbytes)))


def read_about(file: BinaryIO) -> dict[str, Any]:
    """What the writer said.

    Raises:
        DamagedFileError: the header is not what was written.
    """
    about: dict[str, Any] = _header(file)[0]["about"]
    return about


def map_arrays(file: BinaryIO, threads: int) -> dict[str, NDArray[Any]]:
    """The arrays, read-only and mapped into memory, after all of them have been checked.

    Raises:
        DamagedFileError: the file is not what was written.
    """
    header, first = _header(file)
    size = os.fstat(file.fileno()).st_size
    with ThreadPoolExecutor(threads) as pool:
        places = [(first + start, length) for _, _, start, length, _ in header["parts"]]
        found = list(pool.map(partial(_checksum, file.fileno()), places))
    arrays = {}
    memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    for (name, kind, start, length, expected), checksum in zip(header["parts"], found, strict=True):
        if checksum != expected or kind not in _TYPES or first + start + length > size:
            raise DamagedFileError
        dtype = np.dtype(kind)
        arrays[name] = np.frombuffer(memory, dtype, length // dtype.itemsize, first + start)
    return arrays


def _header(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """The header, and where the arrays begin."""
    file.seek(0)
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        raise DamagedFileError
    magic, length, checksum = _PREFIX.unpack(prefix)
    if magic != _MAGIC or length > _LONGEST_HEADER:
        raise DamagedFileError
    text = file.read(length)
    if len(text) < length or zlib.crc32(text) != checksum:
        raise DamagedFileError
    return json.loads(text), _PREFIX.size + length


def _checksum(descriptor: int, place: tuple[int, int]) -> int:
    """Of so many bytes from there; read, since mapping them would count as memory in use."""
    start, length = place
    checksum = 0
    for offset in range(start, start + length, _PIECE):
        piece = os.pread(descriptor, min(_PIECE, start + length - offset), offset)
        checksum = zlib.crc32(piece, checksum)
    return checksum


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data.cast("B")


def _padding(size: int) -> int:
    return -size % _ALIGNMENT
