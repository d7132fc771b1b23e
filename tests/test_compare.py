"""Methods side by side: the table, the curves, and two saved models on the same ratings."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mlbias.cli.show.curves import chart
from mlbias.core.incidence import BlockIncidence
from mlbias.core.scores import GroupedErrors
from mlbias.core.training import EpochStats
from mlbias.evaluation.compare import CONTESTANTS, NEAR, Result
from mlbias.evaluation.compare import compare as compare_methods
from mlbias.evaluation.means import item_means, mean_model, user_means
from mlbias.evaluation.splits import random_split
from mlbias.ratings import Ratings
from tests.oracle import dense_optimum
from tests.test_cli import Run, fails, run, succeeds

__all__ = ["run"]


def test_means_of_four_ratings_by_hand(four: Ratings) -> None:
    # Users 1 and 2 gave items 10 and 20 the ratings 5, 3 and 4, 2.
    s = BlockIncidence(four).statistics
    asked = [1, 2, 9], [10, 20, 99]
    assert mean_model(s, four).predict(*asked).tolist() == [3.5, 3.5, 3.5]
    assert user_means(s, four).predict(*asked).tolist() == [4.0, 3.0, 3.5]
    assert item_means(s, four).predict(*asked).tolist() == [4.5, 2.5, 3.5]


def test_all_are_measured_against_one_optimum(make_ratings: Callable[..., Ratings]) -> None:
    training, held_out = random_split(make_ratings(1_500, 30, 40), 0.2)
    results = {
        result.name: result
        for result in compare_methods(
            training, held_out, epochs=400, lambda_user=4.0, lambda_item=3.0
        )
    }
    assert tuple(results) == CONTESTANTS
    best = dense_optimum(training, 4.0, 3.0)
    for name in ("closed-form", "exact"):
        result = results[name]
        assert result.near is not None
        before = result.gaps[result.near.epoch - 1]
        assert result.gaps[result.near.epoch] <= NEAR < before
        for stats, gap in zip(result.history, result.gaps, strict=True):
            assert gap == pytest.approx(max(stats.cost / best.cost - 1, 0), abs=1e-9)
        assert result.training.rmse == pytest.approx(best.rmse, rel=1e-6)
    assert results["adam"].gaps[-1] < 0.1 * results["adam"].gaps[5]
    [gd] = compare_methods(training, held_out, ["gd"], epochs=20, lambda_user=4.0, lambda_item=3.0)
    assert gd.near is None
    assert len(gd.history) == 21
    assert results["mean"].history == ()
    errors = held_out.value - training.value.mean()
    assert results["mean"].held_out.rmse == pytest.approx(np.sqrt(np.mean(errors**2)))


def test_a_method_is_there_at_a_millionth_above_the_minimum() -> None:
    gaps = (1.0, 5e-6, 1.1e-6, 1e-6, 0.0)
    history = tuple(EpochStats(k, 1.0, 1 + gap, 3.5, None, None, 0.0) for k, gap in enumerate(gaps))
    nobody = GroupedErrors(1)
    assert Result("gd", nobody, nobody, history, gaps).near is history[3]
    assert Result("gd", nobody, nobody, history[:3], gaps[:3]).near is None


def test_the_chart_falls_as_its_values_do() -> None:
    lines = chart({"abc": [1.0, 1e-3, 1e-6], "b": [1.0, 0.5, 0.25]}, 40)
    assert max(map(len, lines)) <= 40
    assert lines[0].startswith("  1e+00 b")
    assert lines[12].startswith("  1e-06")
    assert lines[12].endswith("a")
    assert lines[-1].split() == ["epoch", "0", "1", "2"]
    assert sum(line.count("b") for line in lines) == 31


def test_the_command_draws_a_table_and_curves(run: Run) -> None:
    said = succeeds(run("compare", "--data", "sample", "--epochs", "20")).splitlines()
    assert said[2].startswith("one objective: λ users ")
    rows = {line.split()[0]: line.split() for line in said[7:14]}
    assert tuple(rows) == CONTESTANTS
    assert rows["gd"][1:4] == ["not", "in", "20"]
    assert int(rows["exact"][1]) < 20
    assert sum(line.endswith(" best") for line in said[7:14]) == 1
    assert max(map(len, said)) <= 80
    assert "        g gd   a adam   c closed-form   e exact" in said


def test_its_json_is_one_document(run: Run) -> None:
    options = ("--methods", "exact,mean", "--lambda", "5", "--lambda-item", "2", "--json")
    found = json.loads(succeeds(run("compare", "--data", "sample", *options)))
    assert (found["lambda_user"], found["lambda_item"], found["auto"]) == (5, 2, False)
    exact, mean = found["methods"]
    assert (exact["name"], mean["name"]) == ("exact", "mean")
    assert exact["epochs_to_optimum"] <= exact["epochs"] == len(exact["gaps"]) - 1
    assert mean["epochs_to_optimum"] is None
    assert exact["is_best"]
    assert mean["above_best"]["rmse"] == mean["holdout_rmse"] - exact["holdout_rmse"]
    assert not mean["is_as_good_as_best"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--methods", "gd,sgd"], "has no 'sgd'"),
        (["--lambda", "much"], "a number from 0 on or auto, not 'much'"),
        (["--lambda-user", "3"], "give --lambda-user and --lambda-item"),
        (["--split", "week"], "--split is random, user or time"),
        (["--lambda", "-2"], "--lambda must be 0 or from 1e-100 to 1e\\+100, not -2"),
    ],
)
def test_usage_errors(run: Run, options: list[str], message: str) -> None:
    fails(run("compare", "--data", "sample", *options), 2, message)


def test_beside_a_component_of_zero_lambda_is_infinite_and_all_methods_train() -> None:
    rng = np.random.default_rng(0)
    user, item = rng.integers(60, size=3_000), rng.integers(80, size=3_000)
    value = 3 + 0.5 * rng.normal(size=60)[user] + rng.normal(size=3_000)
    training, held_out = random_split(Ratings.from_ids(user, item, value), 0.1)
    results = {r.name: r for r in compare_methods(training, held_out, epochs=30)}
    assert [r.diverged for r in results.values()] == [""] * len(CONTESTANTS)
    assert results["closed-form"].held_out.rmse == pytest.approx(
        results["exact"].held_out.rmse, rel=1e-3
    )


def test_a_method_that_diverges_has_no_figures(run: Run) -> None:
    options = ("--methods", "gd,exact", "--lambda", "1e12")
    said = succeeds(run("compare", "--data", "sample", *options)).splitlines()
    [row] = [line for line in said if line.startswith(" " * 10 + "gd")]
    assert row.split() == ["gd", "diverged"]
    found = json.loads(succeeds(run("compare", "--data", "sample", *options, "--json")))
    assert "diverged" in found["methods"][0]["diverged"]
    assert found["holdout"]["test_size"] == 0.1


def test_two_saved_models_on_the_same_ratings(run: Run) -> None:
    for name, how in (("a", ["--method", "exact"]), ("b", ["--epochs", "1"])):
        succeeds(run("train", "--data", "sample", "--model", f"{name}.npz", *how))
    found = json.loads(
        succeeds(run("evaluate", "--model", "a.npz", "--against", "b.npz", "--json"))
    )
    against = found["against"]
    assert against["model"] == "b.npz"
    assert against["difference"] == pytest.approx(found["rmse"] - against["rmse"])
    assert against["difference_stderr"] > 0
    said = succeeds(run("evaluate", "--model", "a.npz", "--against", "a.npz"))
    # Both were trained on these, so that nobody has won.
    assert "RMSE +0.000000 ± 0.000000\n" in said
    assert "is better" not in said


def test_as_the_lecture_sets_them_each_has_its_own_cost(run: Run) -> None:
    from mlbias import fit, load_ratings

    found = json.loads(succeeds(run("compare", "--data", "sample", "--as-lecture", "--json")))
    assert (found["as_lecture"], found["holdout"], found["n_held_out"]) == (True, None, 0)
    rows = [
        (one["name"], one["penalty"], one["lambda_user"], one["lr"], one["epochs"])
        for one in found["methods"]
    ]
    assert rows == [
        ("gd", "mean", 0.001, 1.0, 100),
        ("adam", "mean", 0.001, 0.3, 20),
        ("closed-form", "sum", 0.001, None, 10),
    ]
    ratings = load_ratings("sample")
    for one in found["methods"]:
        own = fit(ratings, one["name"]).history
        assert one["history"] == pytest.approx([stats.rmse for stats in own])
        assert len(one["history"]) == one["epochs"] + 1
        assert one["holdout_rmse"] is None


def test_as_the_lecture_with_a_hold_out_and_a_figure(run: Run, tmp_path: Path) -> None:
    options = ["compare", "--data", "sample", "--as-lecture", "--test-size", "0.1"]
    said = succeeds(run(*options, "--plot", "lecture.svg"))
    assert "each method minimises a cost of its own" in said
    rows = [line.split() for line in said.splitlines() if line.split()[:1] == ["closed-form"]]
    trained = json.loads(
        succeeds(run("train", "--data", "sample", "--test-size", "0.1", "--json", "--no-cache"))
    )
    assert rows[0][-2:] == [f"{trained['rmse']:.6f}", f"{trained['holdout']['rmse']:.6f}"]
    drawn = (tmp_path / "lecture.svg").read_text()
    assert drawn.lstrip().startswith("<?xml")
    assert all(name in drawn for name in ("gd", "adam", "closed-form", "training RMSE"))


@pytest.mark.parametrize("more", [["--methods", "gd"], ["--epochs", "5"], ["--lambda", "1"]])
def test_the_lecture_has_its_own_options(run: Run, more: list[str]) -> None:
    message = "--as-lecture goes without --methods, --epochs and the lambdas"
    fails(run("compare", "--data", "sample", "--as-lecture", *more), 2, message)
