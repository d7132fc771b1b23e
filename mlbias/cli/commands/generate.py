"""mlbias generate: long-tailed ratings with known biases, in a file."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli import options as opt
from mlbias.cli.show.console import Output, duration, size
from mlbias.cli.show.tables import data_line
from mlbias.cli.signals import raise_on_signals
from mlbias.datasets.generated.shapes import PRESETS
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.datasets.generated.file import Format, RatingCounts
    from mlbias.datasets.generated.generator import Generator

RATINGS = "Ratings"
_PACKED = ("gz", "zip", "bz2", "xz", "zst")
_LARGEST_SEED = 2**63 - 1  # what the truth's file can hold as a number


def generate(
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            metavar="NAME",
            autocompletion=lambda: list(PRESETS),
            rich_help_panel=RATINGS,
            help=f"Whose numbers and tails: {', '.join(PRESETS)}. sample gives what --data sample "
            "has.",
        ),
    ] = "sample",
    ratings: Annotated[
        int | None,
        typer.Option(
            "--ratings",
            metavar="N",
            rich_help_panel=RATINGS,
            help="Ratings instead of the preset's. Users then grow in proportion, and items with "
            "the square root, unless they are given too.",
        ),
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(
            "--users",
            metavar="N",
            rich_help_panel=RATINGS,
            help="Users instead of the preset's; each has at least one rating.",
        ),
    ] = None,
    items: Annotated[
        int | None,
        typer.Option(
            "--items",
            metavar="N",
            rich_help_panel=RATINGS,
            help="Items instead of the preset's; some of the rarest may draw no rating.",
        ),
    ] = None,
    step: Annotated[
        float,
        typer.Option(
            "--step",
            metavar="X",
            rich_help_panel=RATINGS,
            help="Ratings go from X to 5 in steps of X: 0.5 for half stars, 1 for whole ones.",
        ),
    ] = 0.5,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            metavar="N",
            rich_help_panel=RATINGS,
            help="The same seed gives the same bytes.",
        ),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            rich_help_panel=opt.OUTPUT,
            help="Where to; replaced if it is there. The truth goes beside it, into "
            "FILE.truth.npz. [default: ratings.csv or ratings.parquet in the folder "
            "generated-PRESET of --data-dir]",
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv|parquet",
            rich_help_panel=opt.OUTPUT,
            help="[default: as FILE ends, otherwise csv]",
        ),
    ] = None,
    data_dir: opt.DataDir = opt.DEFAULT_DATA_DIR,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,  # noqa: ARG001 - main() looks for it
) -> None:
    """Generate ratings from known biases.

    They have the long tails of MovieLens; what they were drawn from is saved beside them.

    Example: mlbias generate --preset ml-1m
    """
    if preset not in PRESETS:
        raise OptionError(f"there is no preset {preset!r}; there are {', '.join(PRESETS)}.")
    if not 0 <= seed <= _LARGEST_SEED:
        raise OptionError(f"--seed is from 0 to {_LARGEST_SEED:,}, not {seed:,}.")
    shape = PRESETS[preset].resized(ratings, users, items)
    steps_a_star = _steps_a_star(step)
    file_format = _format(format_, out)
    path = out or data_dir / f"generated-{preset}" / f"ratings.{file_format}"

    from mlbias.datasets.generated.file import check_place, write_generated
    from mlbias.datasets.generated.generator import Generator

    check_place(path)
    # Importing Polars puts a handler of its own for Ctrl-C.
    raise_on_signals()
    output = Output(quiet=quiet, as_json=as_json)
    started = time.perf_counter()
    generator = Generator(shape, seed, steps_a_star=steps_a_star)
    with output.progress("generating", "ratings") as bar:
        tally = write_generated(generator, path, file_format, bar.update)
    seconds = time.perf_counter() - started
    _report(output, preset, _Written(path, file_format, generator, tally, seconds))


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written where, from what, and in how many seconds."""

    path: Path
    file_format: "Format"
    generator: "Generator"
    tally: "RatingCounts"
    seconds: float


def _report(output: Output, preset: str, written: _Written) -> None:
    from mlbias.datasets.generated.file import truth_path

    path, file_format, tally = written.path, written.file_format, written.tally
    truth, n_bytes = written.generator.truth, path.stat().st_size
    output.document(
        {
            "out": str(path),
            "truth": str(truth_path(path)),
            "format": file_format,
            "preset": preset,
            "seed": written.generator.seed,
            "n_ratings": tally.n_ratings,
            "n_users": tally.n_users,
            "n_items": tally.n_items,
            "alpha": truth.alpha,
            "sigma": truth.noise,
            "sigma_user": truth.user_sd,
            "sigma_item": truth.item_sd,
            "bytes": n_bytes,
            "seconds": written.seconds,
        }
    )
    output.line(data_line(f"generated {preset}", tally.n_ratings, tally.n_users, tally.n_items))
    output.line()
    output.line(
        f"drawn with α {truth.alpha:g}, σ {truth.noise:g}, "
        f"users' σ {truth.user_sd:g}, items' σ {truth.item_sd:g}"
    )
    output.line(f"{size(n_bytes)} of {file_format.label} in {duration(written.seconds)}")
    output.notice(f"saved {path}, and the true biases in {truth_path(path).name}")
    output.hint(f"next: mlbias train --data {path}")


def _steps_a_star(step: float) -> int:
    """How many steps make a star.

    Raises:
        OptionError: no whole number of them does.
    """
    if not 0.001 <= step <= 1 or abs(round(1 / step) * step - 1) > 1e-9:
        raise OptionError(f"--step divides a star evenly, as 1, 0.5 or 0.1 do; {step:g} does not.")
    return round(1 / step)


def _format(named: str | None, out: Path | None) -> "Format":
    from mlbias.datasets.generated.file import Format

    if out == Path("-"):
        raise OptionError("--out is a file: the truth has to go beside it.")
    if named is not None and named not in list(Format):
        raise OptionError(f"--format is csv or parquet, not {named!r}.")
    ending = "" if out is None else out.suffix.removeprefix(".")
    if ending in _PACKED:
        raise OptionError(f"--out ends in .{ending}, but what is written is not packed.")
    if named is not None and ending in list(Format) and ending != named:
        raise OptionError(f"--out ends in .{ending}, and --format is {named}.")
    return Format(named or (ending if ending in list(Format) else Format.CSV))
