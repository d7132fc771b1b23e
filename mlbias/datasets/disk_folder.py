"""Where ratings are sorted that do not fit into memory: the prepared copy's folder, or a temporary.

What ends up there is a prepared copy in both cases. A temporary one is removed as soon as it is
mapped into memory, so that the system frees it with the process, however that ends. Where a mapped
file cannot be removed, as on Windows, the next run removes it. No other file or folder is mapped
while it is renamed or removed.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import numpy as np

from mlbias.core.incidence import BlockIncidence
from mlbias.datasets.array_folder import remove_folder
from mlbias.datasets.cache_folder import make_cache_folder
from mlbias.datasets.column_file import mapped
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.new_folder import NewFolder, check_place, new_folder, sorting_in
from mlbias.datasets.prepared import PreparedCopy, finish_copy, load_folder
from mlbias.datasets.reading.reader import ReadingOnDisk
from mlbias.datasets.reading.sorted_ratings import write_values
from mlbias.datasets.value_steps import from_steps
from mlbias.datasets.watching import SortingWatch
from mlbias.errors import DataError
from mlbias.files import leftovers
from mlbias.memory import in_mebibytes

_TEMPORARY = "mlbias-ratings"
# That follow the sorting: checksums, ratings in few bytes, statistics, and all of it mapped.
_STEPS = 4


class DiskFolder:
    """A folder that is made when it is asked for, and gone at the end unless it is a copy.

    Args:
        copy: where the copy of the ratings is to be; None for no copy that stays.
        limit: bytes of memory that the ratings did not fit in.
        watch: is told that they go there, and how far they have come.
    """

    def __init__(
        self, copy: PreparedCopy | None, limit: int, watch: SortingWatch | None = None
    ) -> None:
        self._copy, self._limit, self._watch = copy, limit, watch
        self._stack = ExitStack()
        self._folder: NewFolder | None = None
        self._place: Path | None = None
        self._notices: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def _key(self) -> Mapping[str, Any]:
        return {} if self._copy is None else self._copy.key

    def folder(self) -> NewFolder:
        """The folder.

        Raises:
            DataError: it cannot be made.
        """
        if self._folder is None:
            self._folder = self._of_copy() or self._temporary()
            if self._watch:
                self._watch.begin(
                    f"the ratings take more than {in_mebibytes(self._limit)} of memory: "
                    f"sorted on disk in {self._folder.path.parent}"
                )
        return self._folder

    def finish(
        self, reading: ReadingOnDisk, is_current: Callable[[], bool], threads: int | None
    ) -> None:
        """Make a copy of what was sorted in the folder, which stays if it has a place.

        Args:
            reading: of it.
            is_current: tells whether the source is as it was before it was read.
            threads: how many work at a time; by default one for each core.

        Raises:
            DataError: it cannot be written.
        """
        folder, copy = self.folder(), self._copy
        with sorting_in(folder.path.parent):
            size = self._finished(folder, reading, threads)
        if copy is None or not is_current():
            return
        is_new = not copy.path.exists()
        try:
            folder.publish()
        except OSError as error:
            self._keep_none(copy, error)
        else:
            self._place = copy.path
            if is_new:
                self._notices.append(
                    f"left a prepared copy for the next run, {size / (1 << 20):.1f} MiB"
                )

    def dataset(self, threads: int | None) -> Dataset:
        """The ratings of the copy.

        Args:
            threads: how many work at a time; by default one for each core.

        Raises:
            DataError: another command has removed or replaced it.
        """
        self._done(3)
        path, dataset = self._place or self.folder().path, None
        with suppress(FileNotFoundError):
            dataset = load_folder(path, self._key, threads)
        if dataset is None:
            raise DataError(
                f"the prepared copy {path} was removed or replaced by another command.",
                "Run the command again.",
            )
        dataset.notices += self._notices
        dataset.is_on_disk = True
        return dataset

    def _finished(self, folder: NewFolder, reading: ReadingOnDisk, threads: int | None) -> int:
        """Write what is left to make a copy; how many bytes it has."""
        folder.close()
        self._done(0)
        ratings = reading.ratings
        folder.add("item.npy")
        if ratings.has_times:
            folder.add("timestamp.npy")
        self._done(1)
        form = ratings.value_type, write_values(folder)
        folder.add("value.npy")
        self._done(2)
        dataset = _dataset(folder, reading, form, threads)
        return finish_copy(folder, dataset, self._key, form, reading.untimed)

    def _done(self, steps: int) -> None:
        if self._watch:
            self._watch.finishing(steps, _STEPS)

    def _of_copy(self) -> NewFolder | None:
        if self._copy is None:
            return None
        try:
            make_cache_folder(self._copy.path.parent)
            check_place(self._copy.path)
            return self._stack.enter_context(new_folder(self._copy.path, self._copy.mode))
        except OSError as error:
            self._keep_none(self._copy, error)
            self._copy = None
            return None

    def _keep_none(self, copy: PreparedCopy, error: OSError) -> None:
        why = error.strerror or error
        self._notices.append(f"no prepared copy is kept: {copy.path.parent}: {why}")

    def _temporary(self) -> NewFolder:
        named = os.environ.get("TMPDIR")
        if named and not Path(named).is_dir():
            raise DataError(
                f"TMPDIR is {named}, which is no folder, and the ratings are to be sorted in it.",
                "Make the folder, or name another.",
            )
        place = Path(tempfile.gettempdir()) / _TEMPORARY
        for path in leftovers(place.parent, _TEMPORARY):
            with suppress(OSError):
                remove_folder(path)
        with sorting_in(place.parent):
            return self._stack.enter_context(new_folder(place, 0o600))


def _dataset(
    folder: NewFolder,
    reading: ReadingOnDisk,
    form: tuple[np.dtype[Any], int | None],
    threads: int | None,
) -> Dataset:
    """What the columns in the folder come to."""
    ratings = reading.ratings
    item = mapped(folder.path / "item.npy")
    value = from_steps(mapped(folder.path / "value.npy"), form[1], form[0].str)
    return Dataset(
        ratings.user_ids,
        ratings.item_ids,
        len(ratings),
        reading.understood,
        lambda: BlockIncidence.in_order(
            item, ratings.user_counts, len(ratings.item_ids), value, threads
        ),
        None,
    )
