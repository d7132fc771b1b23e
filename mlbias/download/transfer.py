"""An archive over HTTP into a partial file: resumed where it broke off, never two versions mixed.

RFC 9110: Range (14.2), If-Range (13.1.5), 206 and Content-Range (15.3.7), 416 (15.5.17),
Retry-After (10.2.3).
"""

import re
import shutil
import time
from dataclasses import dataclass

import requests
from urllib3 import Retry
from urllib3.exceptions import InvalidHeader, MaxRetryError

from mlbias.download.address import shown
from mlbias.download.failures import BrokenError
from mlbias.download.http import Client
from mlbias.download.partial_file import PartialFile, Version
from mlbias.download.request import Bar, DownloadRequest, Reporter
from mlbias.errors import DownloadError

# Kept free by what has no size in the catalogue.
DISK_RESERVE = 1 << 30

_PIECE = 1 << 16
_MOST_CONNECTIONS = 100
_LONGEST_WAIT = 120.0
_TRY_LATER = "Try again later, or name a mirror (an address or a file) with `url`."


@dataclass(frozen=True, slots=True)
class Transfer:
    """Fetches what a partial file is missing."""

    client: Client
    request: DownloadRequest
    part: PartialFile
    reporter: Reporter

    def run(self) -> bool:
        """Fetch all that is missing, over as many connections as it takes.

        Returns:
            Whether the bytes came over several connections, and so may not fit together.

        Raises:
            DownloadError: it cannot be fetched, is another file, or there is no room for it.
            OSError: the file cannot be written.
        """
        part, retry, furthest = self.part, self.request.retry, self.part.size
        if self._resumable():
            self.reporter.notice(f"resuming after the {part.size:,} bytes of an earlier download")
        with self.reporter.progress("downloading", "bytes") as bar:
            for _ in range(_MOST_CONNECTIONS):
                resumed = self._resumable()
                if resumed is not None and resumed.size == part.size:
                    return True
                try:
                    return self._connect(resumed, bar)
                except BrokenError as broken:
                    if part.size > furthest:
                        retry, furthest = self.request.retry, part.size
                    retry = self._waited(retry, broken)
        raise DownloadError(f"{self.request.shown} broke off {_MOST_CONNECTIONS} times.")

    @property
    def _size(self) -> int | None:
        """What the archive must have, in bytes; None where that is unknown or may change."""
        return self.request.archive.size if self.request.is_strict else None

    def _resumable(self) -> Version | None:
        """What the bytes so far are a part of, if the rest can be asked for."""
        version = self.part.version
        same = version is not None and version.url == shown(self.request.address)
        return version if same and self.part.can_be_resumed else None

    def _connect(self, resumed: Version | None, bar: Bar) -> bool:
        """One connection: the rest of the file (then True), or all of it from the start."""
        headers = {}
        if resumed is not None and resumed.validator is not None:
            headers = {"Range": f"bytes={self.part.size}-", "If-Range": resumed.validator}
        with self.client.get(self.request.address, headers) as response:
            self._check_status(response)
            is_rest = response.status_code != 200
            if is_rest:
                self._check_range(response, resumed)
            else:
                self._start(response)
            if response.status_code == 416:
                return True
            self._receive(response, bar)
        goal = (self.part.version.size if self.part.version else None) or self._size
        if goal is not None and self.part.size < goal:
            raise BrokenError("the connection was cut")
        return is_rest

    def _check_status(self, response: requests.Response) -> None:
        code = response.status_code
        if code in (200, 206, 416):
            return
        said = f"answers {code} {response.reason or ''}".strip()
        if code == 429 or code >= 500:
            raise BrokenError(f"the site {said}", response.raw)
        raise DownloadError(
            f"{self.request.shown} {said}.", "`url` names a mirror: an address or a file."
        )

    def _check_range(self, response: requests.Response, resumed: Version | None) -> None:
        """See that what comes continues the part in the same file, or that it is complete (416)."""
        here, size = self.part.size, (resumed and resumed.size) or "[0-9]{1,18}"
        expected = rf"bytes {here}-[0-9]{{1,18}}/({size}|\*)"
        if response.status_code == 416:
            expected = rf"bytes \*/{here}"
        said = response.headers.get("Content-Range", "").strip()
        if resumed is None or not re.fullmatch(expected, said):
            self.part.clear()
            raise BrokenError("the site sends another part than was asked for")

    def _start(self, response: requests.Response) -> None:
        """See that the file may be the archive, and begin anew with it."""
        headers = response.headers
        if headers.get("Content-Type", "").startswith("text/html"):
            raise DownloadError(f"{self.request.shown} is a web page, not a zip archive.")
        if (encoding := headers.get("Content-Encoding", "").lower()) not in ("", "identity"):
            raise DownloadError(
                f"{self.request.shown} comes encoded as {encoding}, which was not asked for.",
            )
        length = headers.get("Content-Length", "").strip()
        size = int(length) if re.fullmatch("[0-9]{1,18}", length) else None
        if self._size is not None and size not in (None, self._size):
            raise DownloadError(
                f"{self.request.shown} has {size:,} bytes; expected are {self._size:,}."
            )
        self._check_room(size or self._size or 0)
        if self.part.size:
            self.reporter.notice("the server does not resume the download; starting again")
        etag = headers.get("ETag", "")
        validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
        url = shown(self.request.address)
        try:
            self.part.restart(Version(url, validator or None, size))
        except ValueError:  # nothing that could be sent back
            self.part.restart(Version(url, None, size))

    def _room(self) -> int:
        """How large the part may become."""
        free = shutil.disk_usage(self.part.path.parent).free
        return free + self.part.size - (0 if self._size else DISK_RESERVE)

    def _check_room(self, size: int) -> None:
        room = max(0, self._room())
        if size > room:
            raise DownloadError(
                f"the archive has {size:,} bytes, and only {room:,} are free for it in "
                f"{self.part.path.parent}{'' if self._size else ' (1 GiB is kept free)'}."
            )

    def _receive(self, response: requests.Response, bar: Bar) -> None:
        part = self.part
        size = part.version.size if part.version else None
        most = size or self._size or self._room()
        while content := self.client.read(self.request.address, response, _PIECE):
            before = part.size
            if before + len(content) > most:
                part.clear()
                raise DownloadError(
                    f"{self.request.shown} brings more than the {most:,} bytes that it may have."
                )
            if before == 0 and not content.startswith(b"P"):
                part.clear()
                page = "a web page" if content.startswith(b"<") else "something else"
                raise DownloadError(f"{self.request.shown} is {page}, not a zip archive.")
            part.append(content)
            bar.update(part.size, size)

    def _waited(self, retry: Retry, broken: BrokenError) -> Retry:
        """What is left of the retries, once the wait before the next one is over."""
        try:
            retry = retry.increment("GET", None, broken.response, broken)
        except MaxRetryError:
            times = f", {len(retry.history) + 1} times in a row" if retry.history else ""
            raise DownloadError(
                f"{self.request.shown}: {broken.reason}{times}.",
                _TRY_LATER,
            ) from broken
        try:
            asked = retry.get_retry_after(broken.response) if broken.response else None
        except (InvalidHeader, ValueError, OverflowError):
            asked = None
        if asked is not None and asked > _LONGEST_WAIT:
            raise DownloadError(
                f"{self.request.shown}: {broken.reason} and asks to wait more than "
                f"{_LONGEST_WAIT:.0f} s.",
                _TRY_LATER,
            ) from broken
        seconds = retry.get_backoff_time() if asked is None else asked
        self.reporter.notice(
            f"{broken.reason}; trying again{f' in {seconds:g} s' if seconds else ''}"
        )
        time.sleep(seconds)
        return retry
