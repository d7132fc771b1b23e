"""How well a model's biases are known, and what that makes of its predictions."""

from dataclasses import dataclass

import numpy as np

from mlbias.core.ratings import Codes
from mlbias.core.vectors import FloatArray


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Posterior standard deviations, in the ratings' units.

    Attributes:
        sigma: of a rating around its user's and item's level.
        sigma_user, sigma_item: of the biases before any rating is seen, the prior's.
        user_stderr, item_stderr: (n_users,) and (n_items,) of the biases given the ratings.
        alpha_stderr: of α; None in models of older files.
        user_noise: (n_users,) of each user's ratings around their level, where users differ; then
            sigma is that of a rating with the mean weight.
        unknown_noise: the same of an unknown user.
        n_trained: users and items in training, where biases of others were added since.
    """

    sigma: float
    sigma_user: float
    sigma_item: float
    user_stderr: FloatArray
    item_stderr: FloatArray
    alpha_stderr: float | None = None
    user_noise: FloatArray | None = None
    unknown_noise: float | None = None
    n_trained: tuple[int, int] | None = None

    def of_ratings(self, user: Codes, item: Codes) -> FloatArray:
        """Of (k,) ratings to come around their predictions, the noise included.

        The codes are positions of the biases, -1 for an unknown user or item, which has its
        prior's. α and the biases of all known users vary together, with the covariance
        -σ_u²/n_users on average; likewise for the items.
        """
        alpha, users, items = self.variances()
        variances = alpha + users[user] + items[item]
        return np.asarray(np.sqrt(self.noise()[user] + np.maximum(variances, 0.0)))

    def variances(self) -> tuple[float, FloatArray, FloatArray]:
        """Of α, of each user's and each item's bias; the last of each side is an unknown one's.

        Twice the covariance with α is taken off, so that a prediction's variance is their sum.
        """
        n_users, n_items = self.n_trained or (len(self.user_stderr), len(self.item_stderr))
        levels = [self.sigma_user**2 / n_users, self.sigma_item**2 / n_items]
        alpha = sum(levels) if self.alpha_stderr is None else self.alpha_stderr**2
        users = _variances(self.user_stderr, self.sigma_user, levels[0])
        return alpha, users, _variances(self.item_stderr, self.sigma_item, levels[1])

    def noise(self) -> FloatArray:
        """The variance of each user's ratings around their level; the last is an unknown one's."""
        if self.user_noise is None or self.unknown_noise is None:
            return np.full(len(self.user_stderr) + 1, self.sigma**2)
        return np.append(self.user_noise, self.unknown_noise) ** 2


def _variances(stderr: FloatArray, prior: float, level: float) -> FloatArray:
    """Of each bias, less twice its covariance with α; the prior's last."""
    return np.append(stderr * stderr - 2 * level, prior * prior)
