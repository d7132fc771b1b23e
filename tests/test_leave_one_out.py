"""Leave-one-out against fitting again without each rating."""

import math
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbias.core import leave_one_out as module
from mlbias.core.incidence import BlockIncidence
from mlbias.core.leave_one_out import leave_one_out
from mlbias.core.methods.exact import Exact
from mlbias.core.model import Parameters, Penalty, PenaltyScale
from mlbias.core.regularisation import Regularisation
from mlbias.core.reml.exact_inverse import exact_inverse
from mlbias.core.reml.optimum import optimum_at
from mlbias.core.reml.posterior import inverse_at, posterior
from mlbias.evaluation.crossval import CrossValidation
from mlbias.evaluation.folds import CutFolds
from mlbias.fitting.assessment import learned_leave_one_out
from mlbias.fitting.fit import fit
from mlbias.fitting.record import Noise, Settings
from mlbias.ratings import Ratings
from mlbias.saved_model.file import load_model, save_model
from tests.conftest import random_ratings
from tests.reml_oracle import DESIGNS, DenseReml, drawn_on
from tests.test_inverses import WAYS

LAMBDAS = st.sampled_from([0.01, 0.5, 3.0, 40.0, math.inf])


def refitted(ratings: Ratings, penalty: Penalty) -> np.ndarray:
    """Errors of each rating by the normal equations of all others, (n,)."""
    n, value = len(ratings), ratings.value.astype(np.float64)
    users, items = np.eye(ratings.n_users)[ratings.user], np.eye(ratings.n_items)[ratings.item]
    # A λ that is infinite takes its side's biases out of the model.
    sides = [(users, penalty.user), (items, penalty.item)]
    sides = [(side, ridge) for side, ridge in sides if ridge < math.inf]
    design = np.hstack([np.ones((n, 1)), *(side for side, _ in sides)])
    ridge = np.concatenate([[0.0], *(np.full(side.shape[1], ridge) for side, ridge in sides)])
    errors = np.empty(n)
    for k in range(n):
        others = np.arange(n) != k
        x = design[others]
        solution = np.linalg.solve(x.T @ x + np.diag(ridge), x.T @ value[others])
        errors[k] = value[k] - design[k] @ solution
    return errors


def left_out(
    ratings: Ratings, penalty: Penalty, way: str | None = None, threads: int | None = None
) -> module.LeaveOneOut | None:
    """As the program does, or by an inverse of one kind."""
    incidence = BlockIncidence(ratings)
    at = optimum_at(incidence, penalty, precision=1e-12).parameters
    at = Parameters(at.alpha + incidence.statistics.center, at.user_bias, at.item_bias)
    inverse = None
    if way in WAYS:
        inverse = WAYS[way](incidence, penalty)
    elif way is None:
        inverse = inverse_at(exact_inverse(incidence), penalty)
    known, mean_rmse = posterior(incidence, penalty, inverse), incidence.statistics.mean_rmse
    return leave_one_out(ratings, at, known, mean_rmse, threads=threads)


def assert_is(found: module.LeaveOneOut | None, errors: np.ndarray, rel: float = 1e-7) -> None:
    assert found is not None
    assert found.rmse == pytest.approx(math.sqrt((errors**2).mean()), rel=rel)
    assert found.mae == pytest.approx(np.abs(errors).mean(), rel=rel)


def test_four_ratings_by_hand(four: Ratings) -> None:
    """With both sides held at 0, each is predicted with the mean of the other three."""
    found = left_out(four, Penalty(math.inf, math.inf))
    # 5, 3, 4, 2: 5 - 3, 3 - 11/3, 4 - 10/3, 2 - 4.
    assert_is(found, np.array([2, -2 / 3, 2 / 3, -2]), 1e-14)
    # Users 1 and 2 have squares 4 + 4/9 each, and magnitudes 8/3: nothing varies between users.
    assert found is not None
    assert found.rmse_stderr == pytest.approx(0)
    assert found.mae_stderr == pytest.approx(0)
    assert found.by == "exact"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("design", DESIGNS)
