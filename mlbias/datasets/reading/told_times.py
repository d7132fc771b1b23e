"""Times as they stand in a source to Unix seconds, once all of them are known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.datasets.reading.encode import RawTimes
from mlbias.datasets.understood import Understood
from mlbias.number_columns import Timestamps, narrowed_times
from mlbias.ratings import Ratings
from mlbias.times import UNIT_NAMES, UNITS, has_coarser_unit, seconds_of, shown_time, unit_of

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class TimeScale:
    """How the times of a source become seconds: in one way for all of them.

    Attributes:
        unit: what they are; see seconds_of.
        told: the type that holds all of them as they stand in the source.
        seconds_type: int32 or int64 where all seconds are whole and fit, else float64.
        span: the first and the last second.
    """

    unit: str
    told: np.dtype[Any]
    seconds_type: np.dtype[Any]
    span: tuple[float, float]

    def seconds(self, times: RawTimes) -> Timestamps:
        """Some of the times (n,) in Unix seconds."""
        seconds = seconds_of(times.astype(self.told, copy=False), self.unit)
        return seconds.astype(self.seconds_type, copy=False)

    def said(self, understood: Understood, unit: str | None, *, are_dates: bool) -> Understood:
        """What was understood of the source, its times included; for unit see time_scale."""
        notices = understood.time_notices
        if self.unit != "s" and unit is None:
            span = " to ".join(map(shown_time, self.span))
            notices = (*notices, f"times are taken for {UNIT_NAMES[self.unit]}, {span}")
        named = "date" if are_dates else self.unit
        return replace(understood, time_unit=named, time_notices=notices)


def time_scale(
    columns: Sequence[RawTimes], unit: str | None, *, are_dates: bool
) -> TimeScale | str:
    """How times in several columns become seconds, or why they cannot be used.

    Args:
        columns: (n,) times each, as they stand in the source, at least one in all. They may be
            mapped, and larger than memory.
        unit: of numbers, None to tell it by their size.
        are_dates: whether they were dates, and so are seconds already.
    """
    told = np.result_type(*columns)

    def pieces() -> Iterator[RawTimes]:
        for column in columns:
            for start in range(0, len(column), _PIECE):
                yield column[start : start + _PIECE].astype(told, copy=False)

    known = "s" if are_dates else unit or _joined_unit({unit_of(piece) for piece in pieces()})
    if unit is None:
        highest = max(piece.max() for piece in pieces())
        if any(has_coarser_unit(np.append(piece, highest), known) for piece in pieces()):
            return f"some look like {UNIT_NAMES[known]}, others like a coarser unit"
    types, low, high = set[np.dtype[Any]](), np.inf, -np.inf
    for piece in pieces():
        seconds = seconds_of(piece, known)
        low, high = min(low, float(seconds.min())), max(high, float(seconds.max()))
        types.add(_narrowest_type(seconds))
    return TimeScale(known, told, np.result_type(*types), (low, high))


def with_times(
    ratings: Ratings,
    times: RawTimes | None,
    understood: Understood,
    unit: str | None,
    *,
    are_dates: bool,
) -> tuple[Ratings, Understood]:
    """The ratings with their times in Unix seconds, and what was understood of them.

    Args:
        ratings: without times.
        times: (n,) as they stand in the source, None where one is missing or there are none.
        understood: of the source.
        unit: of numbers, None to tell it by their size.
        are_dates: whether they were dates, and so are seconds already.
    """
    if times is None:
        return ratings, understood
    scale = time_scale([times], unit, are_dates=are_dates)
    if isinstance(scale, str):
        return replace(ratings, untimed=scale), understood
    timed = replace(ratings, timestamp=scale.seconds(times), untimed="")
    return timed, scale.said(understood, unit, are_dates=are_dates)


def _joined_unit(units: set[str]) -> str:
    """The unit of all times together: years or days only where each piece is of these."""
    if len(units) == 1:
        return next(iter(units))
    return max(units & UNITS.keys(), key=UNITS.__getitem__, default="s")


def _narrowest_type(seconds: NDArray[Any]) -> np.dtype[Any]:
    if seconds.dtype.kind == "f":
        return narrowed_times(seconds).dtype
    largest = max(-int(seconds.min()), int(seconds.max()))
    return np.dtype(np.int32) if largest <= np.iinfo(np.int32).max else seconds.dtype
