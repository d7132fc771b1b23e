"""A fit as it goes on and as it ended: a row for each epoch, the closing paragraph, and JSON."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from mlbias.cli.reading import Sides
from mlbias.cli.show.console import Output
from mlbias.cli.show.curves import learning_curve
from mlbias.cli.show.learned import document_learned, report_learned
from mlbias.cli.show.scores import (
    document_evaluation,
    report_leave_one_out,
    users_line,
    warn_of_few_users,
)
from mlbias.cli.show.source import document_skipped
from mlbias.cli.show.tables import EpochTable
from mlbias.cli.show.text import against_mean, counted, data_line, duration, percent, with_error
from mlbias.cli.signals import StopRequest
from mlbias.core.equations.certificate import Certificate
from mlbias.core.leave_one_out import LeaveOneOut
from mlbias.core.methods.protocol import options_of
from mlbias.core.training import EpochStats
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.evaluation.evaluate import Evaluation, evaluate
from mlbias.evaluation.predicted import scorer
from mlbias.fitting.assessment import learned_leave_one_out
from mlbias.fitting.pipeline import Fitting
from mlbias.fitting.record import Fit, Settings
from mlbias.fitting.task import Task
from mlbias.ratings import Ratings

_CURVE_WIDTH = 30
# From this share on the hold-out says more about unknown users and items than about biases.
_MANY_UNKNOWN = 0.2


@dataclass(frozen=True, slots=True)
class Run:
    """A fit that was drawn.

    Attributes:
        fit: what came of it.
        seconds: spent on each part.
        signal: that ended it, if one did.
        exactly: what exact with learned λ's gives, after another method, where it takes a moment.
        in_parts: ratings that are in parts: all of them, those trained on and those held out.
    """

    fit: Fit
    seconds: dict[str, float]
    signal: int | None
    exactly: LeaveOneOut | None
    in_parts: frozenset[PartitionedIncidence]

    @property
    def rounds(self) -> int | None:
        """Rounds over the parts so far, where the ratings are in parts."""
        return sum(ratings.rounds for ratings in self.in_parts) or None

    @property
    def settings(self) -> Settings:
        """What was asked for."""
        assert self.fit.settings is not None
        return self.fit.settings


def draw_fit(output: Output, sides: Sides, settings: Settings, every: int) -> Run:
    """Fit, drawing what is learned of λ and a row as each epoch ends."""
    training, held_out = sides.training, sides.held_out
    started = time.perf_counter()
    incidence = training.incidence
    seconds = {"read": sides.seconds + time.perf_counter() - started}
    ids = training.user_ids, training.item_ids
    output.line(data_line(sides.source.label, training.n_ratings, *map(len, ids)))
    if held_out is not None:
        output.line(f"{counted(len(held_out), 'rating')} held out")
    started = time.perf_counter()
    with output.progress("learning lambda", "steps"):
        task = Task.of(incidence, *ids, settings.regularisation, settings.noise)
    if task.learned is not None:
        seconds["learn"] = time.perf_counter() - started
        report_learned(output, task.learned)
    output.line()
    score = None if held_out is None else scorer(held_out, *ids)
    fitting = Fitting(task, settings, score)
    signal = _draw_epochs(output, fitting, every, with_holdout=held_out is not None)
    seconds["train"] = fitting.history[-1].seconds
    return _assessed(output, fitting, sides, seconds, signal)


def _assessed(
    output: Output, fitting: Fitting, sides: Sides, seconds: dict[str, float], signal: int | None
) -> Run:
    """The result, with error bars and leave-one-out; after other methods that of exact."""
    training, threads, exactly = sides.training, sides.threads, None
    started = time.perf_counter()
    in_parts = training.incidence if isinstance(training.incidence, PartitionedIncidence) else None
    columns = (lambda: training.ratings) if in_parts is None else in_parts.ratings
    with output.progress("checking", "steps"):
        fit = fitting.result(columns, threads)
    if fit.certificate is None and signal is None:
        exactly = learned_leave_one_out(training.incidence, columns, threads)
    if fit.certificate is not None or exactly is not None:
        seconds["check"] = time.perf_counter() - started
    sets = () if in_parts is None else (sides.whole.incidence, in_parts, sides.held_out)
    known = frozenset(of for of in sets if isinstance(of, PartitionedIncidence))
    return Run(fit, seconds, signal, exactly, known)


def evaluated(fit: Fit, held_out: Ratings | PartitionedIncidence | None) -> Evaluation | None:
    """The errors on the hold-out, if there is one."""
    return None if held_out is None else evaluate(fit, held_out)


def report(output: Output, run: Run, evaluation: Evaluation | None) -> None:
    """What came out, in a paragraph."""
    first, last = run.fit.history[0], run.fit.history[-1]
    output.line()
    if evaluation is not None:
        _report_holdout(output, evaluation)
    if run.fit.leave_one_out is not None:
        report_leave_one_out(output, run.fit.leave_one_out)
    output.line(
        f"training: RMSE {first.rmse:.6f} → {last.rmse:.6f}, "
        f"{against_mean(last.rmse, first.rmse)} · α {last.alpha:.6f}"
    )
    curve = learning_curve([stats.rmse for stats in run.fit.history], _CURVE_WIDTH)
    spent = [f"{what} {duration(seconds)}" for what, seconds in run.seconds.items()]
    line = " · ".join([counted(last.epoch, "epoch"), *spent])
    output.line(f"{curve}   {line}" if output.unicode else line)
    if run.fit.certificate is not None:
        _report_certificate(output, run, run.fit.certificate)
    if run.rounds is not None:
        output.line(f"{counted(run.rounds, 'round')} over the parts of the ratings")
    if run.exactly is not None:
        rmse, stderr = run.exactly.rmse, run.exactly.rmse_stderr
        output.line(f"exact on the training ratings: leave-one-out {with_error(rmse, stderr, 4)}")
    _report_stop(output, run, last.epoch)


def document(run: Run, sides: Sides, evaluation: Evaluation | None) -> dict[str, Any]:
    """All of it under the names that it has in JSON."""
    fit, statistics = run.fit, sides.training.incidence.statistics
    options, last = options_of(run.settings.method), fit.history[-1]
    user, item = fit.lambdas
    found: dict[str, Any] = {
        "data": sides.source.label,
        "method": run.settings.method.name,
        "penalty": run.settings.regularisation.scale,
        "lambda_user": user,
        "lambda_item": item,
        "noise": run.settings.noise,
        "lr": options.get("lr"),
        "options": options,
        "epochs": last.epoch,
        "n_ratings": statistics.n_ratings,
        "n_users": statistics.n_users,
        "n_items": statistics.n_items,
        "history": [_record(stats) for stats in fit.history],
        "rmse": last.rmse,
        "cost": last.cost,
        "alpha": last.alpha,
        "baseline_rmse": fit.history[0].rmse,
        "seconds": run.seconds,
        **document_skipped(sides.whole.understood),
    }
    if sides.holdout is not None and evaluation is not None:
        found["holdout"] = sides.holdout_document() | document_evaluation(evaluation)
    if fit.certificate is not None:
        found["certificate"] = asdict(fit.certificate)
        found["leave_one_out"] = fit.leave_one_out and asdict(fit.leave_one_out)
    if run.exactly is not None:
        found["exact_leave_one_out"] = asdict(run.exactly)
    if run.rounds is not None:
        found["rounds"] = run.rounds
    if fit.learned is not None:
        found["variance_components"] = document_learned(fit.learned)
    return found


def _draw_epochs(output: Output, fitting: Fitting, every: int, *, with_holdout: bool) -> int | None:
    """A row as each epoch ends, until the fit is done or a signal comes; that signal."""
    table = EpochTable(output, fitting.task.problem.statistics, with_holdout=with_holdout)
    history, most = fitting.history, fitting.settings.epochs
    with StopRequest() as stop, output.progress("training", "epochs") as bar:
        for stats in fitting.epochs():
            if stats.epoch % every == 0 or stats.epoch == most:
                table.row(history)
            bar.update(stats.epoch, most)
            if stop.number is not None:
                break
    # A run that was cut short ends in a row too.
    if table.last_epoch != history[-1].epoch:
        table.row(history)
    return stop.number


def _report_holdout(output: Output, evaluation: Evaluation) -> None:
    model, mean = evaluation.model, evaluation.baseline
    output.line(
        f"hold-out: RMSE {with_error(model.rmse, model.rmse_stderr)}, "
        f"{against_mean(model.rmse, mean.rmse)}"
    )
    mae = with_error(model.mae, model.mae_stderr)
    output.line(f"          MAE {mae} · {users_line(evaluation)}")
    warn_of_few_users(output, evaluation.effective_users)
    unknown = evaluation.ratings_of_unknown / evaluation.n_ratings
    if unknown > _MANY_UNKNOWN:
        output.notice(
            f"{percent(unknown)} of the hold-out is of unknown users or items, whose bias is 0"
        )


def _report_certificate(output: Output, run: Run, certificate: Certificate) -> None:
    """How far from the optimum the model is, at most; and which one is meant where λ is 0."""
    output.line(
        f"optimum: the cost is at most {certificate.gap:.1e} above its minimum"
        f" · gradient {certificate.gradient_norm:.1e}"
    )
    output.line(f"relative residual of the equations {certificate.relative_residual:.1e}")
    if not certificate.is_optimum:
        output.notice("not at the optimum yet; --epochs allows more")
        return
    if 0 in run.fit.lambdas:
        output.notice(
            "a lambda of 0 leaves the biases' levels open: this is the limit of one lambda that "
            "goes to 0"
        )
    if run.fit.leave_one_out is None and run.rounds is None:
        output.notice("no leave-one-out: it needs two ratings, and lambdas well above 0")


def _report_stop(output: Output, run: Run, epoch: int) -> None:
    """Why the fit ended before its last epoch, if it did."""
    most = run.settings.epochs
    if run.signal is not None:
        output.notice(f"interrupted: kept the last whole epoch, {epoch:,} of {most:,}")
    elif epoch < most and run.settings.tol is not None:
        output.notice(f"stopped after epoch {epoch:,}: the cost changes by no more than --tol")


def _record(stats: EpochStats) -> dict[str, Any]:
    record = asdict(stats)
    if stats.holdout_rmse is None:
        del record["holdout_rmse"], record["holdout_mae"]
    return record
