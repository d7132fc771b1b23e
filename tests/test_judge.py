"""Predictions of other systems beside the model: differences, verdicts, rows that are not there."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlbias import DataError, Ratings, evaluate, fit, judge
from mlbias.cli.show.judgement import verdict
from mlbias.evaluation.significance import holm
from mlbias.fitting.record import Fit
from tests.test_cli import Run, document, fails, run, succeeds  # noqa: F401 - a fixture

FOUR = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])
MEAN = fit(FOUR, "gd", epochs=0)  # predicts 3.5 for everybody


def frame(ratings: Ratings, predicted: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user": ratings.user_ids[ratings.user],
            "item": ratings.item_ids[ratings.item],
            "rating": ratings.value.astype(float),
            "prediction": predicted,
        }
    )


def noisy(n_users: int, seed: int, better_by: float) -> tuple[Fit, Ratings, pl.DataFrame]:
    """Users with 1 to 12 ratings each, and a system whose errors have a part that is the user's."""
    draw = np.random.default_rng(seed)
    users = np.repeat(np.arange(n_users), draw.integers(1, 13, n_users))
    items = np.concatenate([np.arange((users == user).sum()) for user in range(n_users)])
    values = 3.5 + draw.normal(0, 1, len(users)) + draw.normal(0, 0.5, n_users)[users]
    ratings = Ratings.from_ids(users, items, values)
    own = draw.normal(0, 0.3, n_users)[users] + draw.normal(0, 0.3, len(users))
    return MEAN, ratings, frame(ratings, 3.5 + better_by * (values - 3.5) + own)


def test_the_four_ratings_by_hand() -> None:
    # Errors of the mean: 1.5, -0.5, 0.5, -1.5, squares 5 of 4; of the system: 1, 0, 0, -1.
    found = judge(MEAN, {"it": frame(FOUR, [4.0, 3.0, 4.0, 3.0])})
    [it] = found.predictions
    assert found.model.rmse == pytest.approx(math.sqrt(5 / 4))
    assert found.mean.rmse == pytest.approx(math.sqrt(5 / 4))
    assert (it.score.rmse, it.score.mae) == pytest.approx((math.sqrt(1 / 2), 0.5))
    assert it.difference.rmse == pytest.approx(math.sqrt(1 / 2) - math.sqrt(5 / 4))
    # Both users have the same sum of differences of squares, so that nothing is left to chance.
    assert it.difference.stderr == 0
    assert (it.p_value, it.verdict) == (0, "better")
    assert (it.n_ratings, it.missing, it.n_repeated, it.n_other) == (4, 0, 0, 0)


def test_the_standard_error_by_hand() -> None:
    predicted = [5.0, 3.0, 3.5, 3.5]
    [it] = judge(MEAN, {"it": frame(FOUR, predicted)}).predictions
    # Squares by user: the mean's 2.5 and 2.5, which vary not at all; the system's 0 and 2.5.
    rmses = math.sqrt(2.5 / 4), math.sqrt(5 / 4)
    stderr = math.sqrt(2 * (1.25**2 + 1.25**2)) / 4 / (2 * rmses[0])
    assert it.difference.stderr == pytest.approx(stderr)
    assert it.smallest_detectable == pytest.approx(2.8 * stderr)
    t = (rmses[0] - rmses[1]) / stderr
    assert it.p_value == pytest.approx(2 * stats.t.sf(abs(t), 1))
    assert it.high == pytest.approx(rmses[0] - rmses[1] + stats.t.ppf(0.975, 1) * stderr)
    assert it.verdict == "cannot be told"


@pytest.mark.parametrize("better_by", [0.0, 0.1])
def test_a_paired_bootstrap_over_users_agrees(better_by: float) -> None:
    model, ratings, system = noisy(400, 3, better_by)
    [it] = judge(model, {"it": system}).predictions
    users = ratings.user
    theirs = (ratings.value - system["prediction"].to_numpy()) ** 2
    own = (ratings.value - 3.5) ** 2
    sums = [np.bincount(users, weights) for weights in (theirs, own, np.ones(len(users)))]
    draw = np.random.default_rng(0)
    chosen = draw.integers(0, 400, (8000, 400))
    squares, own_squares, counts = (each[chosen].sum(axis=1) for each in sums)
    differences = np.sqrt(squares / counts) - np.sqrt(own_squares / counts)
    assert it.difference.stderr == pytest.approx(differences.std(), rel=0.05)
    low, high = np.quantile(differences, [0.025, 0.975])
    assert (it.low, it.high) == pytest.approx((low, high), abs=0.15 * (high - low))
    # The share of resamples on the other side of no difference.
    beyond = 2 * min((differences > 0).mean(), (differences < 0).mean())
    assert it.p_value is not None
    assert it.p_value == pytest.approx(beyond, abs=0.03)


