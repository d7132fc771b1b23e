"""What can be told only once all ratings are read: times, doubles, and what looks wrong."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import repeated_pairs
from mlbias.datasets.catalogue import ARCHIVES
from mlbias.datasets.options import PredictionOptions, ReadOptions
from mlbias.datasets.reading.encode import RawTimes
from mlbias.datasets.sources import Source
from mlbias.datasets.understood import Understood
from mlbias.errors import DataError
from mlbias.ids import Ids, TextIds
from mlbias.ratings import Ratings, narrowed_times
from mlbias.times import UNIT_NAMES, has_coarser_unit, seconds_of, shown_time, unit_of

_LARGE = 1e6
_CANONICAL = r"^(0|-?[1-9][0-9]*)$"
_PIECE = 1 << 18


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
    told = "s" if are_dates else unit or unit_of(times)
    if unit is None and has_coarser_unit(times, told):
        reason = f"some look like {UNIT_NAMES[told]}, others like a coarser unit"
        return replace(ratings, untimed=reason), understood
    seconds = seconds_of(times, told)
    if seconds.dtype.kind == "f":
        seconds = narrowed_times(seconds)
    elif max(-int(seconds.min()), int(seconds.max())) <= np.iinfo(np.int32).max:
        seconds = seconds.astype(np.int32, copy=False)
    notices = understood.time_notices
    if told != "s" and unit is None:
        span = " to ".join(shown_time(float(end)) for end in (seconds.min(), seconds.max()))
        notices = (*notices, f"times are taken for {UNIT_NAMES[told]}, {span}")
    ratings = replace(ratings, timestamp=seconds, untimed="")
    return ratings, replace(
        understood, time_unit="date" if are_dates else told, time_notices=notices
    )


def without_duplicates(
    ratings: Ratings, understood: Understood, options: ReadOptions, where: str
) -> tuple[Ratings, Understood]:
    """The ratings of pairs that have several, as `duplicates` says; keep counts them alone.

    Args:
        ratings: in the order of users.
        understood: of the source.
        options: with duplicates.
        where: what messages call the source.

    Raises:
        DataError: there are such pairs, and there may be none.
    """
    n = repeated_pairs(ratings)
    understood = replace(understood, n_repeated=n)
    if n == 0:
        return ratings, understood
    several = (
        f"{n:,} {'rating' if n == 1 else 'ratings'} of a pair of user and item that already had one"
    )
    how = options.duplicates
    if how == "error":
        user, item = _first_double(ratings)
        raise DataError(
            f"{where} has {several}; the first pair is user {user}, item {item}.",
            "`duplicates` keep, first, last or mean says what such ratings mean.",
        )
    if isinstance(options, PredictionOptions):
        return ratings, understood  # who joins them to ratings tells which are too many
    if how != "keep":
        ratings = _one_of_each(ratings, how)
    counts = {"keep": "each counts", "mean": "the mean of a pair counts"}
    by = "row" if ratings.timestamp is None else "time"
    why = f", since the times cannot be used: {ratings.untimed}" if ratings.untimed else ""
    told = counts.get(how, f"the {how} of a pair by {by} counts{why}")
    return ratings, replace(understood, notices=(*understood.notices, f"{several}; {told}"))


def checked(ratings: Ratings, understood: Understood, source: Source) -> Understood:
    """What was understood, with what looks wrong in the ratings."""
    sides = {"user": ratings.user_ids, "item": ratings.item_ids}
    notices = [notice for side, ids in sides.items() for notice in _id_notices(side, ids)]
    return replace(
        understood,
        ids={
            side: "text" if isinstance(ids, TextIds) else "integers" for side, ids in sides.items()
        },
        notices=(*understood.notices, *notices),
        warnings=tuple(_warnings(ratings, source)),
    )


def _id_notices(side: str, ids: Ids) -> list[str]:
    """What is worth knowing of text ids."""
    if not isinstance(ids, TextIds):
        return []
    texts, n = ids.series, len(ids)
    found = []
    is_whole = texts.str.contains(_CANONICAL)
    if 2 * int(is_whole.sum()) > n and not is_whole.all():
        other = texts.filter(~is_whole)
        found.append(
            f"{side} ids are text, since {len(other):,} of {n:,} are no plain integers, "
            f"such as {other[0]!r}"
        )
    bare = texts.str.strip_chars()
    if (bare != texts).any():
        found.append(
            f"{side} ids have blanks around them, such as {texts.filter(bare != texts)[0]!r}; they "
            "are part of the id"
        )
    if texts.str.contains("\ufeff", literal=True).any():
        found.append(f"{side} ids hold a byte order mark, as where files were joined")
    marked = texts.str.contains(r"""^(".*"|'.*')$""")
    if marked.any():
        found.append(
            f"{side} ids stand in quotation marks, such as {texts.filter(marked)[0]}; they are "
            "part of the id"
        )
    plain = texts.str.replace(r"^(-?[0-9]+)\.0+$", "$1")
    if plain.n_unique() < n:
        found.append(f"{side} ids are written as integers and as decimals, 1 and 1.0; these differ")
    return found


def _warnings(ratings: Ratings, source: Source) -> list[str]:
    found = []
    n = len(ratings)
    if n > 1:
        sides = (("user", ratings.n_users), ("item", ratings.n_items))
        found += [f"every {side} has one rating" for side, count in sides if count == n]
    value = ratings.value
    if value.min() > _LARGE and all(
        (piece == np.rint(piece)).all()
        for piece in (value[start : start + _PIECE] for start in range(0, n, _PIECE))
    ):
        found.append("the ratings are whole numbers above a million: are they ids or times?")
    found += _equal_columns(ratings)
    archive = ARCHIVES.get(source.label)
    if archive is not None and archive.n_ratings is not None and n < archive.n_ratings:
        found.append(
            f"{source.label} has {archive.n_ratings:,} ratings as it is published, "
            f"{archive.n_ratings - n:,} more than here"
        )
    return found


def _equal_columns(ratings: Ratings) -> list[str]:
    user_ids, item_ids = ratings.user_ids, ratings.item_ids
    found = []
    is_square = len(ratings) > 1 and len(user_ids) == len(item_ids)
    is_same = is_square and user_ids[0] == item_ids[0] and (ratings.user == ratings.item).all()
    if is_same and list(user_ids) == list(item_ids):
        found.append("the columns of users and items are equal")
    for side, ids, codes in (
        ("users", user_ids, ratings.user),
        ("items", item_ids, ratings.item),
    ):
        if isinstance(ids, TextIds) or len(ids) < 2:
            continue
        if ids[codes[0]] == ratings.value[0] and (ids[codes] == ratings.value).all():
            found.append(f"the columns of {side} and ratings are equal")
    return found


def _first_double(ratings: Ratings) -> tuple[object, object]:
    pairs = _pairs(ratings)
    order = np.argsort(pairs, kind="stable")
    doubles = order[1:][pairs[order][1:] == pairs[order][:-1]]
    row = int(doubles.min())
    return list(ratings.user_ids)[ratings.user[row]], list(ratings.item_ids)[ratings.item[row]]


def _one_of_each(ratings: Ratings, how: str) -> Ratings:
    """One rating of each pair: the first or the last by time, else by row, or the mean."""
    pairs, rows = _pairs(ratings), np.arange(len(ratings))
    time = ratings.timestamp
    if how == "mean":
        # In the order of their values, so that their sum is that of any order of rows.
        order = np.lexsort((ratings.value, pairs))
    else:
        order = np.lexsort((pairs,) if time is None else (time, pairs))
    starts = np.flatnonzero(np.diff(pairs[order], prepend=-1))
    if how == "mean":
        counts = np.diff(starts, append=len(order))
        values = np.add.reduceat(ratings.value[order].astype(np.float64), starts) / counts
        kept = np.minimum.reduceat(order, starts)
        value = np.empty(len(ratings))
        value[kept] = values
        ratings = replace(ratings, value=value)
    else:
        ends = np.append(starts[1:], len(order)) - 1
        kept = order[starts if how == "first" else ends]
    chosen = np.zeros(len(rows), dtype=np.bool_)
    chosen[kept] = True
    return ratings.select(chosen)


def _pairs(ratings: Ratings) -> NDArray[np.int64]:
    return ratings.user.astype(np.int64) * ratings.n_items + ratings.item
