"""Reading for the commands: with a progress bar before, and notices after."""

import os
import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING

from mlbias.cli.output import Output
from mlbias.cli.render import counted
from mlbias.cli.signals import raise_on_signals
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.core.ratings import Ratings
    from mlbias.datasets.layout import ReadOptions
    from mlbias.datasets.sources import Source


def read(
    output: Output,
    source: "Source",
    options: "ReadOptions",
    threads: int | None,
    meanwhile: str | None = None,
) -> tuple["Ratings", float]:
    """The ratings of a source, and the seconds it took; says what is odd about them.

    Args:
        output: for notices and progress.
        source: what to read.
        options: how to read it.
        threads: how many work at a time.
        meanwhile: a module to import in the background, as Polars' threads parse without Python.

    Raises:
        DataError: see read_ratings.
    """
    if threads is not None:
        # Polars reads this once, when it is imported.
        os.environ.setdefault("POLARS_MAX_THREADS", str(threads))
    from mlbias.datasets.reading import read_ratings

    if source.is_sample and options != type(options)():
        raise OptionError("options for reading go with files; the sample has columns of its own.")

    if meanwhile is not None:
        threading.Thread(target=import_module, args=(meanwhile,), daemon=True).start()
    # Importing Polars puts a handler of its own for Ctrl-C, under which a read goes on waiting.
    raise_on_signals()
    started = time.perf_counter()
    with output.progress("reading", "bytes") as bar:
        reading = read_ratings(source, options, threads=threads, progress=bar.update)
    if reading.n_skipped:
        output.notice(
            f"left out {counted(reading.n_skipped, 'bad row')}; the first: {reading.first_skipped}"
        )
    if reading.n_repeated:
        output.notice(
            f"{counted(reading.n_repeated, 'rating')} of a pair of user and item that already "
            "had one; each counts"
        )
    return reading.ratings, time.perf_counter() - started
