"""What is said and where: results on stdout; notices, hints, errors and progress on stderr."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

# The three meanings of colour, readable on light and dark.
GOOD, ATTENTION, FAINT = "green", "bold red", "dim"

# Work that ends sooner gets no bar.
_BAR_AFTER_SECONDS = 0.5

# What stands for our letters and signs where the encoding is not UTF-8.
_ASCII = str.maketrans(
    {"±": "+-", "·": "|", "→": "->", "─": "-", "−": "-", "×": "x", "…": "..."}
    | {"α": "alpha", "λ": "lambda", "σ": "sigma"}
    | dict.fromkeys("▏▎▍▌▋▊▉█", "#")
    | dict.fromkeys("▁▂▃▄▅▆▇", "")
)  # fmt: skip


class Output:
    """The two streams of one command.

    Args:
        quiet: no notices, hints and progress; results and errors stay.
        as_json: results are one JSON document, so that ``line`` says nothing.
    """

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self._out = _console(sys.stdout)
        self._err = _console(sys.stderr)
        self._quiet = quiet
        self._as_json = as_json
        self._bar: Progress | None = None
        self.unicode = _is_utf8(sys.stdout)

    @property
    def width(self) -> int:
        """Columns of the terminal, 80 in a pipe unless COLUMNS says otherwise."""
        return self._out.width

    def line(self, text: str = "", style: str = "") -> None:
        """A line of the result, at once; nothing where the result is JSON."""
        if not self._as_json:
            self._print(self._out, text, style)

    def document(self, content: dict[str, Any]) -> None:
        """The result as one JSON document, where that is what was asked for."""
        if self._as_json:
            text = json.dumps(
                content, indent=2, ensure_ascii=not _is_utf8(self._out.file), allow_nan=False
            )
            self._print(self._out, text, "")

    def notice(self, text: str) -> None:
        """Something that happened on the way and is worth knowing."""
        if not self._quiet:
            self._print(self._err, text, "")

    def warning(self, text: str) -> None:
        """Something without which the results would be misread: said in any case."""
        self._print(self._err, text, "")

    def hint(self, text: str) -> None:
        """What one may want to do next; to a person at a terminal only."""
        if not self._quiet and self._err.is_terminal:
            self._print(self._err, text, FAINT)

    def shown(self, text: str) -> str:
        """The text as it will stand on stdout, whose encoding may want other letters."""
        return _encodable(text, self._out.file)

    def signed(self, number: float, decimals: int) -> str:
        """A number with its sign, a real minus on a UTF-8 terminal."""
        text = f"{number:+.{decimals}f}"
        return text.replace("-", "−") if self.unicode and self._out.is_terminal else text

    @contextmanager
    def progress(self, what: str, unit: str) -> Iterator["ProgressBar"]:
        """A bar below what is printed meanwhile, gone at the end; see ProgressBar."""
        bar = ProgressBar(self, what, unit)
        try:
            yield bar
        finally:
            bar.close()

    def start_bar(self, *columns: "ProgressColumn") -> "Progress | None":
        """A bar on a terminal that wants one; None elsewhere."""
        if self._quiet or not self._err.is_terminal:
            return None
        from rich.progress import Progress

        self._bar = Progress(
            *columns, console=self._err, transient=True, redirect_stdout=False,
            redirect_stderr=False,
        )  # fmt: skip
        self._bar.start()
        return self._bar

    def stop_bar(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _print(self, console: Console, text: str, style: str) -> None:
        text = _encodable(text, console.file)
        # Above a bar only the console that draws it may print; on a terminal it is the same one.
        if self._bar is not None and console.is_terminal:
            console = self._err
        console.print(Text(text, style=style), soft_wrap=True)
        console.file.flush()


class ProgressBar:
    """Shows how far some work has come, once it takes long enough.

    Args:
        output: where.
        what: what is being done.
        unit: what is counted, "bytes" or in the plural.
    """

    def __init__(self, output: Output, what: str, unit: str) -> None:
        self._output = output
        self._what = what
        self._unit = unit
        self._started = time.monotonic()
        self._progress: Progress | None = None
        self._shown = False

    def update(self, done: int, total: int | None) -> None:
        """So much is done, of so much where that is known."""
        if not self._shown and time.monotonic() - self._started > _BAR_AFTER_SECONDS:
            self._shown = True
            self._progress = self._output.start_bar(*_columns(self._unit))
            if self._progress is not None:
                self._progress.add_task(self._what, total=total)
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=done, total=total)

    def close(self) -> None:
        """The work is done, or given up."""
        if self._progress is not None:
            self._output.stop_bar()


def print_error(message: str, advice: str = "") -> None:
    """An error in a sentence, and what to do about it in another line, on stderr."""
    console = _console(sys.stderr)
    label = Text("error: ", style=ATTENTION)
    text = Text(_encodable(message, sys.stderr), style="default not bold")
    console.print(label.append(text), soft_wrap=True)
    if advice:
        console.print(Text(_encodable(f"       {advice}", sys.stderr)), soft_wrap=True)


def duration(seconds: float) -> str:
    """As 0.31 s, 12.4 s, 2 min 05 s."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def size(n_bytes: int) -> str:
    """As 512 B, 2.3 MiB, 24.0 GiB."""
    if n_bytes < 1024:
        return f"{n_bytes} B"
    number, units = n_bytes / 1024, ["KiB", "MiB", "GiB", "TiB"]
    while number >= 1024 and len(units) > 1:
        number /= 1024
        units.pop(0)
    return f"{number:.1f} {units[0]}"


def _columns(unit: str) -> list["ProgressColumn"]:
    from rich import progress

    amount = (
        [progress.DownloadColumn(binary_units=True), _Rate(unit)]
        if unit == "bytes"
        else [progress.TextColumn("{task.completed:,.0f}/{task.total:,.0f}"), _Rate(unit)]
    )
    return [
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=20),
        *amount,
        progress.TimeRemainingColumn(compact=True),
    ]


def _Rate(unit: str) -> "ProgressColumn":  # noqa: N802
    from rich.progress import ProgressColumn, Task

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            if not task.speed:
                return Text("")
            if unit == "bytes":
                return Text(f"{size(round(task.speed))}/s")
            return Text(f"{task.speed:,.{0 if task.speed >= 100 else 1}f} {unit}/s")

    return Rate()


class _Console(Console):
    """Rich's console, but who closes our pipe is for main() to deal with."""

    def on_broken_pipe(self) -> None:
        """Called while the error is handled; Rich itself would exit with 1."""
        raise BrokenPipeError


def _console(file: TextIO) -> Console:
    return _Console(
        file=file,
        highlight=False,
        markup=False,
        emoji=False,
        # A pipe has no width of its own; Rich would take the terminal's.
        width=None if file.isatty() or "COLUMNS" in os.environ else 80,
    )


def _encodable(text: str, file: Any) -> str:
    """The text with what this stream cannot show spelled out."""
    if not _is_utf8(file):
        text = text.translate(_ASCII)
    encoding = getattr(file, "encoding", None) or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _is_utf8(file: Any) -> bool:
    return (getattr(file, "encoding", None) or "ascii").lower().replace("-", "") == "utf8"
