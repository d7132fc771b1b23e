"""The pictures of the report, each with the words that stand for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mlbias.figures.biases import draw_calibration, draw_shares, draw_shrinkage
from mlbias.figures.curves import draw_gaps, draw_scores
from mlbias.figures.distributions import draw_counts, draw_histogram
from mlbias.figures.style import BLUE, ORANGE, panels, svg_of
from mlbias.reporting.findings import Findings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# What draws a picture, and the words that stand for it.
Drawing: TypeAlias = "tuple[Callable[[Axes], None], str]"


@dataclass(frozen=True, slots=True)
class Picture:
    """An svg element, and what it shows in a sentence or two."""

    svg: str
    words: str


def pictures(found: Findings) -> dict[str, Picture]:
    """The pictures by the names that the template knows them by."""
    drawn = _of_ratings(found) | _of_methods(found) | _of_biases(found)
    return {name: _drawn(draw, words) for name, (draw, words) in drawn.items()}


def _of_ratings(found: Findings) -> dict[str, Drawing]:
    d, users, items = found.description, found.user_counts, found.item_counts
    most = max(d.histogram, key=lambda bar: bar.count)
    value = f"{most.low:g}" if most.low == most.high else f"{most.low:g} to {most.high:g}"
    return {
        "values": (
            lambda axes: draw_histogram(axes, d.histogram, d.mean),
            f"Histogram of the ratings. The most frequent, {value}, is "
            f"{100 * most.count / d.n_ratings:.1f} % of all; the mean is {d.mean:.3f}.",
        ),
        "users": (
            lambda axes: draw_counts(axes, users.astype(int), "user", BLUE),
            f"How many users have at least so many ratings. The median user has "
            f"{np.median(users):,.0f}, the most active {users.max():,.0f}.",
        ),
        "items": (
            lambda axes: draw_counts(axes, items.astype(int), "item", ORANGE),
            f"How many items have at least so many ratings. The median item has "
            f"{np.median(items):,.0f}, the most rated {items.max():,.0f}.",
        ),
    }


def _of_methods(found: Findings) -> dict[str, Drawing]:
    curves = [result for result in found.results if len(result.gaps) > 1]
    ends = "; ".join(f"{result.name} ends at {result.gaps[-1]:.1e}" for result in curves)
    return {
        "gaps": (
            lambda axes: draw_gaps(axes, found.results),
            f"How far the cost of each method is above its minimum, by epoch: {ends}.",
        ),
        "scores": (
            lambda axes: draw_scores(axes, found.results),
            "RMSE of each method on the hold-out with its standard error; the table has the "
            "numbers.",
        ),
        "calibration": (
            lambda axes: draw_calibration(axes, found.evaluation.calibration),
            "Mean rating against mean prediction in ten parts of the hold-out, by prediction. "
            "On the dashed line ratings are what was predicted.",
        ),
    }


def _of_biases(found: Findings) -> dict[str, Drawing]:
    fitted, deviations = found.fitted, found.item_means - found.description.mean
    drawn: dict[str, Drawing] = {
        "shrinkage": (
            lambda axes: draw_shrinkage(axes, deviations, fitted.item_bias, found.item_counts),
            "The bias of each item against its plain mean. Items with few ratings are drawn "
            "toward 0.",
        ),
    }
    if fitted.learned is not None:
        shares = fitted.learned.shares
        drawn["shares"] = (
            lambda axes: draw_shares(axes, shares),
            f"Shares of a rating's variance: users {shares[0]:.1%}, items {shares[1]:.1%}, "
            f"the rest {shares[2]:.1%}.",
        )
    return drawn


def _drawn(draw: "Callable[[Axes], None]", words: str) -> Picture:
    with panels(width=4.4, height=3.0) as (figure, (axes,)):
        draw(axes)
    return Picture(svg_of(figure), words)
