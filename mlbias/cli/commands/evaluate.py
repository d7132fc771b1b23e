"""mlbias evaluate: errors of a saved model, beside those of its training mean."""

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.model import DEFAULT_MODEL, ModelPath, OtherModelPath
from mlbias.cli.options.output import OutputOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.options.spread import takes_groups


@takes_groups
def evaluate(
    reading: ReadingOptions,
    speaking: OutputOptions,
    model: ModelPath = DEFAULT_MODEL,
    against: OtherModelPath = None,
) -> None:
    """Score a trained model beside the mean of its training ratings.

    Without --data it scores the hold-out that the model was trained with or, if there was none,
    its training ratings.

    Example: mlbias train --data sample && mlbias evaluate
    """
    reading.check_only_with_data()
    from mlbias.cli.reading import Reader
    from mlbias.cli.scoring import read_scored
    from mlbias.cli.show import evaluation as show
    from mlbias.evaluation.evaluate import evaluate
    from mlbias.saved_model.file import read_model

    output = speaking.console()
    reader = Reader(output, reading)
    saved = read_model(model)
    other = None if against is None else read_model(against)
    scored = read_scored(output, reader, saved, reading.data)
    found = evaluate(saved.fit, scored.ratings)
    show.report(output, scored, saved, found)
    document = show.document(scored, saved, found) | {"model": str(model)}
    if other is not None:
        compared = show.compared(output, saved, other, scored)
        document["against"] = {"model": str(against)} | compared
    output.document(document)
    reader.finish(scored.dataset)


app = command_app(evaluate, Command)
