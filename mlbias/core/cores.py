"""How many threads there is work for."""

import os

from mlbias.errors import OptionError


def usable_cores() -> int:
    """Cores that this process may run on, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_threads(wanted: int | None) -> int:
    """How many threads to work with: as many as wanted, and no more than there are cores.

    Raises:
        OptionError: it is fewer than one.
    """
    if wanted is not None and wanted < 1:
        raise OptionError(f"`threads` is 1 or more, not {wanted}.")
    return min(wanted or usable_cores(), usable_cores())
