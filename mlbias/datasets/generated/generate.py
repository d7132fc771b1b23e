"""From options to a file of generated ratings in one call."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlbias.arguments import checks_options
from mlbias.datasets.generated.file import Format, check_place, truth_path, write_generated
from mlbias.datasets.generated.generator import Generator, Truth
from mlbias.datasets.generated.shapes import PRESETS
from mlbias.datasets.sources import DATA_DIR
from mlbias.errors import OptionError

_PACKED = ("gz", "zip", "bz2", "xz", "zst")
_LARGEST_SEED = 2**63 - 1  # what the truth's file can hold as a number


@dataclass(frozen=True, slots=True)
class Generated:
    """Ratings that were generated, and what they were drawn from.

    Attributes:
        path: of the ratings.
        truth_path: of the biases that they were drawn from.
        format: csv or parquet.
        truth: general level, biases and standard deviations, in stars.
        seed: of the generator.
        n_ratings, n_users, n_items: how many there are.
        n_bytes: size of the file of ratings.
        seconds: spent.
    """

    path: Path
    truth_path: Path
    format: Format
    truth: Truth
    seed: int
    n_ratings: int
    n_users: int
    n_items: int
    n_bytes: int
    seconds: float


@checks_options
def generate(
    preset: str = "sample",
    out: str | os.PathLike[str] | None = None,
    *,
    ratings: int | None = None,
    users: int | None = None,
    items: int | None = None,
    step: float = 0.5,
    seed: int = 0,
    format: str | None = None,  # noqa: A002 - as on the command line
    data_dir: str | os.PathLike[str] = DATA_DIR,
    force: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> Generated:
    """Write ratings with known biases and long tails to a file, and the truth beside it.

    Args:
        preset: whose numbers and tails: sample or the name of a MovieLens set.
        out: the file; by default generated-PRESET/ratings.csv in data_dir.
        ratings: how many, instead of the preset's.
        users: how many, instead of the preset's.
        items: how many, instead of the preset's.
        step: ratings go from ``step`` to 5 stars in steps of it.
        seed: the same seed gives the same bytes.
        format: csv or parquet; by default as ``out`` ends.
        data_dir: the folder of data sets.
        force: replace files that were not generated, or were changed since.
        progress: is told how many ratings are written, and of how many.

    Raises:
        OptionError: an option is out of range, or options do not go together.
        DataError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from mlbias import generate, load_ratings
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = generate(out=f"{folder}/r.csv", ratings=1000, users=50, items=80)
        ...     load_ratings(done.path)
        <Ratings: 1,000 of 50 users for 80 items>
    """
    if preset not in PRESETS:
        raise OptionError(f"there is no preset {preset!r}; there are {', '.join(PRESETS)}.")
    if not 0 <= seed <= _LARGEST_SEED:
        raise OptionError(f"`seed` is from 0 to {_LARGEST_SEED:,}, not {seed:,}.")
    shape = PRESETS[preset].resized(ratings, users, items)
    steps = _steps_a_star(step)
    given = None if out is None else Path(out)
    made = _format(format, given)
    path = given or Path(data_dir) / f"generated-{preset}" / f"ratings.{made}"
    check_place(path, force=force)
    started = time.perf_counter()
    generator = Generator(shape, seed, steps_a_star=steps)
    tally = write_generated(generator, path, made, progress or _unheard)
    return Generated(
        path=path,
        truth_path=truth_path(path),
        format=made,
        truth=generator.truth,
        seed=generator.seed,
        n_ratings=tally.n_ratings,
        n_users=tally.n_users,
        n_items=tally.n_items,
        n_bytes=path.stat().st_size,
        seconds=time.perf_counter() - started,
    )


def _unheard(done: int, total: int | None) -> None:
    """Nobody wants to know."""


def _steps_a_star(step: float) -> int:
    """How many steps make a star.

    Raises:
        OptionError: no whole number of them does.
    """
    if not 0.001 <= step <= 1 or abs(round(1 / step) * step - 1) > 1e-9:
        raise OptionError(f"`step` divides a star evenly, as 1, 0.5 or 0.1 do; {step:g} does not.")
    return round(1 / step)


def _format(named: str | None, out: Path | None) -> Format:
    if out == Path("-"):
        raise OptionError("`out` is a file: the truth has to go beside it.")
    if named is not None and named not in list(Format):
        raise OptionError(f"`format` is csv or parquet, not {named!r}.")
    ending = "" if out is None else out.suffix.removeprefix(".")
    if ending in _PACKED:
        raise OptionError(f"`out` ends in .{ending}, but what is written is not packed.")
    if named is not None and ending in list(Format) and ending != named:
        raise OptionError(f"`out` ends in .{ending}, and `format` is {named}.")
    return Format(named or (ending if ending in list(Format) else Format.CSV))
