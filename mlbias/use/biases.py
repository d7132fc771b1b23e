"""The biases of a model as a table, a row for each user or item."""

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import polars as pl

from mlbias.datasets.titles import Title
from mlbias.errors import DataError, OptionError
from mlbias.ids import TextIds, positions
from mlbias.model import BiasModel
from mlbias.ratings import Ratings

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
        means = known.user_means if is_users else known.item_means
        if means is not None:
            table = table.with_columns(pl.Series("mean", means))
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
        sort: lower, upper, bias, mean or count; by default lower, or upper for the lowest, or bias
            without standard errors.
        top: how many rows.
        min_ratings: the fewest training ratings of a row.
        lowest: whether the lowest are wanted.

    Raises:
        DataError: the model does not know what is sorted by, or the numbers of ratings.
        OptionError: nothing is called so.
    """
    names = {name: name for name in ("lower", "upper", "bias", "mean")} | {"count": "n_ratings"}
    if sort is None:
        bound = "upper" if lowest else "lower"
        sort = bound if bound in table.columns else "bias"
    if sort not in names:
        raise OptionError(f"`sort` is {', '.join(names)}, not {sort[:40]!r}.")
    if names[sort] not in table.columns or (min_ratings and "n_ratings" not in table.columns):
        if sort in ("lower", "upper"):
            raise DataError("the model has no standard errors.", "Train it with the method exact.")
        raise DataError(
            "the model does not say how many ratings each has, or their mean.",
            "Train it again with this version of mlbias.",
        )
    if min_ratings:
        table = table.filter(pl.col("n_ratings") >= min_ratings)
    return table.sort(names[sort], descending=not lowest, maintain_order=True).head(top)


def with_titles(table: pl.DataFrame, titles: Mapping[str, Title]) -> pl.DataFrame:
    """The table with a column ``title`` behind the ids, and ``genres`` where any are known."""
    ids = table.to_series(0).cast(pl.String).to_list()
    found = [titles.get(each) for each in ids]
    named = [("title", [title and title.text for title in found])]
    if any(title is not None and title.genres for title in found):
        named.append(("genres", [title and title.genres for title in found]))
    columns = [pl.Series(name, texts, pl.String) for name, texts in named]
    return pl.DataFrame([table.to_series(0), *columns, *table.get_columns()[1:]])


def unrated(model: BiasModel, table: pl.DataFrame, user: str, ratings: Ratings) -> pl.DataFrame:
    """The items that a user has not rated, with a column ``prediction`` for this user.

    Args:
        model: whose biases they are.
        table: of items, from biases.
        user: the id as text; one that the model does not know has a bias of 0.
        ratings: where to look for what the user rated.
    """
    wanted = TextIds(pl.Series([user]))
    (code,) = positions(wanted, ratings.user_ids)
    if code >= 0:
        rated = ratings.item_ids[np.unique(ratings.item[ratings.user == code])]
        places = positions(rated, model.item_ids)
        keep = np.ones(len(model.item_ids), np.bool_)
        keep[places[places >= 0]] = False
        table = table.filter(pl.Series(keep))
    (of_user,) = positions(wanted, model.user_ids)
    level = model.alpha + (model.user_bias[of_user] if of_user >= 0 else 0.0)
    return table.with_columns((pl.col("bias") + level).alias("prediction"))
