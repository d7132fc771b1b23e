"""Who is told how far ratings have come that go to disk while they are read."""

from typing import Protocol


class SortingWatch(Protocol):
    """Is told of ratings that do not fit into memory, from the first run on."""

    def begin(self, notice: str) -> None:
        """The first of them go to disk; the notice says where to."""
        ...

    def sorting(self, done: int, total: int) -> None:
        """So many ratings are sorted, of so many."""
        ...

    def finishing(self, done: int, total: int) -> None:
        """So many steps are done of those that follow the sorting."""
        ...