def test_where_nothing_differs_one_verdict_in_twenty_is_wrong() -> None:
    wrong = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        users = np.repeat(np.arange(60), 5)
        ratings = Ratings.from_ids(users, np.tile(np.arange(5), 60), draw.normal(3.5, 1, 300))
        # As far from the ratings as the mean is, on average: 2 (r - 3.5) z - z² has the mean 0.
        noise = draw.normal(0, 0.5, 60)[users]
        offset = 0.125 * (ratings.value - 3.5)
        [it] = judge(MEAN, {"it": frame(ratings, 3.5 + noise + offset)}).predictions
        wrong += it.verdict != "cannot be told"
    assert 2 <= wrong <= 20


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, None, 0.9]) == [1.0, None, 1.0]
    assert holm([0.02, 0.02]) == [0.04, 0.04]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_as_it_is_defined(p_values: list[float]) -> None:
    m, order = len(p_values), sorted(range(len(p_values)), key=lambda k: p_values[k])
    for place, k in enumerate(order):
        steps = [min(1.0, (m - j) * p_values[order[j]]) for j in range(place + 1)]
        ties = [j for j in range(m) if p_values[order[j]] == p_values[k]]
        steps += [min(1.0, (m - j) * p_values[order[j]]) for j in ties]
        assert holm(p_values)[k] == max(steps)


def test_the_models_own_predictions_cannot_be_told_from_it() -> None:
    model, ratings, _ = noisy(50, 1, 0.0)
    found = judge(model, {"same": frame(ratings, [3.5] * len(ratings))})
    [same] = found.predictions
    assert (same.difference.rmse, same.p_value, same.verdict) == (0, 1, "cannot be told")
    assert found.model == evaluate(model, ratings).model
    assert same.score == found.model


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(random: Any) -> None:
    model, ratings, system = noisy(20, 2, 0.1)
    order = list(range(len(system)))
    random.shuffle(order)
    one = judge(model, {"it": system.drop("rating")}, ratings)
    assert judge(model, {"it": system.drop("rating")[order]}, ratings) == one


def test_all_are_scored_on_the_rows_that_all_have() -> None:
    model, ratings, system = noisy(60, 4, 0.1)
    some = system.filter(pl.col("item") != 0)
    elsewhere = pl.DataFrame({"user": [0, 999], "item": [777, 1], "rating": 3.0, "prediction": 3.0})
    others = pl.concat([system, elsewhere])
    found = judge(model, {"all": others, "some": some}, ratings)
    first, second = found.predictions
    n, n_missing = len(ratings), len(system) - len(some)
    assert (first.n_ratings, first.missing, first.n_other) == (n, 0, 2)
    assert (second.n_ratings, second.missing, second.n_other) == (n - n_missing, n_missing, 0)
    assert (found.n_ratings, found.n_left_out) == (n - n_missing, n_missing)
    kept = ratings.select(np.asarray(ratings.item_ids)[ratings.item] != 0)
    assert found.model.rmse == pytest.approx(evaluate(model, kept).model.rmse, rel=1e-14)
    assert first.score == second.score


def test_a_pair_may_stand_twice_if_it_is_predicted_alike() -> None:
    twice = pl.concat([frame(FOUR, [4.0, 3.0, 4.0, 3.0])] * 2)
    [it] = judge(MEAN, {"it": twice.drop("rating")}, FOUR).predictions
    assert (it.n_ratings, it.n_repeated, it.score.n_ratings) == (4, 4, 4)
    other = pl.concat([twice, frame(FOUR, [4.5, 3.0, 4.0, 3.0])]).drop("rating")
    with pytest.raises(DataError, match="it predicts user 1, item 10 twice and differently: 4 and"):
        judge(MEAN, {"it": other}, FOUR)


def test_a_pair_that_was_rated_twice_has_one_prediction_for_both() -> None:
    rated = Ratings.from_ids([1, 1, 2], [10, 10, 10], [4, 5, 3])
    once = pl.DataFrame({"user": [1, 2], "item": [10, 10], "prediction": [4.5, 3.0]})
    for rows, n_repeated in ((once, 0), (pl.concat([once, once[:1]]), 0), (once[[0, 1, 1]], 1)):
        [it] = judge(MEAN, {"it": rows}, rated).predictions
        assert (it.n_ratings, it.missing, it.n_repeated) == (3, 0, n_repeated)
        assert it.score.rmse == pytest.approx(math.sqrt(0.5 / 3))


