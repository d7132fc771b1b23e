"""What every engine owes: the results of ratings in memory."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from mlbias.core.incidence import BlockIncidence
from mlbias.core.statistics import Incidence
from mlbias.core.vectors import FloatArray
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.evaluation.crossval import crossval
from mlbias.evaluation.evaluate import evaluate
from mlbias.evaluation.holdout import Holdout
from mlbias.evaluation.predicted import scorer
from mlbias.evaluation.sides_in_parts import sides_in_parts
from mlbias.fitting.fit import fit
from mlbias.fitting.record import Fit, Noise
from mlbias.ratings import Ratings
from tests.conftest import random_ratings

HOLDOUTS = (
    Holdout("random", 0.2, 3),
    Holdout("user", 1, 0, "random"),
    Holdout("user", 0.3, 5, "random"),
    Holdout("user", 2),
    Holdout("time", 0.25, 4),
    Holdout("time", start=1_000_000_050),
)


def timed_ratings(n: int = 2_000, n_users: int = 60, n_items: int = 90) -> Ratings:
    """Ratings with times, many of which are the same, and some pairs rated twice."""
    times = 1_000_000_000 + np.random.default_rng(1).integers(0, 100, n)
    return replace(random_ratings(n, n_users, n_items), timestamp=times.astype(np.int32)).by_user()


def columns_of(ratings: Ratings) -> dict[str, Any]:
    """The columns of a frame of the ratings, whose times are in one called ``when``."""
    columns: dict[str, Any] = {
        "user_id": ratings.user_ids[ratings.user], "item_id": ratings.item_ids[ratings.item],
        "rating": ratings.value,
    }  # fmt: skip
    return columns if ratings.timestamp is None else columns | {"when": ratings.timestamp}


def everything(incidence: Incidence) -> list[FloatArray]:
    """What an incidence gives, of seeded vectors."""
    s, rng = incidence.statistics, np.random.default_rng(3)
    item, items = rng.normal(size=s.n_items), rng.normal(size=(3, s.n_items))
    user, users = rng.normal(size=s.n_users), rng.normal(size=(3, s.n_users))
    scalars = np.array([s.n_ratings, s.center, s.total, s.squares, s.low, s.high])
    return [
        scalars, s.user_counts, s.item_counts, s.user_sums, s.item_sums,
        incidence.per_user(item), incidence.per_user(items),
        incidence.per_item(user), incidence.per_item(users),
        *incidence.both(item, user), *incidence.both(items, users, user),
        *incidence.both(items, weights=user),
        incidence.rated_per_user(item), incidence.rated_per_item(user),
        incidence.squares_per_user(),
    ]  # fmt: skip


def check_products(parts: PartitionedIncidence, ratings: Ratings) -> None:
    """See that all products are those in memory."""
    for mine, its in zip(everything(parts), everything(BlockIncidence(ratings)), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-12, atol=1e-12)


def check_holdout(parts: PartitionedIncidence, ratings: Ratings, holdout: Holdout) -> None:
    """See that both sides of a hold-out and its errors are those in memory."""
    mask = holdout.held_out(ratings)
    here, there = (ratings.select(~mask), ratings.select(mask)), sides_in_parts(parts, holdout)
    for mine, its in zip(there, here, strict=True):
        assert len(mine) == len(its)
        assert mine.user_ids.tolist() == its.user_ids.tolist()
        assert mine.item_ids.tolist() == its.item_ids.tolist()
        sums = BlockIncidence(its).statistics.item_sums
        np.testing.assert_array_equal(mine.statistics.item_sums, sums)
    model, known = fit(there[0], "exact", lambda_=2), fit(here[0], "exact", lambda_=2)
    np.testing.assert_allclose(model.user_bias, known.user_bias, atol=1e-9)
    check_evaluation(there[1], here[1], known)
    found = evaluate(known, there[1]).model
    rmse_and_mae = scorer(there[1], there[0].user_ids, there[0].item_ids)(known.model)
    assert rmse_and_mae == pytest.approx((found.rmse, found.mae), abs=1e-12)


def check_leave_one_out(parts: PartitionedIncidence, ratings: Ratings, noise: Noise) -> None:
    """See that the errors of predicting each rating from all others, and the scale, are equal."""
    there, here = (fit(each, "exact", noise=noise) for each in (parts, ratings))
    assert there.leave_one_out is not None
    assert here.leave_one_out is not None
    assert_close(asdict(there.leave_one_out), asdict(here.leave_one_out))
    assert there.model.scale is not None
    assert here.model.scale is not None
    np.testing.assert_array_equal(there.model.scale.values, here.model.scale.values)
    np.testing.assert_allclose(there.model.scale.thresholds, here.model.scale.thresholds, atol=1e-7)
    assert there.model.scale.spread == pytest.approx(here.model.scale.spread, abs=1e-7)


def check_folds(parts: PartitionedIncidence, ratings: Ratings, split: str) -> None:
    """See that cross-validation finds the same on the same folds; a learned λ, nearly so."""
    there, here = (
        crossval(whole, folds=3, split=split, repeats=2, seed=7, lambda_=[2.0, "auto"])
        for whole in (parts, ratings)
    )
    for mine, its, tolerance in zip(there, here, (1e-9, 1e-6), strict=True):
        for one, other in zip(mine.folds, its.folds, strict=True):
            assert asdict(one) == pytest.approx(asdict(other), rel=tolerance)
        assert mine.errors.rmse == pytest.approx(its.errors.rmse, rel=tolerance)
        assert mine.above(there[0]).rmse == pytest.approx(its.above(here[0]).rmse, abs=tolerance)


def check_evaluation(parts: PartitionedIncidence, ratings: Ratings, fitted: Fit) -> None:
    """See that all that a model is scored by is as in memory, tenths and intervals included."""
    found, expected = evaluate(fitted, parts), evaluate(fitted, ratings)
    assert expected.intervals is not None
    assert expected.on_scale is not None
    assert len(expected.calibration) == 10
    assert_close(asdict(found), asdict(expected))


def assert_close(mine: object, its: object) -> None:
    """See that numbers in dicts and tuples are equal, floats to 1e-9."""
    if isinstance(its, dict):
        assert isinstance(mine, dict)
        for name, value in its.items():
            assert_close(mine[name], value)
    elif isinstance(its, tuple):
        assert isinstance(mine, tuple)
        for one, other in zip(mine, its, strict=True):
            assert_close(one, other)
    else:
        assert mine == (pytest.approx(its, abs=1e-9) if isinstance(its, float) else its)
