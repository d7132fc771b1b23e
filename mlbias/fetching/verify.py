"""Whether an archive is the published one: its length, its SHA-256, or else the publisher's MD5."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from mlbias.datasets.catalogue import Archive

ZIP = b"PK"
_PIECE = 1 << 20


def difference(path: Path, archive: Archive, published_md5: Callable[[], str | None]) -> str | None:
    """How a file differs from the archive that it should be, with expected and found.

    "" if it does not, and None if there is nothing to compare it with.

    Args:
        path: of the file.
        archive: what it should be.
        published_md5: called where the catalogue has no digest; see read_md5.
    """
    with path.open("rb") as file:
        if file.read(len(ZIP)) != ZIP:
            return "it is no zip archive"
    size = path.stat().st_size
    if archive.size is not None and size != archive.size:
        return f"expected {archive.size:,} bytes, found {size:,}"
    if archive.sha256 is not None:
        return _differs("SHA-256", archive.sha256, _digest(path, "sha256"))
    md5 = published_md5()
    return None if md5 is None else _differs("MD5", md5, _digest(path, "md5"))


def read_md5(content: bytes) -> str | None:
    """The digest in a published .md5, a line as ``MD5 (ml-25m.zip) = …`` or md5sum's."""
    found = re.search(rb"\b[0-9a-fA-F]{32}\b", content)
    return found[0].decode().lower() if found else None


def _differs(kind: str, expected: str, found: str) -> str:
    return "" if expected == found else f"expected {kind} {expected}, found {found}"


def _digest(path: Path, kind: str) -> str:
    # MD5 is the publisher's choice; it is no defence against anybody, and nothing is taken on it.
    digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
