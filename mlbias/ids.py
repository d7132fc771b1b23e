"""Ids: the labels behind the codes that the core computes with.

Ids are integers, in a NumPy array of int64, or text, which Polars keeps and matches. NumPy never
holds text: its searchsorted is wrong for strings of 16 bytes and more. Polars is imported only
where there is text, because the import takes as long as loading a prepared copy.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from mlbias.core.ratings import Codes
from mlbias.errors import DataError
from mlbias.texts import Texts, arrow_file

if TYPE_CHECKING:
    import polars as pl

Integers: TypeAlias = NDArray[np.int64]
ChunkCodes: TypeAlias = NDArray[np.integer[Any]]

# What stands for a missing id in text.
MISSING_TEXTS = frozenset(
    ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A", "\\N")
)

# A table over the range of the ids beats sorting while it is at most this much larger.
_TABLE_SLACK = 8
_LEAST_TABLE = 1 << 20


class TextIds:
    """Ids that are text, used like a NumPy array: len, loops, ``==``, ``tolist``, indexing.

    Args:
        texts: (n,) text without missing values, or texts of a file, which are read when they are
            asked for.
    """

    __slots__ = ("_series", "stored")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, texts: "pl.Series | Texts") -> None:
        self.stored = texts if isinstance(texts, Texts) else None
        self._series = None if isinstance(texts, Texts) else texts

    def __reduce__(self) -> tuple[type["TextIds"], tuple["pl.Series"]]:
        return TextIds, (self.series,)

    @property
    def series(self) -> "pl.Series":
        """The texts in memory."""
        if self._series is None:
            assert self.stored is not None
            self._series = self.stored.series()
        return self._series

    @property
    def kept(self) -> "pl.Series | Texts":
        """The texts as they are kept: in a file, if they were found in one."""
        return self.series if self.stored is None else self.stored

    def pieces(self) -> "Iterator[pl.Series]":
        """All texts, a piece at a time if they are in a file."""
        return iter((self.series,)) if self.stored is None else self.stored.pieces()

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:3].tolist()))
        return f"<TextIds: {shown}{', ...' if len(self) > 3 else ''}, {len(self):,} in all>"

    def __len__(self) -> int:
        return len(self.kept)

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice | NDArray[Any]) -> "TextIds": ...

    def __getitem__(self, place: int | slice | NDArray[Any]) -> "str | TextIds":
        """One id, or those in a slice, at positions, or where a mask is true."""
        if isinstance(place, np.ndarray):
            place = np.flatnonzero(place) if place.dtype == np.bool_ else place
            return TextIds(self.series.gather(place))
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if self.stored is not None and step == 1:
                return TextIds(self.stored.between(start, max(start, stop)))
            return TextIds(self.series[place])
        return str(self.series[place])

    def __eq__(self, other: object) -> NDArray[np.bool_]:  # type: ignore[override]
        """Elementwise, (n,), as with arrays."""
        return np.asarray(self.to_numpy() == np.asarray(other, dtype=object), dtype=np.bool_)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.to_numpy() if dtype is None else self.to_numpy().astype(dtype)

    def tolist(self) -> list[str]:
        """The ids as Python's strings."""
        return self.series.to_list()

    def to_numpy(self) -> NDArray[np.object_]:
        """The ids as an array of Python's strings, (n,)."""
        return np.array(self.series.to_list(), dtype=object)


# Ids of users or items: distinct and ascending, or a column with an id for each rating.
Ids: TypeAlias = Integers | TextIds


def as_text(ids: Ids) -> "pl.Series":
    """The same ids as text; an integer as its decimal digits."""
    if isinstance(ids, TextIds):
        return ids.series
    import polars as pl

    return pl.Series(ids).cast(pl.String)


def distinct(column: Ids) -> tuple[Ids, ChunkCodes]:
    """The distinct ids of a column, ascending, and the place of each (n,) among them.

    Codes are uint16 where that is enough, otherwise int32.

    Raises:
        DataError: there are more distinct ids than int32 can number.
    """
    if isinstance(column, TextIds):
        # In the order of code points, which is that of the bytes.
        series = column.series.unique().sort()
        places = _codes_of_text(column.series, series)
        return TextIds(series), places.astype(_code_type(len(series)))
    if len(column) == 0:
        return column, np.empty(0, np.uint16)
    lowest, highest = int(column.min()), int(column.max())
    if highest - lowest >= max(_LEAST_TABLE, _TABLE_SLACK * len(column)):
        ids, codes = np.unique(column, return_inverse=True)
        return ids, codes.astype(_code_type(len(ids)))
    offsets = column - lowest
    present = np.zeros(highest - lowest + 1, dtype=np.bool_)
    present[offsets] = True
    ids = np.flatnonzero(present).astype(np.int64, copy=False)
    code_of = np.empty(len(present), _code_type(len(ids)))
    code_of[ids] = np.arange(len(ids))
    # All offsets are in range; "clip" only spares NumPy the check.
    return ids + lowest, code_of.take(offsets, mode="clip")


