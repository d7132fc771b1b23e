"""Whether the difference of two RMSEs is more than chance.

The difference has a standard error, clustered by user (core/scores.py). With G users, difference /
standard error is taken to follow Student's t distribution with G - 1 degrees of freedom. Several
p-values are adjusted together: S. Holm, A simple sequentially rejective multiple test procedure,
Scandinavian Journal of Statistics 6, 1979.
"""

from collections.abc import Sequence

from scipy.special import stdtr, stdtrit

from mlbias.core.scores import Difference

# A verdict is wrong once in 20 times where there is no difference.
SIGNIFICANCE = 0.05
# A difference of so many standard errors is found in 80 % of hold-outs: 1.96 + 0.84.
DETECTABLE = 2.8


def tested(difference: Difference, freedom: int) -> tuple[float | None, float | None]:
    """Half of the 95 % interval, and the two-sided p-value of no difference; None for one user."""
    if difference.stderr is None:
        return None, None
    reach = float(stdtrit(freedom, 1 - SIGNIFICANCE / 2)) * difference.stderr
    if difference.rmse == 0:
        return reach, 1.0
    if difference.stderr == 0:
        return reach, 0.0
    return reach, float(2 * stdtr(freedom, -abs(difference.rmse) / difference.stderr))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted together by Holm's method; those that are None stay so."""
    known = sorted(p for p in p_values if p is not None)
    adjusted: dict[float, float] = {}
    largest = 0.0
    for rank, p in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[p] = largest
    return [None if p is None else adjusted[p] for p in p_values]
