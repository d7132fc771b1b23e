"""The model with the biases of one side alone, r = α + b_i + ε (or b_u): everything in closed form.

With D = 1/(c + λ) the optimum is α = D·R / D·c and b = D (R - c α), and the trace of the biases'
block of the inverse, α included and unpenalised, is Σ D + Σ (c D)² / (λ D·c).
"""

import math
from dataclasses import dataclass

import numpy as np

from mlbias.core.fixed_point import find_fixed_point
from mlbias.core.vectors import FloatArray, dot

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class OneWay:
    """One side's counts and sums, and the ratings' sum of squares.

    Args:
        counts, sums: (k,), c and R.
        squares: Σr².
    """

    counts: FloatArray
    sums: FloatArray
    squares: float

    def optimum(self, penalty: float) -> tuple[float, FloatArray, float]:
        """α, b and J at λ > 0."""
        shrinkage = 1 / (self.counts + penalty)
        alpha = dot(shrinkage, self.sums) / dot(shrinkage, self.counts)
        bias = shrinkage * (self.sums - self.counts * alpha)
        # The errors sum to 0 over all ratings, and to λ b over each of this side.
        total = float(self.sums.sum())
        errors = self.squares - alpha * total - dot(bias, self.sums + penalty * bias)
        return alpha, bias, max(errors, 0.0) + penalty * dot(bias, bias)

    def log_lambda(self, start: float, highest: float) -> float:
        """REML's log λ, or ``highest`` if it is not below that."""
        n, k = self.counts.sum(), len(self.counts)

        def residual(logs: FloatArray) -> FloatArray:
            penalty = math.exp(logs[0])
            _, bias, cost = self.optimum(penalty)
            shrinkage = 1 / (self.counts + penalty)
            held = self.counts * shrinkage
            trace = float(shrinkage.sum()) + dot(held, held) / (penalty * float(held.sum()))
            variance = cost / (n - 1)
            of_bias = (dot(bias, bias) + variance * trace) / k
            return np.array([math.log(variance / of_bias)]) - logs

        found = find_fixed_point(
            residual,
            np.array([start]),
            tolerance=_TOLERANCE,
            is_over=lambda x, f: bool(x[0] >= highest and f[0] > 0),
        )
        if found.residual[0] > _TOLERANCE and self._grows_from_zero():
            found = find_fixed_point(residual, found.x, tolerance=_TOLERANCE)
            return float(found.x[0])
        return min(float(found.x[0]), highest)

    def _grows_from_zero(self) -> bool:
        """Whether the REML score of the biases' variance is positive where that is 0."""
        n, total = float(self.counts.sum()), float(self.sums.sum())
        variance = (self.squares - total * total / n) / (n - 1)
        errors = self.sums - self.counts * total / n
        return dot(errors, errors) / variance > n - dot(self.counts, self.counts) / n
