"""What went wrong with a request, in words; and whether to try again."""

import http.client
import os
import ssl
from collections.abc import Iterator

from requests import exceptions as requests_errors
from urllib3 import BaseHTTPResponse
from urllib3 import exceptions as urllib3_errors
from urllib3.util import Url

from mlbias.download.address import shown
from mlbias.errors import DownloadError

# OpenSSL's verify codes (X509_V_ERR_* in openssl/x509_vfy.h).
_CERTIFICATE_FAULTS = {
    9: "is not valid yet", 10: "has expired", 18: "is self-signed",
    **dict.fromkeys((19, 20, 21), "is from an unknown issuer"),
    **dict.fromkeys((62, 64), "is for another host"),
}  # fmt: skip
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # in the order of requests
# What requests and urllib3 raise for an address, of a site or of a proxy, that they cannot use.
_UNUSABLE = (
    requests_errors.InvalidURL, requests_errors.InvalidSchema, urllib3_errors.LocationValueError,
    urllib3_errors.ProxySchemeUnknown,
)  # fmt: skip
# In the order in which they count: the first that any cause of a failure is an instance of.
_REASONS: tuple[tuple[str, tuple[type[BaseException], ...]], ...] = (
    ("the site does not answer in time", (TimeoutError, requests_errors.Timeout)),
    ("the connection was cut", (http.client.IncompleteRead, ConnectionResetError)),
    ("the answer is not valid HTTP",
     (http.client.HTTPException, urllib3_errors.DecodeError, ValueError)),
)  # fmt: skip


class BrokenError(Exception):
    """A request that may succeed if it is tried again.

    Args:
        reason: what happened, as the end of a sentence.
        response: what the server answered, if it did; it may say how long to wait.
    """

    def __init__(self, reason: str, response: BaseHTTPResponse | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.response = response


def explained(error: Exception, url: Url, advice: str) -> DownloadError | BrokenError:
    """The error to raise in place of one of requests or urllib3, whose texts hold whole addresses.

    Args:
        error: of requests, urllib3 or the system.
        url: that was asked for.
        advice: what to do about a certificate that is refused.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            other = f"is not accepted ({cause.verify_message})"
            return DownloadError(
                f"the certificate of {url.host or ''} "
                f"{_CERTIFICATE_FAULTS.get(cause.verify_code, other)}; only the site can fix that.",
                advice,
            )
    proxy, bundle = _variable(f"{url.scheme}_proxy", "all_proxy"), _variable(*_BUNDLES)
    if any(isinstance(cause, _UNUSABLE) for cause in causes):
        if not proxy:
            return DownloadError(f"{shown(url)} is not a valid web address.")
        if "SOCKS" in str(error):
            return DownloadError(
                f"{proxy} names a SOCKS proxy, for which the package PySocks is missing.",
                "Install it with `pip install pysocks`, or unset the variable.",
            )
        return DownloadError(
            f"{proxy} names no proxy that can be used.",
            "It has to be an address such as http://host:3128.",
        )
    if any(_is_about_bundle(cause) for cause in causes):
        named = f"{bundle} ({os.environ[bundle]})" if bundle else "the package certifi"
        return DownloadError(
            f"the trusted certificates of {named} are missing or cannot be read.",
            "Correct the variable, or unset it." if bundle else "Install certifi again.",
        )
    return BrokenError(_reason(causes, proxy))


def _variable(*names: str) -> str:
    """The first of these environment variables that is set."""
    either = (name for lower in names for name in (lower, lower.upper()))
    return next((name for name in either if os.environ.get(name)), "")


def _is_about_bundle(cause: BaseException) -> bool:
    if isinstance(cause, ssl.SSLError):
        return cause.library in ("X509", "PEM")
    return isinstance(cause, OSError) and "certificate bundle" in str(cause)


def _reason(causes: list[BaseException], proxy: str) -> str:
    if any(isinstance(cause, urllib3_errors.ProxyError) for cause in causes):
        said = next((s for s in map(str, causes) if s.startswith("Tunnel connection failed")), "")
        does = f"refuses ({said})" if said else "does not answer"
        return f"the proxy in {proxy or 'the system settings'} {does}"
    for reason, kinds in _REASONS:
        if any(isinstance(cause, kinds) for cause in causes):
            return reason
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return f"TLS fails ({cause.reason.replace('_', ' ').lower()})"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return "the connection was cut"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error with all that is behind it: requests and urllib3 keep it in several places."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            reason = one.reason if isinstance(one, urllib3_errors.MaxRetryError) else None
            behind = (one.__cause__, one.__context__, reason, *one.args)
            waiting += [other for other in behind if isinstance(other, BaseException)]
