"""Numbers as people read them, and names as the command line has them."""

import re
import textwrap

# Blanks that a line had best end at.
_ENDS = re.compile(r"(?<=[·,;]) (?!·)")
# Blanks that no line ends at: around ±, and between a number and its unit.
_TOGETHER = re.compile(r" (?=±)|(?<=±) |(?<=[0-9]) (?=(?:s|min|%|[KMGT]iB|B)(?![A-Za-z]))")


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


def percent(share: float, decimals: int = 1) -> str:
    """As 24.6 %."""
    return f"{100 * share:.{decimals}f} %"


def against_mean(rmse: float, mean_rmse: float) -> str:
    """By how much an RMSE is better than that of predicting the mean."""
    share = 1 - rmse / mean_rmse if mean_rmse else 0.0
    if abs(share) < 0.0005:
        return "no better than the mean"
    return f"{percent(abs(share))} {'better' if share > 0 else 'worse'} than the mean"


def with_error(value: float, stderr: float | None, decimals: int = 6) -> str:
    """As 0.876338 ± 0.0104."""
    return f"{value:.{decimals}f}" + ("" if stderr is None else f" ± {stderr:.4f}")


def counted(number: int, noun: str) -> str:
    """As 1 user, 1,234 users."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def data_line(label: str, n_ratings: int, n_users: int, n_items: int) -> str:
    """What data: name, size and how much of the users × items table is filled."""
    density = 100 * n_ratings / (n_users * n_items)
    filled = f"{density:.2f}" if density >= 0.995 else f"{density:.2g}"
    return " · ".join(
        [
            label,
            counted(n_ratings, "rating"),
            counted(n_users, "user"),
            counted(n_items, "item"),
            f"{filled} % filled",
        ]
    )


def wrapped(text: str, width: int, indent: int = 2) -> list[str]:
    """The text in lines of at most so many characters, all but the first indented.

    Lines end after a comma, a semicolon or " ·" if they can. A number stays with its unit and its
    error. What is longer than a line without any blank, such as a path, is left whole.
    """
    if len(text) <= width:
        return [text]
    margin = " " * max(indent, len(text) - len(text.lstrip(" ")))
    parts = [
        part.replace(" ", "\0") if len(part) <= width - len(margin) else _TOGETHER.sub("\0", part)
        for part in _ENDS.split(text)
    ]
    lines = textwrap.wrap(
        " ".join(parts), width, subsequent_indent=margin, break_long_words=False,
        break_on_hyphens=False, replace_whitespace=False, expand_tabs=False,
    )  # fmt: skip
    return [line.replace("\0", " ") for line in lines]


def with_options(text: str) -> str:
    """The text with names of Python's arguments, in backquotes, as the command line's options."""
    return re.sub(r"`([a-z][a-z0-9_]*)`", _as_option, text)


def _as_option(name: re.Match[str]) -> str:
    return "--" + name[1].rstrip("_").replace("_", "-")
