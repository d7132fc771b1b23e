"""Leave-one-out: each rating predicted from all others, without fitting again.

The optimum is linear in the ratings, so that a rating without which its error e would be e₋ has

    e = (1 - h) e₋,   h = xᵀ M⁻¹ x

where x has a 1 for α, for its user and for its item (R. D. Cook, Detection of influential
observation in linear regression, Technometrics 19, 1977; with a penalty, G. H. Golub, M. Heath,
G. Wahba, Generalized cross-validation as a method for choosing a good ridge parameter,
Technometrics 21, 1979, eq. 1.4). The λ's stay what they are. A user with one rating is unknown
without it, with a bias of 0, and of a pair that was rated several times the others stay.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.cores import usable_threads
from mlbias.core.model import Parameters
from mlbias.core.ratings import CodedRatings
from mlbias.core.reml.posterior import EntriesBy, Posterior
from mlbias.core.scores import GroupedErrors
from mlbias.core.vectors import FloatArray

# Ratings whose numbers fit a cache.
_PIECE = 1 << 15
# Errors of the fit are known to so many digits, and 1 - h divides them.
_LEAST = 1e-6
# Sums per user are added to after so many.
_LONG = 1 << 19


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Errors of predicting each training rating from all others, in the ratings' units.

    Attributes:
        rmse, mae: over all training ratings.
        rmse_stderr, mae_stderr: standard errors, clustered by user; None for a single user.
        by: whether the leverages are exact, or to second order by the expansion.
    """

    rmse: float
    rmse_stderr: float | None
    mae: float
    mae_stderr: float | None
    by: EntriesBy


def leave_one_out(
    ratings: CodedRatings, at: Parameters, known: Posterior, threads: int | None = None
) -> LeaveOneOut | None:
    """The errors, in one pass over the ratings.

    None for a single rating, and where λ's next to 0 leave nothing but rounding of a rating that no
    other tells of.

    Args:
        ratings: that the optimum is of.
        at: the optimum at λ's above 0, alpha in the ratings' own units.
        known: of the inverse there.
        threads: how many work at a time; by default one for each core.

    Raises:
        DataError: the errors are too large to be squared.
    """
    found = GroupedErrors(ratings.n_users)
    for here, errors in _pieces(ratings, at, known, threads):
        if errors is None:
            return None
        found.add(ratings.user[here], errors)
    score = found.score()
    return LeaveOneOut(score.rmse, score.rmse_stderr, score.mae, score.mae_stderr, known.by)


def left_out(
    ratings: CodedRatings, at: Parameters, known: Posterior, here: slice | NDArray[np.intp]
) -> tuple[FloatArray, FloatArray] | None:
    """e₋ and 1 - h of the ratings at these positions, (k,) each; None if lost to rounding."""
    user, item = ratings.user[here], ratings.item[here]
    left = 1 - known.leverages(user, item)
    if left.min() < _LEAST:
        return None
    errors = ratings.value[here] - (at.alpha + at.user_bias[user] + at.item_bias[item])
    return errors / left, left


def _pieces(
    ratings: CodedRatings, at: Parameters, known: Posterior, threads: int | None
) -> Iterator[tuple[slice, FloatArray | None]]:
    """The errors, piece by piece, in the ratings' order; None where they are lost to rounding."""
    n = len(ratings.value)

    def errors(start: int) -> tuple[slice, FloatArray | None]:
        here = slice(start, min(start + _LONG, n))
        found = np.empty(here.stop - start)
        for first in range(start, here.stop, _PIECE):
            part = slice(first, min(first + _PIECE, here.stop))
            both = left_out(ratings, at, known, part)
            if both is None:
                return here, None
            found[first - start : part.stop - start] = both[0]
        return here, found

    with ThreadPoolExecutor(usable_threads(threads)) as pool:
        yield from pool.map(errors, range(0, n, _LONG))
