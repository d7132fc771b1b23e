"""The restricted likelihood with whole matrices, and designs to compare on.

Independent of the core: V = I + γ_u Z_u Z_uᵀ + γ_i Z_i Z_iᵀ, σ² profiled out, maximised by SciPy.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from mlbias.ratings import Ratings

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Design = Callable[[np.random.Generator], tuple[IntArray, IntArray]]

# Several maxima are possible: start small, large, lopsided and on the boundary.
_STARTS = ((0.5, 0.5), (0.03, 0.03), (2.2, 0.1), (0.1, 2.2), (0.0, 0.7), (0.7, 0.0), (0.0, 0.0))


class DenseReml:
    """The likelihood of ratings by V itself."""

    def __init__(self, ratings: Ratings) -> None:
        self.value = ratings.value.astype(np.float64)
        self.n = len(ratings)
        self.users = np.eye(ratings.n_users)[ratings.user]
        self.items = np.eye(ratings.n_items)[ratings.item]

    def deviance(self, ratios: FloatArray) -> float:
        """-2 log L at (γ_u, γ_i)."""
        return self._profiled(ratios)[0]

    def _profiled(self, ratios: FloatArray) -> tuple[float, float]:
        """-2 log L and σ²."""
        v = np.eye(self.n) + ratios[0] * self.users @ self.users.T
        v += ratios[1] * self.items @ self.items.T
        factor = np.linalg.cholesky(v)
        ones, value = np.linalg.solve(factor, np.stack([np.ones(self.n), self.value], axis=1)).T
        mean = float(ones @ value / (ones @ ones))
        variance = float(((value - mean * ones) ** 2).sum()) / (self.n - 1)
        determinant = 2 * np.log(np.diag(factor)).sum() + np.log(ones @ ones)
        return (self.n - 1) * (1 + np.log(2 * np.pi * variance)) + float(determinant), variance

    def sigmas(self) -> FloatArray:
        """(σ, σ_u, σ_i) at the highest of the maxima, the latter two from 0 on."""
        with threadpool_limits(1):  # small matrices: threads would only wait for each other
            found = [self._maximum(np.array(start)) for start in _STARTS]
        ratios = min(found, key=self.deviance)
        variance = self._profiled(ratios)[1]
        return np.sqrt(variance * np.array([1.0, *ratios]))

    def _maximum(self, start: FloatArray) -> FloatArray:
        best = minimize(
            lambda root: self.deviance(np.minimum(root, 1e3) ** 2), start, method="L-BFGS-B",
            bounds=[(0, 1e3)] * 2, options={"ftol": 1e-15, "gtol": 1e-9},
        )  # fmt: skip
        finer = minimize(
            lambda root: self.deviance(np.minimum(np.abs(root), 1e3) ** 2), best.x,
            method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 500},
        )  # fmt: skip
        return np.asarray(np.minimum(np.abs(finer.x), 1e3) ** 2)

    def inverse(self, user: float, item: float) -> FloatArray:
        """M⁻¹ over (α, b_u, b_i) at finite λ's."""
        design = np.hstack([np.ones((self.n, 1)), self.users, self.items])
        n_users, n_items = self.users.shape[1], self.items.shape[1]
        ridge = np.diag([0.0] + [user] * n_users + [item] * n_items)
        return np.asarray(np.linalg.inv(design.T @ design + ridge))


def _nested(rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    item_of_user = np.repeat(np.arange(14), rng.integers(1, 4, size=14))
    user = np.repeat(np.arange(len(item_of_user)), rng.integers(1, 4, size=len(item_of_user)))
    return user, item_of_user[user]


def _mostly_single(rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    n = 110
    regular = rng.random(n) < 0.3
    return np.where(regular, rng.integers(10, size=n), 10 + np.arange(n)), rng.integers(12, size=n)


def _schools(rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    user = np.repeat(np.arange(50), rng.integers(2, 4, size=50))
    school = rng.integers(9, size=50)[user]
    moves = rng.random(len(user)) < 0.05
    return user, np.where(moves, rng.integers(9, size=len(user)), school)


def _chain(_: np.random.Generator) -> tuple[IntArray, IntArray]:
    link = np.arange(60)
    return np.repeat(link, 2), np.stack([link, link + 1], axis=1).ravel()


def _communities(_: np.random.Generator) -> tuple[IntArray, IntArray]:
    community, user, item = (axis.ravel() for axis in np.indices((14, 3, 3)))
    return community * 3 + user, community * 3 + item


def _random(rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    return rng.integers(25, size=140), rng.integers(18, size=140)


def _repeated(rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    user, item = rng.integers(12, size=70), rng.integers(9, size=70)
    return np.append(user, user[:40]), np.append(item, item[:40])


def _hub(rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    of_others = rng.integers(1, 14, size=60), rng.integers(40, size=60)
    return np.append(np.zeros(40, int), of_others[0]), np.append(np.arange(40), of_others[1])


def _tiny(rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    return rng.integers(4, size=12), rng.integers(3, size=12)


DESIGNS: dict[str, Design] = {
    "users nested in items": _nested,
    "mostly single ratings": _mostly_single,
    "schools with few movers": _schools,
    "a chain": _chain,
    "communities of 3 x 3": _communities,
    "at random": _random,
    "repeated pairs": _repeated,
    "one user with most ratings": _hub,
    "tiny": _tiny,
}


def drawn_on(
    design: Design, seed: int, sigmas: tuple[float, float, float] = (0.5, 0.7, 0.9)
) -> Ratings:
    """Ratings on a design, from the model with σ_u, σ_i and σ."""
    rng = np.random.default_rng(seed)
    user, item = design(rng)
    of_user = sigmas[0] * rng.normal(size=user.max() + 1)
    of_item = sigmas[1] * rng.normal(size=item.max() + 1)
    noise = sigmas[2] * rng.normal(size=len(user))
    return Ratings.from_ids(user, item, 3.5 + of_user[user] + of_item[item] + noise)
