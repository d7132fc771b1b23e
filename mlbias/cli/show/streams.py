"""One stream to a terminal, a file or a pipe: printed at once, in what it can show."""

import json
import os
import sys
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

# The three meanings of colour, readable on light and dark.
GOOD, ATTENTION, FAINT = "green", "bold red", "dim"

# In every JSON document; keys are added, and never renamed.
SCHEMA = 1

# What stands for our letters and signs where the encoding is not UTF-8.
_ASCII = str.maketrans(
    {"±": "+-", "·": "|", "→": "->", "─": "-", "−": "-", "×": "x", "…": "..."}
    | {"α": "alpha", "λ": "lambda", "σ": "sigma"}
    | dict.fromkeys("▏▎▍▌▋▊▉█", "#")
    | dict.fromkeys("▁▂▃▄▅▆▇", "")
)  # fmt: skip


class _Console(Console):
    """Rich's console, but who closes our pipe is for main() to deal with."""

    def on_broken_pipe(self) -> None:
        """Called while the error is handled; Rich itself would exit with 1."""
        raise BrokenPipeError


def print_at_once(console: Console, text: Text) -> None:
    """Print at once; a stderr that cannot be written to takes no result with it."""
    try:
        console.print(text, soft_wrap=True)
        console.file.flush()
    except OSError:
        if console.file is not sys.stderr:
            raise
        # What is buffered has to go somewhere when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def stream_console(file: TextIO) -> Console:
    """A console that adds neither markup nor highlights; 80 columns wide in a pipe."""
    return _Console(
        file=file,
        highlight=False,
        markup=False,
        emoji=False,
        # A pipe has no width of its own; Rich would take the terminal's.
        width=None if file.isatty() or "COLUMNS" in os.environ else 80,
    )


def printable_json(line: str) -> str:
    """Escape what JSON allows in a string and a terminal would obey; the value stays the same."""
    if line.isprintable():
        return line
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in line)


def encodable(text: str, file: Any) -> str:
    """The text with what this stream cannot show spelled out."""
    if not is_utf8(file):
        text = text.translate(_ASCII)
    encoding = getattr(file, "encoding", None) or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def is_utf8(file: Any) -> bool:
    """Whether a stream shows every letter."""
    return (getattr(file, "encoding", None) or "ascii").lower().replace("-", "") == "utf8"
