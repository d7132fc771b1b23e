"""The Netflix Prize's text: a line "1:" names a movie, and its ratings follow, "user,rating,date".

Its training set has a file for each movie, Kaggle's copy all in four. The movie is written in front
of each of its ratings, and its own line left blank, so that the lines keep their numbers.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from mlbias.columns.names import PREDICTION, RATING, Columns
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.layout import Layout

_MOVIE = re.compile(rb"(?m)^([0-9]+):[ \t\r]*$")
# A blank line begins so; it is no rating, and stays blank.
_BLANK_STARTS = (b"\n\n", b"\n\r", b"\n ", b"\n\t")
_MOVIE_LINE = re.compile(r"[0-9]+:\s*")


def is_netflix(lines: Sequence[str]) -> bool:
    """Whether text that begins with these lines is the Netflix Prize's."""
    rows = [line for line in lines if line.strip()]
    return len(rows) > 1 and bool(_MOVIE_LINE.fullmatch(rows[0])) and "," in rows[1]


def netflix_layout(lines: Sequence[str], options: ReadOptions) -> Layout:
    """The layout of such text once each row begins with its movie."""
    row = next(line for line in lines if line.strip() and not _MOVIE_LINE.fullmatch(line))
    width = row.count(",") + 2
    value_name = PREDICTION if PREDICTION in options.asked else RATING
    time = 3 if width > 3 else None
    columns = Columns(user=1, item=0, rating=2, time=time, value_name=value_name)
    text = frozenset(("user", "item")) if options.ids == "text" else frozenset[str]()
    return Layout(",", width, columns, quoted=False, n_lines_before=0, header=None, text_ids=text)


def with_movies(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The text with its movie in front of each rating."""
    movie = b""
    for part in parts:
        before, *blocks = _MOVIE.split(part)
        written = [_prefixed(before, movie)] if before else []
        for movie, block in zip(blocks[0::2], blocks[1::2], strict=True):
            written.append(b"\n" + _prefixed(block[1:], movie))
        yield b"".join(written)


def _prefixed(rows: bytes, movie: bytes) -> bytes:
    if not rows:
        return b""
    body = rows.removesuffix(b"\n")
    if any(start in b"\n" + rows for start in _BLANK_STARTS):
        lines = body.split(b"\n")
        return b"\n".join(movie + b"," + line if line.strip() else line for line in lines) + b"\n"
    return movie + b"," + body.replace(b"\n", b"\n" + movie + b",") + b"\n"
