"""How far some work has come, as a bar below what is printed meanwhile."""

from rich import progress
from rich.console import Console
from rich.text import Text

from mlbias.cli.show.text import size


class _Rate(progress.ProgressColumn):
    """Bytes, or other things, a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: progress.Task) -> Text:
        if not task.speed:
            return Text("")
        if self._unit == "bytes":
            return Text(f"{size(round(task.speed))}/s")
        return Text(f"{task.speed:,.{0 if task.speed >= 100 else 1}f} {self._unit}/s")


class _Amount(progress.ProgressColumn):
    """How many of how many, where the latter is known."""

    def render(self, task: progress.Task) -> Text:
        return Text("" if task.total is None else f"{task.completed:,.0f}/{task.total:,.0f}")


def start_bar(console: Console, what: str, unit: str, total: int | None) -> progress.Progress:
    """A bar with one task, drawn from now on and gone when it is stopped."""
    amount = progress.DownloadColumn(binary_units=True) if unit == "bytes" else _Amount()
    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=20),
        amount,
        _Rate(unit),
        progress.TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    bar.add_task(what, total=total)
    bar.start()
    return bar
