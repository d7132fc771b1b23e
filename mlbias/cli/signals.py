"""Ctrl-C and SIGTERM: training ends with its last whole epoch, everything else at once."""

import signal
from types import FrameType
from typing import Self


class Stopped(BaseException):
    """A signal asked the process to end; no KeyboardInterrupt, which Typer would turn to its own.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def raise_on_signals() -> None:
    """From now on a signal raises Stopped, so that half-written files are cleared away."""
    for number in _SIGNALS:
        signal.signal(number, _raise)


def ignore_signals() -> None:
    """From now on the process ends as it was told to; Python would let a second signal kill it."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


class StopRequest:
    """Within this context a first signal is only noted; a second one raises Stopped."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        raise_on_signals()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            _raise(number, frame)
        self.number = number


def exit_code(number: int) -> int:
    """What a shell shows for a process that this signal ended."""
    return 128 + number


def _raise(number: int, _: FrameType | None) -> None:
    raise Stopped(number)
