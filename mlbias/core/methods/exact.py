"""Exact: the optimum itself, by conjugate gradients on the normal equations.

M (α, b_u, b_i) = (R, R_u, R_i) is reduced to its smaller side and solved; normal_equations.py has
the equations. Row k is the model after k iterations with the other side solved for it, whose cost
is J without a further product: the residual of the reduced equations is E_i - λ_i b_i, and the
eliminated side has E_u = λ_u b_u.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from mlbias.core.equations.normal_equations import NormalEquations
from mlbias.core.equations.zero_lambda import identified
from mlbias.core.methods.protocol import Iterate, check_option
from mlbias.core.model import PenaltyScale, Problem


@dataclass(frozen=True, slots=True)
class Exact:
    """Preconditioned conjugate gradients. Two products an epoch; ends by itself.

    Args:
        tol: relative residual of the equations at which it ends, 0 or more.

    Example:
        >>> from mlbias import Exact, Ratings, fit
        >>> ratings = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])
        >>> fit(ratings, Exact(tol=1e-12), lambda_=1)
        <Fit: exact, RMSE 0.372678 after 1 epoch>
    """

    name: ClassVar[str] = "exact"
    default_epochs: ClassVar[int] = 1000
    default_penalty: ClassVar[PenaltyScale] = PenaltyScale.SUM
    default_lambda: ClassVar[float | None] = None
    descends: ClassVar[bool] = True
    ends_by_itself: ClassVar[bool] = True

    tol: float = 1e-10

    def __post_init__(self) -> None:
        if self.tol != 0:
            check_option("tol", self.tol, 0)

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """Yield the start, then the state after each iteration, the last one the optimum."""
        start = problem.start()
        yield Iterate(start, problem.squared_error(start, problem.error_sums(start)))
        last: Iterate | None = None
        for step in NormalEquations(problem).solve(problem.right_side, start, self.tol):
            if last is not None:
                yield last
            state = step.parameters
            last = Iterate(state, problem.squared_error(state, step.errors))
        if last is not None:
            yield Iterate(identified(problem, last.parameters), last.squared_error)

    def remedy(self, _: Problem, /) -> str:
        """What to try after a divergence, which only numbers near overflow can bring about."""
        return "The ratings or the penalty are out of the range of float64; scale them."
