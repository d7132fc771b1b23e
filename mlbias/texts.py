"""Text in an Arrow file, which is mapped and not read: the ids of models and of prepared copies.

The file has one batch of one column ``id``, LargeUtf8: n + 1 offsets of 8 bytes, then the bytes of
all texts, one behind the other (Apache Arrow, columnar format 1.4, "IPC File Format"). Everything
else in it depends on these two lengths alone. So a file is compared with what it must be instead of
being parsed, and the same texts have the same bytes, however they were kept. Every library of Arrow
reads such a file.
"""

import struct
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

# The beginning of the file, with the schema and the head of the batch, and its end, with the
# footer, as Arrow's C++ library writes them; but for the lengths, which are 0 here.
_HEAD = bytes.fromhex(
    "4152524f57310000ffffffff700000001000000000000a000c000600050008000a000000000104000c00000008000800"
    "0000040008000000040000000100000014000000100014000800060007000c0000001000100000000000011410000000"
    "1800000004000000000000000200000069640000040004000400000000000000ffffffff980000001400000000000000"
    "0c0016000600050008000c000c0000000003040018000000000000000000000000000a0018000c00040008000a000000"
    "4c0000001000000000000000000000000000000003000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000100000000000000000000000000000000000000"
)
_TAIL = bytes.fromhex(
    "ffffffff00000000100000000c001400060008000c0010000c0000000000040038000000280000000400000001000000"
    "8000000000000000a0000000000000000000000000000000000000000000000008000800000004000800000004000000"
    "0100000014000000100014000800060007000c0000001000100000000000011410000000180000000400000000000000"
    "02000000696400000400040004000000980000004152524f5731"
)
# Where the lengths are: of the body, of the column, of the offsets and of the bytes.
_BODY, _BODY_IN_TAIL, _ROWS, _ROWS_AGAIN, _OFFSETS, _OFFSETS_END, _BYTES = (
    168, 64, 200, 272, 240, 248, 256,
)  # fmt: skip
_WORD = 8

# At most so many texts, or bytes, are looked at at a time.
_TEXTS, _PIECE = 1 << 17, 1 << 20


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts as Arrow keeps them, for instance in a file that is mapped.

    Args:
        offsets: (n + 1,) where each text begins among the bytes, and where the last one ends.
        joined: (k,) the bytes of all texts.

    Raises:
        ValueError: they are not that, or the bytes are not UTF-8.
    """

    offsets: NDArray[np.int64]
    joined: NDArray[np.uint8]

    def __post_init__(self) -> None:
        offsets, joined = self.offsets, self.joined
        are_typed = offsets.dtype == np.int64 and joined.dtype == np.uint8
        if not are_typed or offsets.ndim != 1 or joined.ndim != 1:
            raise ValueError("the texts are not offsets and bytes")
        if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != len(joined):
            raise ValueError("the texts do not end where their bytes do")
        if (offsets[1:] < offsets[:-1]).any():
            raise ValueError("the offsets of the texts descend")
        _check_utf8(offsets, joined)

    @classmethod
    def in_file(cls, content: NDArray[np.uint8]) -> "Texts":
        """Those in the content of an Arrow file that ``write_texts`` wrote; it is not copied.

        Raises:
            ValueError: it is not such a file.
        """
        if len(content) < len(_HEAD):
            raise ValueError("the texts are cut off")
        n, size = (struct.unpack_from("<q", content.data, at)[0] for at in (_ROWS, _BYTES))
        bytes_at = len(_HEAD) + (n + 1) * _WORD
        end = bytes_at + size
        head, tail = _around(n, size) if min(n, size) >= 0 and end < len(content) else (b"", b"")
        if not head or content[: len(head)].tobytes() != head or content[end:].tobytes() != tail:
            raise ValueError("the texts are not in the form in which they are written")
        return cls(content[len(_HEAD) : bytes_at].view("<i8"), content[bytes_at:end])

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def between(self, start: int, stop: int) -> "pl.Series":
        """The texts at these places, in memory of their own."""
        import polars as pl

        offsets = self.offsets[start : stop + 1]
        file = BytesIO()
        _write(file, offsets - offsets[0], [self.joined[offsets[0] : offsets[-1]]])
        file.seek(0)
        return pl.read_ipc(file)["id"]

    def pieces(self) -> "Iterator[pl.Series]":
        """All texts, a piece at a time."""
        for start in range(0, len(self), _TEXTS):
            yield self.between(start, min(start + _TEXTS, len(self)))

    def series(self) -> "pl.Series":
        """All texts, in memory of their own."""
        import polars as pl

        return pl.concat([pl.Series("id", dtype=pl.String), *self.pieces()], rechunk=True)


def write_texts(texts: "Texts | pl.Series", file: IO[bytes]) -> None:
    """Write an Arrow file of texts, none of which is missing."""
    if isinstance(texts, Texts):
        _write(file, texts.offsets, [texts.joined])
        return
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(texts.str.len_bytes().to_numpy(), dtype=np.int64, out=offsets[1:])
    pieces = (texts.slice(start, _TEXTS) for start in range(0, len(texts), _TEXTS))
    _write(file, offsets, (piece.str.join("").item().encode() for piece in pieces))


def arrow_file(texts: "Texts | pl.Series") -> NDArray[np.uint8]:
    """The bytes of such a file."""
    file = BytesIO()
    write_texts(texts, file)
    return np.frombuffer(file.getbuffer(), np.uint8)


def _write(file: IO[bytes], offsets: NDArray[np.int64], joined: Iterable[Any]) -> None:
    head, tail = _around(len(offsets) - 1, int(offsets[-1]))
    file.write(head)
    file.write(np.ascontiguousarray(offsets, "<i8").data)
    for piece in joined:
        file.write(piece)
    file.write(tail)


def _around(n: int, size: int) -> tuple[bytes, bytes]:
    """What is in a file before and behind the offsets of n texts and their bytes."""
    head, tail = bytearray(_HEAD), bytearray(_TAIL)
    offsets, padding = (n + 1) * _WORD, -size % _WORD
    for at, number in (
        (_BODY, offsets + size + padding), (_ROWS, n), (_ROWS_AGAIN, n),
        (_OFFSETS, offsets), (_OFFSETS_END, offsets), (_BYTES, size),
    ):  # fmt: skip
        struct.pack_into("<q", head, at, number)
    struct.pack_into("<q", tail, _BODY_IN_TAIL, offsets + size + padding)
    return bytes(head), bytes(padding) + bytes(tail)


def _check_utf8(offsets: NDArray[np.int64], joined: NDArray[np.uint8]) -> None:
    """See that all bytes are UTF-8, and that no text begins in the middle of a character."""
    decoder = getincrementaldecoder("utf-8")()
    for start in range(0, len(joined), _PIECE):
        decoder.decode(joined[start : start + _PIECE].tobytes())
    decoder.decode(b"", final=True)
    starts = offsets[: np.searchsorted(offsets, len(joined))]
    for first in range(0, len(starts), _PIECE):
        if (joined[starts[first : first + _PIECE]] & 0xC0 == 0x80).any():
            raise ValueError("a text begins in the middle of a character")
