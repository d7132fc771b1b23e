"""How ratings are spread: over their values, over users, over items."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlbias.evaluation.describe import Bar, describe
from mlbias.figures.style import BLUE, GREEN, ORANGE, panels
from mlbias.ratings import Frame, Ratings, as_ratings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def distributions(ratings: Ratings | Frame) -> "Figure":
    """Three panels: how often each value was given, and how many users and items have how many.

    The second and third show, on logarithmic scales, how many users (items) have at least so many
    ratings.

    Raises:
        MlbiasError: matplotlib is not installed.

    Example:
        >>> from mlbias import load_ratings
        >>> from mlbias.figures import distributions
        >>> [axes.get_xlabel() for axes in distributions(load_ratings("sample")).axes]
        ['rating', 'ratings of a user', 'ratings of an item']
    """
    ratings = as_ratings(ratings)
    found = describe(ratings)
    with panels(3, height=2.8) as (figure, (values, users, items)):
        draw_histogram(values, found.histogram, found.mean)
        draw_counts(users, np.bincount(ratings.user), "user", BLUE)
        draw_counts(items, np.bincount(ratings.item), "item", ORANGE)
    return figure


def draw_histogram(axes: "Axes", bars: tuple[Bar, ...], mean: float) -> None:
    """Bars in per cent of the ratings, with their mean."""
    total = sum(bar.count for bar in bars)
    places = np.array([(bar.low + bar.high) / 2 for bar in bars])
    steps = np.diff(places)
    width = 0.9 * float(steps.min() if len(steps) else 1.0)
    axes.bar(places, [100 * bar.count / total for bar in bars], width, color=BLUE)
    axes.axvline(mean, color=GREEN, linestyle="--", label=f"mean {mean:.3f}")
    axes.set(xlabel="rating", ylabel="share of the ratings, %", title="Ratings")
    axes.legend()


def draw_counts(axes: "Axes", counts: NDArray[np.intp], side: str, colour: str) -> None:
    """How many users (items) have at least so many ratings, both on a logarithmic scale."""
    from matplotlib.ticker import LogLocator, NullFormatter

    at_least, n = np.unique(counts[counts > 0], return_counts=True)
    remaining = np.cumsum(n[::-1])[::-1]
    axes.loglog(at_least, remaining, color=colour, drawstyle="steps-pre")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=5))
        axis.set_major_formatter("{x:,.0f}")
        axis.set_minor_formatter(NullFormatter())
    axes.set(
        xlabel=f"ratings of {'an' if side == 'item' else 'a'} {side}",
        ylabel=f"{side}s with at least so many",
        title=f"{side.capitalize()}s",
    )
