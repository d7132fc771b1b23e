"""The biases of a model as a table."""

import polars as pl
import pytest

from mlbias import OptionError, Ratings, fit


def test_a_row_for_each_id_with_its_bias_and_count() -> None:
    ratings = Ratings.from_ids(["ann", "ann", "bob"], [10, 20, 10], [5, 3, 4])
    found = fit(ratings, lambda_=1)
    users, items = found.biases("users"), found.biases("items")
    assert users.columns == ["user", "n_ratings", "bias"]
    assert users["user"].to_list() == ["ann", "bob"]
    assert users["n_ratings"].to_list() == [2, 1]
    assert users["bias"].to_list() == found.user_bias.tolist()
    assert items.schema == {"item": pl.Int64, "n_ratings": pl.Int64, "bias": pl.Float64}
    assert items["bias"].to_list() == found.item_bias.tolist()


def test_exact_adds_standard_errors_and_their_interval() -> None:
    found = fit(Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2]), "exact", lambda_=1)
    items = found.biases("items")
    assert found.item_stderr is not None
    assert items["std_error"].to_list() == found.item_stderr.tolist()
    half = 1.959963984540054 * found.item_stderr
    assert items["lower"].to_list() == pytest.approx(found.item_bias - half)
    assert items["upper"].to_list() == pytest.approx(found.item_bias + half)


def test_another_side_is_refused() -> None:
    found = fit(Ratings.from_ids([1, 2], [10, 10], [5, 3]))
    with pytest.raises(OptionError, match="users or items, not 'films'"):
        found.model.biases("films")  # type: ignore[arg-type]
