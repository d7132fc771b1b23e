"""What a method is to the rest of the program."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar, Protocol

from mlbias.arguments import check_type
from mlbias.core.model import Parameters, PenaltyScale, Problem
from mlbias.errors import OptionError


@dataclass(frozen=True, slots=True)
class Iterate:
    """A state of training and its squared error Σe², in squared units of the ratings."""

    parameters: Parameters
    squared_error: float


class Method(Protocol):
    """A way to minimise the cost: a frozen dataclass whose fields, all numbers, are its options.

    Attributes:
        name: what it is called on the command line and in files.
        default_epochs: updates to make when nobody says how many.
        default_penalty: the scale on which its λ is understood when nobody says which.
        default_lambda: λ of both sides when nobody gives one; None to learn both from the ratings.
        descends: whether no epoch may raise the cost; a rise beyond rounding is then divergence.
        ends_by_itself: whether it stops at the optimum, which is then certified.
    """

    name: ClassVar[str]
    default_epochs: ClassVar[int]
    default_penalty: ClassVar[PenaltyScale]
    default_lambda: ClassVar[float | None]
    descends: ClassVar[bool]
    ends_by_itself: ClassVar[bool]

    def iterates(self, problem: Problem) -> Iterator[Iterate]:
        """Yield the start, then the state after each update.

        Goes on until the caller has enough, or the method is done by itself.
        """
        ...

    def remedy(self, problem: Problem, /) -> str:
        """What to try after a divergence on this problem, in a sentence."""
        ...


def options_of(method: Method) -> dict[str, float]:
    """The options of a method by name, in the order in which it declares them."""
    options = fields(method)  # type: ignore[arg-type]
    return {option.name: getattr(method, option.name) for option in options}


def check_option(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Check that an option lies above ``low`` and below ``high``.

    Raises:
        OptionError: it does not.
    """
    check_type(name, value, float)
    if low < value < high:
        return
    expected = f"above {low:g} and finite" if high == math.inf else f"between {low:g} and {high:g}"
    raise OptionError(f"`{name}` must be {expected}, not {value:g}.")
