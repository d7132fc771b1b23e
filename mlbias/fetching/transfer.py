"""An archive over HTTP into a part, as often as it takes, and never two versions mixed.

RFC 9110: Range (14.2), If-Range (13.1.5), 206 and Content-Range (15.3.7), 416 (15.5.17),
Retry-After (10.2.3).
"""

import email.utils
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

import requests

from mlbias.errors import BadArchiveError, DownloadError
from mlbias.fetching.part import Part, Version
from mlbias.fetching.verify import ZIP
from mlbias.fetching.web import Address, BrokenError, StalledError, Web

_PIECE = 1 << 16
_MOST_CONNECTIONS = 100
# A connection that stalls after it brought so much is worth another one.
_WORTH_ANOTHER = 1 << 20


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try and how long to wait.

    Args:
        stall: seconds in which a connection must bring ``least_rate`` bytes each on average.
        least_rate: in bytes a second.
        attempts: connections in a row that bring nothing new, before giving up.
        first_wait: seconds before the second attempt; every further wait is twice as long.
        longest_wait: the most seconds to wait because a server asks for it.
    """

    stall: float = 60.0
    least_rate: int = 1024
    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 120.0


@dataclass(frozen=True, slots=True)
class Transfer:
    """What is to be fetched and how.

    Args:
        web: makes the requests.
        address: of the archive.
        size: that it must have, in bytes; None where it is not known or may change.
        patience: how often to try and how long to wait.
        notice: called with what is worth knowing on the way.
        progress: called with the bytes so far and in all, the latter None where nobody knows.
    """

    web: Web
    address: Address
    size: int | None
    patience: Patience
    notice: Callable[[str], None]
    progress: Callable[[int, int | None], None]

    def run(self, part: Part) -> None:
        """Fetch what the part lacks, over as many connections as it takes.

        Raises:
            DownloadError: it cannot be fetched, or there is no room for it.
            BadArchiveError: what is there is another file.
            OSError: the part cannot be written.
        """
        if part.version is not None and part.version.url != self.address.shown:
            part.is_doubtful = True
        failures, furthest = 0, part.size
        for _ in range(_MOST_CONNECTIONS):
            if part.is_whole:
                return
            before = part.size
            try:
                self._connect(part)
                return
            except BrokenError as broken:
                failures = 1 if part.size > furthest else failures + 1
                furthest = max(furthest, part.size)
                stalled = isinstance(broken, StalledError)
                if failures >= self.patience.attempts or (
                    stalled and part.size < before + _WORTH_ANOTHER
                ):
                    raise self._given_up(broken, failures) from broken
                self._wait(broken, failures)
        raise DownloadError(f"{self.address.shown}: broke off {_MOST_CONNECTIONS} times.")

    def _connect(self, part: Part) -> None:
        """One connection: the rest of the file, or all of it from the start."""
        headers = {"Accept-Encoding": "identity"}
        version = part.version
        can_go_on = part.size and not part.is_doubtful
        if can_go_on and version is not None and version.validator is not None:
            headers |= {"Range": f"bytes={part.size}-", "If-Range": version.validator}
        with self.web.get(self.address, headers) as response:
            self._check_status(response)
            if response.status_code == 416:
                self._check_all_is_there(response, part)
                return
            if response.status_code == 206:
                self._check_range(response, part)
            else:
                self._start_afresh(response, part)
            self._receive(response, part)
        goal = part.version.size if part.version and part.version.size else self.size
        if goal is not None and part.size < goal:
            raise BrokenError("the connection was cut")

    def _receive(self, response: requests.Response, part: Part) -> None:
        size = part.version.size if part.version else None
        since, received = time.monotonic(), 0
        while content := self.web.read(self.address, response, _PIECE):
            part.append(content)
            self._check_beginning(part)
            self._check_length(part)
            self.progress(part.size, size)
            received += len(content)
            now = time.monotonic()
            if now - since >= self.patience.stall:
                if received < self.patience.least_rate * (now - since):
                    rate = received / (now - since)
                    raise StalledError(f"only {rate:,.0f} bytes come in a second")
                since, received = now, 0

    def _start_afresh(self, response: requests.Response, part: Part) -> None:
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise BadArchiveError(f"{self.address.shown} is a web page, not a zip archive.")
        if part.size:
            self.notice("the site does not go on with what is here; once more from the start")
        encoded = _is_encoded(response)
        length = _whole_number(response.headers.get("Content-Length", ""))
        size = None if encoded else length
        if self.size is not None and size not in (None, self.size):
            raise BadArchiveError(
                f"{self.address.shown} has {size:,} bytes; expected are {self.size:,}."
            )
        free = shutil.disk_usage(part.path.parent).free
        if size is not None and size > free + part.size:
            raise DownloadError(
                f"the archive has {size:,} bytes, and only {free:,} are free for it in "
                f"{part.path.parent}."
            )
        # The decoded bytes of an encoded answer are not those that a range counts.
        validator = None if encoded else _validator(response)
        part.restart(Version(self.address.shown, validator, size))

    def _check_status(self, response: requests.Response) -> None:
        code = response.status_code
        if code in (200, 206, 416):
            return
        said = f"answers {code} {response.reason or ''}".strip()
        if code == 429 or code >= 500:
            wait = _retry_after(response)
            if wait is not None and wait > self.patience.longest_wait:
                raise DownloadError(
                    f"{self.address.shown} {said} and asks to wait {wait:,.0f} s.",
                    "Try again after that, or name a mirror with --url.",
                )
            raise BrokenError(f"the site {said}", wait)
        raise DownloadError(
            f"{self.address.shown} {said}.",
            "--url names another mirror: an address or a file.",
        )

    def _check_range(self, response: requests.Response, part: Part) -> None:
        """See that what comes goes on where the part ends, in the same file."""
        found = re.fullmatch(
            r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip()
        )
        size = part.version.size if part.version else None
        fits = (
            found is not None
            and int(found[1]) == part.size > 0
            and (found[2] == "*" or size in (None, int(found[2])))
            and not _is_encoded(response)
        )
        if not fits:
            part.is_doubtful = True
            raise BrokenError("the site sends another part than was asked for")
        part.is_patched = True

    def _check_all_is_there(self, response: requests.Response, part: Part) -> None:
        """Nothing comes after the part: it is whole, or of another file."""
        found = re.fullmatch(r"bytes \*/(\d+)", response.headers.get("Content-Range", "").strip())
        if found is None or int(found[1]) != part.size:
            part.is_doubtful = True
            raise BrokenError("the file on the site has changed")

    def _check_beginning(self, part: Part) -> None:
        beginning = part.beginning(len(ZIP))
        if ZIP.startswith(beginning) or beginning.startswith(ZIP):
            return
        part.clear()
        page = "a web page" if beginning.startswith(b"<") else "something else"
        raise BadArchiveError(f"{self.address.shown} is {page}, not a zip archive.")

    def _check_length(self, part: Part) -> None:
        if self.size is not None and part.size > self.size:
            part.clear()
            raise BadArchiveError(
                f"{self.address.shown} brings more than the {self.size:,} bytes that it should."
            )

    def _given_up(self, broken: BrokenError, failures: int) -> DownloadError:
        times = f", {failures} times in a row" if failures > 1 else ""
        return DownloadError(
            f"{self.address.shown}: {broken.reason}{times}.",
            "Try again later, or name a mirror (an address or a file) with --url.",
        )

    def _wait(self, broken: BrokenError, failures: int) -> None:
        seconds = broken.wait
        if seconds is None:
            seconds = self.patience.first_wait * 2 ** (failures - 1)
        self.notice(f"{broken.reason}; trying again in {seconds:g} s")
        time.sleep(seconds)


def _is_encoded(response: requests.Response) -> bool:
    return response.headers.get("Content-Encoding", "identity").lower() != "identity"


def _validator(response: requests.Response) -> str | None:
    """What tells this version of the file from others: a strong ETag, or the time of its change."""
    etag: str = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return etag
    return response.headers.get("Last-Modified")


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,18}", text.strip()) else None


def _retry_after(response: requests.Response) -> float | None:
    """Seconds to wait, given as such or as a date."""
    text = response.headers.get("Retry-After", "").strip()
    seconds = _whole_number(text)
    if seconds is not None:
        return float(seconds)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - time.time())
