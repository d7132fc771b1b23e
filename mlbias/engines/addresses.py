"""What --data may name beyond files: tables of Spark, and stores that it reads."""

import re

TABLE = "table:"
_REMOTE = re.compile(r"[a-z0-9]+://")


def is_sparks_own(data: str) -> bool:
    """Whether it is a table, or an address that Spark alone reads."""
    return data.startswith(TABLE) or _REMOTE.match(data) is not None
