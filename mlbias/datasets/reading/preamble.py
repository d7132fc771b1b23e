"""What may stand in front of a header and rows: comments, and Excel's hint of a separator."""

import re
from collections.abc import Sequence

from mlbias.columns.names import is_header
from mlbias.datasets.options import ReadOptions

_EXCEL_HINT = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_COMMENT = re.compile(r"#[# ]|%[% ]|#(?=[A-Za-z])")


def preamble(lines: Sequence[str], options: ReadOptions) -> tuple[int, str | None, list[str]]:
    """Lines that are neither header nor rows, the separator that one names, and what to say.

    Of comments in front the last stays, since it may be a header, as numpy.savetxt writes it.
    """
    hint = _EXCEL_HINT.fullmatch(lines[0].strip("\ufeff "))
    if hint:
        return 1, hint[1], []
    n = 0
    while n < len(lines) and is_comment(lines[n]):
        n += 1
    if n == 0 or n == len(lines):
        return 0, None, []
    last, following = (line.strip("#% \t") for line in lines[n - 1 : n + 1])
    names = _words(last)
    if len(names) == len(_words(following)) and is_header([*names, "0"], options.asked):
        n -= 1
    if n == 0:
        return 0, None, []
    return n, None, [f"left out {n} comment {'line' if n == 1 else 'lines'} at the start"]


def is_comment(line: str) -> bool:
    """Whether a line is a comment, or a header behind a comment's mark; an id may begin with #."""
    match = _COMMENT.match(line)
    return match is not None and (len(match[0]) > 1 or is_header(_words(line), {}))


def _words(line: str) -> list[str]:
    return re.split(r"[,;|\t ]+|::", line)
