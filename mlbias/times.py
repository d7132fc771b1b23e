"""Moments in time, as people write them, to Unix seconds."""

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.errors import OptionError

# How many of a unit make a second.
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
UNIT_NAMES = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "year": "years",
    "day": "days written as YYYYMMDD",
}
# Unix seconds stay below this until the year 5138; milliseconds reached it in 1973.
_MOST_SECONDS = 10**11
# Unix seconds passed this in 1973, before anybody rated anything.
_LEAST_SECONDS = 10**8
_YEARS, _DAYS = (1900, 2100), (19000101, 21001231)

Times = NDArray[Any]


def unit_of(numbers: Times) -> str:
    """The unit of times (n,), n > 0, by their size: s, ms, us, ns, year or day (YYYYMMDD)."""
    low, high = float(numbers.min()), float(numbers.max())
    if _YEARS[0] <= low and high <= _YEARS[1] and _are_whole(numbers):
        return "year"
    if _DAYS[0] <= low and high <= _DAYS[1] and _are_whole(numbers) and _are_days(numbers):
        return "day"
    largest = max(abs(low), abs(high))
    return next((unit for unit, per in UNITS.items() if largest < _MOST_SECONDS * per), "ns")


def has_coarser_unit(numbers: Times, unit: str) -> bool:
    """Whether some times (n,) would be in a coarser unit by their own size.

    Zeros and other small numbers are no such times: they stand for a time that nobody knows.
    """
    if unit not in UNITS or numbers.max() < _LEAST_SECONDS:
        return False
    if unit == "s":
        first, last = _YEARS
        has_low = numbers.min() <= last
        return bool(has_low and ((numbers >= first) & (numbers <= last)).any())
    coarser = _MOST_SECONDS * UNITS[unit] // 1000
    return bool(((numbers > _LEAST_SECONDS) & (numbers < coarser)).any())


def seconds_of(numbers: Times, unit: str) -> Times:
    """Unix seconds (n,): integers where all are whole, else floats."""
    if unit in ("year", "day"):
        whole = numbers.astype(np.int64)
        _, day = _months_and_days(whole if unit == "day" else whole * 10_000 + 101)
        return day.astype(np.int64) * 86_400
    per_second = UNITS[unit]
    if numbers.dtype.kind == "i":
        if per_second == 1:
            return numbers
        whole, rest = np.divmod(numbers, per_second)
        return whole if not rest.any() else whole + rest / per_second
    seconds = numbers / per_second
    if np.abs(seconds).max(initial=0) < 2**53 and (np.rint(seconds) == seconds).all():
        return seconds.astype(np.int64)
    return seconds


def _are_whole(numbers: Times) -> bool:
    return numbers.dtype.kind in "iu" or bool((np.rint(numbers) == numbers).all())


def _are_days(numbers: Times) -> bool:
    numbers = numbers.astype(np.int64)
    month, day = _months_and_days(numbers)
    is_month = (numbers // 100 % 100 >= 1) & (numbers // 100 % 100 <= 12)
    return bool((is_month & (day.astype("datetime64[M]") == month)).all())


def _months_and_days(numbers: Times) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """Months and days of numbers written as YYYYMMDD; a day too many is in the next month."""
    months = (numbers // 10_000 - 1970) * 12 + numbers // 100 % 100 - 1
    month = months.astype("datetime64[M]")
    return month, month.astype("datetime64[D]") + (numbers % 100 - 1)


def moment(text: str) -> float:
    """What `test_from` names, as Unix seconds: a year, a date, a date-time or a number.

    Raises:
        OptionError: it is none of these.
    """
    plain = text.strip()
    if plain.isascii() and plain.isdecimal() and len(plain) == 4:
        return datetime(int(plain), 1, 1, tzinfo=UTC).timestamp() if int(plain) else math.nan
    try:
        number = float(plain)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and "_" not in plain and plain.isascii():
        value: Times = np.array([int(number) if number.is_integer() else number])
        return float(seconds_of(value, unit_of(value))[0])
    try:
        # Of a long number Python takes the first digits for a date.
        date = datetime.fromisoformat(plain if len(plain) <= 40 else "")
    except ValueError:
        raise OptionError(
            f"`test_from` is a date such as 2015-03-31, a year or a timestamp, not {text[:40]!r}."
        ) from None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def shown_time(seconds: float) -> str:
    """A time as a date where it may be one, otherwise as the number that it is."""
    if not 10**8 <= seconds < _MOST_SECONDS:
        return f"{seconds:g}" if seconds != round(seconds) else str(round(seconds))
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
