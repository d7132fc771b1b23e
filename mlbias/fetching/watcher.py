"""Who is told how a download comes along: the command line, or a test."""

from contextlib import AbstractContextManager
from typing import Protocol


class Bar(Protocol):
    """Shows how far some work has come."""

    def update(self, done: int, total: int | None) -> None:
        """So much is done, of so much where that is known."""


class Watcher(Protocol):
    """Who is told what happens on the way."""

    def notice(self, text: str) -> None:
        """Something worth knowing."""

    def progress(self, what: str, unit: str) -> AbstractContextManager[Bar]:
        """Some work begins, counted in this unit."""
