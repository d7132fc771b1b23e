"""Where ratings are worked on: in this process, or on Spark."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

from mlbias.cli.options.spread import DATA
from mlbias.errors import OptionError

ENGINES = ("local", "spark")


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """An engine, and where it runs."""

    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="|".join(ENGINES),
            rich_help_panel=DATA,
            help="Where to work on the ratings. spark needs the extra mlbias[spark] and Java; "
            "--data is then a path or an address that Spark reads, or table:NAME.",
        ),
    ] = "local"
    master: Annotated[
        str | None,
        typer.Option(
            "--master",
            metavar="URL",
            rich_help_panel=DATA,
            help="Spark's master, such as local[4] or spark://host:7077. [default: as Spark is "
            "configured, or all cores of this machine]",
        ),
    ] = None

    @property
    def is_spark(self) -> bool:
        """Whether ratings are to be worked on by Spark.

        Raises:
            OptionError: there is no such engine, or a master without Spark.
        """
        if self.engine not in ENGINES:
            raise OptionError(f"`engine` is local or spark, not {self.engine[:40]!r}.")
        if self.master is not None and self.engine != "spark":
            raise OptionError("`master` goes with --engine spark.")
        return self.engine == "spark"


def check_engine(parsed: Mapping[str, Any], options: Collection[str]) -> None:
    """See that on the command line nothing is asked of reading that the engine would ignore.

    What comes from the environment is for other commands too, and is not among this.

    Args:
        parsed: what was given on the command line, by the names of options.
        options: names of all options that the command has.

    Raises:
        OptionError: something is.
    """
    if parsed.get("engine") != "spark":
        return
    from mlbias.cli.options.reading import PairOptions, ReadingOptions
    from mlbias.engines.sources import DONE, DONE_FOR_PAIRS, refuse

    group, done = (ReadingOptions, DONE) if "data" in options else (PairOptions, DONE_FOR_PAIRS)
    of_reading = {field.name for field in fields(group)} - {"data", "data_dir"}
    refuse([name for name in parsed if name in of_reading], done)
