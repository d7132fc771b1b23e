"""The command line: ``mlbias``, and ``python -m mlbias``."""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line; a signal while it is still being loaded ends it at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end_at_once)
    _open_streams()

    from mlbias.cli.app import main as run

    run()


def _end_at_once(number: int, _: FrameType | None) -> None:
    """End without an exception, which an import under way might swallow; nothing is at stake."""
    try:
        os.write(2, b"error: interrupted.\n")
    finally:
        os._exit(128 + number)


def _open_streams() -> None:
    """See that no file we open gets the number of a stream that was closed, as by ``2>&-``."""
    for number, name in ((0, "stdin"), (2, "stderr"), (1, "stdout")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
            os.dup2(nowhere, number)
            if nowhere != number:
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))
            if name == "stdout":
                sys.stderr.write(
                    "error: standard output is closed, so results have no place to go.\n"
                )
                sys.exit(1)


if __name__ == "__main__":
    main()
