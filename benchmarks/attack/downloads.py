"""Sites that lie, stall, cut, mix and insult."""

import random
from contextlib import contextmanager, suppress
from pathlib import Path

from urllib3 import Retry

from benchmarks.attack.inputs import mutated
from benchmarks.attack.verdict import Verdict
from mlbias.datasets.catalogue import Archive
from mlbias.download.install import download
from mlbias.download.request import DownloadRequest
from mlbias.errors import MlbiasError
from tests.downloads import ARCHIVE, PINNED, RATINGS, UNKNOWN, Notices
from tests.site import (
    Answer,
    Request,
    Site,
    chunked,
    drip,
    partial,
    ranged,
    redirect,
    status,
    whole,
)

_ODD_HEADERS = (
    "Content-Range: bytes " + "9" * 5000 + "-1/2", "Content-Length: -1",
    "Content-Length: 9" + "0" * 30,
    "Content-Length: 1\r\nContent-Length: 2", "ETag: \x1b[31m\x9b", "Retry-After: " + "9" * 400,
    "Transfer-Encoding: chunked", "Content-Encoding: gzip", "Content-Encoding: \x9b2J",
    "Location: http://\x9b.invalid/", "Location: file:///etc/passwd", "Location: /again",
    "X: " + "x" * 70_000,
    "Content-Type: text/html", "\x00\x01", "Set-Cookie: a=b; Domain=.invalid",
    "Last-Modified: \x1b",
)  # fmt: skip
_STATUSES = (200, 200, 204, 206, 206, 301, 302, 304, 308, 401, 404, 416, 429, 500, 503, 999, 100)


def _odd(rng: random.Random) -> Answer:
    said = rng.choice(["OK", "No\x1b[31m\x9b", "x" * 3000, ""])
    head = [f"HTTP/1.1 {rng.choice(_STATUSES)} {said}"]
    head += rng.sample(_ODD_HEADERS, rng.randrange(4))
    body = rng.choice([b"", ARCHIVE, mutated(ARCHIVE, rng), b"<html>", rng.randbytes(500)])
    if rng.random() < 0.6:
        head.append(f"Content-Length: {len(body)}")
    content = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body
    if rng.random() < 0.2:
        content = mutated(content, rng)

    def give(request: Request) -> None:
        request.wfile.write(content)
        request.cut()

    return give


def _answer(rng: random.Random) -> Answer:
    cut = rng.randrange(len(ARCHIVE))
    total: int | str = rng.choice(["*", "1", "100000000000000000"])
    return rng.choice([
        _odd(rng), _odd(rng), _odd(rng), _odd(rng),
        ranged(ARCHIVE), ranged(ARCHIVE), whole(mutated(ARCHIVE, rng)), whole(ARCHIVE),
        whole(ARCHIVE[:cut]),
        ranged(ARCHIVE, at_most=cut), ranged(mutated(ARCHIVE, rng), '"two"', at_most=cut),
        ranged(mutated(ARCHIVE, rng), at_most=cut), partial(ARCHIVE[cut:], cut, len(ARCHIVE)),
        partial(ARCHIVE, 0, total), status(rng.choice(_STATUSES[2:])),
        redirect("/again/ml-latest.zip"), redirect("ftp://localhost/"),
        chunked(ARCHIVE, cut=cut % 2 == 0),
        drip(ARCHIVE[:50], 0.002),
    ])  # fmt: skip


class _Heard(Notices):
    """Knows whether the archive was called verified."""

    @contextmanager
    def progress(self, *_: str):  # type: ignore[no-untyped-def]
        yield _Silent()


class _Silent:
    def update(self, done: int, total: int | None) -> None:
        pass


def case(rng: random.Random, number: int, folder: Path) -> Verdict:  # noqa: ARG001
    """A hostile site: the data set as it should be, or a sentence; nothing elsewhere."""
    archive: Archive = rng.choice([PINNED, UNKNOWN])
    data = folder / "sites" / f"{rng.randrange(10**9)}"
    mine = data / "ml-latest" / "mine.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    here = sorted(folder.iterdir())
    answers = [_answer(rng) for _ in range(rng.randrange(1, 6))]
    ending, fault = "accepted", ""
    with Site(*answers, md5=rng.choice([None, "0" * 32, "x" * 500])) as site:
        retry = Retry(total=3, backoff_factor=0, backoff_max=0)
        # There is a folder already, with a file of the user's.
        request = DownloadRequest(archive, data, site.url, replace=True, retry=retry, timeout=0.5)
        try:
            done = download(request, _Heard())
            if archive is UNKNOWN and done is not None and done.is_verified:
                fault = "verified without a digest"
        except MlbiasError as error:
            ending = "refused"
            if not f"{error}{error.advice}".isprintable():
                fault = f"control characters: {error}"
        except Exception as error:
            ending, fault = "fault", f"{type(error).__name__}: {error}"
    ratings = mine.with_name("ratings.csv")
    if ratings.exists() and ending == "refused":
        fault = "what was refused was unpacked"
    if ratings.exists() and archive is PINNED and ratings.read_text() != RATINGS:
        fault = "other ratings than those of the digest"
    if mine.read_text() != "mine" or sorted(folder.iterdir()) != here:
        fault = "a file was lost, or appeared elsewhere"
    with suppress(OSError):
        left = [path.name for path in data.rglob(".*.part") if path.name != ".ml-latest.zip.part"]
        fault = fault or (f"left {left}" if left else "")
    return Verdict(ending, fault)
