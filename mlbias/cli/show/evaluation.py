"""What `mlbias evaluate` says of a model, and of two on the same ratings."""

from dataclasses import asdict
from typing import Any

from mlbias.cli.scoring import Scored
from mlbias.cli.show.console import Output
from mlbias.cli.show.scores import (
    document_evaluation,
    report_details,
    report_leave_one_out,
    report_scores,
)
from mlbias.cli.show.source import document_skipped
from mlbias.cli.show.text import data_line
from mlbias.core.leave_one_out import LeaveOneOut
from mlbias.core.scores import Difference
from mlbias.evaluation.evaluate import Evaluation
from mlbias.evaluation.predicted import errors_per_user
from mlbias.evaluation.unmatched import unmatched_ids
from mlbias.saved_model.file import SavedModel


def report(output: Output, scored: Scored, saved: SavedModel, found: Evaluation) -> None:
    """Which ratings, whether the model saw them, and its errors on them."""
    output.line(data_line(scored.source.label, found.n_ratings, found.n_users, found.n_items))
    output.line(part_line(scored, scored.seen_by(saved)))
    model = saved.fit.model
    for notice in unmatched_ids(scored.ratings, model.user_ids, model.item_ids):
        output.notice(notice)
    output.line()
    left_out = _leave_one_out(scored, saved)
    if left_out is not None:
        report_leave_one_out(output, left_out)
        output.line("below: the fit to its own training ratings, which is no error to publish")
        output.line()
    report_scores(output, found)
    report_details(output, found)


def document(scored: Scored, saved: SavedModel, found: Evaluation) -> dict[str, Any]:
    """The same under the names that it has in JSON."""
    left_out = _leave_one_out(scored, saved)
    return {
        "data": scored.source.label,
        "part": scored.part,
        "data_changed": scored.changed,
        "trained_on_these": scored.seen_by(saved),
        **document_skipped(scored.dataset.understood),
        **({} if left_out is None else {"leave_one_out": asdict(left_out)}),
    } | document_evaluation(found)


def compared(
    output: Output, saved: SavedModel, other: SavedModel, scored: Scored
) -> dict[str, Any]:
    """By how much the model's RMSE is above another's, and whether that is beyond chance."""
    seen = scored.seen_by(saved), scored.seen_by(other)
    errors = errors_per_user(other.fit, scored.ratings)
    above = errors_per_user(saved.fit, scored.ratings).above(errors)
    stderr = "" if above.stderr is None else f" ± {above.stderr:.6f}"
    output.line()
    difference = f"against the other: RMSE {output.signed(above.rmse, 6)}{stderr}"
    output.line(difference if any(seen) else f"{difference}: {_verdict(above)}")
    for who, it in zip(("this model", "the other model"), seen, strict=True):
        if seen_sentence(it, who):
            output.line(seen_sentence(it, who))
    return {
        "rmse": errors.rmse,
        "difference": above.rmse,
        "difference_stderr": above.stderr,
        "trained_on_these": seen[1],
    }


def seen_sentence(seen: bool | None, who: str) -> str:
    """A sentence about a model that may have seen the ratings; empty for one that has not."""
    if seen is None:
        return f"{who} was trained on other data; whether these ratings were in them is not known"
    return f"{who} was trained on some or all of these ratings" if seen else ""


def _leave_one_out(scored: Scored, saved: SavedModel) -> LeaveOneOut | None:
    """Of the model, where its own training ratings are scored."""
    is_own = scored.part == "training ratings" and not scored.changed
    return saved.fit.leave_one_out if is_own else None


def part_line(scored: Scored, seen: bool | None) -> str:
    """Which ratings these are, and whether the model was trained on them."""
    if scored.changed:
        return (
            f"the {scored.part} of data that changed since; the model may be trained on some of "
            "them"
        )
    if scored.part == "hold-out":
        return "the hold-out that the model was trained with"
    if scored.part == "training ratings":
        return "the ratings that the model was trained on; --test-size holds out"
    whole = "all ratings of --data" if scored.part == "all ratings" else scored.part
    return whole + (f"; {seen_sentence(True, 'the model')}" if seen else "")


def _verdict(above: Difference) -> str:
    if above.is_within_error:
        return "no difference beyond one standard error"
    if above.stderr is None:
        return "a single user does not tell how certain that is"
    return "the other is better" if above.rmse > 0 else "this one is better"
