"""How far reading has come."""

from contextlib import ExitStack

from mlbias.cli.show.console import Output, ProgressBar


class ReadingBars(ExitStack):
    """A bar of what is read, and then one of what is sorted on disk.

    Args:
        output: where they are drawn.
    """

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output
        self._reading = self.enter_context(output.progress("reading", "bytes"))
        self._sorting: ProgressBar | None = None

    def reading(self, done: int, total: int | None) -> None:
        """So many bytes are read, of so many where that is known."""
        self._reading.update(done, total)

    def sorting(self, done: int, total: int) -> None:
        """So many ratings are sorted, of so many."""
        if self._sorting is None:
            self._reading.close()
            self._sorting = self.enter_context(self._output.progress("sorting on disk", "ratings"))
        self._sorting.update(done, total)
