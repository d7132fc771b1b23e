"""mlbias report: one page about ratings and their baseline."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.output import OutputOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.options.spread import HOLDOUT, OUTPUT, takes_groups

Out = Annotated[
    Path,
    typer.Option("--out", metavar="FILE", rich_help_panel=OUTPUT, help="Where to write the page."),
]
TestSize = Annotated[
    float,
    typer.Option(
        "--test-size", metavar="X", rich_help_panel=HOLDOUT, help="Share held out at random."
    ),
]
Seed = Annotated[
    int,
    typer.Option("--seed", metavar="N", rich_help_panel=HOLDOUT, help="Of the hold-out."),
]


@takes_groups
def report(
    reading: ReadingOptions,
    speaking: OutputOptions,
    out: Out = Path("report.html"),
    test_size: TestSize = 0.1,
    seed: Seed = 0,
) -> None:
    """Write one HTML page about ratings and their baseline.

    The page needs no network and no scripts. It needs the extra mlbias[report].

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
    source = reader.source(reading.data)
    dataset = reader.read(source)
    understood = dataset.understood
    with output.progress("working", "steps") as bar:
        write_report(
            dataset.ratings,
            out,
            name=source.label,
            test_size=test_size,
            seed=seed,
            titles={id_: title.text for id_, title in titles_of(source).items()},
            notices=[*map(with_options, (*understood.notices, *understood.warnings))],
            commands=[shlex.join(["mlbias", *sys.argv[1:]])],
            threads=reading.n_threads,
            progress=bar.update,
        )
    output.document({"data": source.label, "report": str(out)})
    output.line(f"wrote {out}")
    reader.finish(dataset)


app = command_app(report, Command)
