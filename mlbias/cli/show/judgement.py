"""What `mlbias evaluate --predictions` says: other systems beside the model, and a verdict."""

from collections.abc import Sequence
from typing import Any

from mlbias.cli.scoring import Scored
from mlbias.cli.show.console import Output
from mlbias.cli.show.evaluation import part_line
from mlbias.cli.show.formats import Format
from mlbias.cli.show.scores import warn_of_few_users
from mlbias.cli.show.streams import GOOD
from mlbias.cli.show.tables import Column, Table
from mlbias.cli.show.text import counted, data_line
from mlbias.core.scores import Score
from mlbias.evaluation.judge import BETTER, UNTOLD, BucketDifference, Judged, Judgement
from mlbias.evaluation.known import BUCKET_NAMES
from mlbias.saved_model.file import SavedModel

_LONGEST_NAME = 18


def report(output: Output, scored: Scored, saved: SavedModel, found: Judgement) -> None:
    """Which ratings, every system's errors on them, the verdicts, and where systems differ."""
    ratings, seen = scored.ratings, scored.seen_by(saved)
    ids = ratings.user_ids, ratings.item_ids
    output.line(data_line(scored.source.label, len(ratings), *map(len, ids)))
    output.line(part_line(scored, seen))
    if seen:
        output.warning(
            "warning: the bias model has seen these ratings, so that its errors are too small"
        )
    for one in found.predictions:
        _warn_of_rows(output, one, len(ratings))
    if found.n_left_out:
        output.warning(f"scored on the {counted(found.n_ratings, 'rating')} that all predict")
    output.line()
    _report_scores(output, found)
    output.line()
    for one in found.predictions:
        output.line(verdict(one))
        if one.p_value is not None:
            output.line(f"  95 % interval of the difference: {_interval(output, one)}")
    _report_test(output, found)
    for one in found.predictions:
        if one.by_user:
            _report_buckets(output, one)


def document(found: Judgement) -> dict[str, Any]:
    """The same under the names that it has in JSON."""
    return {
        "n_ratings": found.n_ratings,
        "baseline": _document_score(found.model),
        "predictions": [
            {
                "file": one.name,
                "n_ratings": one.n_ratings,
                "missing": one.missing,
                **_document_score(one.score),
                "difference": {
                    "rmse": one.difference.rmse,
                    "stderr": one.difference.stderr,
                    "low": one.low,
                    "high": one.high,
                    "p_value": one.p_value,
                },
                "smallest_detectable": one.smallest_detectable,
                "verdict": one.verdict,
            }
            for one in found.predictions
        ],
    }


def rows(document: dict[str, Any], found: Judgement) -> list[dict[str, Any]]:
    """The rows of the table of errors, with all digits."""
    n = {"n_ratings": found.n_ratings}
    return [
        {"file": "training mean", **n, **_document_score(found.mean)},
        {"file": "bias model", **n, **document["baseline"]},
        *document["predictions"],
    ]


def verdict(one: Judged) -> str:
    """A sentence: better, worse, or cannot be told."""
    difference = one.difference.rmse
    size = f"its RMSE is {abs(difference):.5f} {'lower' if difference < 0 else 'higher'}"
    size = "its RMSE is the same" if difference == 0 else size
    if one.p_value is None:
        return f"{one.name} {UNTOLD} from the bias model: all ratings are of one user"
    found = UNTOLD if one.verdict == UNTOLD else f"is {one.verdict}"
    word = "from" if one.verdict == UNTOLD else "than"
    return f"{one.name} {found} {word} the bias model: {size}, {_p(one.p_value)}"


