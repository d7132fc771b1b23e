"""mlbias evaluate: errors of a saved model, beside those of its training mean."""

from pathlib import Path
from typing import Annotated

import typer

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.engine import EngineOptions
from mlbias.cli.options.model import DEFAULT_MODEL, ModelPath, OtherModelPath
from mlbias.cli.options.output import TableOutputOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.options.spread import DATA, takes_groups
from mlbias.errors import OptionError

Predictions = Annotated[
    list[str] | None,
    typer.Option(
        "--predictions",
        metavar="FILE …",
        rich_help_panel=DATA,
        help="Predictions of other systems: files of user, item, prediction and perhaps rating, in "
        "any format of --data. Each is compared with the model on the same ratings: those of "
        "--data, or else those beside the predictions, or else the model's hold-out. Options for "
        "reading are those of all files.",
    ),
]
PredictionColumn = Annotated[
    str | None,
    typer.Option(
        "--prediction-col",
        metavar="COLUMN",
        rich_help_panel=DATA,
        help="Column of the predictions; usual names: prediction, est, score.",
    ),
]


@takes_groups
def evaluate(
    reading: ReadingOptions,
    engine: EngineOptions,
    speaking: TableOutputOptions,
    model: ModelPath = DEFAULT_MODEL,
    against: OtherModelPath = None,
    predictions: Predictions = None,
    prediction_col: PredictionColumn = None,
) -> None:
    """Score a trained model beside the mean of its training ratings.

    Without --data it scores the hold-out that the model was trained with or, if there was none,
    its training ratings. With --predictions it tells whether other systems are better.

    Example: mlbias train --data sample && mlbias evaluate
    """
    if predictions:
        if engine.is_spark:
            raise OptionError("--predictions does not go with --engine spark.")
        if against is not None:
            raise OptionError("--against and --predictions do not go together.")
        _judge(reading, speaking, model, predictions, prediction_col)
        return
    if prediction_col is not None:
        raise OptionError("--prediction-col goes with --predictions.")
    reading.check_only_with_data()
    from mlbias.cli.reading import reader_of
    from mlbias.cli.scoring import read_scored
    from mlbias.cli.show import evaluation as show
    from mlbias.cli.show.scores import evaluation_rows
    from mlbias.evaluation.evaluate import evaluate
    from mlbias.saved_model.file import read_model

    output = speaking.console()
    reader = reader_of(output, reading, engine)
    saved = read_model(model)
    other = None if against is None else read_model(against)
    scored = read_scored(output, reader, saved, reading.data)
    found = evaluate(saved.fit, scored.ratings)
    show.report(output, scored, saved, found)
    document = show.document(scored, saved, found) | {"model": str(model)}
    if other is not None:
        compared = show.compared(output, saved, other, scored)
        document["against"] = {"model": str(against)} | compared
    output.document(document, evaluation_rows(found))
    reader.finish(scored.dataset)


def _judge(
    reading: ReadingOptions,
    speaking: TableOutputOptions,
    model: Path,
    files: list[str],
    prediction_col: str | None,
) -> None:
    from mlbias.cli.judging import JudgedFiles
    from mlbias.cli.reading import Reader
    from mlbias.cli.show import judgement as show
    from mlbias.evaluation.judge import judgement
    from mlbias.ratings import Ratings
    from mlbias.saved_model.file import read_model

    output = speaking.console()
    reader = Reader(output, reading)
    saved = read_model(model)
    judged = JudgedFiles(output, reader, reading.data)
    judged.read(files, prediction_col)
    scored = judged.scored(saved)
    assert isinstance(scored.ratings, Ratings)
    found = judgement(saved.fit.model, judged.systems, scored.ratings)
    show.report(output, scored, saved, found)
    document = show.document(found)
    output.document(document, show.rows(document, found))
    reader.finish(scored.dataset)


app = command_app(evaluate, Command)
