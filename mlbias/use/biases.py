"""The biases of a model as a table, a row for each user or item."""

from statistics import NormalDist

import polars as pl

from mlbias.errors import DataError, OptionError
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


def extreme(
    table: pl.DataFrame,
    sort: str | None = None,
    top: int = 10,
    min_ratings: int = 0,
    *,
    lowest: bool = False,
) -> pl.DataFrame:
    """The highest rows of a table of biases, or the lowest, ties in the order of their ids.

    Args:
        table: from biases.
        sort: lower, upper, bias or count; by default lower, or upper for the lowest, or bias
            without standard errors.
        top: how many rows.
        min_ratings: the fewest training ratings of a row.
        lowest: whether the lowest are wanted.

    Raises:
        DataError: the model does not know what is sorted by, or the numbers of ratings.
        OptionError: nothing is called so.
    """
    names = {"lower": "lower", "upper": "upper", "bias": "bias", "count": "n_ratings"}
    if sort is None:
        bound = "upper" if lowest else "lower"
        sort = bound if bound in table.columns else "bias"
    if sort not in names:
        raise OptionError(f"`sort` is {', '.join(names)}, not {sort[:40]!r}.")
    if names[sort] not in table.columns or (min_ratings and "n_ratings" not in table.columns):
        lacking = "standard errors" if sort in ("lower", "upper") else "numbers of ratings"
        raise DataError(f"the model has no {lacking}.", "Train it with the method exact.")
    if min_ratings:
        table = table.filter(pl.col("n_ratings") >= min_ratings)
    return table.sort(names[sort], descending=not lowest, maintain_order=True).head(top)