def test_on_designs_of_every_kind(design: str, way: str) -> None:
    ratings, penalty = drawn_on(DESIGNS[design], 3), Penalty(1.7, 0.6)
    assert_is(left_out(ratings, penalty, way), refitted(ratings, penalty))


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(1, 10)), min_size=2, max_size=25
    ),
    LAMBDAS,
    LAMBDAS,
)
@settings(max_examples=60)
def test_on_any_few_ratings(rows: list[tuple[int, int, int]], user: float, item: float) -> None:
    ratings, penalty = Ratings.from_ids(*zip(*rows, strict=True)), Penalty(user, item)
    errors = refitted(ratings, penalty)
    found = left_out(ratings, penalty)
    assert found is not None
    assert found.rmse == pytest.approx(math.sqrt((errors**2).mean()), rel=1e-6, abs=1e-9)
    assert found.mae == pytest.approx(np.abs(errors).mean(), rel=1e-6, abs=1e-9)


def test_the_expansion_is_near_it(make_ratings: Callable[..., Ratings]) -> None:
    ratings, penalty = make_ratings(600, 30, 40), Penalty(4.0, 3.0)
    once = ratings.user.astype(np.int64) * 40 + ratings.item
    assert len(np.unique(once)) < len(ratings)  # pairs are repeated
    found = left_out(ratings, penalty, "expansion")
    assert_is(found, refitted(ratings, penalty), 1e-3)
    assert found is not None
    assert found.by == "expansion"
    assert found.leverage_error is None  # λ was given, so the leverages' sum is not known


@pytest.mark.parametrize("noise", ["one", "user"])
def test_the_error_of_the_leverages_is_known_where_lambda_is_learned(
    make_ratings: Callable[..., Ratings], monkeypatch: pytest.MonkeyPatch, noise: Noise
) -> None:
    ratings = make_ratings(20_000, 300, 200)
    exact = fit(ratings, "exact", noise=noise)
    assert exact.leave_one_out is not None
    assert exact.leave_one_out.leverage_error == 0
    monkeypatch.setattr("mlbias.core.reml.exact_inverse.distinct_pairs", lambda _: None)
    found = fit(ratings, "exact", noise=noise)
    assert found.leave_one_out is not None
    assert found.learned is not None
    assert exact.learned is not None
    assert found.learned.n_parameters == pytest.approx(exact.learned.n_parameters, rel=1e-3)
    assert found.leave_one_out.by == "expansion"
    off = found.leave_one_out.leverage_error
    assert off is not None
    assert 0 < abs(off) < 1e-4


def test_the_leverages_add_up_to_the_effective_number_of_parameters() -> None:
    ratings = drawn_on(DESIGNS["repeated pairs"], 0)
    learned = fit(ratings, "exact").learned
    assert learned is not None
    penalty = learned.penalty
    x = np.hstack(
        [
            np.ones((len(ratings), 1)),
            np.eye(ratings.n_users)[ratings.user],
            np.eye(ratings.n_items)[ratings.item],
        ]
    )
    inverse = DenseReml(ratings).inverse(penalty.user, penalty.item)
    assert learned.n_parameters == pytest.approx(float(np.trace(x @ inverse @ x.T)), rel=1e-8)


def test_the_mean_is_one_of_the_others_too() -> None:
    ratings = drawn_on(DESIGNS["tiny"], 0)
    value = ratings.value.astype(np.float64)
    others = [np.delete(value, k).mean() for k in range(len(value))]
    found = left_out(ratings, Penalty(1.0, 2.0))
    assert found is not None
    assert found.mean_rmse == pytest.approx(math.sqrt(((value - others) ** 2).mean()), rel=1e-12)


@given(st.integers(0, 10_000), st.sampled_from([0.01, 1.0, 30.0]))
@settings(max_examples=20)
def test_the_expansion_never_loses_its_footing(seed: int, penalty: float) -> None:
    """Even where it is far from second order, nothing is divided by 0 or by less."""
    ratings = random_ratings(40, 30, 25, seed)
    found = left_out(ratings, Penalty(penalty, penalty), "expansion")
    assert found is not None
    assert 0 < found.rmse < 10