def test_a_single_user_tells_nothing_of_chance() -> None:
    alone = FOUR.select(np.array([True, True, False, False]))
    [it] = judge(MEAN, {"it": frame(alone, [5.0, 3.0])}).predictions
    assert (it.difference.stderr, it.low, it.p_value, it.smallest_detectable) == (None,) * 4
    assert it.verdict == "cannot be told"


def test_differences_by_ratings_in_training_add_up() -> None:
    _, ratings, system = noisy(60, 5, 0.1)
    is_even = np.asarray(ratings.user_ids)[ratings.user] % 2 == 0
    half, cold = ratings.select(is_even), ratings.select(~is_even)
    model = fit(half, "exact", lambda_=3)
    [it] = judge(model, {"it": system}).predictions
    for side in (it.by_user, it.by_item):
        assert sum(part.n_ratings for part in side) == len(ratings)
    assert it.by_user[0].name == "cold"
    assert it.by_user[0].n_ratings == len(cold)
    [alone] = judge(model, {"it": system}, cold).predictions
    assert it.by_user[0].difference.rmse == pytest.approx(alone.difference.rmse)
    assert it.by_user[0].difference.stderr == pytest.approx(alone.difference.stderr)


def test_frames_that_cannot_be_judged() -> None:
    good = frame(FOUR, [4.0, 3.0, 4.0, 3.0])
    with pytest.raises(DataError, match="no column for the prediction"):
        judge(MEAN, {"it": good.drop("prediction")}, FOUR)
    with pytest.raises(DataError, match="row 1, column 'prediction': the prediction is missing"):
        judge(MEAN, {"it": frame(FOUR, [4.0, None, 4.0, 3.0])}, FOUR)
    with pytest.raises(DataError, match="no ratings beside the predictions"):
        judge(MEAN, {"it": good.drop("rating")})
    with pytest.raises(DataError, match="there are no predictions"):
        judge(MEAN, {}, FOUR)
    with pytest.raises(DataError, match="it predicts none of the 4 ratings"):
        judge(MEAN, {"it": good.with_columns(user=pl.lit(77))}, FOUR)
    with pytest.raises(DataError, match="no rating is predicted by all"):
        judge(MEAN, {"one": good[:2], "other": good[2:]}, FOUR)
    with pytest.raises(DataError, match="one and other have different ratings of user 1, item 10"):
        judge(MEAN, {"one": good, "other": good.with_columns(rating=pl.lit(1.0))})


# The command line.

TRAINED = ["train", "--data", "sample", "--test-size", "0.1", "--method", "exact", "-q"]


@pytest.fixture
def held_out(run: Run) -> Ratings:  # noqa: F811
    """The hold-out of a model that was trained in the folder."""
    from mlbias import load_ratings, random_split

    succeeds(run(*TRAINED))
    return random_split(load_ratings("sample"), 0.1)[1]


def write(path: Path, ratings: Ratings, predicted: Any, seed: int = 0) -> None:
    frame(ratings, predicted).drop("rating").sample(fraction=1, shuffle=True, seed=seed).write_csv(
        path
    )


def test_the_command_has_the_keys_of_the_issue_and_the_numbers_of_python(
    run: Run,  # noqa: F811
    held_out: Ratings,
    tmp_path: Path,
) -> None:
    from mlbias import load_model

    noise = np.random.default_rng(0).normal(0, 0.3, len(held_out))
    good, bad = held_out.value * 0.6 + 1.4 + noise, held_out.value * 0 + 3.0
    write(tmp_path / "good.csv", held_out, good)
    write(tmp_path / "bad.csv", held_out.select(held_out.item > 0), bad[held_out.item > 0], seed=1)
    found = document(run("evaluate", "--predictions", "good.csv", "bad.csv", "--json"))
    assert set(found) == {"schema", "n_ratings", "baseline", "predictions"}
    assert set(found["baseline"]) == {"rmse", "rmse_stderr", "mae"}
    n_missing = int((held_out.item == 0).sum())
    assert n_missing > 0
    frames = {
        "good.csv": pl.read_csv(tmp_path / "good.csv"),
        "bad.csv": pl.read_csv(tmp_path / "bad.csv"),
    }
    model = load_model(tmp_path / "data/model.npz")
    expected = judge(model, frames, held_out)
    assert found["n_ratings"] == expected.n_ratings == len(held_out) - n_missing
    assert found["baseline"]["rmse"] == expected.model.rmse
    for one, it in zip(found["predictions"], expected.predictions, strict=True):
        assert set(one) == {
            "file", "n_ratings", "missing", "rmse", "rmse_stderr", "mae", "difference",
            "smallest_detectable", "verdict",
        }  # fmt: skip
        assert set(one["difference"]) == {"rmse", "stderr", "low", "high", "p_value"}
        assert one["difference"]["p_value"] == it.p_value
        assert (one["file"], one["missing"]) == (it.name, it.missing)
    verdicts = [(one["missing"], one["verdict"]) for one in found["predictions"]]
    assert verdicts == [(0, "better"), (n_missing, "worse")]


