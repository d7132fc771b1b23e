"""Metrics by hand and against plain NumPy, in one piece or many."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.core.scores import GroupedErrors
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError
from mlbias.evaluation import describe as baseline
from mlbias.evaluation import predicted as metrics
from mlbias.evaluation.deciles import Deciles
from mlbias.evaluation.describe import Bar, describe
from mlbias.evaluation.evaluate import evaluate
from mlbias.evaluation.predicted import errors_per_user
from mlbias.fitting.fit import fit
from mlbias.ratings import Ratings


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


@pytest.mark.parametrize(("n_values", "n_bars"), [(20, 20), (21, 10)])
def test_up_to_twenty_values_have_a_bar_each(n_values: int, n_bars: int) -> None:
    ids, values = np.arange(n_values), np.arange(n_values) ** 2.0
    found = describe(Ratings.from_ids(ids, ids, values))
    assert len(found.histogram) == n_bars
    assert found.mean == pytest.approx(values.sum() / n_values, rel=1e-15)


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
    monkeypatch.setattr(metrics, "PIECE", 7)
    monkeypatch.setattr(baseline, "_PIECE", 7)
    in_pieces = evaluate(model, test)
    assert in_pieces.model.rmse == pytest.approx(whole.model.rmse, rel=1e-14)
    assert in_pieces.model.rmse_stderr == pytest.approx(whole.model.rmse_stderr, rel=1e-12)
    assert in_pieces.ratings_of_unknown == whole.ratings_of_unknown
    assert [tenth.n_ratings for tenth in in_pieces.calibration] == [
        tenth.n_ratings for tenth in whole.calibration
    ]
    for tenth, known in zip(in_pieces.calibration, whole.calibration, strict=True):
        assert (tenth.predicted, tenth.observed) == pytest.approx((known.predicted, known.observed))
    assert describe(test).histogram == described.histogram
    assert describe(test).mean == described.mean
    assert errors_per_user(model, test).rmse == in_pieces.model.rmse


def test_every_metric_is_the_naive_one(make_ratings: Callable[..., Ratings]) -> None:
    train, test = make_ratings(700, seed=1), make_ratings(400, 25, 35, seed=2)
    model = fit(train, "exact")
    found = evaluate(model, test)
    users, items = test.user_ids[test.user], test.item_ids[test.item]
    predicted, std = model.predict(users, items, return_std=True)
    errors = test.value - predicted
    n, groups = len(test), [errors[users == user] for user in test.user_ids]
    n_users = len(groups)

    def clustered(sums: list[float], mean: float) -> float:
        spread = sum((s - len(g) * mean) ** 2 for s, g in zip(sums, groups, strict=True))
        return float(np.sqrt(n_users / (n_users - 1) * spread) / n)

    mse, mae = float(np.mean(errors**2)), float(np.mean(np.abs(errors)))
    mse_stderr = clustered([float((g**2).sum()) for g in groups], mse)
    assert found.model.rmse == pytest.approx(mse**0.5)
    assert found.model.rmse_stderr == pytest.approx(mse_stderr / (2 * mse**0.5))
    assert found.model.mae == pytest.approx(mae)
    assert found.model.mae_stderr == pytest.approx(
        clustered([float(np.abs(g).sum()) for g in groups], mae)
    )
    each = np.array([np.sqrt(np.mean(g**2)) for g in groups])
    assert found.model.user_rmse == pytest.approx(each.mean())
    assert found.model.user_rmse_stderr == pytest.approx(each.std(ddof=1) / n_users**0.5)
    assert found.effective_users == pytest.approx(n**2 / sum(len(g) ** 2 for g in groups))

    low, high = train.value.min(), train.value.max()
    within = test.value - np.clip(predicted, low, high)
    assert found.clipped is not None
    assert found.clipped.rmse == pytest.approx(np.sqrt(np.mean(within**2)))
    is_known = np.isin(users, train.user_ids) & np.isin(items, train.item_ids)
    for score, these in ((found.known, is_known), (found.unknown, ~is_known)):
        assert score is not None
        assert score.n_ratings == these.sum()
        assert score.mae == pytest.approx(np.abs(errors[these]).mean())

    rated = np.array([np.count_nonzero(train.item_ids[train.item] == item) for item in items])
    edges = {"cold": (0, 0), "1-4": (1, 4), "5-19": (5, 19), "20-99": (20, 99)}
    for bucket in found.by_item:
        fewest, most = edges[bucket.name]
        these = (rated >= fewest) & (rated <= most)
        assert bucket.n_ratings == these.sum() > 0
        assert bucket.rmse == pytest.approx(np.sqrt(np.mean(errors[these] ** 2)))
        assert bucket.mae == pytest.approx(np.abs(errors[these]).mean())
    assert sum(bucket.n_ratings for bucket in found.by_user) == n

    assert found.intervals is not None
    density = -0.5 * np.log(2 * np.pi * std**2) - errors**2 / (2 * std**2)
    assert found.intervals.log_likelihood == pytest.approx(density.mean())
    assert found.intervals.coverage[3] == np.mean(np.abs(errors) <= 1.959963984540054 * std)
    tenth = found.calibration[0]
    lowest = np.argsort(predicted)[: tenth.n_ratings]
    assert tenth.n_ratings == pytest.approx(n / 10, abs=5)
    assert tenth.predicted == pytest.approx(predicted[lowest].mean())
    assert tenth.observed == pytest.approx(test.value[lowest].mean())


def test_how_often_an_item_was_rated_decides_its_row() -> None:
    # Item k was rated by the users 1 to k, for k on either side of every bound.
    counts = [1, 4, 5, 19, 20, 99, 100, 101]
    users = np.concatenate([np.arange(1, k + 1) for k in counts])
    model = fit(Ratings.from_ids(users, np.repeat(counts, counts), np.full(len(users), 3.0)))
    items = [*counts, 7]  # and one that is new
    found = evaluate(model, Ratings.from_ids([1] * 9, items, [4.0] * 9))
    assert [(row.name, row.n_ratings) for row in found.by_item] == [
        ("cold", 1), ("1-4", 2), ("5-19", 2), ("20-99", 2), ("100+", 2)
    ]  # fmt: skip
    # User 1 rated all 8 items that were there.
    assert [(row.name, row.n_ratings) for row in found.by_user] == [("5-19", 9)]


def test_the_standard_error_is_the_spread_of_a_simulation() -> None:
    """Users of unequal size whose errors have a share in common, as those of real users have."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 30, size=200)
    user = np.repeat(np.arange(200), sizes)
    rmses, stderrs, independent = [], [], []
    for _ in range(400):
        scale = np.exp(0.5 * rng.normal(size=200))[user]
        errors = GroupedErrors(200)
        errors.add(user, drawn := scale * rng.normal(size=len(user)))
        score = errors.score()
        rmses.append(score.rmse)
        assert score.rmse_stderr is not None
        stderrs.append(score.rmse_stderr)
        independent.append(np.std(drawn**2) / len(user) ** 0.5 / (2 * score.rmse))
    spread = np.std(rmses, ddof=1)
    # Four standard errors of a standard deviation of 400.
    assert np.sqrt(np.mean(np.square(stderrs))) == pytest.approx(spread, rel=0.15)
    assert np.sqrt(np.mean(np.square(independent))) < 0.8 * spread


