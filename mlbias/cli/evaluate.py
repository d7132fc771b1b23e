"""mlbias evaluate: errors of a saved model, beside those of its training mean."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlbias.cli import options as opt
from mlbias.cli.holdout import needs_time, split_as
from mlbias.cli.output import Output
from mlbias.cli.reading import finish, read
from mlbias.cli.render import data_line
from mlbias.errors import DataError, OptionError

if TYPE_CHECKING:
    from mlbias.core.model import BiasModel
    from mlbias.core.ratings import Ratings
    from mlbias.datasets.dataset import Dataset
    from mlbias.datasets.sources import Source
    from mlbias.datasets.training_data import TrainingData
    from mlbias.evaluation.metrics import Evaluation


def evaluate(
    data: opt.Data = None,
    data_dir: opt.DataDir = opt.DEFAULT_DATA_DIR,
    user_col: opt.UserCol = None,
    item_col: opt.ItemCol = None,
    rating_col: opt.RatingCol = None,
    separator: opt.Separator = None,
    ids: opt.Ids = "auto",
    skip_bad_rows: opt.SkipBadRows = False,
    no_cache: opt.NoCache = False,
    threads: opt.Threads = None,
    model: opt.ModelPath = opt.DEFAULT_MODEL,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            rich_help_panel=opt.OUTPUT,
            help="Another model's file, to say by how much the two differ on the same ratings.",
        ),
    ] = None,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,  # noqa: ARG001 - main() looks for it
) -> None:
    """Score a trained model beside the mean of its training ratings.

    Without --data it scores the hold-out that the model was trained with or, if there was none,
    its training ratings.

    Example: mlbias train --data sample && mlbias evaluate
    """
    options = opt.read_options(user_col, item_col, rating_col, separator, ids, skip_bad_rows)
    if data is None and options != type(options)():
        raise OptionError("options for reading go with --data; the model knows its own data.")

    from mlbias.cli.scores import document_evaluation
    from mlbias.datasets.model_file import load_model
    from mlbias.datasets.sources import find_source
    from mlbias.evaluation import metrics

    output = Output(quiet=quiet, as_json=as_json)
    saved = load_model(model)
    other = None if against is None else load_model(against).model
    given = saved.data.holdout.source if saved.data.holdout else None
    if data is None:
        source, options = given or saved.data.source, saved.data.options
        _check_readable(source)
    else:
        source = find_source(data, data_dir)
    timestamps = data is None and needs_time(saved.data.holdout)
    dataset, _ = read(output, source, options, threads, cache=not no_cache, timestamps=timestamps)
    if data is None and given is not None:
        ratings, what, changed = dataset.ratings, "hold-out", None
    elif data is None:
        ratings, what, changed = _training_part(output, saved.data, dataset)
    else:
        ratings, what, changed = dataset.ratings, "all ratings", None
    found = metrics.evaluate(saved.model, ratings)
    _report(output, source, what, found)
    document: dict[str, Any] = {
        "data": source.label,
        "part": what,
        "data_changed": changed,
        "model": str(model),
    }
    document |= document_evaluation(found)
    if other is not None:
        document["against"] = _compared(output, saved.model, other, ratings) | {
            "model": str(against)
        }
    output.document(document)
    finish(output, dataset)


def _check_readable(source: "Source") -> None:
    """See that what a model was trained on can be read again.

    Raises:
        DataError: it cannot.
    """
    if source.is_standard_input:
        raise DataError(
            "the model was trained on standard input, which cannot be read again.",
            "Give the ratings with --data.",
        )
    if source.path is not None and not source.path.exists():
        raise DataError(
            f"the ratings that the model was trained on are gone: there is no {source.path}.",
            "Give other ratings with --data.",
        )


def _training_part(
    output: Output, data: "TrainingData", dataset: "Dataset"
) -> tuple["Ratings", str, bool]:
    """What a model is scored on by itself, which part that is, and whether its data changed."""
    ratings = dataset.ratings
    changed = dataset.fingerprint != data.fingerprint
    if changed:
        sizes = f"{data.n_ratings:,} ratings then, {len(ratings):,} now"
        if data.n_ratings == len(ratings):
            sizes = "as many ratings, but others"
        output.notice(f"{data.source.where} has changed since the model was trained on it: {sizes}")
    if data.holdout is None:
        return ratings, "training ratings", changed
    _, held_out = split_as(data.holdout, ratings)
    return held_out, "hold-out", changed


def _report(output: Output, source: "Source", what: str, found: "Evaluation") -> None:
    from mlbias.cli.scores import report_details, report_scores

    output.line(data_line(source.label, found.n_ratings, found.n_users, found.n_items))
    output.line(
        {
            "hold-out": "the hold-out that the model was trained with",
            "training ratings": "the ratings that the model was trained on; --test-size holds out",
            "all ratings": "all ratings of --data",
        }[what]
    )
    output.line()
    report_scores(output, found)
    report_details(output, found)


def _compared(
    output: Output, model: "BiasModel", other: "BiasModel", ratings: "Ratings"
) -> dict[str, Any]:
    """By how much the model's RMSE is above another's, beyond what chance may do."""
    from mlbias.evaluation.metrics import errors_per_user

    errors = errors_per_user(other, ratings)
    above = errors_per_user(model, ratings).above(errors)
    stderr = "" if above.stderr is None else f" ± {above.stderr:.6f}"
    verdict = (
        "no difference beyond one standard error"
        if above.is_within_error
        else "one user alone, which does not tell how sure that is"
        if above.stderr is None
        else ("the other is better" if above.rmse > 0 else "this one is better")
    )
    output.line()
    output.line(f"against the other: RMSE {output.signed(above.rmse, 6)}{stderr}: {verdict}")
    return {"rmse": errors.rmse, "difference": above.rmse, "difference_stderr": above.stderr}
