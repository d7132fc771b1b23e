"""What looks wrong in ratings, which can be told only once all are read."""

from dataclasses import replace
from typing import Any

import numpy as np

from mlbias.core.compact import Column
from mlbias.core.passes import pieces
from mlbias.datasets.catalogue import ARCHIVES
from mlbias.datasets.reading.equal_columns import EqualColumns
from mlbias.datasets.sources import Source
from mlbias.datasets.understood import Understood
from mlbias.ids import Ids, TextIds

_LARGE = 1e6
_CANONICAL = r"^(0|-?[1-9][0-9]*)$"
_DECIMAL = r"^(-?[0-9]+)\.0+$"
_PIECE = 1 << 18


def checked(
    understood: Understood,
    user_ids: Ids,
    item_ids: Ids,
    value: Column[np.floating[Any]],
    equal: EqualColumns,
    source: Source,
) -> Understood:
    """What was understood, with what looks wrong in the ratings.

    Args:
        understood: of the rest.
        user_ids: of all ratings.
        item_ids: likewise.
        value: (n,) all ratings; may be mapped, and larger than memory.
        equal: has looked at all of them.
        source: where they come from.
    """
    sides = {"user": user_ids, "item": item_ids}
    notices = [notice for side, ids in sides.items() for notice in _id_notices(side, ids)]
    warnings = [
        f"every {side} has one rating" for side, ids in sides.items() if len(ids) == len(value) > 1
    ]
    warnings += _value_warnings(value)
    warnings += equal.warnings(len(value), len(user_ids), len(item_ids))
    warnings += _size_warnings(len(value), source)
    return replace(
        understood,
        ids={
            side: "text" if isinstance(ids, TextIds) else "integers" for side, ids in sides.items()
        },
        notices=(*understood.notices, *notices),
        warnings=tuple(warnings),
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
    has_decimals = texts.str.contains(_DECIMAL)
    if has_decimals.any() and texts.str.replace(_DECIMAL, "$1").n_unique() < n:
        found.append(f"{side} ids are written as integers and as decimals, 1 and 1.0; these differ")
    return found


def _value_warnings(value: Column[np.floating[Any]]) -> list[str]:
    found = (value[here] for here in pieces(len(value), _PIECE))
    if all(piece.min() > _LARGE and (piece == np.rint(piece)).all() for piece in found):
        return ["the ratings are whole numbers above a million: are they ids or times?"]
    return []


def _size_warnings(n: int, source: Source) -> list[str]:
    archive = ARCHIVES.get(source.label)
    if archive is None or archive.n_ratings is None or n >= archive.n_ratings:
        return []
    return [
        f"{source.label} has {archive.n_ratings:,} ratings as it is published, "
        f"{archive.n_ratings - n:,} more than here"
    ]
