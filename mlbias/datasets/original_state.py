"""What changes with a file, so that a copy of it is known to be of the file as it is now."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SAMPLES, SAMPLE_SIZE = 128, 1 << 14


def states_of(paths: Sequence[Path]) -> list[list[Any]]:
    """What changes with each file, as far as JSON goes.

    Raises:
        OSError: one cannot be read.
    """
    return [_state(path, max(2, SAMPLES // len(paths))) for path in paths]


def _state(path: Path, n_samples: int) -> list[Any]:
    """What changes with a file: its name, size, times and inode, and a checksum of samples."""
    state = path.stat()
    checksum = sampled_checksum(path, state.st_size, n_samples)
    return [
        path.name, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, checksum,
    ]  # fmt: skip


def sampled_checksum(path: Path, size: int, n_samples: int) -> int:
    """CRC-32 of all of a small file, or of evenly spaced pieces, the last bytes included."""
    checksum = 0
    last = max(size - SAMPLE_SIZE, 0)
    starts = {k * last // (n_samples - 1) for k in range(n_samples)}
    if size <= n_samples * SAMPLE_SIZE:
        starts = set(range(0, size, SAMPLE_SIZE))
    with path.open("rb", buffering=0) as file:
        for start in sorted(starts):
            file.seek(start)
            checksum = zlib.crc32(file.read(SAMPLE_SIZE), checksum)
    return checksum
