"""Settings on the same folds: a table and JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlbias.cli.show.console import Output
from mlbias.cli.show.scores import document_standing, standing, warn_of_few_users
from mlbias.cli.show.streams import GOOD
from mlbias.cli.show.tables import Column, Table
from mlbias.cli.show.text import counted, data_line
from mlbias.datasets.dataset import Dataset
from mlbias.evaluation.crossval import CrossValidation
from mlbias.evaluation.folds import Folds
from mlbias.evaluation.trials import Trial
from mlbias.fitting.record import Settings


@dataclass(frozen=True, slots=True)
class FoldsRead:
    """Folds as a command read them.

    Attributes:
        label: what the user calls the ratings, or the pattern of published folds.
        folds: the folds.
        datasets: all that was read.
        told: the folds in words.
        split: random, user or time; given for published ones.
        repeats: how often the ratings are cut.
        seed: of the first repeat, None of published ones.
    """

    label: str
    folds: Folds
    datasets: tuple[Dataset, ...]
    told: str
    split: str = "given"
    repeats: int = 1
    seed: int | None = None

    def document(self) -> dict[str, Any]:
        """The same under the names that it has in JSON."""
        first = next((one.understood for one in self.datasets if one.understood.n_skipped), None)
        return {
            "data": self.label,
            "n_ratings": self.folds.n_ratings,
            "split": self.split,
            "folds": self.folds.n_folds // self.repeats,
            "repeats": self.repeats,
            "seed": self.seed,
            "n_skipped": sum(one.understood.n_skipped for one in self.datasets),
            "first_skipped": None if first is None else first.first_skipped,
        }


def report_task(output: Output, read: FoldsRead, validation: CrossValidation) -> None:
    """What is tried on what."""
    tried = validation.candidates
    if read.split == "given":
        output.line(f"{read.label} · {counted(read.folds.n_folds, 'fold')}")
    else:
        (whole,) = read.datasets
        n_users, n_items = len(whole.user_ids), len(whole.item_ids)
        output.line(data_line(read.label, whole.n_ratings, n_users, n_items))
    name, scale = tried[0].method.name, tried[0].regularisation.scale
    output.line(f"{name}, λ on the {scale} scale: {counted(len(tried), 'setting')} on {read.told}")
    output.line()


def draw_trials(output: Output, validation: CrossValidation) -> list[Trial]:
    """Run all of them, then a row for each."""
    tried = validation.candidates
    with output.progress("cross-validating", "fits") as bar:
        for done in validation.run():
            bar.update(done, validation.folds.n_folds * len(tried))
    for number, reason in validation.failed.items():
        output.notice(f"left out {_name(tried[number])}: {reason}")
    trials = validation.trials()
    _report(output, trials, best_of(trials))
    return trials


def best_of(trials: Sequence[Trial]) -> Trial:
    """The one with the smallest RMSE over all folds together."""
    return min(trials, key=lambda trial: trial.errors.rmse)


def document(read: FoldsRead, trials: Sequence[Trial]) -> dict[str, Any]:
    """All of it under the names that it has in JSON."""
    best = best_of(trials)
    return read.document() | {
        "effective_users": best.errors.effective_users,
        "settings": [_document_trial(trial, best) for trial in trials],
    }


def _report(output: Output, trials: Sequence[Trial], best: Trial) -> None:
    columns = [
        Column("λ users", 10), Column("λ items", 10), Column("RMSE", 8), Column("± sd", 6, rank=1),
        Column("MAE", 8, rank=2), Column("± sd", 6, rank=3), Column("above the best", 20),
    ]  # fmt: skip
    with Table(output, columns) as table:
        for trial in trials:
            cells = [
                *_lambda_cells(trial),
                f"{trial.rmse.mean:.6f}",
                f"{trial.rmse.sd:.4f}",
                f"{trial.mae.mean:.6f}",
                f"{trial.mae.sd:.4f}",
                "best" if trial is best else standing(output, trial.above(best)),
            ]
            table.row(cells, GOOD if trial is best else "")
    output.line()
    output.line("means and standard deviations over folds; = is within one standard error")
    if any(trial.settings.noise == "user" for trial in trials):
        output.line("* with a noise for each user")
    warn_of_few_users(output, best.errors.effective_users)


def _name(settings: Settings) -> str:
    lambdas = settings.regularisation.lambdas
    if settings.noise == "user":
        return "auto with a noise for each user"
    return "auto" if lambdas is None else "λ " + " and ".join(f"{value:g}" for value in lambdas)


def _lambda_cells(trial: Trial) -> list[str]:
    lambdas = trial.settings.regularisation.lambdas
    if lambdas is not None:
        return [f"{value:g}" for value in lambdas]
    sides = (
        [fold.lambda_user for fold in trial.folds],
        [fold.lambda_item for fold in trial.folds],
    )
    mark = "*" if trial.settings.noise == "user" else " "
    return [f"auto{mark}{_mean(side)}" for side in sides]


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if len(known) == len(values) else "infinite"


def _document_trial(trial: Trial, best: Trial) -> dict[str, Any]:
    regularisation = trial.settings.regularisation
    user, item = regularisation.lambdas or (None, None)
    return {
        "method": trial.settings.method.name,
        "penalty": regularisation.scale,
        "auto": regularisation.lambdas is None,
        "noise": trial.settings.noise,
        "lambda_user": user,
        "lambda_item": item,
        "folds": [asdict(fold) for fold in trial.folds],
        "rmse": asdict(trial.rmse),
        "mae": asdict(trial.mae),
        "pooled": asdict(trial.errors.score()),
        **document_standing(trial.above(best), is_best=trial is best),
    }
