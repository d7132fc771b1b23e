"""How well a model's biases are known, and what that makes of its predictions."""

from dataclasses import dataclass

import numpy as np

from mlbias.core.ratings import Codes
from mlbias.core.vectors import FloatArray


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Posterior standard deviations, in the ratings' units.

    Args:
        sigma: of a rating around its user's and item's level.
        sigma_user, sigma_item: of the biases before any rating is seen, the prior's.
        user_stderr, item_stderr: (n_users,) and (n_items,) of the biases given the ratings.
    """

    sigma: float
    sigma_user: float
    sigma_item: float
    user_stderr: FloatArray
    item_stderr: FloatArray

    def of_ratings(self, user: Codes, item: Codes) -> FloatArray:
        """Of (k,) ratings to come around their predictions, the noise included.

        The codes are positions of the biases, -1 for an unknown user or item, which has its
        prior's. What all users, or all items, have in common is in α as well and cancels.
        """
        variances = self.sigma**2 + (
            _variances(self.user_stderr, self.sigma_user)[user]
            + _variances(self.item_stderr, self.sigma_item)[item]
        )
        return np.asarray(np.sqrt(variances))


def _variances(stderr: FloatArray, prior: float) -> FloatArray:
    """Without the level that all have in common, whose variance is prior²/n; the prior's last."""
    own = np.maximum(stderr * stderr - prior * prior / len(stderr), 0.0)
    return np.append(own, prior * prior)
