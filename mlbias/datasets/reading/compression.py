"""Compressed files: detected by their first bytes, unpacked while they are read."""

import bz2
import gzip
import io
import lzma
import sys
from typing import Any, cast

_PIECE = 1 << 20

# Compressed files by their first bytes.
COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


def unpacked(file: io.BufferedReader, name: str) -> io.BufferedReader:
    """What is packed in a file by gzip, bzip2, xz or zstd."""
    if name == "zstd":
        # Not zstandard: its readers take a file that was cut off for one that ends there.
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
        unpacked = cast(io.RawIOBase, _ZstdErrors(zstd.ZstdFile(file), zstd.ZstdError))
        return io.BufferedReader(unpacked, _PIECE)
    unpackers: dict[str, Any] = {"gzip": gzip.GzipFile, "bzip2": bz2.BZ2File, "xz": lzma.LZMAFile}
    opener = unpackers[name]
    inner = opener(fileobj=file) if name == "gzip" else opener(file)
    return io.BufferedReader(inner, _PIECE)


class _ZstdErrors(io.RawIOBase):
    """A zstd stream whose errors are those of a damaged file."""

    def __init__(self, reader: Any, damage: type[Exception]) -> None:
        self._reader, self._damage = reader, damage

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return cast(Any, self._reader).readinto(buffer)  # type: ignore[no-any-return]
        except self._damage as error:
            raise EOFError(str(error)) from error
