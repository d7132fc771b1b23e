"""Commands in processes that begin with all loaded, which is most of what a short command takes.

A server imports the libraries, and mlbias but for its command line. For each command it forks a
process that goes on as ``python -m mlbias`` does: with a folder, an environment and streams of its
own, the command line loaded there, and the end of any other process.
"""

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "mlbias"]
_SECONDS = 120
# Variables that decide something while Python starts or a library is loaded.
_EARLY = ("PYTHON", "LC_", "LANG", "LD_", "POLARS", "OPENBLAS", "OMP", "_RJEM")
_LOADED = (
    "numpy", "scipy.sparse", "scipy.special", "polars", "typer.main", "typer._adapters",
    "rich.progress", "rich.table", "requests", "filelock", "threadpoolctl",
    "mlbias.datasets.loading", "mlbias.evaluation.compare", "mlbias.evaluation.crossval",
    "mlbias.fitting.fit", "mlbias.saved_model.file", "mlbias.download.install",
    "mlbias.use.predict",
)  # fmt: skip


def run(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run mlbias in pipes; by a real start where the system has no fork, or it would matter."""
    server = _server() if sys.platform == "linux" else None
    if server is None or _early(environment) != server.early:
        return subprocess.run(
            [*COMMAND, *arguments], cwd=cwd, env=environment, input=stdin,
            capture_output=True, encoding="utf-8", timeout=_SECONDS, check=False,
        )  # fmt: skip
    return server.run(arguments, cwd, environment, stdin.encode())


class _Server:
    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.settimeout(_SECONDS)
        environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
        self.early = _early(environment)
        with theirs:
            # It ends with this process, whose end of the channel closes then.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, cwd=Path(__file__).parent.parent,
            )  # fmt: skip

    def run(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: bytes
    ) -> subprocess.CompletedProcess[str]:
        start = {"arguments": arguments, "cwd": str(cwd), "environment": dict(environment)}
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        ours_err, theirs_err = os.pipe()
        theirs = [theirs_in, theirs_out, theirs_err]
        socket.send_fds(self._channel, [json.dumps(start).encode()], theirs)
        for stream in theirs:
            os.close(stream)
        number = int(self._channel.recv(20))
        with ThreadPoolExecutor(3) as pool:
            pool.submit(_fill, ours_in, stdin)
            out, err = pool.submit(_drain, ours_out), pool.submit(_drain, ours_err)
            try:
                code = int(self._channel.recv(20))
            except TimeoutError:
                os.kill(number, signal.SIGKILL)
                raise
        texts = [found.result().decode("utf-8").replace("\r\n", "\n") for found in (out, err)]
        return subprocess.CompletedProcess([*COMMAND, *arguments], code, *texts)


@cache
def _server() -> _Server:
    return _Server()


def _early(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_EARLY)}


def _fill(stream: int, content: bytes) -> None:
    with open(stream, "wb") as file:
        try:
            file.write(content)
            file.flush()
        except BrokenPipeError:
            return


def _drain(stream: int) -> bytes:
    with open(stream, "rb") as file:
        return file.read()


def _forked(channel: socket.socket) -> None:
    """Fork a process for each start that is asked for; returns in these alone."""
    while True:
        message, streams, _, _ = socket.recv_fds(channel, 1 << 20, 3)
        if not message:
            os._exit(0)
        number = os.fork()
        if number == 0:
            _become(json.loads(message), streams)
            return
        for stream in streams:
            os.close(stream)
        channel.send(str(number).encode())
        _, status = os.waitpid(number, 0)
        channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(start: dict[str, Any], streams: Sequence[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(start["cwd"])
    os.environ.clear()
    os.environ.update(start["environment"])
    sys.path[0] = start["cwd"]
    sys.argv[1:] = start["arguments"]


def _main() -> None:
    for name in _LOADED:
        if find_spec(name):  # typer has not always had adapters
            import_module(name)
    gc.freeze()  # so that a collection does not copy the pages of all that is loaded
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        _forked(channel)
    runpy.run_module("mlbias", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
