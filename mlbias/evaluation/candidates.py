"""Settings to cross-validate: the λ's that were asked for, and the learned ones."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Literal

from mlbias.core.methods.protocol import Method
from mlbias.core.model import PenaltyScale
from mlbias.core.regularisation import AUTO, Regularisation, check_lambda, scale_of
from mlbias.errors import OptionError
from mlbias.fitting.record import Noise, Settings


def candidates(
    method: Method,
    scale: PenaltyScale | str | None = None,
    both: Sequence[float | Literal["auto"]] | Literal["auto"] | None = None,
    user: Sequence[float] | None = None,
    item: Sequence[float] | None = None,
) -> list[Regularisation]:
    """The λ's to try, in the given order; of pairs a method that learns adds the learned one.

    Raises:
        OptionError: a λ is out of range, or options do not go together.
    """
    on, default = scale_of(method, scale), method.default_lambda
    both = [both] if isinstance(both, str) else both
    for name, values in (("lambda_", both), ("lambda_user", user), ("lambda_item", item)):
        _check_lambdas(name, values)
    if both is not None and (user is not None or item is not None):
        raise OptionError(
            "`lambda_` is of both sides; `lambda_user` and `lambda_item` do not go with it."
        )
    if default is None and both is user is item is None:
        both = [AUTO]
    if both is not None:
        tried = [
            Regularisation(on, (float(value), float(value))) for value in both if value != AUTO
        ]
    else:
        if default is None and (user is None or item is None):
            raise OptionError(f"{method.name} takes `lambda_user` with `lambda_item`.")
        own = (default or 0.0,)
        pairs = product(own if user is None else user, own if item is None else item)
        tried = [Regularisation(on, (float(a), float(b))) for a, b in pairs]
    is_asked = both is not None and any(value == AUTO for value in both)
    learns = default is None and on == PenaltyScale.SUM
    return [*tried, Regularisation(on, None)] if is_asked or learns else tried


def _check_lambdas(name: str, values: Sequence[float | Literal["auto"]] | None) -> None:
    """Check that there are λ's to try, each in range, and "auto" for both sides alone.

    Raises:
        OptionError: they are not.
    """
    if values is not None and len(values) == 0:
        raise OptionError(f"`{name}` is empty: it lists what to try, such as [1, 2, 5].")
    for value in () if values is None else values:
        if value != AUTO or name != "lambda_":
            check_lambda(name, float(value))


def with_noise(settings: list[Settings], noise: Noise) -> list[Settings]:
    """The same settings and, for a noise of each user, those that learn λ with that noise too.

    Raises:
        OptionError: none learns λ by a method that knows such a noise.
    """
    if noise == "one":
        return settings
    learned = [each for each in settings if each.regularisation.lambdas is None]
    return [*settings, *(replace(each, noise=noise) for each in learned or settings)]
