"""A run of `mlbias train` after the reading: split, train, draw, save, report."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import typer

from mlbias.cli.holdout import document_holdout, split_as
from mlbias.cli.options import DEFAULT_MODEL
from mlbias.cli.plan import Inputs, Plan
from mlbias.cli.reading import finish
from mlbias.cli.show.console import Output, duration
from mlbias.cli.show.learned import document_learned, report_learned
from mlbias.cli.show.scores import document_evaluation, users_line, warn_of_few_users, with_error
from mlbias.cli.show.tables import EpochTable, against_mean, counted, data_line, learning_curve
from mlbias.cli.signals import StopRequest, exit_code
from mlbias.core.equations.certificate import Certificate, certify
from mlbias.core.model import Parameters, Problem
from mlbias.core.reml.learn import Learned, penalty_for
from mlbias.core.training import EpochStats, ends_by_itself, train
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.understood import Understood
from mlbias.evaluation.evaluate import Evaluation, evaluate, user_errors
from mlbias.fitting import uncertainty_of
from mlbias.model import to_model
from mlbias.ratings import Ratings
from mlbias.saved_model.file import SavedModel, Training, save_model
from mlbias.saved_model.record import TrainingData

_CURVE_WIDTH = 30


def run(output: Output, plan: Plan, inputs: Inputs) -> None:
    """Train as planned on what was read; save the model and report it."""
    started = time.perf_counter()
    dataset, held_out = _split(plan, inputs)
    _ = dataset.incidence  # made here, as a part of the reading
    seconds = {"read": inputs.seconds + time.perf_counter() - started}

    output.line(_data_line(inputs, dataset, held_out))
    started = time.perf_counter()
    penalty, learned = penalty_for(dataset.incidence, plan.penalty, plan.lambdas)
    problem = Problem(dataset.incidence, penalty)
    if learned is not None:
        seconds["learn"] = time.perf_counter() - started
        report_learned(output, learned)
    output.line()
    history, parameters, signal = _train(output, plan, problem, dataset, held_out)
    seconds["train"] = history[-1].seconds

    certificate = certify(problem, parameters) if ends_by_itself(plan.method) else None
    known = uncertainty_of(plan.method, problem, parameters, learned)
    model = replace(
        to_model(parameters, problem.statistics, dataset.user_ids, dataset.item_ids),
        uncertainty=known,
    )
    training = _training(plan, learned, dataset, history[-1])
    save_model(SavedModel(model, training, _training_data(plan, inputs)), plan.model_path)
    evaluation = evaluate(model, held_out) if held_out else None
    document = _document(plan, inputs, training, history, seconds, evaluation, problem)
    if certificate is not None:
        document["certificate"] = asdict(certificate)
    if learned is not None:
        document["variance_components"] = document_learned(learned)
    output.document(document)
    _report(output, plan, history, seconds, evaluation)
    if certificate is not None:
        _report_certificate(output, problem, certificate)
    _say_what_ended_it(output, plan, history[-1].epoch, signal)
    output.notice(f"saved {plan.model_path}")
    finish(output, inputs.dataset)
    if signal is not None:
        raise typer.Exit(exit_code(signal))
    named = "" if plan.model_path == DEFAULT_MODEL else f" --model {plan.model_path}"
    output.hint(f"next: mlbias evaluate{named}")


def _split(plan: Plan, inputs: Inputs) -> tuple[Dataset, Ratings | None]:
    """What to train on, and what is held out."""
    if plan.holdout is None or inputs.held_out is not None:
        return inputs.dataset, inputs.held_out
    rest, held_out = split_as(plan.holdout, inputs.dataset.ratings)
    return Dataset.of(rest, Understood(), inputs.threads), held_out


def _data_line(inputs: Inputs, dataset: Dataset, held_out: Ratings | None) -> str:
    line = data_line(
        inputs.source.label, dataset.n_ratings, len(dataset.user_ids), len(dataset.item_ids)
    )
    return line if held_out is None else f"{line}\n{counted(len(held_out), 'rating')} held out"


def _train(
    output: Output, plan: Plan, problem: Problem, dataset: Dataset, held_out: Ratings | None
) -> tuple[list[EpochStats], Parameters, int | None]:
    """Every epoch's report, the last whole state, and the signal that ended it, if one did."""
    score = None if held_out is None else _scorer(problem, dataset, held_out)
    history: list[EpochStats] = []
    table = EpochTable(output, problem, with_holdout=held_out is not None)
    epochs = train(
        plan.method, problem, epochs=plan.epochs, tolerance=plan.tolerance, holdout=score
    )
    with StopRequest() as stop, output.progress("training", "epochs") as bar:
        for stats, state in epochs:
            parameters = state
            history.append(stats)
            if stats.epoch % plan.every == 0 or stats.epoch == plan.epochs:
                table.row(history)
            bar.update(stats.epoch, plan.epochs)
            if stop.number is not None:
                break
    # A run that was cut short ends in a row too.
    if table.last_epoch != history[-1].epoch:
        table.row(history)
    return history, parameters, stop.number


