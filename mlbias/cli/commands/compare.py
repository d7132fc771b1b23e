"""mlbias compare: methods side by side on one split and one objective."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.holdout import HoldoutOptions
from mlbias.cli.options.model import LambdaOptions
from mlbias.cli.options.output import TableOutputOptions
from mlbias.cli.options.plot import PlotOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.options.spread import MODEL, takes_groups
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.cli.reading import Reader
    from mlbias.cli.show.console import Output

Methods = Annotated[
    str | None,
    typer.Option(
        "--methods",
        metavar="NAME,NAME,…",
        rich_help_panel=MODEL,
        help='The methods to compare, in this order. "exact --noise user" counts as one. '
        "[default: mean, user-means, item-means, gd, adam, closed-form, exact]",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        min=1,
        metavar="N",
        rich_help_panel=MODEL,
        help="The maximum number of updates of gd, adam and closed-form. [default: 100]",
    ),
]
AsLecture = Annotated[
    bool,
    typer.Option(
        "--as-lecture",
        rich_help_panel=MODEL,
        help="gd, adam and closed-form as the lecture sets them: 100, 20 and 10 epochs, each with "
        "the lecture's lambda on its own scale, on all ratings unless some are held out. --plot "
        "draws the lecture's figure, the RMSE by epoch.",
    ),
]


@dataclass(frozen=True, slots=True)
class SharedLambdaOptions(LambdaOptions):
    """λ's on the scale of sums, the same for all methods."""

    lambda_: Annotated[
        str | None,
        typer.Option(
            "--lambda",
            metavar="X|auto",
            rich_help_panel=MODEL,
            help="Regularisation of both biases, on the scale of sums; auto learns both. "
            "[default: auto]",
        ),
    ] = None


@takes_groups
def compare(
    reading: ReadingOptions,
    holdout: HoldoutOptions,
    lambdas: SharedLambdaOptions,
    speaking: TableOutputOptions,
    plotting: PlotOptions,
    methods: Methods = None,
    epochs: Epochs = None,
    as_lecture: AsLecture = False,
) -> None:
    """Train methods side by side on one split and one objective.

    Without a hold-out of another kind, a tenth of the ratings is held out at random.

    Example: mlbias compare --data sample
    """
    from mlbias.cli.reading import Reader
    from mlbias.cli.show import comparison as show
    from mlbias.evaluation.compare import Comparison, contestants, shared_regularisation
    from mlbias.figures.curves import comparison_curves

    output = speaking.console()
    plotting.check()
    reader = Reader(output, reading)
    if as_lecture:
        if methods is not None or epochs is not None or lambdas != SharedLambdaOptions():
            raise OptionError("--as-lecture goes without --methods, --epochs and the lambdas.")
        _compare_as_lecture(output, reader, holdout, plotting)
        return
    holdout = holdout.or_tenth()
    regularisation = shared_regularisation(lambdas.both(), lambdas.lambda_user, lambdas.lambda_item)
    names = contestants(None if methods is None else [n.strip() for n in methods.split(",")])
    sides = reader.read_sides(holdout, holdout.wanted())
    from mlbias.ratings import Ratings

    assert isinstance(sides.held_out, Ratings)
    show.report_sides(output, sides)
    with output.progress("finding the optimum", "steps"):
        comparison = Comparison(
            sides.training.ratings, sides.held_out, regularisation, epochs or 100, reading.n_threads
        )
    results = show.draw_comparison(output, comparison, names)
    document = show.document(comparison, sides, results)
    output.document(document, document["methods"])
    plotting.save(output, lambda: comparison_curves(results))
    reader.finish(sides.whole)


def _compare_as_lecture(
    output: "Output", reader: "Reader", holdout: HoldoutOptions, plotting: PlotOptions
) -> None:
    from mlbias.cli.show.lecture import draw_lecture, lecture_document
    from mlbias.figures.curves import lecture_curves

    sides = reader.read_sides(holdout, holdout.wanted())
    fits = draw_lecture(output, sides)
    document = lecture_document(sides, fits)
    output.document(document, document["methods"])
    plotting.save(output, lambda: lecture_curves(fits))
    reader.finish(sides.whole)


app = command_app(compare, Command)
