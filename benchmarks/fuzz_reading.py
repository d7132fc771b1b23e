"""Mutated files of many kinds, each read by mlbias and by an independent oracle.

    python -m benchmarks.fuzz_reading --seed 0 --files 20000

A file is refused by both, or accepted by both with the same rows; with bad rows left out, as many
of them are counted. Printed are the files for which this does not hold: those read differently in
silence, those placed wrongly, those that fail with anything but an error of mlbias, and those that
mlbias alone refuses, which is safe but may be needless.
"""

import argparse
import bz2
import gzip
import json
import lzma
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.reading_oracle import Row, Truth, Written, header_of, truth_of
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading import text as text_room
from mlbias.datasets.reading.read import read_ratings
from mlbias.datasets.reading.reader import Reading
from mlbias.datasets.sources import Source
from mlbias.errors import BadRowError, MlbiasError

_SKIPPING = ReadOptions(skip_bad_rows=True, max_bad_share=1.0)
_IDS: tuple[Callable[[random.Random], str], ...] = (
    lambda rng: str(rng.randint(0, 30)),
    lambda rng: str(rng.randint(-5, 5) * 2**40),
    lambda rng: str(2**63 - rng.randint(0, 2)),
    lambda rng: f"u{rng.randint(0, 20)}",
    lambda rng: f"u{rng.randint(0, 9):021d}",
    lambda rng: rng.choice(["é", "日本", "🎬a", "ann", "bob", "Ann"]),
)
_ODD_IDS = (
    "007", "+7", "7.0", "-0", "0", " 7", "7 ", "NA", "null", "", "\\N", "x y", "'", "a'b", "1e5",
    str(2**63), str(-(2**63)), "9" * 30, "u" * 300, "é", "\ufeff1", "٣", "1_0", "\t8", "N/A", "#1",
)  # fmt: skip
_NUMBERS = ("4", "3.5", "0.5", "5.0", "1", "2.25", "-3", "1e0")
_ODD_NUMBERS = (
    "4_5", "٣", "0x1F", "1,5", "inf", "nan", "NaN", "", "1e999", "1e-400", ".5", "5.", "+3", " 4",
    "4 ", "\t4", "--1", "1 0", "1e", "e5", "Infinity", "-inf", "4\x0b", "four", "1.2.3", "1,234",
    "12345678901234567890.5", "4f", "0", "-0", "00004", "1d5", "True", "NULL", "\u00a04", "1E+2",
)  # fmt: skip
_TOKENS = (
    '"', '""', "\n", "\r", "\r\n", " ", "\t", "0", "+", "-", ".", ",", ";", "|", "::", ":", "NA",
    "é", "\ufeff", "_", "e5", "\x1f", "x", "٣", "\n\n", " \n", "'", "#", "\\", "\x0b", "\u2028",
)  # fmt: skip
_HEADERS = (
    ("userId", "movieId", "rating", "timestamp"),
    ("user", "item", "score", "title"),
    ("user_id:token", "item_id:token", "rating:float", "timestamp:float"),
)


@dataclass(frozen=True)
class Case:
    """A file: what was written and as what, whether its header is still whole, its part size."""

    text: str
    written: Written
    names: list[str]
    header_is_whole: bool
    part_size: int
    encoding: str
    packing: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--show", type=int, default=5, help="examples of each kind of finding")
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.files):
            case = make_case(f"{arguments.seed}/{number}")
            for kind, told in findings(case, Path(folder) / "ratings"):
                counts[kind] += 1
                shown[kind] += 1
                if told and shown[kind] <= arguments.show:
                    print(f"--- {kind}, file {number}: {told}\n    {case}")
    for kind, count in sorted(counts.items()):
        print(f"{count:8,}  {kind}")
    sys.exit(any(kind in counts for kind in FAULTS))


# The kinds of findings that are faults.
FAULTS = ("silently different", "wrong place", "crash", "wrong count")


def findings(case: Case, path: Path) -> list[tuple[str, str]]:
    """What reading a case comes to, strict and with bad rows left out: kinds, and details."""
    path.write_bytes(_packed(case))
    truth = truth_of(case.text, case.written)
    found = []
    before = text_room.PART_SIZE
    text_room.PART_SIZE = case.part_size
    try:
        for options in (ReadOptions(), _SKIPPING):
            try:
                outcome: Reading | MlbiasError = read_ratings(Source("ratings", path), options)
            except MlbiasError as error:
                outcome = error
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                found.append(("crash", f"{type(error).__name__}: {error}"))
                continue
            found.append(_judged(outcome, truth, case, skipping=options.skip_bad_rows))
    finally:
        text_room.PART_SIZE = before
    return found


