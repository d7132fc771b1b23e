"""What was understood of a source: said as notices, and under its names in JSON."""

from dataclasses import asdict
from typing import Any

from mlbias.cli.show.console import Output
from mlbias.cli.show.text import counted, with_options
from mlbias.datasets.understood import Understood


def say_understood(
    output: Output, found: Understood, *, with_times: bool, warn: bool = True
) -> None:
    """What was guessed, what was left out and what looks wrong in the ratings."""
    if found.n_skipped:
        # Always said: what is missing changes every number that follows.
        output.warning(
            f"left out {counted(found.n_skipped, 'bad row')} of {found.n_rows:,}; the first: "
            f"{found.first_skipped}"
        )
    if found.n_not_rated:
        output.notice(f"left out {counted(found.n_not_rated, 'row')} without a rating")
    for notice in (*found.notices, *(found.time_notices if with_times else ())):
        output.notice_once(with_options(notice))
    for warning in found.warnings if warn else ():
        output.notice_once(f"warning: {warning}")


def document_skipped(found: Understood) -> dict[str, Any]:
    """How many rows were left out, and the first of them, under the names that it has in JSON."""
    return {"n_skipped": found.n_skipped, "first_skipped": found.first_skipped or None}


def document_source(found: Understood) -> dict[str, Any]:
    """All of it under the names that it has in JSON."""
    return asdict(found) | {
        "first_skipped": found.first_skipped or None,
        "notices": [*map(with_options, found.notices)],
        "time_notices": [*map(with_options, found.time_notices)],
    }
