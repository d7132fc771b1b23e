"""Figures of what mlbias finds: distributions, learning curves, RMSE against λ.

They are drawn by matplotlib, which `pip install "mlbias[plot]"` brings.
"""

from mlbias.figures.curves import (
    comparison_curves,
    lambda_curve,
    learning_curves,
    lecture_curves,
)
from mlbias.figures.distributions import distributions
from mlbias.figures.style import save_figure

__all__ = [
    "comparison_curves",
    "distributions",
    "lambda_curve",
    "learning_curves",
    "lecture_curves",
    "save_figure",
]
