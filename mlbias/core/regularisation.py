"""What a λ means: one for each side, given or learned, on the scale of means or of sums.

This is decided here and nowhere else, for the command line and for Python.
"""

from dataclasses import dataclass
from typing import Literal

from mlbias.core.methods.protocol import Method
from mlbias.core.model import PenaltyScale
from mlbias.errors import OptionError

AUTO: Literal["auto"] = "auto"
# λ of both sides: a number, "auto" to learn it, or None for the method's own.
Lambda = float | Literal["auto"] | None
# λ of the users and of the items; None to learn them.
Lambdas = tuple[float, float] | None

# Between these, squares of gradients divided by a λ stay in the range of float64.
_LEAST, _MOST = 1e-100, 1e100


@dataclass(frozen=True, slots=True)
class Regularisation:
    """How strongly the biases are drawn to 0.

    Attributes:
        scale: what the λ's are multiplied with: the mean or the sum of the squared biases.
        lambdas: λ of the users and of the items on that scale; None to learn them.
    """

    scale: PenaltyScale
    lambdas: Lambdas

    def __post_init__(self) -> None:
        if self.lambdas is None and self.scale != PenaltyScale.SUM:
            raise OptionError(
                "a learned lambda is a ratio of variances, on the sum scale.",
                "Give `lambda_`, or set `penalty` to sum.",
            )
        for name, value in zip(("lambda_user", "lambda_item"), self.lambdas or (), strict=False):
            check_lambda(name, value)

    @classmethod
    def of(
        cls,
        method: Method,
        scale: PenaltyScale | str | None = None,
        both: Lambda = None,
        user: float | None = None,
        item: float | None = None,
    ) -> "Regularisation":
        """What was asked for, with the method's own defaults for what was not.

        Args:
            method: whose defaults count.
            scale: mean or sum.
            both: λ of both sides, or "auto" to learn both.
            user: λ of the users, instead of ``both``.
            item: λ of the items, likewise.

        Raises:
            OptionError: a λ is out of range, or the options do not go together.
        """
        on = scale_of(method, scale)
        if both == AUTO:
            if user is not None or item is not None:
                raise OptionError(
                    "`lambda_` auto learns both; `lambda_user` and `lambda_item` do not go with it."
                )
            return cls(on, None)
        if both is not None:
            check_lambda("lambda_", both)
        user, item = both if user is None else user, both if item is None else item
        default = method.default_lambda
        if default is None and user is None and item is None:
            return cls(on, None)
        if default is None and (user is None or item is None):
            raise OptionError(
                f"{method.name} learns both lambdas or none: give `lambda_user` and `lambda_item`."
            )
        own = 0.0 if default is None else default
        return cls(on, (own if user is None else user, own if item is None else item))


def scale_of(method: Method, scale: PenaltyScale | str | None) -> PenaltyScale:
    """The scale of this name, or the method's own.

    Raises:
        OptionError: there is no such scale.
    """
    if scale is None:
        return method.default_penalty
    if scale not in list(PenaltyScale):
        raise OptionError(f"`penalty` is mean or sum, not {scale!r}.")
    return PenaltyScale(scale)


def check_lambda(name: str, value: float) -> None:
    """Check that a λ is 0 or a number of reasonable size.

    Raises:
        OptionError: it is not.
    """
    if value != 0 and not _LEAST <= value <= _MOST:
        raise OptionError(f"`{name}` must be 0 or from {_LEAST:g} to {_MOST:g}, not {value:g}.")


def parse_lambda(text: str, name: str = "lambda_") -> float | Literal["auto"]:
    """A λ as it is typed: a number, or auto.

    Raises:
        OptionError: it is neither.
    """
    if text.strip() == AUTO:
        return AUTO
    try:
        return float(text)
    except ValueError:
        raise OptionError(f"`{name}` is a number from 0 on or auto, not {text[:40]!r}.") from None


def parse_lambdas(text: str | None) -> list[float | Literal["auto"]] | None:
    """λ's of both sides as they are typed: numbers with commas, auto perhaps among them.

    Raises:
        OptionError: they are something else.
    """
    if text is None:
        return None
    try:
        return [AUTO if part.strip() == AUTO else float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(
            f"`lambda_` is numbers with commas, such as 1,2,5, or auto, not {text[:40]!r}."
        ) from None


def parse_numbers(text: str | None, name: str) -> list[float] | None:
    """Numbers with commas; None where nothing is typed.

    Raises:
        OptionError: they are no numbers.
    """
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        learned = " auto is for both sides, with `lambda_`." if AUTO in text else ""
        raise OptionError(
            f"`{name}` is numbers with commas, such as 1,2,5, not {text[:40]!r}.", learned.strip()
        ) from None
