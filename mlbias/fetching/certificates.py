"""What is wrong with a site's TLS certificate, in words."""

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

# OpenSSL's verify codes (X509_V_ERR_*, in openssl/x509_vfy.h).
_EXPIRED = 10
_FAULTS = {
    9: "is not valid yet",
    _EXPIRED: "has expired",
    18: "is from an unknown issuer: itself",
    19: "is from an unknown issuer",
    20: "is from an unknown issuer",
    21: "is from an unknown issuer",
    62: "is for another host",
    64: "is for another host",
}
# X509_V_FLAG_NO_CHECK_TIME, which Python's ssl has no name for.
_IGNORE_TIMES = 0x200000
_PATIENCE = 10


def certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The refusal of a certificate behind an error of requests, if that is what is behind it."""
    found = (e for e in chain(error) if isinstance(e, ssl.SSLCertVerificationError))
    return next(found, None)


def fault(error: ssl.SSLCertVerificationError, url: str, bundle: str | None) -> str:
    """What is wrong, as the end of a sentence that begins with "the certificate of …".

    Args:
        error: from certificate_error.
        url: that was asked for.
        bundle: file of the trusted issuers, to find out since when it has expired with a second
            handshake; None to leave that out, as behind a proxy.
    """
    words = _FAULTS.get(error.verify_code, f"is not accepted ({error.verify_message})")
    if error.verify_code == _EXPIRED and bundle is not None:
        since = _expiry(url, bundle)
        return f"{words} (on {since})" if since else words
    return words


def _expiry(url: str, bundle: str) -> str | None:
    """The day on which a certificate that is good otherwise expired, as 2026-08-28."""
    parts = urlsplit(url)
    try:
        context = ssl.create_default_context(cafile=bundle)
        context.verify_flags = ssl.VerifyFlags(context.verify_flags | _IGNORE_TIMES)
        with (
            socket.create_connection((parts.hostname, parts.port or 443), _PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            certificate = secure.getpeercert() or {}
        ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    except (OSError, ValueError, KeyError):
        return None
    return _day(ends)


def _day(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error with all that is behind it: requests and urllib3 keep it in several places."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        behind = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [other for other in behind if isinstance(other, BaseException)]
