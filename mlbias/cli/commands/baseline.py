"""mlbias baseline: what the ratings are like, and how well their mean predicts them."""

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.output import TableOutputOptions
from mlbias.cli.options.plot import PlotOptions
from mlbias.cli.options.reading import ReadingOptions
from mlbias.cli.options.spread import takes_groups


@takes_groups
def baseline(reading: ReadingOptions, speaking: TableOutputOptions, plotting: PlotOptions) -> None:
    """Describe ratings, and how well their mean predicts them.

    Example: mlbias baseline --data sample
    """
    from mlbias.cli.reading import Reader
    from mlbias.cli.show import description as show
    from mlbias.cli.show.source import document_skipped, document_source
    from mlbias.evaluation.describe import describe
    from mlbias.figures.distributions import distributions

    output = speaking.console()
    plotting.check()
    reader = Reader(output, reading)
    source = reader.source(reading.data)
    dataset = reader.read(source, times=True)
    found = describe(dataset.ratings)
    understood = dataset.understood
    document = {"data": source.label} | show.document(found)
    more = document_skipped(understood) | {"source": document_source(understood)}
    output.document(document | more, [document])
    show.draw(output, source.label, found)
    plotting.save(output, lambda: distributions(dataset.ratings))
    reader.finish(dataset)
    output.hint("next: mlbias train" + (f" --data {reading.data}" if reading.data else ""))


app = command_app(baseline, Command)
