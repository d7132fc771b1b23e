"""Text from outside, made safe to show."""


def printable(text: str, longest: int | None = None) -> str:
    """Escape what a terminal would obey: control, format and bidirectional characters.

    File names, ids, column names and what a site answers are text from outside. Errors and the
    console apply this to all that they show.

    Args:
        text: one line; a line break in it is escaped too.
        longest: beyond so many characters the middle is cut out.
    """
    if longest is not None and len(text) > longest:
        text = f"{text[: longest // 2]} … {text[-(longest // 2) :]}"
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def shortened(text: str, length: int = 60) -> str:
    """The text in quotation marks, cut where it would fill more than a line."""
    return repr(text if len(text) <= length else text[: length - 1] + "…")
