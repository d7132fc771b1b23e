"""M factorised exactly along an elimination order: its determinant, its solves, its inverse.

Without α, M is H = [[diag(c_u + λ_u), A], [Aᵀ, diag(c_i + λ_i)]]. Eliminating an independent set e
from H, with D = 1/H_ee, leaves the Schur complement S = H_rr - H_re D H_er, and the inverse Z of H
follows from that of S (K. Takahashi, J. Fagan, M.-S. Chin, Formation of a sparse bus impedance
matrix, 8th PICA Conference, 1973), of which only the entries are needed where S has one:

    log|H| = log|H_ee| + log|S|,   Z_er = -D H_er Z_rr,   Z_ee = D - D H_er Z_re

α comes last: with h = H⁻¹ c and the pivot s = n - cᵀ h,

    log|M| = log|H| + log s,   (M⁻¹)_αα = 1/s,   M⁻¹ = H⁻¹ + h hᵀ/s over the others
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from mlbias.core.model import ErrorSums, Parameters, Penalty
from mlbias.core.reml.blas import one_thread
from mlbias.core.reml.elimination import Core, Elimination, Stage
from mlbias.core.reml.pairs import IntArray, Pairs
from mlbias.core.statistics import Statistics
from mlbias.core.vectors import FloatArray, dot


@dataclass(frozen=True, slots=True)
class _Eliminated:
    """One stage's numbers.

    Attributes:
        pivots: H_ee.
        entries: H_er, in the order of the stage's rows.
        scaled: D H_er.
    """

    stage: Stage
    pivots: FloatArray
    entries: FloatArray
    scaled: FloatArray


class SparseInverse:
    """M⁻¹ at some λ's above 0, neither of them infinite.

    Args:
        statistics: of the ratings.
        pairs: their distinct pairs.
        order: from elimination_order.
        penalty: the λ's.

    Raises:
        LinAlgError: rounding has made M singular, which takes λ's next to 0.
    """

    def __init__(
        self, statistics: Statistics, pairs: Pairs, order: Elimination, penalty: Penalty
    ) -> None:
        s = statistics
        self._n_users, self._n_ratings, self._penalty = s.n_users, s.n_ratings, penalty
        self._pairs = pairs
        self._counts = np.concatenate([s.user_counts, s.item_counts])
        diagonal = np.concatenate([s.user_counts + penalty.user, s.item_counts + penalty.item])
        edges = pairs.count
        self._stages: list[_Eliminated] = []
        for stage in order.stages:
            eliminated, diagonal, edges = _eliminate(stage, diagonal, edges)
            self._stages.append(eliminated)
        self._core = order.core
        self._inverse, self._log_determinant = _invert(order.core, diagonal, edges)
        self._shape = self._solved(self._counts)  # h
        self._pivot = self._alpha_pivot()  # s

    def log_determinant(self) -> float:
        """log|M|."""
        pivots = sum(float(np.log(one.pivots).sum()) for one in self._stages)
        return pivots + self._log_determinant + math.log(self._pivot)

    def diagonals(self) -> tuple[FloatArray, FloatArray]:
        """The diagonal of M⁻¹ for the users and for the items, (n_users,) and (n_items,)."""
        diagonal, _ = self._entries()
        diagonal = diagonal + self._shape**2 / self._pivot
        return diagonal[: self._n_users], diagonal[self._n_users :]

    def pairs(self) -> csr_array:
        """(M⁻¹)_ui where A has an entry, (n_users, n_items)."""
        _, edges = self._entries()
        user, item = self._pairs.user, self._pairs.item
        of_user, of_item = np.split(self._shape, [self._n_users])
        values = edges + of_user[user] * of_item[item] / self._pivot
        return csr_array((values, (user, item)), shape=(len(of_user), len(of_item)))

    def alpha_variance(self) -> float:
        """(M⁻¹)_αα."""
        return 1 / self._pivot

    def solve(self, right: ErrorSums) -> Parameters:
        """M⁻¹ times a right-hand side R, R_u and R_i."""
        sums = np.concatenate([right.user, right.item])
        alpha = (right.total - dot(self._shape, sums)) / self._pivot
        bias = self._solved(sums - self._counts * alpha)
        return Parameters(alpha, bias[: self._n_users], bias[self._n_users :])

    def _entries(self) -> tuple[FloatArray, FloatArray]:
        """H⁻¹ on the diagonal, and at the pairs."""
        diagonal, edges = self._inverse[self._core.diagonal], self._inverse[self._core.upper]
        for one in reversed(self._stages):
            diagonal, edges = _extended(one, diagonal, edges)
        return diagonal, edges

    def _solved(self, right: FloatArray) -> FloatArray:
        """H⁻¹ times a vector over users and items."""
        halves = []
        for one in self._stages:
            stage, eliminated = one.stage, right[one.stage.eliminated]
            halves.append(eliminated)
            away = _summed(stage.column, one.scaled * eliminated[stage.row], len(stage.kept))
            right = right[stage.kept] - away
        x = np.zeros(len(right))
        with one_thread():
            for nodes, block in _blocks(self._core, self._inverse):
                x[nodes] = block @ right[nodes]
        for one, eliminated in zip(reversed(self._stages), reversed(halves), strict=True):
            stage = one.stage
            rest = _summed(stage.row, one.entries * x[stage.column], len(stage.eliminated))
            whole = np.empty(len(stage.eliminated) + len(stage.kept))
            whole[stage.eliminated], whole[stage.kept] = (eliminated - rest) / one.pivots, x
            x = whole
        return x

    def _alpha_pivot(self) -> float:
        """N - cᵀ H⁻¹ c, in the form that cancels least.

        H (1, 0) = c + λ_u (1, 0), so that it is λ_u (n_users - λ_u 1ᵀ Z_uu 1) as well, with the
        first of the columns Z (1, 0) = ((1, 0) - H⁻¹ c)/λ_u; and likewise for the items.
        """
        user, item = self._penalty.user, self._penalty.item
        n_items = len(self._counts) - self._n_users
        smaller = min((self._n_ratings, 0), (user * self._n_users, 1), (item * n_items, 2))[1]
        if smaller == 0:
            return self._n_ratings - dot(self._counts, self._shape)
        own = np.zeros(len(self._counts))
        side = slice(None, self._n_users) if smaller == 1 else slice(self._n_users, None)
        own[side] = 1.0
        penalty = user if smaller == 1 else item
        return penalty * dot(own, own - penalty * self._solved(own))


def _summed(place: IntArray, values: FloatArray, n: int) -> FloatArray:
    """Values added up by their places, (n,)."""
    return np.bincount(place, values, n).astype(np.float64, copy=False)


def _eliminate(
    stage: Stage, diagonal: FloatArray, edges: FloatArray
) -> tuple[_Eliminated, FloatArray, FloatArray]:
    """The stage's numbers, and the diagonal and the edges of the Schur complement."""
    pivots, entries = diagonal[stage.eliminated], edges[stage.entry]
    if not (pivots > 0).all():
        raise np.linalg.LinAlgError("the matrix is not positive definite")
    scaled = entries / pivots[stage.row]
    rest = diagonal[stage.kept]
    rest = rest - _summed(stage.column, entries * scaled, len(stage.kept))
    products = entries[stage.left] * scaled[stage.right]
    after = -_summed(stage.target, products, stage.n_edges)
    after[stage.carried_to] += edges[stage.carried]
    return _Eliminated(stage, pivots, entries, scaled), rest, after


