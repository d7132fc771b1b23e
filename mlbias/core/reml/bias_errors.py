"""Error bars: posterior standard deviations of α and of the biases, √(σ² M⁻¹) on the diagonal."""

import math

import numpy as np
from numpy.typing import NDArray

from mlbias.core.equations.normal_equations import NormalEquations
from mlbias.core.model import Penalty, Problem
from mlbias.core.reml.noise_prior import UserNoise
from mlbias.core.reml.posterior import Posterior, expanded_diagonals
from mlbias.core.statistics import Incidence, Statistics
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray, rows_at_once

_SAMPLED = 3


def error_bars(
    known: Posterior, penalty: Penalty, variance: float, noise: UserNoise | None = None
) -> Uncertainty:
    """The uncertainty of the optimum at λ's above 0, infinite ones included.

    Args:
        known: of the inverse at these λ's.
        penalty: on the scale of sums.
        variance: σ², of a rating around its level.
        noise: of each user, where users differ.
    """
    return Uncertainty(
        sigma=math.sqrt(variance),
        sigma_user=math.sqrt(variance / penalty.user),
        sigma_item=math.sqrt(variance / penalty.item),
        user_stderr=np.sqrt(variance * known.user),
        item_stderr=np.sqrt(variance * known.item),
        alpha_stderr=math.sqrt(variance * known.alpha),
        user_noise=None if noise is None else np.sqrt(noise.variances),
        unknown_noise=None if noise is None else math.sqrt(noise.prior.mean),
    )


def sampled_errors(incidence: Incidence, penalty: Penalty) -> tuple[float, float]:
    """How far the error bars of a few users and of a few items are off at most, relatively.

    The ones with the fewest, with middling and with the most ratings; the last are mostly the
    worst. Each one's own entry of M⁻¹ is solved for.
    """
    s = incidence.statistics
    users, items = _sample(s.user_counts), _sample(s.item_counts)
    of_all = expanded_diagonals(incidence, penalty)
    expanded = of_all[0][users], of_all[1][items]
    del of_all
    equations = NormalEquations(Problem(incidence, penalty))
    places = np.concatenate([users, s.n_users + items])
    # In pairs, as probes are solved.
    at_once = 2 * rows_at_once(2 * (s.n_users + s.n_items), _SAMPLED, s.n_ratings)
    parts = [places[k : k + at_once] for k in range(0, len(places), at_once)]
    exact = np.concatenate([_solved_for(equations, part, s) for part in parts])
    return (
        _furthest(expanded[0], exact[: len(users)], penalty.user),
        _furthest(expanded[1], exact[len(users) :], penalty.item),
    )


def _solved_for(equations: NormalEquations, places: NDArray[np.intp], s: Statistics) -> FloatArray:
    """Entries on the diagonal of M⁻¹, (k,), at positions among the users and then the items."""
    rows, is_user = np.arange(len(places)), places < s.n_users
    own = np.where(is_user, places, places - s.n_users)
    _, of_users, of_items = equations.solve_rows(
        np.zeros(len(places)),
        _ones(rows[is_user], own[is_user], (len(places), s.n_users)),
        _ones(rows[~is_user], own[~is_user], (len(places), s.n_items)),
    )
    entries = np.empty(len(places))
    entries[is_user] = of_users[rows[is_user], own[is_user]]
    entries[~is_user] = of_items[rows[~is_user], own[~is_user]]
    return entries


def _ones(rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int]) -> FloatArray:
    """A matrix with 1 in these places, and 0."""
    found = np.zeros(shape)
    found[rows, columns] = 1
    return found


def _sample(counts: FloatArray) -> NDArray[np.intp]:
    """Positions of a few, from the smallest count to the largest."""
    ranks = np.unique(np.linspace(0, len(counts) - 1, _SAMPLED).round().astype(int))
    return np.asarray(np.argsort(counts, kind="stable")[ranks])


def _furthest(variances: FloatArray, exact: FloatArray, penalty: float) -> float:
    """The largest relative error of the standard deviations."""
    return float(np.abs(np.sqrt(np.minimum(variances, 1 / penalty) / exact) - 1).max())
