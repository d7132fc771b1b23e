"""Ratings on Dask equal those in memory."""

from collections.abc import Callable

import numpy as np
import pytest

from mlbias.core.incidence import BlockIncidence
from mlbias.errors import DataError
from mlbias.evaluation.evaluate import evaluate
from mlbias.evaluation.holdout import Holdout
from mlbias.evaluation.in_parts import sides_in_parts
from mlbias.fitting.fit import fit
from mlbias.ratings import Ratings
from tests.test_engines import everything

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
        for mine, its in zip(everything(parts), everything(BlockIncidence(ratings)), strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-12, atol=1e-12)
        there, here = fit(parts, "exact", lambda_=3), fit(ratings, "exact", lambda_=3)
    assert parts.user_ids.tolist() == ratings.user_ids.tolist()
    np.testing.assert_allclose(there.user_bias, here.user_bias, atol=1e-12)


def test_a_row_that_is_no_rating_is_named() -> None:
    from mlbias.engines.dask import incidence

    frame = pd.DataFrame({"user": [1, 2], "item": [10, 20], "rating": [4.0, float("nan")]})
    with pytest.raises(DataError, match=r"the rating is missing.*user 2, item 20"):
        incidence(dd.from_pandas(frame, npartitions=2))


def test_a_hold_out_is_the_one_in_memory(make_ratings: Callable[..., Ratings]) -> None:
    from mlbias.engines.dask import incidence

    ratings, holdout = make_ratings(2_000, 60, 40), Holdout("random", 0.2, 3)
    users, items = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    frame = pd.DataFrame({"user_id": users, "item_id": items, "rating": ratings.value})
    there = sides_in_parts(incidence(dd.from_pandas(frame, npartitions=3)), holdout)
    chosen = holdout.held_out(ratings)
    here = ratings.select(~chosen), ratings.select(chosen)
    assert [len(side) for side in there] == [len(side) for side in here]
    mine = evaluate(fit(there[0], lambda_=2), there[1]).model
    its = evaluate(fit(here[0], lambda_=2), here[1]).model
    assert (mine.rmse, mine.rmse_stderr) == pytest.approx((its.rmse, its.rmse_stderr), abs=1e-12)
