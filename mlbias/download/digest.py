"""Whether an archive is the published one: by size, SHA-256, or else the publisher's MD5."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from mlbias.datasets.catalogue import Archive

ZIP_MAGIC = b"PK"


def difference(path: Path, archive: Archive, published_md5: Callable[[], str | None]) -> str | None:
    """Say how a file differs from the archive that it should be, with expected and found.

    Args:
        path: the file.
        archive: what it should be.
        published_md5: called where the catalogue has no digest; see parse_md5.

    Returns:
        "" if it does not differ, None if there is no digest to compare it with.
    """
    with path.open("rb") as file:
        if file.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
            return "it is not a zip archive"
    size = path.stat().st_size
    if archive.size is not None and size != archive.size:
        return f"expected {archive.size:,} bytes, found {size:,}"
    if archive.sha256 is not None:
        return _differs("SHA-256", archive.sha256, path)
    md5 = published_md5()
    return None if md5 is None else _differs("MD5", md5, path)


def parse_md5(content: bytes) -> str | None:
    """The digest in a .md5 file, either ``MD5 (ml-25m.zip) = …`` or as md5sum writes it."""
    found = re.search(rb"\b[0-9a-fA-F]{32}\b", content)
    return found[0].decode().lower() if found else None


def _differs(kind: str, expected: str, path: Path) -> str:
    with path.open("rb") as file:
        found = hashlib.file_digest(
            file, lambda: hashlib.new(kind.replace("-", ""), usedforsecurity=False)
        ).hexdigest()
    return "" if expected == found else f"expected {kind} {expected}, found {found}"
