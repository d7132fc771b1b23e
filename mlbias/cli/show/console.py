"""What is said and where: results on stdout; notices, hints, errors and progress on stderr."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from mlbias.cli.show.formats import Format, csv_table, table_end, table_head, table_row
from mlbias.cli.show.streams import (
    FAINT,
    SCHEMA,
    encodable,
    is_utf8,
    print_at_once,
    printable_json,
    stream_console,
)
from mlbias.cli.show.text import wrapped
from mlbias.errors import LONGEST_MESSAGE
from mlbias.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress

# Work that ends sooner gets no bar.
_BAR_AFTER_SECONDS = 0.5


class Output:
    """The two streams of one command.

    Args:
        quiet: no notices, hints and progress; results and errors stay.
        format_: how results are shown; ``line`` says something in text alone.
    """

    def __init__(self, *, quiet: bool = False, format_: Format = Format.TEXT) -> None:
        self._out = stream_console(sys.stdout)
        self._err = stream_console(sys.stderr)
        self._quiet = quiet
        self.format = format_
        self._has_table = False
        self._bar: Progress | None = None
        self._said = set[str]()
        self.unicode = is_utf8(sys.stdout)

    @property
    def width(self) -> int:
        """Columns of the terminal, 80 in a pipe unless COLUMNS says otherwise."""
        return self._out.width

    def line(self, text: str = "", style: str = "") -> None:
        """A line of the result, at once; nothing where the result is not text."""
        if self.format == Format.TEXT:
            self._print(self._out, printable(text), style, wrap=True)

    def begin_table(self, headers: Sequence[str]) -> None:
        """Print what stands above the rows of a table in Markdown or LaTeX."""
        lines = table_head(self.format, headers)
        for line in ["", *lines] if self._has_table else lines:
            self._print(self._out, line, "")
        self._has_table = True

    def table_row(self, cells: Sequence[str]) -> None:
        """Print one of its rows."""
        self._print(self._out, table_row(self.format, [*map(printable, cells)]), "")

    def end_table(self) -> None:
        """Print what stands below them."""
        for line in table_end(self.format):
            self._print(self._out, line, "")

    def document(
        self, content: dict[str, Any], rows: Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        """The result as one JSON document or as CSV, where that is what was asked for.

        Args:
            content: under the names that it has in JSON.
            rows: those of the CSV table; by default a single one of all that is no list.
        """
        if self.format == Format.CSV:
            # Rich would make spaces of the tabs in an id.
            text = csv_table([content] if rows is None else rows)
            if self._out.is_terminal:
                text = "\n".join(map(printable, text.split("\n")))
            self._out.file.write(encodable(text, self._out.file) + "\n")
            self._out.file.flush()
        if self.format == Format.JSON:
            text = json.dumps(
                {"schema": SCHEMA} | content,
                indent=2,
                ensure_ascii=not is_utf8(self._out.file),
                allow_nan=False,
            )
            lines = map(printable_json, text.split("\n"))
            self._print(self._out, "\n".join(lines), "")

    def notice(self, text: str) -> None:
        """Something that happened on the way and is worth knowing."""
        if not self._quiet:
            self._print(self._err, printable(text, LONGEST_MESSAGE), "", wrap=True)

    def notice_once(self, text: str) -> None:
        """The same, but not again where it was said of another file."""
        if text not in self._said:
            self._said.add(text)
            self.notice(text)

    def warning(self, text: str) -> None:
        """Something without which the results would be misread: said in any case."""
        self._print(self._err, printable(text, LONGEST_MESSAGE), "", wrap=True)

    def hint(self, text: str) -> None:
        """What one may want to do next; to a person at a terminal only."""
        if not self._quiet and self._err.is_terminal:
            self._print(self._err, printable(text, LONGEST_MESSAGE), FAINT, wrap=True)

    def shown(self, text: str) -> str:
        """The text as it will stand on stdout, whose encoding may want other letters."""
        return encodable(printable(text), self._out.file)

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

    @property
    def shows_bars(self) -> bool:
        """Whether there is a terminal that wants them."""
        return not self._quiet and self._err.is_terminal

    def start_bar(self, what: str, unit: str, total: int | None) -> "Progress":
        """A bar on the terminal, until it is stopped."""
        # Rich's bars take long to import, and most commands end before they need one.
        from mlbias.cli.show.progress import start_bar

        self._bar = start_bar(self._err, what, unit, total)
        return self._bar

    def stop_bar(self) -> None:
        """Take the bar away, if there is one."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _print(self, console: Console, text: str, style: str, *, wrap: bool = False) -> None:
        """Print text that has been made safe to show, perhaps in several lines of a terminal."""
        # Above a bar only the console that draws it may print; on a terminal it is the same one.
        if self._bar is not None and console.is_terminal:
            console = self._err
        text = encodable(text, console.file)
        if wrap and console.is_terminal:
            text = "\n".join(wrapped(text, console.width))
        print_at_once(console, Text(text, style=style))


class ProgressBar:
    """Shows how far some work has come, once it takes long enough, even if it does not say.

    Args:
        output: where.
        what: what is being done.
        unit: what is counted, "bytes" or in the plural.
    """

    def __init__(self, output: Output, what: str, unit: str) -> None:
        self._output = output
        self._what = what
        self._unit = unit
        self._at: tuple[int, int | None] = 0, None
        self._bar: Progress | None = None
        self._is_over = False
        # The work may not call us before it ends.
        self._lock = threading.Lock()
        self._timer = threading.Timer(_BAR_AFTER_SECONDS, self._start)
        self._timer.daemon = True
        if output.shows_bars:
            self._timer.start()

    def update(self, done: int, total: int | None) -> None:
        """So much is done, of so much where that is known."""
        with self._lock:
            self._at = done, total
            self._draw()

    def close(self) -> None:
        """The work has ended."""
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            self._output.stop_bar()

    def _start(self) -> None:
        with self._lock:
            if not self._is_over:
                self._bar = self._output.start_bar(self._what, self._unit, self._at[1])
                self._draw()

    def _draw(self) -> None:
        if self._bar is not None:
            done, total = self._at
            self._bar.update(self._bar.task_ids[0], completed=done, total=total)
