"""Ratings on Dask equal those in memory."""

from collections.abc import Callable

import numpy as np
import pytest

from mlbias.errors import DataError
from mlbias.evaluation.holdout import Holdout
from mlbias.fitting.fit import fit
from mlbias.ratings import Ratings
from tests.engines import HOLDOUTS, check_holdout, check_products, columns_of, timed_ratings

dask = pytest.importorskip("dask", reason="tests of Dask are left out: they need mlbias[dask]")
dd = pytest.importorskip("dask.dataframe", reason="tests of Dask are left out")
pd = pytest.importorskip("pandas", reason="tests of Dask are left out")


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
@pytest.mark.parametrize("ids", [int, str])
def test_every_product_and_a_fit_equal_those_in_memory(
    scheduler: str, ids: type, make_ratings: Callable[..., Ratings]
) -> None:
    from mlbias.engines.dask import incidence

    ratings = make_ratings(2_000, 60, 40, stars=False)
    users = [ids(user) for user in ratings.user_ids[ratings.user].tolist()]
    items = ratings.item_ids[ratings.item]
    ratings = Ratings.from_ids(users, items, ratings.value)
    frame = pd.DataFrame({"user_id": users, "item_id": items, "rating": ratings.value})
    with dask.config.set(scheduler=scheduler):
        parts = incidence(dd.from_pandas(frame, npartitions=4), parts=3)
        check_products(parts, ratings)
        there, here = fit(parts, "exact", lambda_=3), fit(ratings, "exact", lambda_=3)
    assert parts.user_ids.tolist() == ratings.user_ids.tolist()
    parts.release()
    np.testing.assert_allclose(there.user_bias, here.user_bias, atol=1e-12)


def test_a_row_that_is_no_rating_is_named() -> None:
    from mlbias.engines.dask import incidence

    frame = pd.DataFrame({"user": [1, 2], "item": [10, 20], "rating": [4.0, float("nan")]})
    with pytest.raises(DataError, match=r"the rating is missing.*user 2, item 20"):
        incidence(dd.from_pandas(frame, npartitions=2))


def test_ids_that_are_text_stay_text_as_in_memory() -> None:
    from mlbias.engines.dask import incidence

    frame = pd.DataFrame({"user": ["7", "10"], "item": ["1", "1"], "rating": ["3", "4"]})
    there, here = incidence(dd.from_pandas(frame, npartitions=2)), Ratings.from_frame(frame)
    assert list(there.user_ids) == list(here.user_ids) == ["10", "7"]
    assert list(there.item_ids) == list(here.item_ids) == ["1"]


@pytest.mark.parametrize("holdout", HOLDOUTS, ids=str)
def test_a_hold_out_and_its_errors_are_those_in_memory(holdout: Holdout) -> None:
    from mlbias.engines.dask import incidence

    ratings = timed_ratings()
    frame = dd.from_pandas(pd.DataFrame(columns_of(ratings)), npartitions=3)
    check_holdout(incidence(frame, time="when"), ratings, holdout)