def test_for_people_it_says_the_verdict_and_what_is_missing(
    run: Run,  # noqa: F811
    held_out: Ratings,
    tmp_path: Path,
) -> None:
    some = held_out.select(held_out.user > 5)
    write(tmp_path / "p.csv", some, some.value * 0 + 3.0)
    result = run("evaluate", "--predictions", "p.csv")
    said = succeeds(result)
    n, n_some = len(held_out), len(some)
    assert f"p.csv lacks {n - n_some:,} of {n:,} ratings" in result.stderr
    assert f"scored on the {n_some:,} ratings that all predict" in result.stderr
    assert "the hold-out that the model was trained with" in said
    assert "p.csv is worse than the bias model: its RMSE is 0." in said
    assert "Student's t with" in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_a_table_to_paste_has_whole_names(run: Run, tmp_path: Path, form: str) -> None:  # noqa: F811
    (tmp_path / "r.csv").write_text("userId,movieId,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\n")
    succeeds(run("train", "--data", "r.csv", "-q"))
    (tmp_path / "a-system-of-a-long-name.csv").write_text("user,item,prediction\n1,10,4\n2,20,3\n")
    judged = ("evaluate", "--predictions", "a-system-of-a-long-name.csv", "--format", form)
    assert "a-system-of-a-long-name.csv" in succeeds(run(*judged))


@pytest.mark.parametrize("text", ["user,item\n1,10\n", "1,10\n", "1 10\n"])
def test_what_has_no_column_of_predictions_is_told_so(
    run: Run,  # noqa: F811
    tmp_path: Path,
    text: str,
) -> None:
    (tmp_path / "r.csv").write_text("userId,movieId,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\n")
    succeeds(run("train", "--data", "r.csv", "-q"))
    (tmp_path / "p.csv").write_text(text)
    fails(run("evaluate", "--predictions", "p.csv"), 1, "expected user, item and prediction")


def test_ratings_beside_the_predictions_and_ratings_of_data(run: Run, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "r.csv").write_text("userId,movieId,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\n")
    succeeds(run("train", "--data", "r.csv", "--epochs", "0", "-q"))
    (tmp_path / "p.csv").write_text("uid,iid,r_ui,est\n1,10,5,4\n1,20,3,3\n2,10,4,4\n")
    beside = document(run("evaluate", "--predictions", "p.csv", "--json"))
    joined = run("evaluate", "--predictions", "p.csv", "--data", "r.csv", "--json")
    assert (beside["n_ratings"], beside["predictions"][0]["missing"]) == (3, 0)
    [one] = document(joined)["predictions"]
    assert (one["n_ratings"], one["missing"]) == (3, 1)
    assert one["rmse"] == beside["predictions"][0]["rmse"] == pytest.approx(math.sqrt(1 / 3))
    assert "p.csv lacks 1 of 4 ratings" in joined.stderr
    assert "the bias model has seen these ratings" in joined.stderr


@pytest.mark.parametrize("form", ["tsv", "parquet", "ndjson", "headerless", "arrow"])
def test_any_format_will_do(run: Run, tmp_path: Path, form: str) -> None:  # noqa: F811
    (tmp_path / "r.csv").write_text("userId,movieId,rating\na,x,5\na,y,3\nb,x,4\nb,y,2\n")
    succeeds(run("train", "--data", "r.csv", "--epochs", "0", "-q"))
    table = pl.DataFrame(
        {"user": ["b", "a", "b", "a"], "item": ["x", "x", "y", "y"], "score": [4.0, 4, 3, 3]}
    )
    path = tmp_path / "p"
    if form == "tsv":
        table.write_csv(path, separator="\t")
    elif form == "headerless":
        table.write_csv(path, include_header=False)
    elif form == "arrow":
        table.write_ipc(path)
    else:
        getattr(table, f"write_{form}")(path)
    [one] = document(run("evaluate", "--predictions", "p", "--json"))["predictions"]
    assert (one["n_ratings"], one["missing"], one["rmse"]) == (4, 0, pytest.approx(0.5**0.5))