def test_two_models_differ_by_as_much_as_their_errors_do() -> None:
    rng = np.random.default_rng(6)
    user = np.repeat(np.arange(80), 25)
    one, other = GroupedErrors(80), GroupedErrors(80)
    e_one = rng.normal(size=2_000)
    e_other = e_one + 0.05 * rng.normal(size=2_000)
    one.add(user, e_one)
    other.add(user, e_other)
    difference = one.above(other)
    d = e_one**2 / (2 * one.rmse) - e_other**2 / (2 * other.rmse)
    sums = np.bincount(user, d - d.mean())
    stderr = np.sqrt(80 / 79 * (sums**2).sum()) / 2_000
    assert difference.rmse == pytest.approx(one.rmse - other.rmse)
    assert difference.stderr == pytest.approx(stderr)
    assert other.above(one).rmse == -difference.rmse
    assert one.above(one).is_within_error
    far = GroupedErrors(80)
    far.add(user, 2 * e_one)
    assert not far.above(one).is_within_error


@pytest.mark.parametrize("offset", [0.0, 0.3, 6.0])
def test_a_difference_varies_as_a_bootstrap_over_users_says_however_far_apart(
    offset: float,
) -> None:
    rng = np.random.default_rng(9)
    user = np.repeat(np.arange(300), rng.integers(5, 40, 300))
    e_one = rng.normal(size=len(user)) + 0.4 * rng.normal(size=300)[user]
    e_other = e_one + 0.3 * rng.normal(size=len(user)) + offset
    one, other = GroupedErrors(300), GroupedErrors(300)
    one.add(user, e_one)
    other.add(user, e_other)
    sums = [np.bincount(user, each) for each in (e_one**2, e_other**2, np.ones(len(user)))]
    chosen = rng.integers(0, 300, (6_000, 300))
    squares, others, counts = (each[chosen].sum(axis=1) for each in sums)
    spread = (np.sqrt(others / counts) - np.sqrt(squares / counts)).std()
    assert other.above(one).stderr == pytest.approx(spread, rel=0.06)


