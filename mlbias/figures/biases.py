"""What an exact fit knows: shares of variance, shrinkage, calibration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlbias.core.vectors import FloatArray
from mlbias.evaluation.deciles import Decile
from mlbias.figures.style import BLUE, GREEN, GREY, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More points would make a page heavy and show nothing more.
_MOST_POINTS = 600


def draw_shares(axes: "Axes", shares: tuple[float, float, float]) -> None:
    """Shares of a rating's variance: of the users, of the items, and what is left."""
    names = ("users", "items", "the rest")
    bars = axes.barh(names, [100 * share for share in shares], color=(BLUE, ORANGE, GREY))
    axes.bar_label(bars, fmt="%.1f %%", padding=3)
    axes.set_xlim(0, 118 * max(shares))
    axes.invert_yaxis()
    axes.set(xlabel="share of the variance, %", title="Where ratings differ")


def draw_shrinkage(
    axes: "Axes", deviations: FloatArray, biases: FloatArray, counts: FloatArray
) -> None:
    """Biases of the items against how far their plain means are from that of all ratings.

    Args:
        axes: to draw on.
        deviations: (n,) plain mean of each item less the mean of all ratings.
        biases: (n,) of the items.
        counts: (n,) ratings of each item, which size the points.
    """
    chosen = np.unique(np.linspace(0, len(biases) - 1, _MOST_POINTS).astype(int))
    order = np.argsort(counts, kind="stable")[chosen]
    ends = [float(deviations.min()), float(deviations.max())]
    axes.plot(ends, ends, color=GREEN, linestyle="--", linewidth=1, label="no shrinkage")
    sizes = 4 + 40 * np.sqrt(counts[order] / counts.max())
    axes.scatter(deviations[order], biases[order], sizes, color=BLUE, alpha=0.5, linewidths=0)
    axes.legend(loc="upper left")
    axes.set(
        xlabel="plain mean of the item less the mean",
        ylabel="bias of the item",
        title="Few ratings, small bias",
    )


def draw_calibration(axes: "Axes", deciles: Sequence[Decile]) -> None:
    """What was observed where so much was predicted, for tenths of the hold-out."""
    predicted = [decile.predicted for decile in deciles]
    ends = [min(predicted), max(predicted)]
    axes.plot(ends, ends, color=GREEN, linestyle="--", linewidth=1, label="as predicted")
    axes.plot(predicted, [decile.observed for decile in deciles], "o", color=BLUE)
    axes.legend(loc="upper left")
    axes.set(xlabel="mean prediction", ylabel="mean rating", title="Calibration")
