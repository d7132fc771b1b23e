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
from mlbias.core.scores import GroupedErrors, Tally, tallied
from mlbias.core.vectors import FloatArray

# Ratings whose numbers fit a cache.
_PIECE = 1 << 14
# Errors of the fit are known to so many digits, and 1 - h divides them.
_LEAST = 1e-6
# Sums of all users are added to after so many.
_LONG = 1 << 19


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Errors of predicting each training rating from all others, in the ratings' units.

    Attributes:
        rmse, mae: over all training ratings.
        rmse_stderr, mae_stderr: standard errors, clustered by user; None for a single user.
        mean_rmse: of predicting each rating by the mean of all others.
        by: whether the leverages are exact, or to second order by the expansion.
        leverage_error: by how much the leverages are too high on average, or too low if negative;
            None where the expansion had nothing to be compared with, since λ was given.
    """

    rmse: float
    rmse_stderr: float | None
    mae: float
    mae_stderr: float | None
    mean_rmse: float
    by: EntriesBy
    leverage_error: float | None


def leave_one_out(
    ratings: CodedRatings,
    at: Parameters,
    known: Posterior,
    mean_rmse: float,
    n_parameters: float | None = None,
    threads: int | None = None,
) -> LeaveOneOut | None:
    """The errors, in one pass over the ratings.

    None for a single rating, and where λ's next to 0 leave nothing but rounding of a rating that no
    other tells of.

    Args:
        ratings: that the optimum is of.
        at: the optimum at λ's above 0, alpha in the ratings' own units.
        known: of the inverse there.
        mean_rmse: of predicting the mean of all ratings. Without a rating, its error from the mean
            is n/(n - 1) times as large.
        n_parameters: the effective number of parameters, to which all leverages add up.
        threads: how many work at a time; by default one for each core.

    Raises:
        DataError: the errors are too large to be squared.
    """
    found = left_out_sums(ratings, at, known, threads)
    return None if found is None else found.concluded(known.by, mean_rmse, n_parameters)


@dataclass(frozen=True, slots=True)
class LeftOutSums:
    """What leave-one-out comes from.

    Attributes:
        errors: per user.
        left: 1 - h added up.
    """

    errors: GroupedErrors
    left: float

    def concluded(self, by: EntriesBy, mean_rmse: float, n_parameters: float | None) -> LeaveOneOut:
        """The errors; see leave_one_out."""
        score, n, error = self.errors.score(), len(self.errors), None
        if by == "exact":
            error = 0.0
        elif n_parameters is not None:
            error = 1 - (self.left + n_parameters) / n
        return LeaveOneOut(
            rmse=score.rmse,
            rmse_stderr=score.rmse_stderr,
            mae=score.mae,
            mae_stderr=score.mae_stderr,
            mean_rmse=mean_rmse * n / (n - 1),
            by=by,
            leverage_error=error,
        )


def left_out_sums(
    ratings: CodedRatings, at: Parameters, known: Posterior, threads: int | None = None
) -> LeftOutSums | None:
    """The sums of the errors in one pass; None and arguments as for leave_one_out."""
    found, left = GroupedErrors(ratings.n_users), 0.0
    for part in _parts(ratings, at, known, threads):
        if part is None:
            return None
        for tally in part.errors:
            found.count(tally)
        left += part.left
    return LeftOutSums(found, left)


def left_out(
    ratings: CodedRatings, at: Parameters, known: Posterior, here: slice | NDArray[np.intp]
) -> tuple[FloatArray, FloatArray] | None:
    """e₋ and 1 - h of the ratings at these positions, (k,) each; None if lost to rounding."""
    # Widened once, since NumPy would widen them for each vector that they pick from.
    user, item = ratings.user_column[here].astype(np.intp), ratings.item[here].astype(np.intp)
    left = 1 - known.leverages(user, item)
    if left.min() < _LEAST:
        return None
    errors = ratings.value_column[here] - (at.alpha + at.user_bias[user] + at.item_bias[item])
    return errors / left, left


@dataclass(frozen=True, slots=True)
class _Part:
    """Of some ratings: the sums of their errors, and 1 - h added up."""

    errors: list[Tally]
    left: float


def _parts(
    ratings: CodedRatings, at: Parameters, known: Posterior, threads: int | None
) -> Iterator[_Part | None]:
    """Those of all ratings, in their order; None where rounding ate an error."""
    n = len(ratings.item)

    def part(start: int) -> _Part | None:
        sums, whole = [], 0.0
        for first in range(start, min(start + _LONG, n), _PIECE):
            here = slice(first, min(first + _PIECE, start + _LONG, n))
            both = left_out(ratings, at, known, here)
            if both is None:
                return None
            errors, left = both
            sums.append(tallied(ratings.user_column[here], errors))
            whole += float(left.sum())
        return _Part(sums, whole)

    with ThreadPoolExecutor(usable_threads(threads)) as pool:
        yield from pool.map(part, range(0, n, _LONG))
