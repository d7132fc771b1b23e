"""How far reading has come."""

from contextlib import ExitStack

from mlbias.cli.show.console import Output, ProgressBar


class ReadingBars(ExitStack):
    """A bar of what is read, and then of what is sorted on disk and of the steps that follow.

    Args:
        output: where they are drawn.
    """

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output
        self._bars: dict[str, ProgressBar] = {}
        self._bar("reading", "bytes")

    def reading(self, done: int, total: int | None) -> None:
        """So many bytes are read, of so many where that is known."""
        self._bar("reading", "bytes").update(done, total)

    def begin(self, notice: str) -> None:
        """The first ratings go to disk."""
        self._output.notice(notice)

    def sorting(self, done: int, total: int) -> None:
        """So many ratings are sorted, of so many."""
        self._bar("sorting on disk", "ratings").update(done, total)

    def finishing(self, done: int, total: int) -> None:
        """So many steps are done after that."""
        self._bar("adding up", "steps").update(done, total)

    def _bar(self, what: str, unit: str) -> ProgressBar:
        """The bar of what is being done, alone."""
        if what not in self._bars:
            for other in self._bars.values():
                other.close()
            self._bars[what] = self.enter_context(self._output.progress(what, unit))
        return self._bars[what]
