"""Errors on stderr: a sentence and what to do, a JSON document, or a traceback."""

import json
import sys
import traceback

from rich.text import Text

from mlbias.cli.show.streams import (
    ATTENTION,
    SCHEMA,
    encodable,
    is_utf8,
    print_at_once,
    printable_json,
    stream_console,
)
from mlbias.cli.show.text import wrapped
from mlbias.printable import printable


def print_traceback(error: BaseException) -> None:
    """A traceback on stderr; what it quotes is escaped too."""
    console = stream_console(sys.stderr)
    for line in "".join(traceback.format_exception(error)).splitlines():
        print_at_once(console, Text(encodable(printable(line), sys.stderr)))


def print_error(message: str, advice: str = "") -> None:
    """An error in a sentence, and what to do about it in another line, on stderr."""
    console = stream_console(sys.stderr)
    label = "error: "
    for text in (message, advice) if advice else (message,):
        lines = [encodable(f"{label}{printable(text)}", sys.stderr)]
        if console.is_terminal:
            lines = wrapped(lines[0], console.width, len(label))
        shown = Text("\n".join(lines))
        if text is message:
            shown.stylize(ATTENTION, 0, len(label))
        print_at_once(console, shown)
        label = " " * len(label)


def print_error_document(message: str, advice: str, code: int) -> None:
    """The same as one JSON document, on one line of stderr."""
    error = {"message": message, "advice": advice or None, "exit_code": code}
    text = json.dumps({"schema": SCHEMA, "error": error}, ensure_ascii=not is_utf8(sys.stderr))
    print_at_once(stream_console(sys.stderr), Text(printable_json(text)))
