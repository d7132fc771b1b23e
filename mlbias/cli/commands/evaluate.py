"""mlbias evaluate: errors of a saved model, beside those of its training mean."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlbias.cli import options as opt
from mlbias.cli.holdout import needs_time, split_as
from mlbias.cli.reading import finish, read
from mlbias.cli.seen import has_seen, told
from mlbias.cli.show.console import Output
from mlbias.cli.show.tables import data_line
from mlbias.errors import DataError, OptionError

if TYPE_CHECKING:
    from mlbias.datasets.dataset import Dataset
    from mlbias.datasets.sources import Source
    from mlbias.evaluation.scores import Difference
    from mlbias.model import BiasModel
    from mlbias.ratings import Ratings
    from mlbias.saved_model.record import TrainingData


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

    from mlbias.cli.show.scores import document_evaluation, report_details, report_scores
    from mlbias.datasets.sources import find_source
    from mlbias.evaluation import evaluate as metrics
    from mlbias.saved_model.file import load_model

    output = Output(quiet=quiet, as_json=as_json)
    saved = load_model(model)
    other = None if against is None else load_model(against)
    holdout = saved.data.holdout if data is None else None
    given = holdout.source if holdout else None
    if data is None:
        source, options = given or saved.data.source, saved.data.options
        _check_readable(source)
    else:
        source = find_source(data, data_dir)
    dataset, _ = read(
        output, source, options, threads, cache=not no_cache, timestamps=needs_time(holdout)
    )
    changed = _has_changed(output, saved.data, dataset) if data is None else None
    ratings = dataset.ratings
    if holdout is not None and given is None:
        _, ratings = split_as(holdout, ratings)
    base = saved.data.fingerprint if given and not changed else dataset.fingerprint
    seen = None if changed else has_seen(saved.data, base, holdout)
    found = metrics.evaluate(saved.model, ratings)
    part = "all ratings" if data else "hold-out" if holdout else "training ratings"
    output.line(data_line(source.label, found.n_ratings, found.n_users, found.n_items))
    output.line(_part_line(part, seen, changed=bool(changed)))
    output.line()
    report_scores(output, found)
    report_details(output, found)
    document: dict[str, Any] = {
        "data": source.label,
        "part": part,
        "data_changed": changed,
        "trained_on_these": seen,
        "model": str(model),
    }
    document |= document_evaluation(found)
    if other is not None:
        seen_by_other = None if changed else has_seen(other.data, base, holdout)
        compared = _compared(output, saved.model, other.model, ratings, (seen, seen_by_other))
        document["against"] = {"model": str(against)} | compared
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


def _has_changed(output: Output, data: "TrainingData", dataset: "Dataset") -> bool:
    """Whether the ratings that a model knows are others now; says so."""
    given = data.holdout if data.holdout and data.holdout.source else None
    known = given.fingerprint if given else data.fingerprint
    if dataset.fingerprint == known:
        return False
    sizes = f"{data.n_ratings:,} ratings then, {dataset.n_ratings:,} now"
    if given or data.n_ratings == dataset.n_ratings:
        sizes = "as many ratings, but others" if not given else "its ratings are others"
    where = (given.source if given and given.source else data.source).where
    output.notice(f"{where} has changed since the model was trained on it: {sizes}")
    return True


def _part_line(part: str, seen: bool | None, *, changed: bool) -> str:
    """Which ratings these are, and whether the model was trained on them."""
    if changed:
        return f"the {part} of data that changed since; the model may be trained on some of them"
    if part == "hold-out":
        return "the hold-out that the model was trained with"
    if part == "training ratings":
        return "the ratings that the model was trained on; --test-size holds out"
    return "all ratings of --data" + (f"; {told(True, 'the model')}" if seen else "")


def _compared(
    output: Output,
    model: "BiasModel",
    other: "BiasModel",
    ratings: "Ratings",
    seen: tuple[bool | None, bool | None],
) -> dict[str, Any]:
    """By how much the model's RMSE is above another's, beyond what chance may do."""
    from mlbias.evaluation.evaluate import errors_per_user

    errors = errors_per_user(other, ratings)
    above = errors_per_user(model, ratings).above(errors)
    stderr = "" if above.stderr is None else f" ± {above.stderr:.6f}"
    output.line()
    difference = f"against the other: RMSE {output.signed(above.rmse, 6)}{stderr}"
    output.line(difference if any(seen) else f"{difference}: {_verdict(above)}")
    for who, it in zip(("this model", "the other model"), seen, strict=True):
        if told(it, who):
            output.line(told(it, who))
    return {
        "rmse": errors.rmse,
        "difference": above.rmse,
        "difference_stderr": above.stderr,
        "trained_on_these": seen[1],
    }


def _verdict(above: "Difference") -> str:
    if above.is_within_error:
        return "no difference beyond one standard error"
    if above.stderr is None:
        return "one user alone, which does not tell how sure that is"
    return "the other is better" if above.rmse > 0 else "this one is better"