def joined_ids(keys: Sequence[Ids], are_text: bool = False) -> tuple[Ids, list[Codes]]:
    """Distinct ids over several columns, ascending, and where the ids of each are among them.

    They are integers if those of every column are, and nothing says otherwise.

    Raises:
        DataError: there are more of them than int32 can number.
    """
    ids: Ids
    if are_text or any(isinstance(part, TextIds) for part in keys):
        ids, codes = _numbered_texts(keys)
    else:
        ids, codes = distinct(np.concatenate([np.asarray(part) for part in keys]))
    cuts = np.cumsum([len(part) for part in keys])[:-1]
    return ids, np.split(codes.astype(np.int32, copy=False), cuts)


def _numbered_texts(keys: Sequence[Ids]) -> tuple[TextIds, ChunkCodes]:
    """As distinct, of columns that ascend: to sort them takes a sixth of the time to hash them."""
    import polars as pl

    every = pl.concat([as_text(part) for part in keys]).alias("id")
    rows = every.to_frame().with_row_index("row").sort("id")
    places = rows["id"].rle_id().to_numpy()
    codes = np.empty(len(rows), _code_type(int(places[-1]) + 1 if len(rows) else 0))
    codes[rows["row"].to_numpy()] = places
    is_first = np.diff(places.astype(np.int64), prepend=-1) > 0
    return TextIds(rows["id"].filter(pl.Series(is_first))), codes


def positions(wanted: Ids, ids: Ids) -> Codes:
    """Where each of ``wanted`` (k,) stands among distinct ``ids``, -1 where it does not.

    An integer and the same digits as text are the same id.
    """
    if len(ids) == 0 or len(wanted) == 0:
        return np.full(len(wanted), -1, dtype=np.int32)
    if not isinstance(wanted, TextIds) and not isinstance(ids, TextIds):
        lowest, highest = int(ids.min()), int(ids.max())
        if highest - lowest < _TABLE_SLACK * len(wanted):
            n_places = highest - lowest + 1
            places = np.full(n_places + 1, -1, dtype=np.int32)
            places[ids - lowest] = np.arange(len(ids))
            # What is out of range goes to the place behind the highest, where no id is.
            is_within = (wanted >= lowest) & (wanted <= highest)
            return places.take(np.where(is_within, wanted - lowest, n_places), mode="clip")
        order = np.argsort(ids, kind="stable")
        place = np.searchsorted(ids, wanted, sorter=order)
        candidate = order[np.minimum(place, len(ids) - 1)]
        return np.where(ids[candidate] == wanted, candidate, -1).astype(np.int32)
    return _codes_of_text(as_text(wanted), as_text(ids))


def are_ascending(ids: Ids) -> bool:
    """Whether each id is greater than the one before it, texts in the order of their bytes."""
    if not isinstance(ids, TextIds):
        return bool((ids[1:] > ids[:-1]).all())
    last: str | None = None
    for piece in ids.pieces():
        if not (piece.slice(1) > piece.head(max(len(piece) - 1, 0))).all():
            return False
        if len(piece) and last is not None and piece[0] <= last:
            return False
        last = piece[-1] if len(piece) else last
    return True


def content_of(ids: Ids) -> NDArray[Any]:
    """Integers as they are, text as an Arrow file."""
    return arrow_file(ids.kept) if isinstance(ids, TextIds) else ids


def _codes_of_text(wanted: "pl.Series", ids: "pl.Series") -> Codes:
    numbered = ids.alias("id").to_frame().with_row_index("code")
    found = wanted.alias("id").to_frame().join(numbered, on="id", how="left", maintain_order="left")
    codes: Codes = found["code"].cast(int).fill_null(-1).to_numpy().astype(np.int32)
    return codes


def _code_type(size: int) -> type[np.integer[Any]]:
    if size > np.iinfo(np.int32).max:
        raise DataError(f"{size:,} distinct ids are more than mlbias can number")
    return np.uint16 if size <= 1 << 16 else np.int32
