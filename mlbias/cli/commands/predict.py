"""mlbias predict: the rating that a model expects, for each pair of a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.command import Command, command_app
from mlbias.cli.options.engine import EngineOptions
from mlbias.cli.options.model import DEFAULT_MODEL, ModelPath
from mlbias.cli.options.output import OutputOptions, Overwrite
from mlbias.cli.options.reading import PairOptions
from mlbias.cli.options.spread import DATA, OUTPUT, takes_groups
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.cli.show.console import Output
    from mlbias.model import BiasModel
    from mlbias.saved_model.file import SavedModel

PREDICTION = "Prediction"

PairsName = Annotated[
    str | None,
    typer.Argument(
        metavar="PAIRS",
        rich_help_panel=DATA,
        help="What to predict: whatever --data of the other commands takes, with a column each "
        "for user and item; ratings need not be there.",
    ),
]


@dataclass(frozen=True, slots=True)
class PredictionOptions:
    """What is predicted, and from what."""

    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            metavar="ID",
            rich_help_panel=DATA,
            help="Predict one pair, with --item, instead of a file.",
        ),
    ] = None
    item: Annotated[
        str | None,
        typer.Option("--item", metavar="ID", rich_help_panel=DATA, help="The item of that pair."),
    ] = None
    history: Annotated[
        str | None,
        typer.Option(
            "--history",
            metavar="WHAT",
            rich_help_panel=PREDICTION,
            help="Ratings that came after training. Users and items that the model does not know "
            "get their biases from these, without retraining. Columns have usual names, or those "
            "of the options.",
        ),
    ] = None
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh",
            rich_help_panel=PREDICTION,
            help="Let --history move the biases of known users and items too.",
        ),
    ] = False
    interval: Annotated[
        float | None,
        typer.Option(
            "--interval",
            metavar="SHARE",
            rich_help_panel=PREDICTION,
            help="Add low and high, between which this share of ratings is expected, such as "
            "0.9. Needs a model of exact.",
        ),
    ] = None
    clip: Annotated[
        bool,
        typer.Option(
            "--clip",
            rich_help_panel=PREDICTION,
            help="Clip predictions to the scale of the training ratings.",
        ),
    ] = False
    at_least: Annotated[
        float | None,
        typer.Option(
            "--at-least",
            metavar="X",
            rich_help_panel=PREDICTION,
            help="Add at_least, the probability of a rating of X or more. Needs a model of exact.",
        ),
    ] = None
    probabilities: Annotated[
        bool,
        typer.Option(
            "--probabilities",
            rich_help_panel=PREDICTION,
            help="Add the probability of each value of the rating scale, as p_0.5. Likewise.",
        ),
    ] = False
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Where to write. The name says the format: .csv, .tsv, .jsonl, .ndjson, .parquet, "
            ".arrow or .feather. [default: CSV on standard output]",
        ),
    ] = None
    force: Overwrite = False

    def check(self, pairs: str | None, *, as_json: bool) -> None:
        """Check that the options go together.

        Raises:
            OptionError: they do not.
        """
        if (self.user is None) != (self.item is None):
            raise OptionError("`user` and `item` go together.")
        if (pairs is None) == (self.user is None):
            raise OptionError("name a file of pairs, or one pair with `user` and `item`.")
        if self.user is not None and self.out is not None:
            raise OptionError("`out` goes with a file of pairs.")
        if pairs == self.history == "-":
            raise OptionError("only one of the pairs and `history` can be standard input.")
        if self.refresh and self.history is None:
            raise OptionError("`refresh` goes with `history`.")
        if as_json and pairs is not None and self.out is None:
            raise OptionError(
                "`json` goes with `out`, or with `user` and `item`: without `out` the rows are on "
                "standard output."
            )


@takes_groups
def predict(
    wanted: PredictionOptions,
    reading: PairOptions,
    engine: EngineOptions,
    speaking: OutputOptions,
    pairs: PairsName = None,
    model: ModelPath = DEFAULT_MODEL,
) -> None:
    """Predict the rating of each pair of a user and an item.

    The same rows come out in the same order, with all their columns. Added are prediction;
    std_error, the standard deviation of a rating around it, where the model knows it; and known:
    both, user, item or none. An id that the model does not know contributes a bias of 0.

    Example: mlbias train --data sample && mlbias predict sample --out predicted.parquet
    """
    wanted.check(pairs, as_json=speaking.as_json)
    if reading.rating_col is not None and wanted.history is None:
        raise OptionError("`rating_col` goes with `history`; pairs need no ratings.")
    output = speaking.console()
    if engine.is_spark:
        _predict_on_spark(output, wanted, reading, engine, pairs, model)
        return

    from mlbias.cli.reading import limit_polars

    limit_polars(reading.reading().n_threads)

    from mlbias.cli.predicting import PairsFile, predict_file, predict_pair
    from mlbias.saved_model.file import read_model
    from mlbias.use.predict import Predictor

    known = _with_history(output, read_model(model), wanted, reading)
    predictor = Predictor(
        known, wanted.interval, wanted.clip, wanted.at_least, wanted.probabilities
    )
    if pairs is None:
        assert wanted.user is not None
        assert wanted.item is not None
        predict_pair(output, predictor, wanted.user, wanted.item, str(model))
    else:
        predict_file(
            output, predictor, PairsFile(pairs, reading, wanted.out, wanted.force), str(model)
        )


def _predict_on_spark(
    output: "Output",
    wanted: PredictionOptions,
    reading: PairOptions,
    engine: EngineOptions,
    pairs: str | None,
    model: Path,
) -> None:
    """Parquet in, Parquet out, where Spark has them."""
    if pairs is None or wanted.out is None or wanted.out.suffix != ".parquet":
        raise OptionError("with --engine spark, name pairs and an `out` that ends in .parquet.")
    if wanted != PredictionOptions(out=wanted.out, force=wanted.force):
        raise OptionError("only `out` and `force` go with --engine spark.")
    from mlbias.cli.predicting import report_known
    from mlbias.engines.sources import predict_on_spark, source_of
    from mlbias.saved_model.file import read_model

    source = source_of(pairs, reading.data_dir)
    named = source, reading.user_col, reading.item_col
    saved = read_model(model)
    counts = predict_on_spark(saved.fit.model, named, wanted.out, engine.master, force=wanted.force)
    report_known(output, source, counts, wanted.out, str(model))


def _with_history(
    output: "Output", saved: "SavedModel", wanted: PredictionOptions, reading: PairOptions
) -> "BiasModel":
    """The model with what came after training, if that is given."""
    if wanted.history is None:
        return saved.fit.model
    from mlbias.cli.history import read_history

    history = read_history(output, saved, wanted.history, reading, refresh=wanted.refresh)
    return saved.fit.model.fold_in(history, refresh=wanted.refresh)


app = command_app(predict, Command)
