"""Curves: RMSE by epoch, methods side by side, RMSE against λ."""

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from mlbias.errors import DataError
from mlbias.evaluation.compare import Result
from mlbias.evaluation.trials import Trial
from mlbias.figures.style import BLUE, GREY, look, panels
from mlbias.fitting.record import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# A gap of 0 has no logarithm.
_LEAST_GAP = 1e-16


def learning_curves(fitted: Fit) -> "Figure":
    """RMSE by epoch, of the training ratings and, where there is one, of the hold-out.

    Raises:
        DataError: the fit has no history.
        MlbiasError: matplotlib is not installed.

    Example:
        >>> from mlbias import Ratings, fit
        >>> from mlbias.figures import learning_curves
        >>> found = fit(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2]), "gd")
        >>> learning_curves(found).axes[0].get_ylabel()
        'RMSE'
    """
    if not fitted.history:
        raise DataError("the fit has no history, which is what a learning curve shows.")
    epochs = [stats.epoch for stats in fitted.history]
    held_out = [stats.holdout_rmse for stats in fitted.history]
    method = "" if fitted.settings is None else f" of {fitted.settings.method.name}"
    with panels() as (figure, (axes,)):
        training = [stats.rmse for stats in fitted.history]
        axes.plot(epochs, training, label="training", **look(0, len(epochs)))
        if None not in held_out:
            axes.plot(epochs, held_out, label="hold-out", **look(1, len(epochs)))  # type: ignore[arg-type]
        axes.set(xlabel="epoch", ylabel="RMSE", title=f"Learning curve{method}")
        axes.legend()
        _whole_epochs(axes)
    return figure


def lecture_curves(fits: Sequence[Fit]) -> "Figure":
    """The training RMSE of several fits by epoch, as the lecture's figure has it.

    Raises:
        MlbiasError: matplotlib is not installed.
    """
    with panels() as (figure, (axes,)):
        for number, found in enumerate(fits):
            assert found.settings is not None
            epochs = [stats.epoch for stats in found.history]
            errors = [stats.rmse for stats in found.history]
            label = found.settings.method.name
            axes.plot(epochs, errors, label=label, **look(number, len(epochs)))
        axes.set(xlabel="epoch", ylabel="training RMSE", title="Methods as the lecture sets them")
        axes.legend()
        _whole_epochs(axes)
    return figure


def comparison_curves(results: Sequence[Result]) -> "Figure":
    """How fast methods reach the optimum, and how well all contestants predict the hold-out.

    On the left the relative excess cost by epoch, on the right the RMSE with its standard error.

    Raises:
        MlbiasError: matplotlib is not installed.
    """
    with panels(2) as (figure, (left, right)):
        draw_gaps(left, results)
        draw_scores(right, results)
    return figure


def draw_gaps(axes: "Axes", results: Sequence[Result]) -> None:
    """The relative excess cost of each method by epoch."""
    curves = [result for result in results if len(result.gaps) > 1]
    for number, result in enumerate(curves):
        gaps = [max(gap, _LEAST_GAP) for gap in result.gaps]
        epochs = [stats.epoch for stats in result.history]
        axes.semilogy(epochs, gaps, label=result.name, **look(number, len(gaps)))
    axes.set(xlabel="epoch", ylabel="relative excess cost", title="Above the optimum")
    if curves:
        axes.legend()
    _whole_epochs(axes)


def draw_scores(axes: "Axes", results: Sequence[Result]) -> None:
    """The hold-out RMSE of each contestant with its standard error."""
    scored = [result for result in results if not result.diverged]
    for place, result in enumerate(scored):
        score = result.held_out.score()
        axes.errorbar(
            score.rmse, place, xerr=score.rmse_stderr or 0, fmt="o", color=BLUE, capsize=3
        )
    axes.set_yticks(range(len(scored)), [result.name for result in scored])
    axes.invert_yaxis()
    axes.set(xlabel="hold-out RMSE ± standard error", title="Hold-out")


def lambda_curve(trials: Sequence[Trial]) -> "Figure":
    """RMSE of cross-validation over all folds, against λ.

    One line, with standard errors, where both sides share λ; else a line for each λ of the users,
    against that of the items. What was learned stands at the mean of the folds' λ's of the items.

    Raises:
        DataError: no setting has a λ of the items above 0.
        MlbiasError: matplotlib is not installed.
    """
    shown = [trial for trial in trials if _mean_lambda(trial) > 0]
    if not shown:
        raise DataError("no setting has a λ above 0, against which RMSE could be drawn.")
    lambdas = {trial: trial.settings.regularisation.lambdas for trial in shown}
    is_shared = all(pair is None or pair[0] == pair[1] for pair in lambdas.values())
    lines: dict[float, list[Trial]] = {}
    for trial, pair in lambdas.items():
        if pair is not None:
            lines.setdefault(-1.0 if is_shared else pair[0], []).append(trial)
    with panels() as (figure, (axes,)):
        for number, user in enumerate(sorted(lines)):
            label = "given" if is_shared else f"λ of the users {user:g}"
            _draw_line(axes, sorted(lines[user], key=_mean_lambda), label, number, bars=is_shared)
        for trial in shown:
            if lambdas[trial] is None:
                at = _mean_lambda(trial), trial.errors.rmse
                axes.plot(*at, "*", color=GREY, markersize=11, label="learned (REML)")
        axes.set(
            xscale="log",
            xlabel="λ" if is_shared else "λ of the items",
            ylabel="RMSE" + (" ± standard error" if is_shared else ""),
            title=f"Cross-validation, {len(trials[0].folds)} folds",
        )
        axes.xaxis.set_major_formatter("{x:g}")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _mean_lambda(trial: Trial) -> float:
    """The mean of the folds' λ's of the items; 0 where one is infinite, or none."""
    found = [fold.lambda_item for fold in trial.folds]
    return fmean(value or 0.0 for value in found) if all(found) else 0.0


def _draw_line(
    axes: "Axes", trials: Sequence[Trial], label: str, number: int, *, bars: bool
) -> None:
    scores = [trial.errors.score() for trial in trials]
    errors = [score.rmse_stderr or 0.0 for score in scores] if bars else None
    axes.errorbar(
        [_mean_lambda(trial) for trial in trials],
        [score.rmse for score in scores],
        errors,
        label=label,
        capsize=3,
        **look(number, 1),
    )


def _whole_epochs(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
