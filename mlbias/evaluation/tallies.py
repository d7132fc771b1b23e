"""The sums that an evaluation is made of, a piece of the ratings at a time.

Pieces are worked on anywhere, and their sums are added in the order of the ratings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlbias.core.ratings import Codes
from mlbias.core.scores import GroupedErrors, Tally, tallied
from mlbias.core.vectors import FloatArray
from mlbias.evaluation.calibration import INTERVAL_SUMS, SCALE_SUMS, interval_sums, scale_sums
from mlbias.evaluation.deciles import BINS, Deciles
from mlbias.evaluation.known import BUCKET_NAMES, Known
from mlbias.evaluation.predicted import Piece


@dataclass(frozen=True, slots=True)
class Tallies:
    """What a piece of the ratings adds to the sums."""

    own: Tally
    baseline: Tally
    deciles: FloatArray
    by_item: Tally | None = None
    clipped: Tally | None = None
    unknown: Tally | None = None
    intervals: FloatArray | None = None
    on_scale: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Tallying:
    """From a piece of the ratings to its sums.

    Attributes:
        known: what the model knows of their users and items.
        piece: gives the ratings and predictions at a place.
    """

    known: Known
    piece: Callable[[slice], Piece]

    def tallied(self, here: slice) -> Tallies:
        """The sums of one piece."""
        piece, known, found = self.piece(here), self.known, dict[str, Any]()
        user, item, errors = piece.user, piece.item, piece.errors
        own = tallied(user, errors)
        if known.range is not None and known.item.bucket is not None:
            within = piece.value - np.clip(piece.predicted, *known.range)
            found["clipped"] = tallied(user, within, own)
            found["by_item"] = tallied(known.item.bucket[item], errors)
        if not (known.user.is_known.all() and known.item.is_known.all()):
            is_unknown = ~(known.user.is_known[user] & known.item.is_known[item])
            found["unknown"] = tallied(user[is_unknown], errors[is_unknown])
        std = known.std(user, item)
        if std is not None:
            quarter = known.user.quarter
            found["intervals"] = interval_sums(
                errors, std, None if quarter is None else quarter[user]
            )
            if known.scale is not None:
                found["on_scale"] = scale_sums(known.scale, piece.value, piece.predicted, std)
        return Tallies(
            own=own,
            baseline=tallied(user, piece.value - known.mean, own),
            deciles=Deciles(*known.span).tallied(piece.predicted, piece.value),
            **found,
        )


class Sums:
    """The sums of an evaluation.

    Args:
        n_users: distinct users of the ratings.

    ``own``, ``baseline``, ``clipped`` and ``unknown`` are errors per user: of the model, of its
    training mean, of clipped predictions, and of the model where an id is unknown; ``by_item`` per
    bucket. ``deciles``, ``intervals`` and ``on_scale`` are what these are made of.
    """

    def __init__(self, n_users: int) -> None:
        self.own, self.baseline, self.clipped, self.unknown = (
            GroupedErrors(n_users) for _ in range(4)
        )
        self.by_item = GroupedErrors(len(BUCKET_NAMES))
        self.deciles = np.zeros((3, BINS))
        self.intervals, self.on_scale = np.zeros(INTERVAL_SUMS), np.zeros(SCALE_SUMS)

    def add(self, tallies: Tallies) -> None:
        """Count in one piece."""
        for errors, tally in (
            (self.own, tallies.own),
            (self.baseline, tallies.baseline),
            (self.by_item, tallies.by_item),
            (self.clipped, tallies.clipped),
            (self.unknown, tallies.unknown),
        ):
            if tally is not None:
                errors.count(tally)
        self.deciles += tallies.deciles
        if tallies.intervals is not None:
            self.intervals += tallies.intervals
        if tallies.on_scale is not None:
            self.on_scale += tallies.on_scale

    @classmethod
    def gathered(cls, parts: Sequence[tuple["Sums", Codes]], n_users: int) -> "Sums":
        """The sums of parts that share no user, each with the places of its users."""
        whole = cls(n_users)
        for name in ("own", "baseline", "clipped", "unknown"):
            of_parts = [(getattr(part, name), at) for part, at in parts]
            setattr(whole, name, GroupedErrors.gathered(of_parts, n_users))
        for part, _ in parts:
            whole.by_item = whole.by_item + part.by_item
            whole.deciles += part.deciles
            whole.intervals += part.intervals
            whole.on_scale += part.on_scale
        return whole