def test_one_user_alone_has_no_standard_error() -> None:
    errors = GroupedErrors(1)
    errors.add(np.array([0, 0]), np.array([1.0, -3.0]))
    score = errors.score()
    assert (score.rmse, score.rmse_stderr) == (5**0.5, None)
    assert (score.user_mae, score.user_mae_stderr) == (2.0, None)
    assert errors.above(errors).is_within_error
    worse = GroupedErrors(1)
    worse.add(np.array([0, 0]), np.array([1.0, -4.0]))
    assert not worse.above(errors).is_within_error


def test_ratings_whose_errors_overflow_are_refused_without_a_warning() -> None:
    huge = Ratings.from_ids([1, 2, 3, 4], [1, 1, 2, 2], [8e307, -8e307, 8e307, -8e307])
    with pytest.raises(DataError, match="the sum of their squares overflows"):
        describe(huge)


def tenths_of_quantiles(predicted: FloatArray, value: FloatArray) -> list[tuple[int, float, float]]:
    cuts = np.quantile(predicted, np.arange(1, 10) / 10)
    group = np.searchsorted(cuts, predicted, side="right")
    return [
        (int(chosen.sum()), predicted[chosen].mean(), value[chosen].mean())
        for chosen in (group == k for k in range(10))
        if chosen.any()
    ]


@given(
    st.lists(st.sampled_from([1.0, 2.0, 2.0625, 2.5, 4.0]), min_size=1, max_size=60)
    | st.lists(st.integers(0, 4096).map(lambda k: 1 + k / 1024), min_size=1, max_size=60),
    st.integers(1, 20),
)
def test_tenths_of_predictions_end_at_their_quantiles(predictions: list[float], size: int) -> None:
    predicted = np.array(predictions)
    value = np.cos(np.arange(len(predicted)))
    tenths = Deciles(1.0, 5.0)
    pieces = [slice(first, first + size) for first in range(0, len(predicted), size)]
    sums = [tenths.tallied(predicted[here], value[here]) for here in pieces]
    tenths = Deciles(1.0, 5.0, np.sum(sums, axis=0))
    fetched = [tenths.fetched(predicted[here], value[here]) for here in pieces]
    found = [(tenth.n_ratings, tenth.predicted, tenth.observed) for tenth in tenths.result(fetched)]
    expected = tenths_of_quantiles(predicted, value)
    assert [n for n, _, _ in found] == [n for n, _, _ in expected]
    assert np.array(found) == pytest.approx(np.array(expected), abs=1e-9)
