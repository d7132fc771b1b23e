"""What the likelihood needs to know of M⁻¹, however it is found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from scipy.sparse import csr_array

from mlbias.core.model import ErrorSums, Parameters, Penalty
from mlbias.core.vectors import FloatArray


class Inverse(Protocol):
    """M⁻¹ at some λ's."""

    def log_determinant(self) -> float:
        """log|M|."""
        ...

    def diagonals(self) -> tuple[FloatArray, FloatArray]:
        """The diagonal of M⁻¹ for the users and for the items, (n_users,) and (n_items,)."""
        ...

    def pairs(self) -> csr_array:
        """(M⁻¹)_ui where A has an entry, (n_users, n_items)."""
        ...

    def alpha_variance(self) -> float:
        """(M⁻¹)_αα."""
        ...

    def solve(self, right: ErrorSums) -> Parameters:
        """M⁻¹ times a right-hand side R, R_u and R_i."""
        ...


@dataclass(frozen=True, slots=True)
class Traces:
    """What is known of M⁻¹ at λ's above 0 and finite.

    Attributes:
        user, item: tr_u and tr_i.
        inverse: M⁻¹ itself, where the traces are its own.
    """

    user: float
    item: float
    inverse: Inverse | None = None


TracesAt = Callable[[Penalty], Traces]
