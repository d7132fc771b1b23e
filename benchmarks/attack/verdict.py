"""What a case came to."""

from dataclasses import dataclass

# Of the documented exit codes: done, data or environment, usage, Ctrl-C, SIGTERM, SIGPIPE.
CODES = (0, 1, 2, 130, 143, 141)


@dataclass(frozen=True)
class Verdict:
    """How a case ended, as "accepted" or "refused", and what is wrong with that, if anything."""

    ending: str
    fault: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a command did: exit code, negative for a signal, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def ending(self) -> str:
        if self.code < 0:
            return "killed"
        return {0: "accepted", 1: "refused", 2: "refused"}.get(self.code, "interrupted")

    def fault(self) -> str:
        """What no command may do, whatever it is given; empty if it did nothing of it."""
        said = self.out + self.err
        for words in ("Traceback", "a fault in mlbias", "panicked", "Warning:"):
            if words in said:
                return f"{words}: {said[-300:]}"
        if self.code not in CODES:
            return f"exit code {self.code}: {self.err[-300:]}"
        # With --json the sentence is in a document.
        beginnings = ("error: ", '{"schema": 1, "error": {"message": "')
        if self.code in (1, 2) and not any(f"\n{each}" in f"\n{said}" for each in beginnings):
            return f"exit code {self.code} without a sentence: {self.err[-300:]}"
        if any(not line.isprintable() for line in said.split("\n")):
            return f"control characters: {said[-300:]!r}"
        return ""


def judged(outcome: Outcome, *faults: str) -> Verdict:
    """The verdict on a command, with what else was found wrong."""
    return Verdict(outcome.ending, next(filter(None, (outcome.fault(), *faults)), ""))
