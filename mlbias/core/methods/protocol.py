"""What a method is to the rest of the program."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

from mlbias.core.model import Parameters, PenaltyScale, Problem


@dataclass(frozen=True, slots=True)
class Iterate:
    """A state of training and its squared error Σe², in squared units of the ratings."""

    parameters: Parameters
    squared_error: float


class Method(Protocol):
    """A way to minimise the cost: a frozen dataclass whose fields are its options.

    name: what it is called on the command line and in files.
    default_epochs: updates to make when nobody says how many.
    default_penalty: the scale on which its λ is understood when nobody says which.
    default_lambda: λ of both sides when nobody gives one; None to learn both from the ratings.
    descends: whether no epoch may raise the cost; a rise beyond rounding is then divergence.
    """

    name: ClassVar[str]
    default_epochs: ClassVar[int]
    default_penalty: ClassVar[PenaltyScale]
    default_lambda: ClassVar[float | None]
    descends: ClassVar[bool]

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """Yield the start, then the state after each update.

        Goes on until the caller has enough, or the method is done by itself.
        """
        ...

    def remedy(self, problem: Problem, /) -> str:
        """What to try after a divergence on this problem, in a sentence."""
        ...
