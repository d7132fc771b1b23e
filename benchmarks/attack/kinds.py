"""The kinds of attack, and how many cases of each are all."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.attack import downloads, inputs, models, options, processes
from benchmarks.attack.verdict import Verdict

Case = Callable[[random.Random, int, Path], Verdict]


@dataclass(frozen=True)
class Kind:
    """A kind of attack: its name, how many cases are all, one of them, whether on a scene."""

    title: str
    cases: int
    case: Case
    on_scene: bool = False


# Prime, and so without a common divisor with any number of cases.
_STRIDE = 7919


def nth(kind: str, index: int) -> int:
    """The number of a case: so any share of a kind is spread over all of it."""
    return index * _STRIDE % KINDS[kind].cases


KINDS = {
    "texts": Kind("mutated texts, judged by an oracle", 200_000, inputs.text),
    "archives": Kind("damaged archives: zip, gz, bz2, xz, zst", 15_000, inputs.archive),
    "tables": Kind("damaged Parquet and Arrow files", 15_000, inputs.table),
    "model-bytes": Kind("every byte of a small model", 6_000, models.model_byte),
    "copy-bytes": Kind("every byte of a small prepared copy", 6_000, models.copy_byte),
    "crafted": Kind("crafted models", 1_500, models.crafted),
    "options": Kind("every option with values at its edge", 20_000, options.case),
    "signals": Kind("Ctrl-C and SIGTERM at any moment", 1_200, processes.signalled, on_scene=True),
    "kills": Kind("kill -9 at any moment", 1_200, processes.killed, on_scene=True),
    "downloads": Kind("hostile sites", 1_400, downloads.case),
    "full-disk": Kind("a full disk", 180, processes.full_disk, on_scene=True),
    "read-only": Kind("a read-only folder", 18, processes.read_only, on_scene=True),
    "no-home": Kind("no HOME", 18, processes.no_home, on_scene=True),
    "at-once": Kind("two commands at once", 180, processes.two_at_once, on_scene=True),
    "small": Kind("little address space", 180, processes.small_machine, on_scene=True),
}
