"""What an evaluation found, as tables for people and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mlbias.cli.show.console import Output
from mlbias.cli.show.tables import Column, Table
from mlbias.cli.show.text import against_mean, counted, percent, with_error
from mlbias.core.leave_one_out import LeaveOneOut
from mlbias.core.scores import FEW_USERS, Difference, Score
from mlbias.evaluation.calibration import LEVELS, OnScale
from mlbias.evaluation.evaluate import Bucket, Evaluation
from mlbias.evaluation.known import BUCKET_NAMES

_TENTHS = 10


def report_scores(output: Output, found: Evaluation) -> None:
    """The errors beside the mean's, clipped and not, of known and unknown ids apart."""
    columns = [
        Column("", 15), Column("RMSE", 9), Column("±", 6), Column("MAE", 9), Column("±", 6, rank=1),
        Column("RMSE", 10, "mean over users", rank=2), Column("MAE", 9, "mean over users", rank=3),
    ]  # fmt: skip
    with Table(output, columns) as table:
        for name, score in _scores(found).items():
            errors = f"{score.rmse:.6f}", _error(score.rmse_stderr)
            magnitudes = f"{score.mae:.6f}", _error(score.mae_stderr)
            means = f"{score.user_rmse:.6f}", f"{score.user_mae:.6f}"
            table.row([name, *errors, *magnitudes, *means])
    output.line()
    output.line(
        f"RMSE {with_error(found.model.rmse, found.model.rmse_stderr)}, "
        f"{against_mean(found.model.rmse, found.baseline.rmse)}"
    )
    output.line(f"standard errors are clustered by user: {users_line(found)}")
    warn_of_few_users(output, found.effective_users)
    output.line(
        f"unknown: {found.unknown_users:,} of {counted(found.n_users, 'user')}, "
        f"{found.unknown_items:,} of {counted(found.n_items, 'item')}, "
        f"in {percent(found.ratings_of_unknown / found.n_ratings, 2)} of the ratings"
    )
    if found.ratings_of_unknown:
        output.line("an unknown user or item was predicted with a bias of 0")


def report_leave_one_out(output: Output, found: LeaveOneOut) -> None:
    """What each training rating is predicted with from all others, as the mean of these is too."""
    how = "" if found.by == "exact" else ", leverages to second order"
    if how and found.leverage_error is not None:
        how += f", off by {found.leverage_error:+.0e} on average"
    output.line(
        f"leave-one-out: RMSE {with_error(found.rmse, found.rmse_stderr)}, "
        f"{against_mean(found.rmse, found.mean_rmse)}"
    )
    output.line(f"               MAE {with_error(found.mae, found.mae_stderr)}{how}")


def users_line(found: Evaluation) -> str:
    """How many users the standard errors rest on."""
    users = counted(found.n_users, "user")
    return f"{users}, {found.effective_users:,.1f} effective users"


def warn_of_few_users(output: Output, effective_users: float) -> None:
    """Say that standard errors are too small, where they are."""
    if effective_users < FEW_USERS:
        output.warning(
            f"with only {effective_users:.1f} effective users the standard errors are too small"
        )


def standing(output: Output, above: Difference) -> str:
    """By how much an RMSE is above the best, as +0.00240 ± 0.00079, with = where it may be none."""
    if above.stderr is None:
        return output.signed(above.rmse, 5)
    mark = " =" if above.is_within_error else "  "
    if above.stderr < 1e-4 and above.rmse != 0:  # else nothing but zeros would be left
        return f"{above.rmse:+.1e} ± {above.stderr:.1e}{mark}"
    return f"{output.signed(above.rmse, 5)} ± {above.stderr:.5f}{mark}"


def document_standing(above: Difference, *, is_best: bool) -> dict[str, Any]:
    """The same under the names that it has in JSON."""
    return {
        "above_best": {"rmse": above.rmse, "stderr": above.stderr},
        "is_best": is_best,
        "is_as_good_as_best": above.is_within_error,
    }