def _scorer(
    problem: Problem, dataset: Dataset, held_out: Ratings
) -> Callable[[Parameters], tuple[float, float]]:
    user_ids, item_ids = dataset.user_ids, dataset.item_ids
    errors_of = user_errors(held_out, user_ids, item_ids)

    def score(parameters: Parameters) -> tuple[float, float]:
        errors = errors_of(to_model(parameters, problem.statistics, user_ids, item_ids))
        return errors.rmse, errors.mae

    return score


def _training(plan: Plan, learned: Learned | None, dataset: Dataset, last: EpochStats) -> Training:
    """How it was trained, for the model's file."""
    lambdas: tuple[float | None, float | None] = plan.lambdas or (None, None)
    if learned is not None:
        lambdas = learned.components.lambda_user, learned.components.lambda_item
    return Training(
        method=plan.method.name,
        learning_rate=getattr(plan.method, "learning_rate", None),
        epochs=last.epoch,
        penalty=plan.penalty,
        lambda_user=lambdas[0],
        lambda_item=lambdas[1],
        n_ratings=dataset.n_ratings,
        rmse=last.rmse,
    )


def _training_data(plan: Plan, inputs: Inputs) -> TrainingData:
    dataset = inputs.dataset
    return TrainingData(
        source=inputs.source,
        options=inputs.options,
        n_ratings=dataset.n_ratings,
        fingerprint=dataset.fingerprint,
        holdout=plan.holdout,
    )


def _report(
    output: Output,
    plan: Plan,
    history: list[EpochStats],
    seconds: dict[str, float],
    evaluation: Evaluation | None,
) -> None:
    """What came out, in a paragraph."""
    first, last = history[0], history[-1]
    output.line()
    if evaluation is not None:
        model, mean = evaluation.model, evaluation.baseline
        output.line(
            f"hold-out: RMSE {with_error(model.rmse, model.rmse_stderr)}, "
            f"{against_mean(model.rmse, mean.rmse)}"
        )
        mae = with_error(model.mae, model.mae_stderr)
        output.line(f"          MAE {mae} · {users_line(evaluation)}")
        warn_of_few_users(output, evaluation.effective_users)
    name = plan.method.name if evaluation is None else "training"
    output.line(
        f"{name}: RMSE {first.rmse:.6f} → {last.rmse:.6f}, "
        f"{against_mean(last.rmse, first.rmse)} · α {last.alpha:.6f}"
    )
    curve = learning_curve([stats.rmse for stats in history], _CURVE_WIDTH)
    spent = " · ".join(
        [counted(last.epoch, "epoch"), *(f"{what} {duration(s)}" for what, s in seconds.items())]
    )
    output.line(f"{curve}   {spent}" if output.unicode else spent)


def _report_certificate(output: Output, problem: Problem, certificate: Certificate) -> None:
    """How far from the optimum the model is, at most; and which one is meant where λ is 0."""
    output.line(
        f"optimum: the cost is at most {certificate.gap:.1e} above its minimum"
        f" · gradient {certificate.gradient_norm:.1e}"
    )
    output.line(f"relative residual of the equations {certificate.relative_residual:.1e}")
    if not certificate.is_optimum:
        output.notice("not at the optimum yet; --epochs allows more")
    elif problem.penalty.user == 0 or problem.penalty.item == 0:
        output.notice(
            "a lambda of 0 leaves levels free: taken is the limit of one lambda that goes to 0"
        )


def _say_what_ended_it(output: Output, plan: Plan, epoch: int, signal: int | None) -> None:
    if signal is not None:
        output.notice(f"interrupted: kept the last whole epoch, {epoch:,} of {plan.epochs:,}")
    elif epoch < plan.epochs and plan.tolerance is not None and not ends_by_itself(plan.method):
        output.notice(f"stopped after epoch {epoch:,}: the cost changes by no more than --tol")


def _document(
    plan: Plan,
    inputs: Inputs,
    training: Training,
    history: list[EpochStats],
    seconds: dict[str, float],
    evaluation: Evaluation | None,
    problem: Problem,
) -> dict[str, Any]:
    last = history[-1]
    document = {
        "data": inputs.source.label,
        "method": training.method,
        "penalty": training.penalty,
        "lambda_user": training.lambda_user,
        "lambda_item": training.lambda_item,
        "lr": training.learning_rate,
        "epochs": training.epochs,
        "n_ratings": training.n_ratings,
        "n_users": problem.statistics.n_users,
        "n_items": problem.statistics.n_items,
        "history": [_record(stats) for stats in history],
        "rmse": last.rmse,
        "cost": last.cost,
        "alpha": last.alpha,
        "baseline_rmse": history[0].rmse,
        "seconds": seconds,
        "model": str(plan.model_path),
    }
    if plan.holdout is not None and evaluation is not None:
        how = document_holdout(plan.holdout)
        document["holdout"] = how | document_evaluation(evaluation)
    return document


def _record(stats: EpochStats) -> dict[str, Any]:
    record = asdict(stats)
    if stats.holdout_rmse is None:
        del record["holdout_rmse"], record["holdout_mae"]
    return record