def _report_scores(output: Output, found: Judgement) -> None:
    names = ["training mean", "bias model", *(one.name for one in found.predictions)]
    if output.format == Format.TEXT:
        names = [*map(_short, names)]
    columns = [
        Column("", max(map(len, names))), Column("RMSE", 8), Column("±", 6, rank=4),
        Column("MAE", 8, rank=2), Column("difference", 10), Column("±", 7), Column("p", 8),
        Column("can tell", 8, rank=3), Column("95 % interval", is_shown=False),
        Column("verdict", is_shown=False),
    ]  # fmt: skip
    with Table(output, columns) as table:
        for name, score in zip(names, (found.mean, found.model), strict=False):
            table.row([name, *_cells(score), *[""] * 6])
        for name, one in zip(names[2:], found.predictions, strict=True):
            cells = [name, *_cells(one.score), *_difference_cells(output, one)]
            table.row(cells, GOOD if one.verdict == BETTER else "")


def _difference_cells(output: Output, one: Judged) -> list[str]:
    difference = output.signed(one.difference.rmse, 5)
    if one.difference.stderr is None or one.p_value is None:
        return [difference, "", "", "", "", one.verdict]
    return [
        difference,
        f"{one.difference.stderr:.5f}",
        _p(one.p_value).removeprefix("p = ").removeprefix("p "),
        f"{one.smallest_detectable:.5f}",
        _interval(output, one),
        one.verdict,
    ]


def _interval(output: Output, one: Judged) -> str:
    assert one.low is not None
    assert one.high is not None
    return f"{output.signed(one.low, 5)} to {output.signed(one.high, 5)}"


def _report_test(output: Output, found: Judgement) -> None:
    n_files, freedom = len(found.predictions), found.model.n_users - 1
    output.line()
    output.line("difference: the file's RMSE minus the bias model's; negative is better")
    if freedom > 0:
        adjusted = f", adjusted for {n_files} files by Holm's method" if n_files > 1 else ""
        output.line(f"p: Student's t with {freedom:,} degrees of freedom{adjusted}")
        output.line("can tell: the difference that such a hold-out finds in 80 % of cases")
    output.line(
        f"standard errors are clustered by user: {counted(found.model.n_users, 'user')}, "
        f"{found.effective_users:,.1f} effective users"
    )
    warn_of_few_users(output, found.effective_users)


def _report_buckets(output: Output, one: Judged) -> None:
    output.line()
    output.line(f"where {one.name} differs from the bias model, by ratings in training")
    columns = [Column("ratings", 8)]
    for above in ("of the user", "of the item"):
        columns += [
            Column("ratings", 10, above), Column("difference", 10, above),
            Column("±", 7, above, rank=1),
        ]  # fmt: skip
    sides = [{part.name: part for part in side} for side in (one.by_user, one.by_item)]
    with Table(output, columns) as table:
        for name in BUCKET_NAMES:
            cells = [cell for side in sides for cell in _bucket_cells(output, side.get(name))]
            if any(cells):
                table.row([name, *cells])


def _bucket_cells(output: Output, part: BucketDifference | None) -> Sequence[str]:
    if part is None:
        return ["", "", ""]
    stderr = part.difference.stderr
    error = "" if stderr is None else f"{stderr:.5f}"
    return [f"{part.n_ratings:,}", output.signed(part.difference.rmse, 5), error]


def _warn_of_rows(output: Output, one: Judged, n_ratings: int) -> None:
    """Say which rows the file lacks, has twice, or has for nothing."""
    if one.missing:
        output.warning(f"{one.name} lacks {one.missing:,} of {counted(n_ratings, 'rating')}")
    if one.n_repeated:
        rows = counted(one.n_repeated, "row")
        output.warning(f"{one.name} has {rows} of a pair that it has already, predicted alike")
    if one.n_other:
        rows = counted(one.n_other, "row")
        output.warning(f"{one.name} has {rows} of other pairs than those of the ratings")


def _cells(score: Score) -> list[str]:
    stderr = "" if score.rmse_stderr is None else f"{score.rmse_stderr:.4f}"
    return [f"{score.rmse:.6f}", stderr, f"{score.mae:.6f}"]


def _document_score(score: Score) -> dict[str, Any]:
    return {"rmse": score.rmse, "rmse_stderr": score.rmse_stderr, "mae": score.mae}


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"


def _p(value: float) -> str:
    return f"p = {value:.4f}" if value >= 0.0001 else "p < 0.0001"
