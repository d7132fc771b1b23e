"""A model that knows users and items whose ratings came after training."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlbias.arguments import checks_options
from mlbias.core.folding import NewRatings, folded, folded_stderr, refreshed
from mlbias.core.model import Parameters, Penalty
from mlbias.core.ratings import Codes
from mlbias.core.trained_on import TrainedOn
from mlbias.core.uncertainty import Uncertainty
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError
from mlbias.ids import Ids, TextIds, as_text, distinct, positions
from mlbias.model import BiasModel
from mlbias.ratings import Frame, Ratings, as_ratings


@dataclass(frozen=True, slots=True)
class _Grown:
    """The ids of a side, old and new ones.

    Attributes:
        ids: (n,) ascending.
        old: (n_old,) places of the model's own ids among them.
        codes: (n_ids,) places of the new ratings' ids among them.
    """

    ids: Ids
    old: Codes
    codes: Codes

    @classmethod
    def of(cls, known: Ids, given: Ids) -> "_Grown":
        codes = positions(given, known)
        new = given[np.flatnonzero(codes < 0)]
        every: Ids
        if not len(new):
            every = known
        elif isinstance(known, TextIds) or isinstance(new, TextIds):
            every = TextIds(pl.concat([as_text(known), as_text(new)]))
        else:
            every = np.concatenate([known, new])
        ids, found = distinct(every)
        places: Codes = found.astype(np.int32)
        codes[codes < 0] = len(known) + np.arange(len(new), dtype=np.int32)
        return cls(ids, places[: len(known)], places[codes])

    @property
    def is_new(self) -> NDArray[np.bool_]:
        """(n,) which are not the model's own."""
        new = np.ones(len(self.ids), np.bool_)
        new[self.old] = False
        return new

    def spread(self, values: FloatArray, missing: float = 0.0) -> FloatArray:
        """(n,) values of the model's own ids, and this for the new ones."""
        every = np.full(len(self.ids), missing)
        every[self.old] = values
        return every


@checks_options
def fold_in(model: BiasModel, ratings: Ratings | Frame, *, refresh: bool = False) -> BiasModel:
    """The model with the users and items of further ratings; see BiasModel.fold_in."""
    ratings = as_ratings(ratings)
    penalty = _known_penalty(model, refresh=refresh)
    known = model.trained_on
    users = _Grown.of(model.user_ids, ratings.user_ids)
    items = _Grown.of(model.item_ids, ratings.item_ids)
    uncertainty = _grown(model.uncertainty, users, items)
    new = NewRatings(
        users.codes[ratings.user],
        items.codes[ratings.item],
        np.asarray(ratings.value, np.float64),
        users.is_new,
        items.is_new,
        _weights(uncertainty, len(users.ids))[users.codes[ratings.user]],
    )
    start = Parameters(model.alpha, users.spread(model.user_bias), items.spread(model.item_bias))
    state = folded(start, new, penalty)
    if refresh and known is not None:
        before = users.spread(known.user_counts), items.spread(known.item_counts)
        state = refreshed(state, new, penalty, before)
    return replace(
        model,
        user_bias=state.user_bias,
        item_bias=state.item_bias,
        user_ids=users.ids,
        item_ids=items.ids,
        uncertainty=uncertainty and _with_ratings(uncertainty, new, refresh),
        trained_on=known and _trained_on(known, users, items, new, refresh),
    )


def _known_penalty(model: BiasModel, *, refresh: bool) -> Penalty:
    """The λ's of a model that knows all that the equations of new ratings need.

    Raises:
        DataError: it does not.
    """
    known = model.uncertainty
    if model.penalty is None:
        raise DataError(
            "the model does not say which lambda it was trained with.",
            "Train it again with this version of mlbias.",
        )
    if refresh and model.trained_on is None:
        raise DataError(
            "the model does not say how many ratings each user had, so that nothing is refreshed.",
            "Train it again with this version of mlbias.",
        )
    if refresh and known is not None and known.user_noise is not None:
        raise DataError(
            "a model with a noise for each user does not say what its ratings weigh, so that "
            "nothing is refreshed.",
            "Train it again with all ratings.",
        )
    return model.penalty


def _trained_on(
    known: TrainedOn, users: _Grown, items: _Grown, new: NewRatings, refresh: bool
) -> TrainedOn:
    """The counts and means with those new ratings that moved a bias."""
    user_counts = np.bincount(new.user, minlength=len(users.ids)) * (refresh | new.is_new_user)
    item_counts = np.bincount(new.item, minlength=len(items.ids)) * (refresh | new.is_new_item)
    return TrainedOn(
        known.low,
        known.high,
        users.spread(known.user_counts) + user_counts,
        items.spread(known.item_counts) + item_counts,
        _means(users, known.user_means, known.user_counts, new.user, new.value, user_counts),
        _means(items, known.item_means, known.item_counts, new.item, new.value, item_counts),
    )


def _means(
    side: _Grown,
    known: FloatArray | None,
    known_counts: FloatArray,
    codes: Codes,
    value: FloatArray,
    counts: NDArray[np.int64],
) -> FloatArray | None:
    """Plain means of a side, of the ratings that count: (n,) ``counts`` of the new ones."""
    if known is None:
        return None
    sums = np.where(counts > 0, np.bincount(codes, value, minlength=len(side.ids)), 0.0)
    before = side.spread(known_counts)
    means: FloatArray = (side.spread(known) * before + sums) / np.maximum(before + counts, 1)
    return means


def _grown(known: Uncertainty | None, users: _Grown, items: _Grown) -> Uncertainty | None:
    """The uncertainty with the priors of the new ids."""
    if known is None:
        return None
    noise = known.user_noise
    if noise is not None and known.unknown_noise is not None:
        noise = users.spread(noise, known.unknown_noise)
    return replace(
        known,
        n_trained=known.n_trained or (len(users.old), len(items.old)),
        user_stderr=users.spread(known.user_stderr, known.sigma_user),
        item_stderr=items.spread(known.item_stderr, known.sigma_item),
        user_noise=noise,
    )


def _weights(known: Uncertainty | None, n_users: int) -> FloatArray:
    """With what a rating of each user counts, (n_users,)."""
    if known is None or known.user_noise is None:
        return np.ones(n_users)
    return np.asarray(known.sigma**2 / known.user_noise**2)


def _with_ratings(known: Uncertainty, new: NewRatings, refresh: bool) -> Uncertainty:
    """The uncertainty once the new ratings are known."""
    user = np.bincount(new.user, new.weight, len(known.user_stderr))
    item = np.bincount(new.item, new.weight, len(known.item_stderr))
    moved_user = (refresh | new.is_new_user).astype(np.float64)
    moved_item = (refresh | new.is_new_item).astype(np.float64)
    return replace(
        known,
        user_stderr=folded_stderr(known.user_stderr, user * moved_user, known.sigma),
        item_stderr=folded_stderr(known.item_stderr, item * moved_item, known.sigma),
    )
