"""mlbias within this process, which takes milliseconds, and as a process of its own."""

import gc
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from benchmarks.attack.verdict import Outcome

# A command that is at work for longer is asked to end.
_LONGEST = 20.0


def called(*arguments: str) -> Outcome:
    """Run the command line within this process, in the working directory."""
    from mlbias.cli.app import main

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    before = sys.argv, sys.stdin, sys.stdout, sys.stderr
    alarm = threading.Timer(_LONGEST, os.kill, (os.getpid(), signal.SIGTERM))
    alarm.start()
    code = 0
    with Path(os.devnull).open() as nothing:
        sys.argv, sys.stdin, sys.stdout, sys.stderr = ["mlbias", *arguments], nothing, out, err
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        finally:
            sys.argv, sys.stdin, sys.stdout, sys.stderr = before
            alarm.cancel()
            gc.enable()
    return Outcome(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLBIAS")}
    return kept | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "80"} | more


def started(
    *arguments: str,
    folder: Path,
    env: dict[str, str] | None = None,
    limit: Callable[[], None] | None = None,
) -> "subprocess.Popen[str]":
    """Start the command line as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "mlbias", *arguments], cwd=folder, env=env or environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        preexec_fn=limit,
    )  # fmt: skip


def ended(process: "subprocess.Popen[str]") -> Outcome:
    """Wait for a process."""
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return Outcome(1, out, f"hangs\n{err}")
    return Outcome(process.returncode, out, err)