def report_details(output: Output, found: Evaluation) -> None:
    """By numbers of ratings in training, by deciles of the predictions, and the intervals."""
    if found.by_user:
        _report_buckets(output, found)
    output.line()
    widths = {"tenth": 6, "predicted": 10, "observed": 10, "ratings": 12}
    with Table(output, [Column(header, width) for header, width in widths.items()]) as table:
        for k, decile in enumerate(found.calibration, 1):
            means = f"{decile.predicted:.4f}", f"{decile.observed:.4f}"
            table.row([f"{k}", *means, f"{decile.n_ratings:,}"])
    if len(found.calibration) < _TENTHS:
        output.line("equal predictions stay together, so that there are fewer than ten groups")
    if found.intervals is not None:
        levels = "/".join(f"{100 * level:.0f}" for level in LEVELS)
        shares = "/".join(f"{100 * share:.1f}" for share in found.intervals.coverage)
        output.line()
        output.line(f"intervals of {levels} % hold {shares} % of the ratings")
        for k, quarter in enumerate(found.intervals.by_noise, 1):
            shares = "/".join(f"{100 * share:.1f}" for share in quarter.coverage)
            output.line(
                f"  users' noise {quarter.low:.2f} to {quarter.high:.2f} (quarter {k}): {shares} % "
                f"of {counted(quarter.n_ratings, 'rating')}"
            )
        likelihood = output.signed(found.intervals.log_likelihood, 4)
        output.line(f"log-likelihood: {likelihood} a rating on average")
    if found.on_scale is not None:
        _report_on_scale(output, found.on_scale)


def evaluation_rows(found: Evaluation) -> list[dict[str, Any]]:
    """The rows of the table of errors, with all digits."""
    return [{"scores": name} | asdict(score) for name, score in _scores(found).items()]


def document_evaluation(found: Evaluation) -> dict[str, Any]:
    """All of it under the names that it has in JSON."""
    document: dict[str, Any] = {
        **asdict(found.model),
        "baseline_rmse": found.baseline.rmse,
        "baseline_mae": found.baseline.mae,
        "n_users": found.n_users,
        "n_items": found.n_items,
        "effective_users": found.effective_users,
        "unknown_users": found.unknown_users,
        "unknown_items": found.unknown_items,
        "ratings_of_unknown": found.ratings_of_unknown,
    }
    for name, score in _scores(found).items():
        if name != "model":
            document[name.replace("training mean", "baseline")] = asdict(score)
    document["by_user_ratings"] = [asdict(bucket) for bucket in found.by_user]
    document["by_item_ratings"] = [asdict(bucket) for bucket in found.by_item]
    document["calibration"] = [asdict(decile) for decile in found.calibration]
    if found.intervals is not None:
        document["coverage"] = _coverage(found.intervals.coverage)
        document["log_likelihood"] = found.intervals.log_likelihood
        if found.intervals.by_noise:
            document["coverage_by_noise"] = [
                {"low": quarter.low, "high": quarter.high, "n_ratings": quarter.n_ratings}
                | _coverage(quarter.coverage)
                for quarter in found.intervals.by_noise
            ]
    if found.on_scale is not None:
        document["on_scale"] = {
            "log_probability": found.on_scale.log_probability,
            "rounded_normal": found.on_scale.rounded_normal,
            "coverage": _coverage(found.on_scale.coverage),
        }
    return document


def _scores(found: Evaluation) -> dict[str, Score]:
    """The rows of the table, those that there are."""
    rows = {
        "training mean": found.baseline,
        "model": found.model,
        "clipped": found.clipped,
        "known": found.known if found.unknown else None,
        "unknown": found.unknown,
    }
    return {name: score for name, score in rows.items() if score is not None}


def _report_on_scale(output: Output, found: OnScale) -> None:
    levels = "/".join(f"{100 * level:.0f}" for level in LEVELS)
    shares = "/".join(f"{100 * share:.1f}" for share in found.coverage)
    own = output.signed(found.log_probability, 4)
    gain = output.signed(found.log_probability - found.rounded_normal, 4)
    output.line(f"on the scale: log-probability {own} a rating, {gain} against a rounded normal")
    output.line(f"  intervals of {levels} % hold {shares} % of the ratings")


def _coverage(shares: Sequence[float]) -> dict[str, float]:
    return {f"{100 * level:.0f}": share for level, share in zip(LEVELS, shares, strict=True)}


def _error(stderr: float | None) -> str:
    return "" if stderr is None else f"{stderr:.4f}"


def _report_buckets(output: Output, found: Evaluation) -> None:
    output.line()
    columns = [Column("ratings", 11, "in training")]
    for above in ("by user", "by item"):
        columns += [
            Column("ratings", 11, above), Column("RMSE", 9, above), Column("MAE", 9, above, rank=1),
        ]  # fmt: skip
    sides = [{bucket.name: bucket for bucket in side} for side in (found.by_user, found.by_item)]
    with Table(output, columns) as table:
        for name in BUCKET_NAMES:
            cells = [cell for side in sides for cell in _bucket_cells(side.get(name))]
            if any(cells):
                table.row([name, *cells])


def _bucket_cells(bucket: Bucket | None) -> list[str]:
    if bucket is None:
        return ["", "", ""]
    return [f"{bucket.n_ratings:,}", f"{bucket.rmse:.6f}", f"{bucket.mae:.6f}"]
