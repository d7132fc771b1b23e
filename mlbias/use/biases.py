"""The biases of a model as a table, a row for each user or item."""

from statistics import NormalDist

import polars as pl

from mlbias.errors import OptionError
from mlbias.ids import TextIds
from mlbias.model import BiasModel

_REACH = NormalDist().inv_cdf(0.975)


def biases(model: BiasModel, side: str) -> pl.DataFrame:
    """The users' or the items' biases; see BiasModel.biases."""
    if side not in ("users", "items"):
        raise OptionError(f"`side` is users or items, not {side!r}.")
    is_users = side == "users"
    ids = model.user_ids if is_users else model.item_ids
    bias = model.user_bias if is_users else model.item_bias
    stderr = model.user_stderr if is_users else model.item_stderr
    table = pl.DataFrame({side[:-1]: ids.series if isinstance(ids, TextIds) else ids})
    if model.trained_on is not None:
        known = model.trained_on
        counts = known.user_counts if is_users else known.item_counts
        table = table.with_columns(pl.Series("n_ratings", counts).cast(pl.Int64))
    table = table.with_columns(pl.Series("bias", bias))
    if stderr is None:
        return table
    return table.with_columns(
        pl.Series("std_error", stderr),
        pl.Series("lower", bias - _REACH * stderr),
        pl.Series("upper", bias + _REACH * stderr),
    )
