"""Lines of text taken apart: which separator splits them, and into which fields."""

import re
from collections import Counter
from collections.abc import Sequence

from mlbias.columns.names import NEEDED
from mlbias.errors import DataError
from mlbias.printable import shortened

# In text with these a quotation mark is a letter, unless the header is quoted itself.
UNQUOTED = ("::", "\t", " ")
# In the order in which they are preferred, where several split the lines evenly.
_SEPARATORS = ("::", "\t", ",", ";", "|")


def separator_of(lines: Sequence[str], where: str, needed: Sequence[str] = NEEDED) -> str:
    """Which separator splits the lines evenly into the most fields, one or more for each role."""
    least, roles = len(needed), f"{', '.join(needed[:-1])} and {needed[-1]}"
    found: dict[str, tuple[bool, int]] = {}
    # Runs of blanks as one would hide that a field between tabs is empty.
    blank = () if lines[0].count("\t") >= least - 1 else (" ",)
    for separator in (*_SEPARATORS, *blank):
        quoted = separator not in UNQUOTED
        counts = [len(row) for row in split_records(lines[:200], separator, quoted=quoted)]
        (width, times), *_ = Counter(counts[1:] or counts).most_common(1)
        is_even = 2 * times >= len(counts) - 1 and counts[0] in (width, width - 1, width + 1)
        if is_even and width >= least and (separator != " " or not found):
            found[separator] = 10 * times >= 9 * (len(counts) - 1), width
    if found:
        return max(found, key=lambda separator: found[separator])
    for separator in (*_SEPARATORS, " "):
        if len(split_line(lines[0], separator)) >= least:
            return separator
    raise DataError(
        f"{where}, line 1: expected {roles} separated by commas, tabs, semicolons, "
        f"pipes, '::' or spaces, found {shortened(lines[0])}.",
        "If something else separates them, name it with `separator`.",
    )


def split_line(line: str, separator: str, *, quoted: bool = False) -> list[str]:
    """The fields of one record without its line end; well-formed quotation marks are taken off."""
    if separator == " ":
        line = line.strip(" \t")
        if not (quoted and '"' in line):
            return re.split(r"[ \t]+", line)
        pieces = line.split('"')
        pieces[::2] = [re.sub(r"[ \t]+", " ", piece) for piece in pieces[::2]]
        line = '"'.join(pieces)
    if not (quoted and '"' in line):
        return line.split(separator)
    mark = re.escape(separator)
    fields = re.findall(rf'("(?:[^"]|"")*"|[^{mark}"]*(?:"[^{mark}]*)?)({mark}|$)', line)
    texts = [text for text, _ in fields]
    # At the end of the line an empty match follows a field that no separator ended.
    if len(fields) > 1 and fields[-2][1] == "":
        texts.pop()
    return [bare(text) for text in texts]


def bare(text: str) -> str:
    """The text without the quotation marks around it, if there are any."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return text


def split_records(lines: Sequence[str], separator: str, *, quoted: bool) -> list[list[str]]:
    """The fields of each record of these lines."""
    return [
        split_line(record, separator, quoted=quoted)
        for record in (joined(lines) if quoted else lines)
    ]


def joined(lines: Sequence[str]) -> list[str]:
    """Lines joined where a quotation goes on; one that is never closed is left as it is."""
    records: list[str] = []
    open_: list[str] = []
    is_open = False
    for line in lines:
        open_.append(line)
        is_open ^= line.count('"') % 2 == 1
        if not is_open:
            records.append("\n".join(open_))
            open_ = []
    return [*records, *open_]
