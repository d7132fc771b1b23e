"""The pictures of the report, each with the words that stand for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlbias.figures.biases import draw_calibration, draw_shares, draw_shrinkage
from mlbias.figures.curves import draw_gaps, draw_scores
from mlbias.figures.distributions import draw_counts, draw_histogram
from mlbias.figures.style import BLUE, ORANGE, panels, svg_of
from mlbias.reporting.findings import Findings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Picture:
    """An svg element, and what it shows in a sentence or two."""

    svg: str
    words: str


def pictures(found: Findings) -> dict[str, Picture]:
    """The pictures by the names that the template knows them by."""
    d, fitted, evaluation = found.description, found.fitted, found.evaluation
    most = max(d.histogram, key=lambda bar: bar.count)
    value = f"{most.low:g}" if most.low == most.high else f"{most.low:g} to {most.high:g}"
    drawn = {
        "values": _drawn(
            lambda axes: draw_histogram(axes, d.histogram, d.mean),
            f"Histogram of the ratings. The most frequent, {value}, is "
            f"{100 * most.count / d.n_ratings:.1f} % of all; the mean is {d.mean:.3f}.",
        ),
        "users": _drawn(
            lambda axes: draw_counts(axes, found.user_counts.astype(int), "user", BLUE),
            f"How many users have at least so many ratings. The median user has "
            f"{_median(found.user_counts)}, the most active {found.user_counts.max():,.0f}.",
        ),
        "items": _drawn(
            lambda axes: draw_counts(axes, found.item_counts.astype(int), "item", ORANGE),
            f"How many items have at least so many ratings. The median item has "
            f"{_median(found.item_counts)}, the most rated {found.item_counts.max():,.0f}.",
        ),
        "gaps": _drawn(
            lambda axes: draw_gaps(axes, found.results),
            "How far the cost of each method is above its minimum, by epoch: "
            + "; ".join(
                f"{result.name} ends at {result.gaps[-1]:.1e}"
                for result in found.results
                if len(result.gaps) > 1
            )
            + ".",
        ),
        "scores": _drawn(
            lambda axes: draw_scores(axes, found.results),
            "RMSE of each method on the hold-out with its standard error; the table has the "
            "numbers.",
        ),
        "calibration": _drawn(
            lambda axes: draw_calibration(axes, evaluation.calibration),
            "Mean rating against mean prediction in ten parts of the hold-out, by prediction. "
            "On the dashed line ratings are what was predicted.",
        ),
        "shrinkage": _drawn(
            lambda axes: draw_shrinkage(
                axes, found.item_means - d.mean, fitted.item_bias, found.item_counts
            ),
            "The bias of each item against its plain mean. Items with few ratings are drawn "
            "toward 0.",
        ),
    }
    if fitted.learned is not None:
        shares = fitted.learned.shares
        drawn["shares"] = _drawn(
            lambda axes: draw_shares(axes, shares),
            f"Shares of a rating's variance: users {shares[0]:.1%}, items {shares[1]:.1%}, "
            f"the rest {shares[2]:.1%}.",
        )
    return drawn


def _median(counts: object) -> str:
    import numpy as np

    return f"{np.median(counts):,.0f}"  # type: ignore[call-overload]


def _drawn(draw: "Callable[[Axes], None]", words: str) -> Picture:
    with panels(width=4.4, height=3.0) as (figure, (axes,)):
        draw(axes)
    return Picture(svg_of(figure), words)
