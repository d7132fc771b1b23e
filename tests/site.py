"""A local site that serves archives as it is told to: well, or as sites fail."""

import io
import ssl
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

Answer = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request to the site, with what an answer needs to be given."""

    protocol_version = "HTTP/1.1"
    server: "Site"

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        try:
            self.server.answer(self.path)(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def head(self, code: int, length: int | None = None, **headers: str) -> None:
        """Status line and headers, underscores in their names being hyphens."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if length is None:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()

    def cut(self) -> None:
        """End the connection here, whatever was promised."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Tests read ``requests`` instead."""


class Site(ThreadingHTTPServer):
    """The server, in threads of this process.

    Args:
        answers: what to do with the first request, the second …; the last one serves all others.
        md5: content of the .md5 beside the archive, or how it is answered; None for 404.
        tls: for https.
    """

    daemon_threads = True

    def __init__(
        self, *answers: Answer, md5: str | Answer | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self._answers = list(answers)
        self._md5 = md5
        self._lock = threading.Lock()
        self._scheme = "https" if tls else "http"
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A refused certificate is the client's to report."""

    def then(self, *answers: Answer) -> None:
        """From now on answer so; forget what was asked before."""
        self._answers = list(answers)
        self.requests.clear()

    @property
    def url(self) -> str:
        """Of the folder that the archives seem to be in."""
        return f"{self._scheme}://localhost:{self.server_port}/datasets/"

    @property
    def ranges(self) -> list[str | None]:
        """The Range of each request for an archive."""
        return [head.get("Range") for path, head in self.requests if path.endswith(".zip")]

    def answer(self, path: str) -> Answer:
        if path.endswith(".md5"):
            if self._md5 is None:
                return status(404)
            return whole(self._md5.encode()) if isinstance(self._md5, str) else self._md5
        with self._lock:
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def whole(content: bytes, **headers: str) -> Answer:
    """All of it, whatever range was asked for."""

    def give(request: Request) -> None:
        request.head(200, len(content), **headers)
        request.wfile.write(content)

    return give


def ranged(
    content: bytes, etag: str = '"one"', *, at_most: int | None = None, validator: str = "ETag"
) -> Answer:
    """As a good server does it; with ``at_most`` the connection is cut after so many bytes."""

    def give(request: Request) -> None:
        start, code = 0, 200
        wanted = request.headers.get("Range")
        headers = {validator.replace("-", "_"): etag, "Accept_Ranges": "bytes"}
        if wanted and request.headers.get("If-Range") == etag:
            start, code = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
            if start >= len(content):
                request.head(416, 0, Content_Range=f"bytes */{len(content)}")
                return
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        rest = content[start:]
        request.head(code, len(rest), **headers)
        request.wfile.write(rest if at_most is None else rest[:at_most])
        if at_most is not None and at_most < len(rest):
            request.cut()

    return give


def partial(content: bytes, start: int, total: int | str, etag: str = '"one"') -> Answer:
    """A 206 that says what it is told to say, asked or not."""

    def give(request: Request) -> None:
        end = start + len(content) - 1
        request.head(206, len(content), ETag=etag, Content_Range=f"bytes {start}-{end}/{total}")
        request.wfile.write(content)

    return give


def status(code: int, **headers: str) -> Answer:
    """A status without a body."""
    return lambda request: request.head(code, 0, **headers)


def redirect(target: str) -> Answer:
    """Somewhere else."""
    return status(302, Location=target)


def chunked(content: bytes, *, cut: bool = False) -> Answer:
    """In chunks of 1000 bytes, without a length; perhaps without the end."""

    def give(request: Request) -> None:
        request.head(200, None, Transfer_Encoding="chunked", ETag='"one"')
        for start in range(0, len(content), 1000):
            piece = content[start : start + 1000]
            request.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            if cut and start:
                request.cut()
                return
        request.wfile.write(b"0\r\n\r\n")

    return give


def drip(content: bytes, seconds: float) -> Answer:
    """A byte now and then, until the client has enough."""

    def give(request: Request) -> None:
        request.head(200, len(content), ETag='"one"')
        for byte in content:
            request.wfile.write(bytes([byte]))
            request.wfile.flush()
            time.sleep(seconds)

    return give


def zipped(members: Mapping[str, str | bytes], *, stored: bool = False) -> bytes:
    """A zip archive with these members; the same members, the same bytes."""
    buffer = io.BytesIO()
    kind = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return buffer.getvalue()


def rating_lines(rows: Iterable[tuple[int, int, float, int]]) -> str:
    """A ratings.csv as MovieLens has it."""
    lines = (f"{user},{item},{rating},{time}" for user, item, rating, time in rows)
    return "\n".join(["userId,movieId,rating,timestamp", *lines]) + "\n"
