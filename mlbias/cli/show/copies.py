"""Prepared copies, listed."""

from collections.abc import Sequence
from typing import Any

from mlbias.cli.show.console import Output
from mlbias.cli.show.text import counted, size
from mlbias.datasets.cache import CachedCopy


def document(copy: CachedCopy) -> dict[str, Any]:
    """A copy under the names that it has in JSON."""
    return {
        "path": str(copy.path),
        "source": None if copy.source is None else copy.source.label,
        "n_ratings": copy.n_ratings,
        "bytes": copy.size,
        "ready": copy.is_ready,
    }


def report(output: Output, copies: Sequence[CachedCopy]) -> None:
    """Each copy in two lines."""
    for copy in copies:
        state = "ready" if copy.is_ready else "stale: the file has changed or is gone"
        if copy.source is None or copy.n_ratings is None:
            output.line(str(copy.path))
            output.line(f"  damaged · {size(copy.size)}")
        else:
            ratings = counted(copy.n_ratings, "rating")
            output.line(copy.source.label)
            output.line(f"  {ratings} · {size(copy.size)} · {state}")
    if not copies:
        output.line("no prepared copies")
    else:
        output.hint("`mlbias cache clear` removes them")
