"""Addresses of http and https, as urllib3's Url: what is shown of them, and where they lead."""

from urllib.parse import urljoin

from urllib3.util import Url, parse_url


def parse_address(text: str) -> Url:
    """Read an http or https address, perhaps with credentials.

    Raises:
        ValueError: it is something else.
    """
    url = parse_url(text)._replace(fragment=None)
    if not url.host or url.scheme not in ("http", "https"):
        raise ValueError("not an http or https address")
    return url


def shown(url: Url) -> str:
    """An address for messages: without credentials, and without the query, which may hold a key."""
    return url._replace(auth=None, query=None).url


def in_folder(url: Url, name: str) -> Url:
    """The address of a file, where the one given may be of a folder (it ends in a slash)."""
    path = url.path or "/"
    return url if url.query or not path.endswith("/") else url._replace(path=path + name)


def redirected(url: Url, location: str) -> Url:
    """Where a redirect leads; the credentials go along only to the same origin.

    Raises:
        ValueError: it is not an http or https address.
    """
    target = parse_address(urljoin(url._replace(auth=None).url, location))
    same = (url.scheme, url.host, url.port) == (target.scheme, target.host, target.port)
    return target._replace(auth=url.auth if same else None)