def _judged(
    outcome: Reading | MlbiasError, truth: Truth, case: Case, *, skipping: bool
) -> tuple[str, str]:
    if not _is_plain(case):
        return "not judged, since it may be read in two ways", ""
    refused = truth.broken is not None or not truth.rows or (bool(truth.bad) and not skipping)
    if isinstance(outcome, MlbiasError):
        if not refused:
            return "refused by mlbias alone", str(outcome)
        lines = [*truth.bad[:1], *([truth.broken] if truth.broken else [])]
        if skipping:
            lines = [truth.broken] if truth.broken else []
        is_placed = not lines or any(f"line {line}," in _words(str(outcome)) for line in lines)
        # A carriage return within quotation marks may end a line or not.
        is_plain = case.header_is_whole and not ("\r" in case.text and '"' in case.text)
        if isinstance(outcome, BadRowError) and is_plain and not is_placed:
            return "wrong place", f"expected line {lines}: {outcome}"
        return "refused by both", ""
    notices = " ".join(outcome.understood.notices)
    if "row names" in notices and not case.written.row_names:
        written = replace(
            case.written,
            row_names=True,
            columns=_behind_row_names(*case.written.columns),
        )
        return _judged(
            outcome, truth_of(case.text, written), replace(case, written=written), skipping=skipping
        )
    if refused:
        return "silently different", f"expected a refusal, lines {truth.bad[:3]} {truth.broken}"
    rows, expected = rows_of(outcome), sorted(truth.rows)
    if rows != expected:
        return "silently different", f"found {rows[:4]}, expected {expected[:4]}; {notices}"
    if skipping and outcome.understood.n_skipped != len(truth.bad):
        return "wrong count", f"{outcome.understood.n_skipped} skipped, not {len(truth.bad)}"
    return "accepted by both", ""


def _behind_row_names(user: int, item: int, rating: int) -> tuple[int, int, int]:
    return user + 1, item + 1, rating + 1


def _is_plain(case: Case) -> bool:
    """Whether the text can be taken in one way alone, and the oracle takes it so."""
    if case.written.form == "netflix":
        return bool(re.match(r"\s*[0-9]+:[ \t]*\n\s*[^\n]*,", case.text))
    if case.written.form == "json":
        first = case.text.split("\n")[0]
        return all(f'"{key}": ' in first for key in ("user_id", "item_id", "rating"))
    if re.search(r'(^|[\r\n])"[ \t]+"', case.text):  # which the oracle takes for a blank line
        return False
    if case.written.separator in ("::", " ") and case.text.startswith('"'):
        return False
    if case.written.header and not case.header_is_whole:
        found = header_of(case.text, case.written)
        if [found[place : place + 1] for place in case.written.columns] != [
            [name] for name in case.names
        ]:
            return False
    # Whether the separator at the end of the first row ends a field is told from the first part.
    first = re.split(r"[\r\n]", case.text, maxsplit=1)[0].removesuffix('""')
    if first.endswith(case.written.separator):
        return case.part_size > len(case.text)
    return True


def rows_of(reading: Reading) -> list[Row]:
    """The ratings as rows, in their order."""
    ratings = reading.ratings
    users, items = ratings.user_ids.tolist(), ratings.item_ids.tolist()
    return [
        (users[user], items[item], value)
        for user, item, value in zip(
            ratings.user.tolist(), ratings.item.tolist(), ratings.value.tolist(), strict=True
        )
    ]


def make_case(seed: str) -> Case:
    """The file of a seed."""
    rng = random.Random(seed)
    form = rng.choices(["text", "json", "netflix"], [10, 1, 1])[0]
    if form == "json":
        lines, written = _json_lines(rng), Written(form="json", header=False)
    elif form == "netflix":
        lines, written = _netflix_lines(rng), Written(form="netflix", header=False)
    else:
        lines, written = _text_lines(rng)
    ending = "\n" if form != "text" else rng.choice(["\n", "\n", "\n", "\r\n", "\r"])
    head = lines[0]
    text = ending.join(lines) + rng.choice([ending, ending, ""])
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        text = _mutated(text, written, ending, rng)
    is_ascii = rng.random() < 0.9
    fields = head.split(written.separator) if written.header else []
    names = [fields[place].strip('"') for place in written.columns] if fields else []
    if written.header and text.startswith('"') and written.separator == "\t":
        written = replace(written, quoted=True)
    return Case(
        text,
        written,
        names,
        not written.header or text.startswith(head + ending),
        rng.choice([400, 1000, 8 << 20]),
        "utf-8" if is_ascii else rng.choice(["utf-8-sig", "utf-16"]),
        rng.choice([""] * 8 + ["gzip", "bzip2", "xz"]),
    )


