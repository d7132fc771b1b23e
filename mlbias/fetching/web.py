"""HTTP requests whose failures are told apart: what may pass by itself, and what will not."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import certifi
import requests
import urllib3
from requests.utils import select_proxy

from mlbias import __version__
from mlbias.errors import DownloadError, OptionError
from mlbias.fetching.certificates import certificate_error, chain, fault

_CONNECT_SECONDS = 15
_MOST_REDIRECTS = 10


class BrokenError(Exception):
    """A request that may succeed another time.

    Args:
        reason: what happened, as the end of a sentence.
        wait: seconds that the server asks to wait.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


class StalledError(BrokenError):
    """A connection that brings next to nothing."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address on the web; credentials are kept apart, so that no message ever shows them.

    Args:
        url: without credentials.
        credentials: user and password, None without any.
    """

    url: str
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """The address that a user typed.

        Raises:
            OptionError: it is none that http or https can reach.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.scheme not in ("http", "https"):
            raise OptionError(
                "--url is no path of a file and no address as https://host/ml-25m.zip."
            )
        place = f"[{host}]" if ":" in host else host
        netloc = place if port is None else f"{place}:{port}"
        credentials = None
        if parts.username is not None:
            credentials = unquote(parts.username), unquote(parts.password or "")
        return cls(urlunsplit((parts.scheme, netloc, parts.path, parts.query, "")), credentials)

    @property
    def is_encrypted(self) -> bool:
        """Whether it is an https address."""
        return self.url.startswith("https:")

    @property
    def shown(self) -> str:
        """For messages: without the query, which may hold a key."""
        return _shown(self.url)

    @property
    def host(self) -> str:
        """Its host."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_folder(self) -> bool:
        """Whether it ends in a slash, or is a host alone."""
        parts = urlsplit(self.url)
        return not parts.query and (parts.path == "" or parts.path.endswith("/"))

    def inside(self, name: str) -> "Address":
        """The address of a file in this folder."""
        return Address(f"{self.url.removesuffix('/')}/{name}", self.credentials)

    def beside(self, ending: str) -> "Address":
        """The address of the file whose name goes on like this."""
        scheme, netloc, path, *_ = urlsplit(self.url)
        return Address(urlunsplit((scheme, netloc, path + ending, "", "")), self.credentials)


class Web:
    """How requests are made.

    Args:
        check_certificate: False to accept any certificate.
        silence: seconds without a byte after which a connection has stalled.
        certificate_advice: what to do about a certificate that is refused.
    """

    def __init__(
        self, *, check_certificate: bool = True, silence: float, certificate_advice: str = ""
    ) -> None:
        self._session = _Session()
        self._session.max_redirects = _MOST_REDIRECTS
        self._session.headers["User-Agent"] = f"mlbias/{__version__}"
        self._check = check_certificate
        self._silence = silence
        self._advice = certificate_advice

    @contextmanager
    def get(self, address: Address, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        """The answer to a GET, closed at the end; its body is not read yet.

        Raises:
            DownloadError: it cannot succeed another time either.
            BrokenError: it may.
        """
        with self._told(address), warnings.catch_warnings():
            # That an unchecked certificate is unchecked is what the user asked for.
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            response = self._session.get(
                address.url,
                auth=address.credentials,
                headers=dict(headers),
                stream=True,
                timeout=(_CONNECT_SECONDS, self._silence),
                # With each request, since REQUESTS_CA_BUNDLE overrides a session's setting; None
                # is to check, with the issuers that the environment names.
                verify=None if self._check else False,
            )
        with response:
            yield response

    def read(self, address: Address, response: requests.Response, most: int) -> bytes:
        """What has come of a body, at most so many bytes; none at its end.

        By read1: iter_content drops the end of a connection that is cut, and waits for whole
        pieces, which hides a drip from the timeout.

        Raises:
            BrokenError: the connection broke.
        """
        with self._told(address):
            content: bytes = response.raw.read1(most, decode_content=True)
        return content

    @contextmanager
    def _told(self, address: Address) -> Iterator[None]:
        try:
            yield
        # Nothing is raised "from" the errors of requests, whose texts have whole addresses.
        except _DowngradeError as error:
            raise DownloadError(
                f"{address.shown} redirects to {error.target}, which is not encrypted; "
                "that is refused."
            ) from None
        except requests.TooManyRedirects:
            raise DownloadError(
                f"{address.shown} redirects more than {_MOST_REDIRECTS} times."
            ) from None
        except ValueError:  # of several kinds, for what is no address
            raise DownloadError(
                f"{address.shown} is no address of the web, or redirects to none."
            ) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            refused = certificate_error(error)
            if refused is None:
                raise _broken(error, address) from None
            url = getattr(getattr(error, "request", None), "url", None) or address.url
            words = fault(refused, url, self._bundle(url))
            raise DownloadError(
                f"the certificate of {urlsplit(url).hostname} {words}; that is for the site to "
                "mend.",
                self._advice,
            ) from None

    def _bundle(self, url: str) -> str | None:
        """The trusted issuers' file; None behind a proxy, where there is no second handshake."""
        settings = self._session.merge_environment_settings(url, {}, None, None, None)
        if select_proxy(url, settings["proxies"]):
            return None
        bundle = settings["verify"]
        return bundle if isinstance(bundle, str) and Path(bundle).is_file() else certifi.where()


def _shown(url: str) -> str:
    """An address without credentials and query."""
    scheme, netloc, path, *_ = urlsplit(url)
    return urlunsplit((scheme, netloc.rpartition("@")[2], path, "", ""))


class _DowngradeError(Exception):
    """A redirect from https to http, which requests follows in silence."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target: str | None = super().get_redirect_target(resp)
        if target is not None and resp.url.lower().startswith("https:"):
            whole = urljoin(resp.url, target)
            if not whole.lower().startswith("https:"):
                raise _DowngradeError(_shown(whole))
        return target


def _broken(error: Exception, address: Address) -> BrokenError:
    behind = list(chain(error))

    def is_any(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in behind)

    if is_any(requests.exceptions.ProxyError, urllib3.exceptions.ProxyError):
        return BrokenError("the proxy that the environment names does not answer")
    if is_any(urllib3.exceptions.NameResolutionError):
        return BrokenError(f"the name {address.host} is not known")
    if is_any(requests.ConnectTimeout):
        return BrokenError(f"no connection within {_CONNECT_SECONDS} s")
    if is_any(requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError):
        return StalledError("nothing comes any more")
    reasons = [one.strerror for one in behind if isinstance(one, OSError) and one.strerror]
    return BrokenError(reasons[0].lower() if reasons else "the connection was cut")
