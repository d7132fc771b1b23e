"""Reading for the commands: with a progress bar before, and notices after."""

import os
import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING

from mlbias.cli.show.console import Output
from mlbias.cli.show.tables import counted
from mlbias.cli.signals import raise_on_signals
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.datasets.dataset import Dataset
    from mlbias.datasets.options import ReadOptions
    from mlbias.datasets.sources import Source
    from mlbias.datasets.understood import Understood


def read(
    output: Output,
    source: "Source",
    options: "ReadOptions",
    threads: int | None,
    *,
    cache: bool,
    timestamps: bool = False,
    meanwhile: str | None = None,
) -> tuple["Dataset", float]:
    """The ratings of a source, and the seconds it took; says what is odd about them.

    Args:
        output: for notices and progress.
        source: what to read.
        options: how to read it.
        threads: how many work at a time.
        cache: whether to take a prepared copy and leave one.
        timestamps: whether to read these too.
        meanwhile: a module to import in the background, as Polars' threads parse without Python.

    Raises:
        DataError: see load_dataset.
    """
    if threads is not None:
        # Polars reads this once, when it is imported.
        os.environ.setdefault("POLARS_MAX_THREADS", str(threads))
    from mlbias.datasets.loading import load_dataset
    from mlbias.datasets.prepared import prepared_copy

    if source.is_sample and options != type(options)():
        raise OptionError("options for reading go with files; the sample has columns of its own.")

    if meanwhile is not None:
        threading.Thread(target=import_module, args=(meanwhile,), daemon=True).start()
    copy = prepared_copy(source, options) if cache else None
    if copy is None or not copy.is_ready:
        import_module("mlbias.datasets.reading.read")
        # Polars, imported with it, puts a handler of its own for Ctrl-C, under which a read
        # goes on waiting.
        raise_on_signals()
    started = time.perf_counter()
    with output.progress("reading", "bytes") as bar:
        dataset = load_dataset(
            source, options, cache=cache, timestamps=timestamps, threads=threads,
            progress=bar.update,
        )  # fmt: skip
    say_understood(output, dataset.understood, with_times=timestamps)
    for notice in dataset.notices:
        output.notice(notice)
    return dataset, time.perf_counter() - started


def say_understood(output: Output, found: "Understood", *, with_times: bool) -> None:
    """What was guessed, what was left out and what looks wrong in the ratings."""
    if found.n_skipped:
        # Always said: what is missing changes every number that follows.
        output.warning(
            f"left out {counted(found.n_skipped, 'bad row')} of {found.n_rows:,}; the first: "
            f"{found.first_skipped}"
        )
    if found.n_not_rated:
        output.notice(f"left out {counted(found.n_not_rated, 'row')} without a rating")
    for notice in (*found.notices, *(found.time_notices if with_times else ())):
        output.notice(notice)
    for warning in found.warnings:
        output.notice(f"warning: {warning}")


def finish(output: Output, dataset: "Dataset") -> None:
    """Wait until the prepared copy is on disk, if one is being made, and say so."""
    notice = dataset.finish()
    if notice:
        output.notice(notice)
