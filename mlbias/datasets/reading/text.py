"""Text of ratings in parts of whole rows, about 8 MiB each, or less where memory is limited."""

from collections.abc import Iterator

from mlbias.datasets.reading.layout import Layout
from mlbias.datasets.reading.opening import Stream
from mlbias.datasets.reading.quotation_marks import check_quotes, with_newlines
from mlbias.errors import DataError

PART_SIZE = 8 << 20
_LONGEST_LINE = 64 << 20
_LONGEST_QUOTATION = 256 << 20


def next_part(stream: Stream) -> bytes:
    """The next whole lines, about one part; only the last of a text may lack its line end.

    Raises:
        DataError: a line is longer than any row of ratings.
    """
    file, end = stream.file, 0
    size = min(PART_SIZE, stream.part_size or PART_SIZE)
    if stream.path is not None:
        # Where the part ends is looked up first: to join two pieces takes as long as to parse.
        start = file.tell()
        file.seek(start + size - 1)
        line = file.readline(_LONGEST_LINE)
        end = file.tell()
        file.seek(start)
        data = file.read(end - start if line else size)
    else:
        data, line = file.read(size), b""
        if data and not data.endswith(b"\n"):
            line = file.readline(_LONGEST_LINE)
            data += line
    if len(line) >= _LONGEST_LINE:
        raise DataError(f"{stream.where} is no text of ratings: a line fills more than 64 MiB.")
    return data


def parts_of(first: bytes, stream: Stream, layout: Layout) -> Iterator[bytes]:
    """Yield text in parts of whole rows.

    Args:
        first: whole lines that were read already, the header taken off.
        stream: what follows.
        layout: how it is laid out.

    Raises:
        DataError: a line is longer than any row of ratings.
        BrokenTextError: a quotation mark is where none may be, or is never closed; the place is
            counted from the line after the last part.
    """
    part = first or next_part(stream)
    while part:
        if layout.quoted and b'"' in part:
            part = _whole_quotations(part, stream, layout.separator.encode())
        yield part
        part = next_part(stream)


def _whole_quotations(part: bytes, stream: Stream, mark: bytes) -> bytes:
    """The part with what it takes to end outside of quotation marks."""
    file = stream.file
    part = with_newlines(part, quoted=True)
    while not check_quotes(part, mark, at_end=len(part) > _LONGEST_QUOTATION or not file.peek(1)):
        part += file.read(len(part)) + file.readline(_LONGEST_LINE)
        part = with_newlines(part, quoted=True)
    return part