@pytest.mark.parametrize(
    ("rows", "more", "code", "message"),
    [
        ("1,10,nan\n", [], 1, r"p\.csv, line 2, column 3: prediction 'nan' is not a number"),
        ("1,10,\n", [], 1, r"p\.csv, line 2, column 3: the prediction is missing"),
        ("1,10,4\n1,10,5\n", [], 1, "predicts user 1, item 10 twice and differently: 4 and 5"),
        ("7,70,4\n", [], 1, "predicts none of the 4 ratings"),
        ("01,010,4\n", [], 1, "if ids such as '01' were written as 1"),
        (
            "1,10,4\n",
            ["--prediction-col", "guess"],
            2,
            "has no column 'guess' for --prediction-col",
        ),
        ("1,10,4\n", ["--against", "data/model.npz"], 2, "--against and --predictions"),
        ("1,10,4\n", ["p.csv"], 2, "p.csv is given twice"),
        ("1,10,4\n", ["--predictions", "sample"], 2, "sample is no file of predictions"),
        ("1,10,4\n", ["--rating-col", "3"], 2, "two columns of p.csv are the same one"),
    ],
)
def test_what_is_refused(
    run: Run,  # noqa: F811
    tmp_path: Path,
    rows: str,
    more: list[str],
    code: int,
    message: str,
) -> None:
    (tmp_path / "r.csv").write_text("userId,movieId,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\n")
    succeeds(run("train", "--data", "r.csv", "--epochs", "0", "-q"))
    (tmp_path / "p.csv").write_text(f"user,item,prediction\n{rows}")
    fails(run("evaluate", "--predictions", "p.csv", *more), code, message)


def test_a_file_of_ratings_alone_is_no_file_of_predictions(run: Run, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "r.csv").write_text("userId,movieId,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\n")
    succeeds(run("train", "--data", "r.csv", "--epochs", "0", "-q"))
    fails(run("evaluate", "--predictions", "r.csv"), 1, "no column for the prediction among")
    fails(run("evaluate", "--prediction-col", "est"), 2, "--prediction-col goes with --predictions")
    asked = run("evaluate", "--predictions", "r.csv", "--prediction-col", "rating", "--json")
    [one] = json.loads(succeeds(asked))["predictions"]
    assert one["rmse"] == 0


def test_columns_by_number_where_there_is_no_header(run: Run, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "r.csv").write_text("userId,movieId,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\n")
    succeeds(run("train", "--data", "r.csv", "--epochs", "0", "-q"))
    (tmp_path / "p.csv").write_text("1,10,5,4.0\n1,20,3,3.0\n2,10,4,4.0\n2,20,2,3.0\n")
    columns = ["--rating-col", "3", "--prediction-col", "4"]
    [one] = document(run("evaluate", "--predictions", "p.csv", *columns, "--json"))["predictions"]
    assert (one["n_ratings"], one["rmse"]) == (4, pytest.approx(math.sqrt(0.5)))
    guessed = run("evaluate", "--predictions", "p.csv", "--json")
    assert "columns 1, 2, 3 of 4 are user, item, prediction" in guessed.stderr
    [one] = document(guessed)["predictions"]
    assert one["rmse"] == 0


def test_standard_input_and_netflix_text(run: Run, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "r.csv").write_text("userId,movieId,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\n")
    succeeds(run("train", "--data", "r.csv", "--epochs", "0", "-q"))
    netflix = "10:\n1,4\n2,4\n20:\n1,3\n2,3\n"
    for text in (netflix, "user,item,est\n1,10,4\n2,10,4\n1,20,3\n2,20,3\n"):
        found = run("evaluate", "--predictions", "-", "--json", stdin=text)
        [one] = document(found)["predictions"]
        assert (one["n_ratings"], one["rmse"]) == (4, pytest.approx(math.sqrt(0.5)))
    with_ratings = "user,item,est,rating\n1,10,4,5\n2,10,4,4\n"
    twice = run("evaluate", "--predictions", "-", stdin=with_ratings)
    fails(twice, 1, "standard input cannot be read twice, for predictions and for ratings")
    both = run("evaluate", "--predictions", "-", "--data", "-", stdin=with_ratings)
    fails(both, 2, "only one file can be standard input")


def test_the_models_own_predictions_differ_by_nothing() -> None:
    same = judge(MEAN, {"same.csv": frame(FOUR, [3.5] * 4)}).predictions[0]
    assert (same.difference.rmse, same.p_value) == (0, 1)
    assert "its RMSE is the same, p = 1.0000" in verdict(same)
