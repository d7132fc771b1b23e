"""mlbias report: one page about ratings and their baseline."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.holdout import HoldoutOptions
from mlbias.cli.options.output import OutputOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.options.spread import OUTPUT, takes_groups

Out = Annotated[
    Path,
    typer.Option("--out", metavar="FILE", rich_help_panel=OUTPUT, help="Where to write the page."),
]


@takes_groups
def report(
    reading: ReadingOptions,
    holdout: HoldoutOptions,
    speaking: OutputOptions,
    out: Out = Path("report.html"),
) -> None:
    """Write one HTML page about ratings and their baseline.

    The page needs no network and no scripts. It needs the extra mlbias[report]. Without a hold-out
    of another kind, a tenth of the ratings is held out at random.

    Example: mlbias report --data sample
    """
    from mlbias.cli.reading import Reader
    from mlbias.cli.show.text import with_options
    from mlbias.datasets.titles import titles_of
    from mlbias.reporting.page import check_report_path
    from mlbias.reporting.page import report as write_report

    output = speaking.console()
    check_report_path(out)
    reader = Reader(output, reading)
    holdout = holdout.or_tenth()
    sides = reader.read_sides(holdout, holdout.wanted())
    assert sides.held_out is not None
    assert sides.holdout is not None
    source, understood = sides.source, sides.whole.understood
    with output.progress("working", "steps") as bar:
        write_report(
            sides.whole.ratings,
            out,
            name=source.label,
            split=(sides.training.ratings, sides.held_out),
            split_name=sides.holdout.told,
            titles={id_: title.text for id_, title in titles_of(source).items()},
            notices=[*map(with_options, (*understood.notices, *understood.warnings))],
            commands=[shlex.join(["mlbias", *sys.argv[1:]])],
            threads=reading.n_threads,
            progress=bar.update,
        )
    output.document({"data": source.label, "holdout": sides.holdout_document(), "report": str(out)})
    output.notice(f"saved {out}")
    reader.finish(sides.whole)


app = command_app(report, Command)