def _text_lines(rng: random.Random) -> tuple[list[str], Written]:
    separator = rng.choice([",", ",", ";", "|", "\t", "::", " "])
    header = rng.random() < 0.6
    may_quote = separator in (",", ";", "|")
    quoting = rng.choice(["never", "ids", "some", "all"]) if may_quote else "never"
    user, item = rng.choice(_IDS), rng.choice(_IDS)
    width = rng.choice([3, 4, 4, 5]) if header else rng.choice([3, 4])
    order = list(range(min(width, 4)))
    names = list(rng.choice(_HEADERS))[: len(order)]
    if header:
        rng.shuffle(order)
    rows = []
    if header:
        line = [names[place] for place in order] + ["more"] * (width - len(order))
        rows.append([f'"{name}"' for name in line] if quoting == "all" else line)
    for _ in range(rng.choice([1, 2, 3, 5, 8, 40])):
        ids = [rng.choice(_ODD_IDS) if rng.random() < 0.01 else one(rng) for one in (user, item)]
        number = rng.choice(_ODD_NUMBERS) if rng.random() < 0.01 else rng.choice(_NUMBERS)
        last = str(rng.randint(10**9, 2 * 10**9))
        if "title" in names and may_quote and rng.random() < 0.3:
            last = rng.choice([f'"A{separator} B"', '"say ""no"""', '"two\nlines"', "plain"])
        fields = [*ids, number, last]
        if quoting in ("ids", "all") or (quoting == "some" and rng.random() < 0.3):
            fields[:2] = [f'"{one}"' for one in fields[:2]]
        if quoting == "all":
            fields[2] = f'"{number}"'
        rows.append([fields[place] for place in order] + ["z"] * (width - len(order)))
    places = [order.index(role) for role in range(3)]
    written = Written("text", separator, header, may_quote, (places[0], places[1], places[2]))
    return [separator.join(row) for row in rows], written


def _json_lines(rng: random.Random) -> list[str]:
    user, item = rng.choice(_IDS), rng.choice(_IDS)
    lines = []
    for _ in range(rng.choice([1, 2, 5, 30])):
        ids: list[object] = [one(rng) for one in (user, item)]
        if rng.random() < 0.02:
            ids[0] = rng.choice([None, 1.5, True, "", "NA", "007", [1], 2**70])
        value: object = rng.choice([1, 2.5, "4", 4.0])
        if rng.random() < 0.02:
            value = rng.choice([None, "four", True, float("nan"), [4], "4_5"])
        row = {"user_id": ids[0], "item_id": ids[1], "rating": value, "text": 'a "b"\n'}
        lines.append(json.dumps(row, ensure_ascii=rng.random() < 0.5))
    return lines


def _netflix_lines(rng: random.Random) -> list[str]:
    lines = []
    for movie in range(1, rng.choice([2, 3, 8])):
        lines.append(f"{movie * rng.choice([1, 1, 7])}:")
        lines += [
            f"{rng.randint(1, 99)},{rng.randint(1, 5)},2005-09-{rng.randint(10, 30)}"
            for _ in range(rng.choice([0, 1, 2, 20]) if movie > 1 else 2)
        ]
    return lines


def _mutated(text: str, written: Written, ending: str, rng: random.Random) -> str:
    lines = text.split(ending)
    line = rng.randrange(len(lines))
    place = rng.randrange(len(text) + 1)
    fields = lines[line].split(written.separator)
    kind = rng.randrange(10)
    if kind <= 2:
        token = rng.choice((*_TOKENS, written.separator, written.separator))
        return text[:place] + token + text[place:]
    if kind == 3:
        return text[:place] + text[place + rng.choice([1, 1, 1, 3, 20]) :]
    if kind == 4:
        return text[:place]
    if kind == 5:
        lines[line : line + 2] = ["".join(lines[line : line + 2])]
    elif kind == 6:
        fields[rng.randrange(len(fields))] = rng.choice(_ODD_IDS + _ODD_NUMBERS)
        lines[line] = written.separator.join(fields)
    elif kind == 7:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(["", " ", lines[line], "\t"]))
    elif kind == 8:
        lines[line] = written.separator.join(f'"{one}"' for one in fields)
    else:
        chosen = [line] if rng.random() < 0.5 else range(len(lines))
        lines = [
            one + written.separator if k in chosen and one else one for k, one in enumerate(lines)
        ]
    return ending.join(lines)


def _packed(case: Case) -> bytes:
    data = case.text.encode(case.encoding)
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "bzip2": bz2.compress,
        "xz": lzma.compress,
        "": bytes,
    }
    return packers[case.packing](data)


def _words(message: str) -> str:
    """The message with a comma for the colon after its place, so that a line's number ends."""
    return message.replace(":", ",")


if __name__ == "__main__":
    main()
