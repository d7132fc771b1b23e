"""What a model knows of the users and items of some ratings: all that their errors take.

It goes by the ratings' own codes, so that a part of them needs no more than its own share.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ordinal import OrdinalScale
from mlbias.core.ratings import Codes
from mlbias.core.vectors import FloatArray
from mlbias.evaluation.calibration import quarters_of
from mlbias.ids import Ids, positions
from mlbias.model import BiasModel

# Of ratings in training: none, 1 to 4, 5 to 19, 20 to 99, 100 or more.
_BUCKETS = np.array([1, 5, 20, 100])
BUCKET_NAMES = ("cold", "1-4", "5-19", "20-99", "100+")


def buckets_of(counts: FloatArray) -> Codes:
    """Which of BUCKET_NAMES each of (n,) users or items is in, by its ratings in training.

    There is one more at the end, which is what -1, an unknown one, finds: it has no rating.
    """
    return np.searchsorted(_BUCKETS, np.append(counts, 0), side="right").astype(np.int32)


@dataclass(frozen=True, slots=True)
class KnownSide:
    """Of the users, or of the items, (n,) each.

    Attributes:
        is_known: whether the model knows them.
        bias: 0 where it does not.
        bucket: which of BUCKET_NAMES; None where the model does not say how it was trained.
        variance: of the bias; None without error bars.
        noise: of a user's ratings, likewise.
        quarter: of the users by their noise, where each has their own.
    """

    is_known: NDArray[np.bool_]
    bias: FloatArray
    bucket: Codes | None = None
    variance: FloatArray | None = None
    noise: FloatArray | None = None
    quarter: NDArray[np.int64] | None = None

    def at(self, places: Codes) -> "KnownSide":
        """Of those at these places."""
        columns = {
            name: column[places]
            for name in ("is_known", "bias", "bucket", "variance", "noise", "quarter")
            if (column := getattr(self, name)) is not None
        }
        return replace(self, **columns)


@dataclass(frozen=True, slots=True)
class Known:
    """Of both sides.

    Attributes:
        alpha: α.
        mean: of the training ratings.
        span: between which all predictions are.
        range: the lowest and the highest training rating, None where the model does not say.
        alpha_variance: of α; None without error bars.
        scale: of the ratings, None where there is none.
        user, item: see KnownSide.
    """

    alpha: float
    mean: float
    span: tuple[float, float]
    range: tuple[float, float] | None
    alpha_variance: float | None
    scale: OrdinalScale | None
    user: KnownSide
    item: KnownSide

    @classmethod
    def of(cls, model: BiasModel, user_ids: Ids, item_ids: Ids) -> "Known":
        """Of these ids."""
        # What is appended at the end is what -1, an unknown one, finds.
        places = positions(user_ids, model.user_ids), positions(item_ids, model.item_ids)
        sides = [
            KnownSide(at >= 0, np.append(bias, 0.0)[at])
            for at, bias in zip(places, (model.user_bias, model.item_bias), strict=True)
        ]
        on, bars, variance = model.trained_on, model.uncertainty, None
        if on is not None:
            counts = on.user_counts, on.item_counts
            sides = [
                replace(side, bucket=buckets_of(of)[at])
                for side, of, at in zip(sides, counts, places, strict=True)
            ]
        if bars is not None:
            variance, *variances = bars.variances()
            sides = [
                replace(side, variance=of[at])
                for side, of, at in zip(sides, variances, places, strict=True)
            ]
            quarters = quarters_of(bars)
            quarter = None if quarters is None else quarters[places[0]]
            sides[0] = replace(sides[0], noise=bars.noise()[places[0]], quarter=quarter)
        within = None if on is None else (on.low, on.high)
        scale = None if bars is None else model.scale
        span = _span(model)
        return cls(model.alpha, model.mean, span, within, variance, scale, *sides)

    def at(self, users: Codes, items: Codes) -> "Known":
        """Of the users and items at these places."""
        return replace(self, user=self.user.at(users), item=self.item.at(items))

    def std(self, user: Codes, item: Codes) -> FloatArray | None:
        """Of (k,) ratings around their predictions; see Uncertainty.of_ratings."""
        if self.alpha_variance is None or self.user.variance is None:
            return None
        assert self.item.variance is not None
        assert self.user.noise is not None
        variances = self.alpha_variance + self.user.variance[user] + self.item.variance[item]
        return np.asarray(np.sqrt(self.user.noise[user] + np.maximum(variances, 0.0)))


def _span(model: BiasModel) -> tuple[float, float]:
    """Between which all predictions are, an unknown id's 0 included."""
    sides = model.user_bias, model.item_bias
    low = sum(min(0.0, float(side.min(initial=0.0))) for side in sides)
    high = sum(max(0.0, float(side.max(initial=0.0))) for side in sides)
    return model.alpha + low, model.alpha + high
