"""Quotation marks of RFC 4180: what lies within them, and whether each stands where it may."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlbias.datasets.reading.rows import BadRow, BrokenTextError

QUOTE, _NEWLINE, _RETURN = ord('"'), ord("\n"), ord("\r")

_Places = NDArray[np.intp]


def with_newlines(data: bytes, *, quoted: bool) -> bytes:
    """Whole rows with newlines as line ends; within quotation marks a carriage return stays."""
    if b"\r" not in data:
        return data
    if quoted and b'"' in data:
        text = np.frombuffer(data, np.uint8)
        places = np.flatnonzero(text == QUOTE), np.flatnonzero(text == _RETURN)
        if (np.searchsorted(*places) & 1).any():
            return outside_quotes(data, partial(with_newlines, quoted=False))
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def outside_quotes(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Whole rows with what is not within quotation marks changed."""
    pieces = data.split(b'"')
    pieces[::2] = map(change, pieces[::2])
    return b'"'.join(pieces)


def check_quotes(data: bytes, mark: bytes, *, at_end: bool) -> bool:
    """Whether a text ends outside quotation marks; all of them must be where RFC 4180 allows one.

    Args:
        data: rows from the beginning of one on.
        mark: the separator.
        at_end: whether nothing follows.

    Raises:
        BrokenTextError: a mark stands inside an unquoted field, text follows a closing mark, or a
            quotation is never closed.
    """
    text = np.frombuffer(b"\n" + data + b"\n", np.uint8)
    places = np.flatnonzero(text == QUOTE)
    opening, closing = places[0::2], places[1::2]
    around = np.zeros(256, dtype=np.bool_)
    around[[mark[0], _NEWLINE, _RETURN, QUOTE]] = True
    around[ord("\t")] |= mark == b" "
    wrong_opening = opening[~around[text[opening - 1]]]
    wrong_closing = np.flatnonzero(~around[text[closing + 1]])
    faults = []
    if len(wrong_opening):
        reason = "there is a quotation mark inside an unquoted field"
        faults.append((int(wrong_opening[0]), reason))
    if len(wrong_closing):
        reason = "there is text after the closing mark of the quotation that begins here"
        faults.append((_opened_at(opening, closing, int(wrong_closing[0])), reason))
    if not faults and at_end and len(opening) > len(closing):
        place = _opened_at(opening, closing, len(opening) - 1)
        faults.append((place, "the quotation that begins here is never closed"))
    if not faults:
        return len(opening) == len(closing)
    place, reason = min(faults)
    advice = "Fix the line. It cannot be skipped, since nothing tells where the row ends."
    line = data.count(b"\n", 0, place - 1)
    raise BrokenTextError(BadRow(line, reason, advice, ends_text=True))


def _opened_at(opening: _Places, closing: _Places, number: int) -> int:
    """Where the field of an opening mark begins: two marks side by side are a letter of a field."""
    while number and closing[number - 1] + 1 == opening[number]:
        number -= 1
    return int(opening[number])
