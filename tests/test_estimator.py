"""BiasRegressor among scikit-learn's tools, by scikit-learn's own checks and beside mlbias.fit."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder
from sklearn.utils.estimator_checks import check_estimator

from mlbias import Adam, BiasRegressor, OptionError, Ratings, fit
from mlbias import estimator as module

# Checks of scikit-learn 1.6 to 1.9 that hand over X with other numbers of columns than two, or
# with fractions, which are no ids.
NO_PAIRS_OF_IDS = (
    "check_dict_unchanged", "check_dont_overwrite_parameters", "check_dtype_object",
    "check_estimators_dtypes", "check_estimators_fit_returns_self", "check_estimators_nan_inf",
    "check_estimators_overwrite_params", "check_estimators_pickle",
    "check_f_contiguous_array_estimator", "check_fit2d_1sample", "check_fit2d_predict1d",
    "check_fit_idempotent", "check_fit_score_takes_y", "check_methods_sample_order_invariance",
    "check_methods_subset_invariance", "check_n_features_in",
    "check_n_features_in_after_fitting", "check_pipeline_consistency",
    "check_positive_only_tag_during_fit", "check_readonly_memmap_input",
    "check_regressor_data_not_an_array", "check_regressors_int",
    "check_regressors_no_decision_function", "check_regressors_train", "check_supervised_y_2d",
)  # fmt: skip
# The checks' targets are linear in ten columns, of which two ids tell little: R² is below 0.5.
NO_LINEAR_MODEL = ("check_regressors_train",)


def failures() -> dict[str, BaseException]:
    results = check_estimator(BiasRegressor(lambda_=1), on_fail=None, on_skip=None)
    assert len(results) > 40
    return {one["check_name"]: one["exception"] for one in results if one["status"] == "failed"}


def test_it_passes_the_checks_whose_data_are_pairs_of_ids() -> None:
    found = failures()
    assert found.keys() <= set(NO_PAIRS_OF_IDS)
    reasons = "expected two columns, ids of users|ids are integers or text"
    for name, error in found.items():
        shown = f"{error} {error.__cause__} {error.__context__}"
        assert any(reason in shown for reason in reasons.split("|")), (name, shown)


def test_with_any_columns_taken_for_ids_it_passes_the_others_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def first_and_last(X: Any) -> tuple[Any, Any]:
        if X.dtype.kind in "US":
            X = np.unique(X, return_inverse=True)[1].reshape(X.shape)
        whole = np.rint(np.asarray(X, dtype=float)).astype(np.int64)
        return whole[:, 0], whole[:, -1]

    monkeypatch.setattr(module, "_pairs", first_and_last)
    assert failures().keys() <= set(NO_LINEAR_MODEL)


@pytest.fixture
def rated(make_ratings: Callable[..., Ratings]) -> tuple[Ratings, Any, Any]:
    """Ratings, the same as X and y."""
    ratings = make_ratings(600, 30, 40)
    columns = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    return ratings, np.column_stack(columns), ratings.value


def test_it_is_fit(rated: tuple[Ratings, Any, Any]) -> None:
    ratings, X, y = rated
    own = BiasRegressor().fit(X, y)
    expected = fit(ratings, "exact")
    assert own.predict(X) == pytest.approx(expected.predict(X[:, 0], X[:, 1]), abs=1e-7)
    assert own.fit_.lambdas == pytest.approx(expected.lambdas, rel=1e-6)
    assert own.n_iter_ == expected.history[-1].epoch
    adam = BiasRegressor(Adam(lr=0.1), epochs=3, lambda_user=1, lambda_item=2).fit(X, y)
    other = fit(ratings, Adam(lr=0.1), epochs=3, lambda_user=1, lambda_item=2)
    assert adam.predict(X) == pytest.approx(other.predict(X[:, 0], X[:, 1]))
    r2 = 1 - ((y - own.predict(X)) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert own.score(X, y) == pytest.approx(r2)


def test_frames_arrays_and_text_are_the_same_pairs(rated: tuple[Ratings, Any, Any]) -> None:
    _, X, y = rated
    expected = BiasRegressor().fit(X, y).predict(X)
    frame = pl.DataFrame({"who": X[:, 0], "what": X[:, 1]})
    own = BiasRegressor().fit(frame, y)
    assert own.predict(frame).tolist() == expected.tolist()
    assert own.feature_names_in_.tolist() == ["who", "what"]
    with pytest.raises(ValueError, match="feature names should match"):
        own.predict(frame.select("what", "who"))
    mixed = frame.with_columns(pl.col("who").cast(pl.String) + "x")
    assert BiasRegressor().fit(mixed, y).predict(mixed) == pytest.approx(expected, abs=1e-7)
    floats = BiasRegressor().fit(X.astype(float), y)
    assert floats.predict(X).tolist() == expected.tolist()


def test_an_unknown_id_has_a_bias_of_0(rated: tuple[Ratings, Any, Any]) -> None:
    _, X, y = rated
    own = BiasRegressor().fit(X, y)
    assert own.predict([[999_999, 888_888]]) == pytest.approx(own.fit_.alpha)


def test_searches_folds_by_user_pipelines_and_clones(rated: tuple[Ratings, Any, Any]) -> None:
    _, X, y = rated
    scoring = "neg_root_mean_squared_error"
    scores = cross_val_score(
        BiasRegressor(), X, y, groups=X[:, 0], cv=GroupKFold(3), scoring=scoring
    )
    assert np.isfinite(scores).all()
    search = GridSearchCV(BiasRegressor(), {"lambda_": [0.5, 3, 1e6, "auto"]}, scoring=scoring)
    search.fit(X, y)
    tried, rank = (search.cv_results_[key] for key in ("param_lambda_", "rank_test_score"))
    ranks = dict(zip(tried, rank, strict=True))
    assert ranks[1e6] == 4
    assert search.best_estimator_.lambda_ == search.best_params_["lambda_"]
    wide = np.column_stack([y, X])
    ids = ColumnTransformer([("ids", "passthrough", [1, 2])])
    pipeline = make_pipeline(ids, BiasRegressor())
    expected = BiasRegressor().fit(X, y).predict(X)
    assert pipeline.fit(wide, y).predict(wide).tolist() == expected.tolist()
    again = clone(BiasRegressor("gd", lr=0.1, epochs=7))
    assert again.get_params()["lr"] == 0.1
    with pytest.raises(NotFittedError):
        again.predict(X)
    own = BiasRegressor().fit(X, y)
    assert pickle.loads(pickle.dumps(own)).predict(X).tolist() == expected.tolist()


def test_where_users_choose_different_items_one_side_at_a_time_is_not_enough() -> None:
    # Half of the users rate the good items alone: their means say that they are kind.
    draw = np.random.default_rng(0)
    users, items = np.divmod(np.arange(80_000), 200)
    seen = draw.random(80_000) < np.where((users % 2 == 0) == (items < 100), 0.2, 0.01)
    X = np.column_stack([users, items])[seen]
    bias = np.where(X[:, 1] < 100, 1.0, -1.0) + draw.normal(0, 0.3, 400)[X[:, 0]]
    y = 3 + bias + draw.normal(0, 0.5, len(X))
    encoder = TargetEncoder(target_type="continuous").fit(X, y)
    encoded = encoder.transform(X).sum(axis=1) - y.mean()
    one_way = np.sqrt(np.mean((y - encoded) ** 2))
    both = np.sqrt(np.mean((y - BiasRegressor().fit(X, y).predict(X)) ** 2))
    assert both < 0.55 < 0.8 < one_way


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1, 2, 3]], [4], "X has 3 feature.s.; expected two columns, ids of users and of items"),
        ([[1], [2]], [4, 3], "X has 1 feature"),
        ([[1, 0.5], [2, 1]], [4, 3], "row 0: the item is 0.5; ids are integers or text"),
        ([[1, None], [2, 1]], [4, 3], "row 0: the item is missing"),
        ([[1, 2], [2, 1]], [4, np.nan], "NaN"),
        ([[1, 2], [2, 1]], [4], "inconsistent numbers of samples"),
        ([[1, 1], [1, 1]], [4, 4], "lambda cannot be learned"),
    ],
)
def test_what_is_refused(X: Any, y: Any, message: str) -> None:
    given = np.array(X, dtype=object) if any(None in row for row in X) else X
    with pytest.raises(ValueError, match=message):
        BiasRegressor().fit(given, y)


def test_options_are_checked_when_it_is_fitted() -> None:
    with pytest.raises(OptionError, match="there is no method 'sgd'"):
        BiasRegressor("sgd").fit([[1, 2], [2, 1]], [4, 3])


def test_without_scikit_learn_it_says_what_is_missing() -> None:
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from mlbias import *\n"
        "try:\n    from mlbias import BiasRegressor\n"
        "except ImportError as error:\n    print(error)"
    )
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected = "BiasRegressor needs scikit-learn 1.6 or newer: pip install 'mlbias[sklearn]'\n"
    assert said == expected
