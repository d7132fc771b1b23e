"""Whether ratings can tell users, items and noise apart; where they cannot, that is said."""

from mlbias.core.reml.likelihood import Point
from mlbias.core.statistics import Incidence, Statistics
from mlbias.errors import DataError

NOISELESS = "they have no noise: users and items explain them all"

# Less than this share of the ratings' variance is no noise, but rounding.
_NO_NOISE = 1e-9
# Nor is this share, where the errors are less than that share of the cost.
_LITTLE_NOISE, _SATURATED = 1e-4, 1e-3


def check_identified(incidence: Incidence) -> None:
    """See that the ratings can tell the components apart.

    Raises:
        DataError: they cannot.
    """
    s = incidence.statistics
    for what, n in (("user", s.n_users), ("item", s.n_items)):
        if n == 1:
            raise not_identified(f"there is only one {what}, whose bias is the general level's")
        if n == s.n_ratings:
            raise not_identified(f"every {what} has a single rating, so that its bias is noise")
    if s.low == s.high:
        raise not_identified(NOISELESS)
    if s.n_ratings < 4:
        raise not_identified("there are fewer than 4 ratings")
    if s.n_users == s.n_items and int(incidence.components()[0].max()) + 1 == s.n_users:
        raise not_identified(
            "every user rated one item of their own, so that users and items are the same"
        )


def is_noiseless(point: Point, s: Statistics) -> bool:
    """Whether a search has come to where no λ means anything, as there is no noise."""
    cost, whole = point.optimum.cost, s.squares - s.total * s.mean
    if not cost > _NO_NOISE * whole:
        return True
    # Biases that can fit every rating do so ever better as λ goes to 0.
    is_saturated = point.optimum.squared_error <= _SATURATED * cost
    # Rounding has eaten up what the ratings tell of a component.
    is_lost = bool((point.expected <= 0).any())
    return is_lost or (is_saturated and cost <= _LITTLE_NOISE * whole)


def not_identified(reason: str) -> DataError:
    """The error for ratings that do not tell the components apart."""
    return DataError(
        f"lambda cannot be learned from these ratings: {reason}.",
        "A lambda that is given still works, as `lambda_` 5.",
    )
