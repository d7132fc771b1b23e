"""The header of a .npy file that holds a row or a table of numbers, read strictly.

NumPy's own reader allocates what a header promises before it looks for it, and knows many more
headers than its writer makes. Here only what ``numpy.save`` writes for plain numbers in one or two
dimensions is accepted, so that nothing in a damaged or made-up file is believed or executed.
"""

import math
import re
from typing import Any, BinaryIO, NamedTuple

import numpy as np

_PREFIX = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '(<i4|<i8|<f4|<f8|\|u1)', 'fortran_order': False, "
    rb"'shape': \(([0-9]{1,18}),(?: ([0-9]{1,18}))?\), \} *\n"
)


class Header(NamedTuple):
    """The type of the numbers, the array's shape, and the byte at which the numbers begin."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int


def read_header(file: BinaryIO, size: int) -> Header:
    """The header at the beginning of a file, which then stands at the numbers.

    Args:
        file: a .npy file at its beginning.
        size: of all of it, in bytes.

    Raises:
        ValueError: it does not hold plain numbers, or is not as long as its header says.
    """
    prefix = file.read(len(_PREFIX) + 2)
    header = file.read(int.from_bytes(prefix[len(_PREFIX) :], "little"))
    match = _HEADER.fullmatch(header)
    if not prefix.startswith(_PREFIX) or match is None:
        raise ValueError("not an array of plain numbers")
    dtype = np.dtype(match[1].decode())
    shape = tuple(int(length) for length in match.groups()[1:] if length is not None)
    offset = len(prefix) + len(header)
    if size != offset + math.prod(shape) * dtype.itemsize:
        raise ValueError("the array is not as long as its header says")
    return Header(dtype, shape, offset)