def _extended(
    one: _Eliminated, diagonal: FloatArray, edges: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The inverse's diagonal and edges with the stage's nodes, from those without them."""
    stage, n = one.stage, len(one.entries)
    across = edges[stage.target]
    z = one.scaled * diagonal[stage.column]
    z = z + _summed(stage.left, one.scaled[stage.right] * across, n)
    z = -(z + _summed(stage.right, one.scaled[stage.left] * across, n))  # Z_er
    whole = np.empty(len(stage.eliminated) + len(stage.kept))
    whole[stage.kept] = diagonal
    inner = _summed(stage.row, one.scaled * z, len(stage.eliminated))
    whole[stage.eliminated] = 1 / one.pivots - inner
    before = np.empty(len(stage.entry) + len(stage.carried))
    before[stage.entry], before[stage.carried] = z, edges[stage.carried_to]
    return whole, before


def _invert(core: Core, diagonal: FloatArray, edges: FloatArray) -> tuple[FloatArray, float]:
    """The inverse of each block, one after the other, and the logarithm of the determinant."""
    flat = np.zeros(int(core.offsets[-1]))
    flat[core.diagonal] = diagonal
    flat[core.upper] = flat[core.lower] = edges
    log_determinant = 0.0
    with one_thread():
        for _, block in _blocks(core, flat):
            inverse, own = inverse_of(block)
            block[...] = inverse
            log_determinant += own
    return flat, log_determinant


def _blocks(core: Core, flat: FloatArray) -> list[tuple[np.ndarray, FloatArray]]:
    return [
        (nodes, flat[start : start + len(nodes) ** 2].reshape(len(nodes), len(nodes)))
        for nodes, start in zip(core.blocks, core.offsets.tolist(), strict=False)
    ]


def inverse_of(matrix: FloatArray) -> tuple[FloatArray, float]:
    """The inverse of a positive definite matrix, and the logarithm of its determinant."""
    from scipy.linalg import lapack  # takes a moment to import

    factor, failed = lapack.dpotrf(matrix, lower=1)
    if failed:
        raise np.linalg.LinAlgError("the matrix is not positive definite")
    inverse, _ = lapack.dpotri(factor, lower=1)
    lower = np.tril(inverse)
    whole = lower + np.tril(lower, -1).T
    return whole, 2 * float(np.log(np.diag(factor)).sum())
