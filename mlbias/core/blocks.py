"""What is done to the CSR blocks of an incidence matrix, one at a time."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csc_array, csr_array

from mlbias.core.ratings import Codes
from mlbias.core.vectors import FloatArray


def repeated(block: csr_array) -> tuple[Codes, Codes, FloatArray]:
    """Rows, columns and numbers of entries that stand in the same place."""
    items, starts = block.indices, block.indptr
    ascends = np.diff(items) > 0
    ascends[starts[1:-1] - 1] = True  # from one row to the next nothing has to
    if ascends.all():
        nothing = np.empty(0, np.int32)
        return nothing, nothing, np.empty(0)
    rows = np.repeat(np.arange(block.shape[0], dtype=np.int64), np.diff(starts))
    pairs, times = np.unique(rows * block.shape[1] + items, return_counts=True)
    pairs, times = pairs[times > 1], times[times > 1]
    user, item = np.divmod(pairs, block.shape[1])
    return user.astype(np.int32), item.astype(np.int32), times.astype(np.float64)


def transposed(block: csr_array) -> csc_array:
    """The transpose on the same memory; SciPy's own copies arrays that are parts of larger ones."""
    across = csc_array(block.shape[::-1])
    across.data, across.indices, across.indptr = block.data, block.indices, block.indptr
    return across


def added(vectors: Iterator[FloatArray]) -> FloatArray:
    """The sum of the vectors, in their order."""
    total = next(vectors)
    for vector in vectors:
        total = total + vector
    return total
