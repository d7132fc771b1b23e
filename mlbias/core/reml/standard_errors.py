"""Standard errors of the variance components, from the information at the estimate.

With C the inverse of the information over (log σ², γ_u, γ_i), the delta method gives

    Var(log σ) = C_00/4,   Var(log σ_u) = (C_00 + 2 C_01/γ_u + C_11/γ_u²)/4,   Var(λ_u) = C_11/γ_u⁴

and likewise for the items. A component that is 0 is left out of the information: it has none.
"""

import math
from dataclasses import dataclass

import numpy as np

from mlbias.core.vectors import FloatArray

# Of a standard normal distribution: 95 % are within so many standard deviations.
_REACH = 1.959963984540054


@dataclass(frozen=True, slots=True)
class StandardErrors:
    """Of the components, and of the λ's that they give; None where one is not known.

    Attributes:
        sigma: of σ, in the ratings' units.
        sigma_user, sigma_item: of σ_u and σ_i, likewise; None where that is 0.
        lambda_user, lambda_item: of λ_u and λ_i; None where that is infinite.
    """

    sigma: float | None = None
    sigma_user: float | None = None
    sigma_item: float | None = None
    lambda_user: float | None = None
    lambda_item: float | None = None


def standard_errors(information: FloatArray, ratios: FloatArray, sigma: float) -> StandardErrors:
    """Those of an estimate; not known where the ratings tell next to nothing of the components.

    Args:
        information: (3, 3), over (log σ², γ_u, γ_i).
        ratios: (2,), γ_u and γ_i.
        sigma: σ.
    """
    free = [0, *(k + 1 for k in range(2) if ratios[k] > 0)]
    part = information[np.ix_(free, free)]
    # Scaled to a diagonal of ones, so that a small eigenvalue means what it says.
    scale = np.sqrt(np.maximum(np.diag(part), np.finfo(float).tiny))
    scaled = part / np.outer(scale, scale)
    # So little is known then that the likelihood is no parabola around its maximum.
    if not np.isfinite(scaled).all() or np.linalg.eigvalsh(scaled)[0] <= 1e-10:
        return StandardErrors()
    covariance = np.zeros((3, 3))
    covariance[np.ix_(free, free)] = np.linalg.inv(scaled) / np.outer(scale, scale)
    user, item = (_of_side(covariance, ratios, k, sigma) for k in range(2))
    return StandardErrors(
        sigma=sigma * math.sqrt(covariance[0, 0]) / 2,
        sigma_user=user[0],
        sigma_item=item[0],
        lambda_user=user[1],
        lambda_item=item[1],
    )


def interval(estimate: float, stderr: float) -> tuple[float, float]:
    """The 95 % interval of a standard deviation, symmetric in its logarithm."""
    factor = math.exp(min(_REACH * stderr / estimate, 700.0))
    return estimate / factor, estimate * factor


def _of_side(
    covariance: FloatArray, ratios: FloatArray, k: int, sigma: float
) -> tuple[float | None, float | None]:
    """Of σ_k and of λ_k."""
    ratio = float(ratios[k])
    if ratio == 0:
        return None, None
    gradient = np.array([1.0, 1.0 / ratio])
    block = covariance[np.ix_([0, k + 1], [0, k + 1])]
    of_log = math.sqrt(max(float(gradient @ block @ gradient), 0.0)) / 2
    return sigma * math.sqrt(ratio) * of_log, math.sqrt(covariance[k + 1, k + 1]) / ratio**2
