"""Integers that are written otherwise than canonically, found on bytes without parsing."""

import numpy as np
from numpy.typing import NDArray

# So many bytes at a time stay in the cache.
_PIECE = 1 << 17
_QUOTE, _NEWLINE = ord('"'), ord("\n")


def has_odd_integers(data: bytes, separator: int, *, quoted: bool) -> bool:
    """Whether a field may be an integer that is not written canonically.

    It then begins with a blank, a plus sign, a zero before a digit, or a minus before a zero.
    """
    text = np.frombuffer(data, np.uint8)
    if _ODD_STARTS[int.from_bytes(data[:2], "big")]:
        return True
    is_odd = _ODD_STARTS
    if separator == ord("\t"):
        # There it is the next separator, behind an empty field.
        is_odd = is_odd.copy()
        is_odd[separator * 256 : separator * 256 + 256] = False
    for start in range(0, len(text) - 2, _PIECE):
        one = text[start : start + _PIECE + 2]
        before, first, second = one[:-2], one[1:-1], one[2:]
        # Nearly all fields begin with 1 to 9, and so above "0"; only the others are looked at.
        if separator <= ord(","):
            suspect = (before <= ord(",")) & (first <= ord("0"))
        else:
            begins = (before == separator) | (before == _NEWLINE)
            if quoted:
                begins |= before == _QUOTE
            suspect = begins & (first <= ord("0"))
        places = np.flatnonzero(suspect)
        pairs = first[places] * np.uint16(256) + second[places]
        if is_odd[pairs].any():
            return True
    return False


def _odd_starts() -> NDArray[np.bool_]:
    """By two bytes at the beginning of a field, as 256 times the first plus the second."""
    first, second = np.divmod(np.arange(1 << 16), 256)
    is_digit = (second >= ord("0")) & (second <= ord("9"))
    blank_or_plus = np.isin(first, list(b" \t+"))
    zero_before_digit = (first == ord("0")) & is_digit
    minus_before_zero = (first == ord("-")) & (second == ord("0"))
    return np.asarray(blank_or_plus | zero_before_digit | minus_before_zero)


_ODD_STARTS = _odd_starts()
