"""Metrics by hand and against plain NumPy, in one piece or many."""

from collections.abc import Callable

import numpy as np
import pytest

from mlbias.core.fitting import fit
from mlbias.core.ratings import Ratings
from mlbias.evaluation import metrics
from mlbias.evaluation.metrics import Bar, describe, evaluate, scorer


def test_the_baseline_of_four_ratings_by_hand(four: Ratings) -> None:
    found = describe(four)
    assert (found.n_ratings, found.n_users, found.n_items, found.density) == (4, 2, 2, 1.0)
    # Around 3.5: 1.5, -0.5, 0.5, -1.5.
    assert (found.mean, found.errors.mae) == (3.5, 1.0)
    assert found.errors.rmse == pytest.approx(1.25**0.5, abs=1e-15)
    assert found.histogram == tuple(Bar(v, v, 1) for v in (2.0, 3.0, 4.0, 5.0))


def test_many_values_are_counted_in_ten_bins(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(1_000, stars=False)
    found = describe(ratings)
    counts, edges = np.histogram(ratings.value, 10)
    assert [bar.count for bar in found.histogram] == counts.tolist()
    assert [bar.low for bar in found.histogram] == edges[:-1].tolist()


def test_errors_of_known_and_unknown_ids(four: Ratings) -> None:
    model = fit(four, lambda_user=2.0, lambda_item=2.0)
    new = Ratings.from_ids([1, 3, 3], [10, 10, 30], [5.0, 4.0, 1.0])
    found = evaluate(model, new)
    errors = new.value - model.predict([1, 3, 3], [10, 10, 30])
    assert found.model.rmse == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-14)
    assert found.model.mae == pytest.approx(np.mean(np.abs(errors)), rel=1e-14)
    # The mean of training is 3.5: errors 1.5, 0.5 and -2.5.
    assert found.baseline.rmse == pytest.approx((8.75 / 3) ** 0.5)
    assert found.baseline.mae == 1.5
    assert (found.n_users, found.n_items) == (2, 2)
    assert (found.unknown_users, found.unknown_items, found.ratings_of_unknown) == (1, 1, 2)


def test_pieces_change_nothing(
    make_ratings: Callable[..., Ratings], monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = make_ratings(500, seed=1), make_ratings(400, 25, 35, seed=2)
    model = fit(train)
    whole, described = evaluate(model, test), describe(test)
    monkeypatch.setattr(metrics, "_PIECE", 7)
    assert evaluate(model, test).model.rmse == pytest.approx(whole.model.rmse, rel=1e-14)
    assert evaluate(model, test).ratings_of_unknown == whole.ratings_of_unknown
    assert describe(test).histogram == described.histogram
    assert describe(test).mean == described.mean
    assert scorer(test, train.user_ids, train.item_ids)(model) == evaluate(model, test).model
