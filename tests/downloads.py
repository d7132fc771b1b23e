"""What the tests of downloads share: an archive, the ways to fetch it, what is left on disk."""

import hashlib
import ssl
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from urllib3 import Retry

from mlbias.datasets.catalogue import Archive
from mlbias.download.install import download
from mlbias.download.request import DownloadRequest
from tests.site import (
    Site,
    ranged,
    rating_lines,
    zipped,
)
from tests.test_cli import Run, succeeds

# Stored, not deflated, so that there is something to cut; ml-latest has no digest in the catalogue.
RATINGS = rating_lines(
    (user, item, 0.5 * (1 + (user * item) % 10), 10**9 + item)
    for user in range(1, 61)
    for item in range(1, 41)
)
MEMBERS = {
    "ml-latest/": "",
    "ml-latest/README.txt": "Terms of use.",
    "ml-latest/ratings.csv": RATINGS,
    "ml-latest/genome-tags.csv": "tagId,tag\n",
    "ml-latest/genome-scores.csv": "movieId,tagId,relevance\n",
}
ARCHIVE = zipped(MEMBERS, stored=True)
# The same under a digest, for what only pinned archives do.
PINNED = Archive(
    "ml-latest", "ml-latest", "ratings.csv", len(ARCHIVE),
    hashlib.sha256(ARCHIVE).hexdigest(), 2400, 60, 40,
)  # fmt: skip
# And with neither size nor digest.
UNKNOWN = Archive("ml-latest", "ml-latest", "ratings.csv")
HASTE = Retry(total=4, backoff_factor=0)


def left(folder: Path) -> list[str]:
    """All files below a folder but the model."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


DONE = ["ml-latest/README.txt", "ml-latest/genome-tags.csv", "ml-latest/ratings.csv"]


def assert_next_works(run: Run, tmp_path: Path) -> Site:
    """A good site brings the data set, and nothing else is left."""
    with Site(ranged(ARCHIVE)) as site:
        succeeds(run("download", "ml-latest", "--url", site.url))
    assert left(tmp_path / "data") == DONE
    assert (tmp_path / "data/ml-latest/ratings.csv").read_text() == RATINGS
    return site


class Notices:
    """Stands in for the terminal, in tests within this process."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def notice(self, text: str) -> None:
        self.said.append(text)

    @contextmanager
    def progress(self, *_: str) -> Any:
        yield self

    def update(self, done: int, total: int | None) -> None:
        assert total is None or 0 <= done <= total


def fetched(tmp_path: Path, site: Site, archive: Archive = PINNED, **more: Any) -> list[str]:
    """Download within this process, without waiting; what was said."""
    notices = Notices()
    options: dict[str, Any] = {"mirror": site.url, "retry": HASTE, "timeout": 5.0}
    request = DownloadRequest(archive, tmp_path / "data", **(options | more))
    done = download(request, notices)
    assert done is not None
    assert done.dataset.n_ratings == 2400
    return notices.said


def archive_at(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "mirror.zip"
    path.write_bytes(content)
    return str(path)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """An issuer that tests may trust."""
    return trustme.CA()


def trusting(authority: trustme.CA, folder: Path) -> dict[str, str]:
    """The environment in which the issuer is trusted."""
    path = folder.parent / f"{folder.name}-issuer.pem"
    authority.cert_pem.write_to_path(str(path))
    return {"REQUESTS_CA_BUNDLE": str(path)}


def secure(authority: trustme.CA, host: str = "localhost", **times: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, **times).configure_cert(context)
    return context
