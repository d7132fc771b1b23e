"""Parts on Dask: delayed values that its scheduler keeps, on threads or on a cluster."""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from mlbias.datasets.frames import as_polars
from mlbias.datasets.options import ReadOptions
from mlbias.engines.encoding import check_parts, part_of_rows, roles_of
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.parts import Argument, Call, Part, Request, Result

try:
    import dask
    import dask.dataframe as dd
except ImportError as error:
    raise ImportError("ratings on Dask need Dask: pip install 'mlbias[dask]'") from error


class DaskParts:
    """Parts that are delayed values, kept by whatever scheduler is set."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = dask.persist(*parts)

    def __len__(self) -> int:
        return len(self._parts)

    def derived(self, function: Callable[[Part], Part]) -> "DaskParts":
        """Parts that a function makes of these."""
        return DaskParts([dask.delayed(function)(part) for part in self._parts])

    def release(self) -> None:
        """Forget them, upon which the scheduler does too."""
        self._parts = ()

    def map(
        self, call: Call[Argument, Result], requests: Sequence[Request[Argument]]
    ) -> list[Result | None]:
        """Answer one request for each part, in the order of the parts."""
        answer = dask.delayed(call.on)
        pairs = zip(self._parts, requests, strict=True)
        return list(dask.compute(*[answer(part, request) for part, request in pairs]))


def incidence(
    frame: dd.DataFrame,
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    time: str | None = None,
    parts: int | None = None,
) -> PartitionedIncidence:
    """The ratings of a Dask frame, in parts by a hash of the user.

    Args:
        frame: with a row for each rating.
        user: name of the users' column, where it has no usual one such as user_id.
        item: of the items', likewise.
        rating: of the ratings', likewise.
        time: of the times. Without it none are kept, which only splits by time need.
        parts: how many; by default as many as the frame has partitions.

    Raises:
        DataError: a column or a rating is missing, or of a wrong type.
        OptionError: ``parts`` is less than 1.
    """
    check_parts(parts)
    asked = {"user": user, "item": item, "rating": rating, "time": time}
    roles = roles_of(list(frame.columns), asked, times=time is not None)
    names = list(roles.values())
    chosen = frame[names].shuffle(names[0], npartitions=parts)
    made = dask.delayed(_part)
    return PartitionedIncidence(DaskParts([made(rows, roles) for rows in chosen.to_delayed()]))


def _part(rows: Any, roles: dict[str, str]) -> Part:
    table = as_polars(rows).select(pl.col(name).alias(role) for role, name in roles.items())
    return part_of_rows(table, list(roles.values()), ReadOptions())
