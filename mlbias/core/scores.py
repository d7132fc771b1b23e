"""Prediction errors added up per user, which is all that RMSE, MAE and their standard errors need.

A user's ratings are not independent of each other, so that errors are clustered by user: with n_u
ratings and a sum S_u of squared errors for each of G users, and MSE = Σ S_u/n,

    Var(MSE) = G/(G - 1) Σ_u (S_u - n_u MSE)² / n²,   se(RMSE) = √Var(MSE) / (2 RMSE)

(K.-Y. Liang and S. L. Zeger, Longitudinal data analysis using generalized linear models, Biometrika
73, 1986, with the usual factor for few clusters), and MAE likewise, without the division. The same
holds for d = e_A² - e_B², by which two models are compared on the same ratings: its sums per user
are the differences of the models' sums.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError

Groups = NDArray[np.signedinteger[Any]]

# With fewer users than this, effectively, the standard error is too small by a tenth or more.
FEW_USERS = 30


@dataclass(frozen=True, slots=True)
class Score:
    """Size of prediction errors, in the ratings' units, over ratings or as a mean over users.

    Each with its standard error, which is None where there is one user alone.

    Args:
        n_ratings: how many were predicted.
        n_users: of how many users.
        rmse, rmse_stderr, mae, mae_stderr: over all ratings.
        user_rmse, user_rmse_stderr, user_mae, user_mae_stderr: means over users of each one's
            RMSE and MAE.
    """

    n_ratings: int
    n_users: int
    rmse: float
    rmse_stderr: float | None
    mae: float
    mae_stderr: float | None
    user_rmse: float
    user_rmse_stderr: float | None
    user_mae: float
    user_mae_stderr: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the RMSE of one model is above another's on the same ratings."""

    rmse: float
    stderr: float | None

    @property
    def is_within_error(self) -> bool:
        """Whether it is no more than one standard error, so that neither is called better."""
        return self.rmse == 0 or (self.stderr is not None and abs(self.rmse) <= self.stderr)


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers, squares and magnitudes of errors of neighbouring groups, from ``first`` on."""

    first: int
    counts: NDArray[Any]
    squares: NDArray[Any]
    magnitudes: NDArray[Any]


def tallied(
    group: NDArray[np.signedinteger[Any]], errors: FloatArray, counts: Tally | None = None
) -> Tally:
    """Errors (k,) added up by their groups (k,).

    Args:
        group: whose they are.
        errors: in the ratings' units.
        counts: other errors of the same ratings, whose numbers are the same.
    """
    first = int(group.min()) if len(group) else 0
    place = group.astype(np.intp)
    place -= first
    numbers = np.bincount(place) if counts is None else counts.counts
    with np.errstate(over="ignore"):
        squares = np.bincount(place, errors * errors, len(numbers))
    magnitudes = np.bincount(place, np.abs(errors), len(numbers))
    return Tally(first, numbers, squares, magnitudes)


class GroupedErrors:
    """Numbers, squares and magnitudes of prediction errors, added up per group: mostly, per user.

    Args:
        n_groups: how many there are; not each needs a rating.
    """

    def __init__(self, n_groups: int) -> None:
        self._counts = np.zeros(n_groups)
        self._squares = np.zeros(n_groups)
        self._magnitudes = np.zeros(n_groups)

    def add(self, group: Groups, errors: FloatArray) -> None:
        """Count (k,) errors in at the groups (k,) that they belong to.

        Raises:
            DataError: they are too large to be squared.
        """
        self.count(tallied(group, errors))

    def count(self, tally: "Tally") -> None:
        """Count errors in that were added up already.

        Raises:
            DataError: they are too large to be squared.
        """
        here = slice(tally.first, tally.first + len(tally.counts))
        self._squares[here] += tally.squares
        if not np.isfinite(self._squares[here]).all():
            raise DataError("the ratings are too large: the sum of their squares overflows.")
        self._counts[here] += tally.counts
        self._magnitudes[here] += tally.magnitudes

    def regrouped(self, group: NDArray[np.signedinteger[Any]], n_groups: int) -> "GroupedErrors":
        """The same errors by larger groups, ``group`` (n_groups of today,) says which."""
        found = GroupedErrors(n_groups)
        for sums, of_groups in (
            (self._counts, found._counts),
            (self._squares, found._squares),
            (self._magnitudes, found._magnitudes),
        ):
            of_groups += np.bincount(group, sums, n_groups)
        return found

    @classmethod
    def gathered(
        cls, parts: Sequence[tuple["GroupedErrors", NDArray[np.signedinteger[Any]]]], n_groups: int
    ) -> "GroupedErrors":
        """The errors of parts that share no group, each with the places of its groups."""
        whole = cls(n_groups)
        for part, at in parts:
            whole._counts[at] = part._counts
            whole._squares[at] = part._squares
            whole._magnitudes[at] = part._magnitudes
        return whole

    def __len__(self) -> int:
        return int(self._counts.sum())

    def __add__(self, other: "GroupedErrors") -> "GroupedErrors":
        """The errors of both, as of two folds."""
        both = GroupedErrors(len(self._counts))
        both._counts = self._counts + other._counts
        both._squares = self._squares + other._squares
        both._magnitudes = self._magnitudes + other._magnitudes
        return both

    def __sub__(self, part: "GroupedErrors") -> "GroupedErrors":
        """The errors that are not in a part of them."""
        rest = GroupedErrors(len(self._counts))
        rest._counts = self._counts - part._counts
        rest._squares = np.maximum(self._squares - part._squares, 0.0)
        rest._magnitudes = np.maximum(self._magnitudes - part._magnitudes, 0.0)
        return rest

    @property
    def effective_users(self) -> float:
        """How many users of equal size tell as much: n² / Σ n_u²."""
        return float(self._counts.sum() ** 2 / (self._counts**2).sum())

    @property
    def rmse(self) -> float:
        """Over all ratings, without the standard error."""
        return math.sqrt(float(self._squares.sum()) / len(self))

    @property
    def mae(self) -> float:
        """Over all ratings."""
        return float(self._magnitudes.sum()) / len(self)

    def rows(self) -> Iterator[tuple[int, int, float, float]]:
        """Group, number of ratings, RMSE and MAE of each that has a rating."""
        for group in np.flatnonzero(self._counts).tolist():
            n = int(self._counts[group])
            yield group, n, math.sqrt(self._squares[group] / n), float(self._magnitudes[group]) / n

    def score(self) -> Score:
        """RMSE and MAE with standard errors, of groups that are users; needs a rating."""
        rated = self._counts > 0
        counts = self._counts[rated]
        squares, magnitudes = self._squares[rated], self._magnitudes[rated]
        user_rmse, user_mae = np.sqrt(squares / counts), magnitudes / counts
        return Score(
            n_ratings=len(self),
            n_users=len(counts),
            rmse=self.rmse,
            rmse_stderr=_clustered(self._influence()[rated], counts),
            mae=self.mae,
            mae_stderr=_clustered(magnitudes, counts),
            user_rmse=float(user_rmse.mean()),
            user_rmse_stderr=_of_mean(user_rmse),
            user_mae=float(user_mae.mean()),
            user_mae_stderr=_of_mean(user_mae),
        )

    def above(self, other: "GroupedErrors") -> Difference:
        """By how much the RMSE is above another model's on the same ratings.

        The standard error is that of the difference of both influences, clustered by group: so it
        holds however far the two RMSEs are apart.
        """
        rated = self._counts > 0
        influence = self._influence()[rated] - other._influence()[rated]
        stderr = _clustered(influence, self._counts[rated])
        return Difference(self.rmse - other.rmse, stderr)

    def _influence(self) -> FloatArray:
        """(n_groups,) Σe² / (2 RMSE), whose mean over ratings varies as the RMSE, to first order.

        The delta method; 0 where all errors are 0.
        """
        return self._squares / (2 * self.rmse) if self.rmse > 0 else self._squares


def _clustered(sums: FloatArray, counts: FloatArray) -> float | None:
    """Standard error of a mean over ratings, from its sums per user."""
    n_users, n = len(counts), float(counts.sum())
    if n_users < 2:
        return None
    around = sums - counts * (float(sums.sum()) / n)
    return math.sqrt(n_users / (n_users - 1) * float((around * around).sum())) / n


def _of_mean(values: FloatArray) -> float | None:
    return None if len(values) < 2 else float(values.std(ddof=1)) / math.sqrt(len(values))