def test_threads_change_no_bit_and_pieces_only_rounding(
    make_ratings: Callable[..., Ratings], monkeypatch: pytest.MonkeyPatch
) -> None:
    ratings, penalty = make_ratings(3_000, 60, 50), Penalty(4.0, 3.0)
    one, two = (left_out(ratings, penalty, threads=threads) for threads in (1, 2))
    assert one == two
    assert one is not None
    monkeypatch.setattr(module, "_PIECE", 70)
    monkeypatch.setattr(module, "_LONG", 500)
    again = left_out(ratings, penalty)
    assert again is not None
    assert astuple(again)[:4] == pytest.approx(astuple(one)[:4], rel=1e-13)


def test_a_fit_has_it_where_it_is_defined(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(900, 40, 30)
    found = fit(ratings, "exact")
    assert found.learned is not None
    assert_is(found.leave_one_out, refitted(ratings, found.learned.penalty), 1e-8)
    assert fit(ratings, "exact", lambda_=2).leave_one_out is not None
    # No optimum, no prior, or next to none, and a rating that no other tells of.
    assert fit(ratings, "closed-form").leave_one_out is None
    assert fit(ratings, "exact", epochs=1).leave_one_out is None
    assert fit(ratings, "exact", lambda_user=0, lambda_item=1).leave_one_out is None
    assert fit(ratings, "exact", lambda_=0).leave_one_out is None
    lonely = Ratings.from_ids([1, 1, 2, 2, 3], [1, 2, 1, 2, 3], [1, 2, 4, 5, 3])
    assert fit(lonely, "exact", lambda_=1e-9).leave_one_out is None
    assert fit(Ratings.from_ids([1], [1], [4]), "exact", lambda_=1).leave_one_out is None


def test_after_other_methods_exact_is_tried_by_the_size_of_the_data(
    make_ratings: Callable[..., Ratings], monkeypatch: pytest.MonkeyPatch
) -> None:
    ratings = make_ratings(20_000, 300, 200)
    incidence = BlockIncidence(ratings)
    found = learned_leave_one_out(incidence, lambda: ratings)
    exactly = fit(ratings, "exact").leave_one_out
    assert found is not None
    assert exactly is not None
    assert found.rmse == pytest.approx(exactly.rmse, abs=5e-5)
    one_user = Ratings.from_ids([1, 1], [1, 2], [3, 4])
    assert learned_leave_one_out(BlockIncidence(one_user), lambda: one_user) is None
    monkeypatch.setattr("mlbias.fitting.assessment._MOMENT", 19_999)
    assert learned_leave_one_out(incidence, lambda: ratings) is None


def test_it_is_saved_with_the_model(tmp_path: Path, make_ratings: Callable[..., Ratings]) -> None:
    model = fit(make_ratings(), "exact")
    assert model.leave_one_out is not None
    save_model(model, tmp_path / "m.npz")
    assert load_model(tmp_path / "m.npz").leave_one_out == model.leave_one_out


@pytest.mark.parametrize(
    ("name", "rmse", "expanded"),
    [("ml-100k", 0.937243, 0.937249), ("ml-latest-small", 0.860252, 0.860251)],
)
def test_real_ratings(
    real_ratings: Callable[[str], Ratings], name: str, rmse: float, expanded: float
) -> None:
    """Against 100-fold cross-validation, which is nearly the same; ± is of their difference."""
    ratings = real_ratings(name)
    found = fit(ratings, "exact")
    assert found.learned is not None
    assert found.leave_one_out is not None
    assert found.leave_one_out.rmse == pytest.approx(rmse, abs=1e-6)
    by_expansion = left_out(ratings, found.learned.penalty, "expansion")
    assert by_expansion is not None
    assert by_expansion.rmse == pytest.approx(expanded, abs=1e-6)
    user, item = found.lambdas
    assert user is not None
    assert item is not None
    regularisation = Regularisation(PenaltyScale.SUM, (user, item))
    folds = CutFolds.of(ratings, 100, 0, "random", 1)
    validation = CrossValidation(folds, [Settings.of(Exact(), regularisation)])
    *_, _ = validation.run()
    (trial,) = validation.trials()
    # Training on 99 % costs a little: less than 0.0005, and never pays.
    assert 0 < trial.errors.rmse - rmse < 5e-4
