"""HTTP requests that end in time, send no credentials in the clear, and fail in words.

RFC 9110: Location (10.2.2), redirects (15.4).
"""

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

import requests
import urllib3
from requests.utils import get_netrc_auth
from urllib3.util import Url

from mlbias import __version__
from mlbias.download.address import redirected, shown
from mlbias.download.failures import explained
from mlbias.errors import DownloadError

T = TypeVar("T")

_CONNECT_SECONDS = 15.0
_MOST_REDIRECTS = 10
# With identity the bytes that come are those that ranges and sizes count.
_HEADERS = {"User-Agent": f"mlbias/{__version__}", "Accept-Encoding": "identity"}


class Client:
    """Makes the requests of one download.

    Args:
        timeout: seconds in which the headers must come, redirects included, and the most seconds
            without a byte of the body.
        check_certificate: False to accept any certificate.
        certificate_advice: what to do about a certificate that is refused.
    """

    def __init__(
        self, *, timeout: float, check_certificate: bool = True, certificate_advice: str = ""
    ) -> None:
        self._session = _Session()
        self._timeout = timeout
        self._check = check_certificate
        self._advice = certificate_advice

    def get(self, url: Url, headers: Mapping[str, str]) -> requests.Response:
        """The answer to a GET; its body is not read yet.

        Raises:
            DownloadError: it fails, and will fail again.
            BrokenError: it fails, and may succeed another time.
        """
        return self._in_time(url, lambda: self._follow(url, headers))

    def read(self, url: Url, response: requests.Response, most: int) -> bytes:
        """Read what has come of a body, at most so many bytes; none at its end.

        By read1: iter_content loses the end of a connection that is cut.

        Raises:
            BrokenError: the connection broke.
        """
        with self._explained(url):
            content: bytes = response.raw.read1(most, decode_content=False)
        return content

    def small_file(self, url: Url, most: int) -> bytes | None:
        """The beginning of a file, all of it within the timeout; None if there is no such file.

        Raises:
            DownloadError, BrokenError: see get.
        """

        def fetch() -> bytes | None:
            with self._follow(url, {}) as response:
                content = b""
                while len(content) < most and (piece := self.read(url, response, most)):
                    content += piece
            return content if response.status_code == 200 else None

        return self._in_time(url, fetch)

    def _follow(self, url: Url, headers: Mapping[str, str]) -> requests.Response:
        """The first answer that is not a redirect."""
        start = shown(url)
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(url, headers)
            if not response.is_redirect:
                return response
            response.close()
            try:
                target = redirected(url, self._session.get_redirect_target(response) or "")
            except ValueError:  # also for what is not UTF-8
                raise DownloadError(
                    f"{start} redirects to something that is not a web address."
                ) from None
            if url.scheme == "https" and target.scheme != "https":
                raise DownloadError(
                    f"{start} redirects to {shown(target)}, which is not encrypted; that is "
                    "refused."
                )
            url = target
        raise DownloadError(f"{start} redirects more than {_MOST_REDIRECTS} times.")

    def _send(self, url: Url, headers: Mapping[str, str]) -> requests.Response:
        is_verified = url.scheme == "https" and self._check
        credentials = get_netrc_auth(url.url) if is_verified and not url.auth else None
        with self._explained(url):
            return self._session.get(
                url.url,  # requests sends the credentials in it
                # Without this, requests itself would look into ~/.netrc, for http too.
                auth=credentials or (None if url.auth else lambda request: request),
                headers=_HEADERS | dict(headers),
                stream=True,
                timeout=(min(_CONNECT_SECONDS, self._timeout), self._timeout),
                # With each request, since REQUESTS_CA_BUNDLE overrides a session's setting; None
                # checks, with the issuers that the environment names.
                verify=None if self._check else False,
            )

    def _in_time(self, url: Url, call: Callable[[], T]) -> T:
        with self._explained(url), warnings.catch_warnings():
            # That the certificate is not checked is what the user asked for.
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            return _within(self._timeout, call)

    @contextmanager
    def _explained(self, url: Url) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as e:
            raise explained(e, url, self._advice) from None


class _Session(requests.Session):
    def resolve_redirects(self, *_: object, **__: object) -> Iterator[requests.Response]:  # type: ignore[override]
        """None: requests would read the whole body of a redirect first, however long it is."""
        return iter(())


def _within(seconds: float, call: Callable[[], T]) -> T:
    """The result of a call, which a thread makes.

    The timeout of a socket begins anew with each byte, so that a server could stretch the headers
    for days.

    Raises:
        TimeoutError: it takes too long; what it opens later is closed.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return future.result(seconds)
    except BaseException:
        future.add_done_callback(_close_late_answer)
        raise


def _close_late_answer(future: Future[T]) -> None:
    if future.exception() is None and isinstance(late := future.result(), requests.Response):
        late.close()
