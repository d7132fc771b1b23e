"""Text from outside, made safe to show."""

_LONGEST = 300


def printable(text: str) -> str:
    """Escape what a terminal would obey (control, format and bidirectional characters).

    Text beyond 300 characters is cut.
    """
    shown = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode()
        for one in text[:_LONGEST]
    )
    return f"{shown}…" if len(text) > _LONGEST else shown
