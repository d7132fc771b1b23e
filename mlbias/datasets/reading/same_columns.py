"""Files that are read as one have the same columns."""

from mlbias.datasets.reading.parts import Parts
from mlbias.errors import DataError


def check_same_columns(first: str, one: Parts, where: str, other: Parts) -> None:
    """See that two files that are read as one have their columns in common.

    Raises:
        DataError: they do not.
    """
    sides = [(parts.understood.columns, parts.understood.header) for parts in (one, other)]
    headers = [header for _, header in sides]
    if headers in ([True, False], [False, True]):
        with_one, without = (first, where) if headers[0] else (where, first)
        raise DataError(
            f"{without} has no header, and {with_one} has one.",
            "Files that are read as one have the same columns.",
        )
    if sides[0] != sides[1]:
        told = [
            ", ".join(f"{role} in {column}" for role, column in (columns or {}).items())
            for columns, _ in sides
        ]
        raise DataError(
            f"{where} is not laid out as {first}: {told[1]}, there {told[0]}.",
            "Files that are read as one have the same columns.",
        )
