"""Cross-validation against a naive loop over dense solves, and as a command."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlbias.core.bits import Mask
from mlbias.core.methods.exact import Exact
from mlbias.core.model import PenaltyScale
from mlbias.core.regularisation import Regularisation
from mlbias.errors import DataError, OptionError
from mlbias.evaluation.crossval import CrossValidation, crossval
from mlbias.evaluation.evaluate import evaluate
from mlbias.evaluation.fold_codes import folds_of, time_folds, user_folds
from mlbias.evaluation.folds import CutFolds
from mlbias.evaluation.trials import Trial
from mlbias.fitting.fit import fit
from mlbias.fitting.record import Settings
from mlbias.ratings import Ratings
from tests.oracle import dense_optimum
from tests.test_cli import FOUR, Run, fails, run, succeeds

__all__ = ["run"]


def settings_of(lambdas: tuple[float, float] | None) -> Settings:
    return Settings.of(Exact(), Regularisation(PenaltyScale.SUM, lambdas))


def trials_of(ratings: Ratings, *lambdas: tuple[float, float] | None) -> list[Trial]:
    settings = [settings_of(pair) for pair in lambdas]
    validation = CrossValidation(CutFolds.of(ratings, 3, 4), settings)
    done = list(validation.run())
    assert done == sorted(done)
    assert done[-1] == 3 * len(lambdas)
    return validation.trials()


def test_it_is_a_naive_loop_over_a_dense_solve(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(500, 30, 40)
    fold = folds_of(ratings, 3, 4)
    pairs = ((1.0, 2.0), (6.0, 3.0))
    found = trials_of(ratings, *pairs)
    all_errors = []
    for trial, (user, item) in zip(found, pairs, strict=True):
        errors = np.empty(len(ratings))
        for k in range(3):
            training = ratings.select(fold != k)
            best = dense_optimum(training, user, item)
            user_bias = dict(zip(training.user_ids.tolist(), best.user_bias, strict=True))
            item_bias = dict(zip(training.item_ids.tolist(), best.item_bias, strict=True))
            for row in np.flatnonzero(fold == k).tolist():
                errors[row] = ratings.value[row] - (
                    best.alpha
                    + user_bias.get(ratings.user_ids[ratings.user[row]], 0.0)
                    + item_bias.get(ratings.item_ids[ratings.item[row]], 0.0)
                )
            score = trial.folds[k]
            assert score.n_test == np.count_nonzero(fold == k)
            assert score.rmse == pytest.approx(np.sqrt(np.mean(errors[fold == k] ** 2)), rel=1e-9)
            assert score.mae == pytest.approx(np.mean(np.abs(errors[fold == k])), rel=1e-9)
        assert trial.rmse.mean == pytest.approx(np.mean([f.rmse for f in trial.folds]))
        assert trial.rmse.sd == pytest.approx(np.std([f.rmse for f in trial.folds], ddof=1))
        assert trial.errors.rmse == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-9)
        all_errors.append(errors)
    one, other = (errors**2 / (2 * np.sqrt(np.mean(errors**2))) for errors in all_errors)
    d = one - other
    sums = np.bincount(ratings.user, d - d.mean())
    n_users = len(ratings.user_ids)
    stderr = np.sqrt(n_users / (n_users - 1) * (sums**2).sum()) / len(d)
    above = found[0].above(found[1])
    assert above.stderr == pytest.approx(stderr)


def test_learned_lambdas_are_those_of_each_fold(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(2_000, 40, 50)
    fold = folds_of(ratings, 3, 4)
    [trial] = trials_of(ratings, None)
    for k, score in enumerate(trial.folds):
        known = fit(ratings.select(fold != k), "exact").uncertainty
        assert known is not None
        assert score.lambda_user == pytest.approx((known.sigma / known.sigma_user) ** 2)


def test_neither_threads_nor_memory_change_a_bit(
    make_ratings: Callable[..., Ratings], monkeypatch: pytest.MonkeyPatch
) -> None:
    ratings = make_ratings(2_000, 40, 50)
    [first] = trials_of(ratings, (2.0, 3.0))
    monkeypatch.setattr("mlbias.evaluation.folds._number_in_memory", lambda _: 1)
    [second] = trials_of(ratings, (2.0, 3.0))
    assert first.folds == second.folds


@pytest.mark.parametrize(
    ("folds", "cores", "threads"), [(5, 2, [1, 1, 1, 1, 2]), (4, 8, [2] * 4), (3, 1, [1] * 3)]
)
def test_folds_that_come_last_have_all_cores(
    make_ratings: Callable[..., Ratings],
    monkeypatch: pytest.MonkeyPatch,
    folds: int,
    cores: int,
    threads: list[int],
) -> None:
    monkeypatch.setattr("mlbias.evaluation.crossval.usable_threads", lambda _: cores)
    cut = CutFolds.of(make_ratings(500, 20, 30), folds)
    validation = CrossValidation(cut, [settings_of((1.0, 1.0))])
    assert [validation.threads(k) for k in range(folds)] == threads


def test_an_error_on_a_fold_is_the_runs(four: Ratings) -> None:
    settings = [settings_of(None)]
    validation = CrossValidation(CutFolds.of(four, 2, 1), settings)
    with pytest.raises(DataError, match="cannot be learned"):
        list(validation.run())


def test_where_auto_was_added_and_cannot_be_learned_it_is_left_out(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "four.csv").write_text(FOUR)
    result = run("crossval", "--data", "four.csv", "--folds", "2", "--lambda", "1", "--json")
    assert [s["auto"] for s in json.loads(succeeds(result))["settings"]] == [False]
    assert "left out auto: lambda cannot be learned" in result.stderr


def test_a_setting_that_diverges_is_left_out_and_the_others_stay(run: Run) -> None:
    options = ("--method", "gd", "--lambda", "0.001,3000", "--folds", "2", "--json")
    result = run("crossval", "--data", "sample", *options)
    assert [s["lambda_user"] for s in json.loads(succeeds(result))["settings"]] == [0.001]
    assert "left out λ 3000 and 3000: gd diverged" in result.stderr
    fails(run("crossval", "--data", "sample", "--method", "gd", "--lambda", "3000"), 1, "diverged")


def test_who_gives_up_waits_for_a_fit_and_not_for_all(make_ratings: Callable[..., Ratings]) -> None:
    settings = [settings_of((float(k), 1.0)) for k in range(1, 2_000)]
    validation = CrossValidation(CutFolds.of(make_ratings(2_000, 40, 50), 2), settings)
    progress = validation.run()
    next(progress)
    progress.close()
    assert validation._n_done < len(settings)


def test_every_pair_of_lambdas_in_the_given_order_and_auto(run: Run) -> None:
    options = ("crossval", "--data", "sample", "--folds", "3")
    lists = ("--lambda-user", "5,1", "--lambda-item", "2,9", "--json")
    found = json.loads(succeeds(run(*options, *lists)))
    pairs = [(s["lambda_user"], s["lambda_item"]) for s in found["settings"]]
    assert pairs == [(5, 2), (5, 9), (1, 2), (1, 9), (None, None)]
    assert [s["auto"] for s in found["settings"]] == [False] * 4 + [True]
    for setting in found["settings"]:
        assert len(setting["folds"]) == 3
        assert sum(fold["n_test"] for fold in setting["folds"]) == 100_000
        mean = np.mean([fold["rmse"] for fold in setting["folds"]])
        assert setting["rmse"]["mean"] == pytest.approx(mean)
        assert 0.6 < setting["mae"]["mean"] < setting["rmse"]["mean"]
    best = min(found["settings"], key=lambda s: s["pooled"]["rmse"])
    assert [s for s in found["settings"] if s["is_best"]] == [best]
    alone = json.loads(succeeds(run(*options, "--lambda", "auto", "--json")))
    assert [s["folds"] for s in alone["settings"]] == [found["settings"][4]["folds"]]


def test_the_table_marks_the_best(run: Run) -> None:
    said = succeeds(run("crossval", "--data", "sample", "--method", "gd", "--lambda", "0.001,0.01"))
    lines = said.splitlines()
    assert lines[1] == "gd, λ on the mean scale: 2 settings on the same 5 folds, seed 0"
    assert max(map(len, lines)) <= 80
    assert sum(line.endswith(" best") for line in lines[4:]) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lambda-user", "1"], "exact takes --lambda-user with --lambda-item"),
        (
            ["--lambda", "1", "--lambda-user", "2"],
            "--lambda-item do not go with it",
        ),
        (["--lambda", "1;2"], "is numbers with commas, such as 1,2,5"),
        (["--lambda", "-1"], "--lambda must be 0 or from 1e-100 to 1e\\+100, not -1"),
        (["--method", "gd", "--lambda", "auto"], "set --penalty to sum"),
        (["--folds", "1"], "folds"),
    ],
)
def test_usage_errors(run: Run, options: list[str], message: str) -> None:
    fails(run("crossval", "--data", "sample", *options), 2, message)


def scores_of(trials: list[Trial]) -> list[tuple[int, float]]:
    return [(fold.n_test, fold.rmse) for fold in trials[0].folds]


def fitted_and_scored(whole: Ratings, trained: Mask, scored: Mask) -> tuple[int, float]:
    training, test = whole.select(trained), whole.select(scored)
    return len(test), evaluate(fit(training, "exact", lambda_=3), test).model.rmse


def test_folds_of_users_and_of_time_by_hand(make_ratings: Callable[..., Ratings]) -> None:
    whole = make_ratings(600, 30, 40)
    times = np.random.default_rng(0).permutation(600)
    whole = replace(whole, timestamp=times).by_user()
    found = crossval(whole, split="user", folds=3, seed=5, lambda_=[3])
    code = user_folds(whole, 3, 5)
    by_hand = [fitted_and_scored(whole, code != k, code == k) for k in range(3)]
    assert [n for n, _ in scores_of(found)] == [n for n, _ in by_hand]
    assert [r for _, r in scores_of(found)] == pytest.approx([r for _, r in by_hand], rel=1e-9)
    found = crossval(whole, split="time", folds=3, seed=5, lambda_=[3])
    code = time_folds(whole, 3, 5)
    by_hand = [fitted_and_scored(whole, code < k, code == k) for k in range(3)]
    assert [r for _, r in scores_of(found)] == pytest.approx([r for _, r in by_hand], rel=1e-9)
    assert sum(n for n, _ in scores_of(found)) == 450


def test_repeats_are_single_runs_one_after_the_other(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(600, 30, 40)
    [twice] = crossval(ratings, folds=3, seed=5, repeats=2, lambda_=[3])[:1]
    single = [crossval(ratings, folds=3, seed=seed, lambda_=[3])[0] for seed in (5, 6)]
    assert twice.folds == single[0].folds + single[1].folds
    assert len(twice.errors) == 1_200
    squares = [trial.errors.rmse**2 for trial in single]
    assert twice.errors.rmse == pytest.approx(np.sqrt(np.mean(squares)))
    # A user's errors of both are one cluster: to repeat does not make ratings of new users.
    stderr = [trial.errors.score().rmse_stderr or 0.0 for trial in single]
    assert twice.errors.score().rmse_stderr == pytest.approx(np.mean(stderr), rel=0.05)


def test_published_folds_from_python(make_ratings: Callable[..., Ratings]) -> None:
    ratings = make_ratings(600, 30, 40)
    code = folds_of(ratings, 3, 4)
    pairs = [(ratings.select(code != k), ratings.select(code == k)) for k in range(3)]
    [given, *_] = crossval(folds=pairs, lambda_=[3])
    [cut, *_] = crossval(ratings, folds=3, seed=4, lambda_=[3])
    assert given.folds == cut.folds
    assert given.errors.score() == cut.errors.score()
    with pytest.raises(OptionError, match="that are given go without ratings"):
        crossval(ratings, folds=pairs)
    with pytest.raises(OptionError, match="number of folds of ratings, or pairs"):
        crossval()


def write_folds(folder: Path) -> None:
    """Three folds of nine ratings, under names such as ml-100k's."""
    pairs = [(user, item) for user in (1, 2, 3) for item in (1, 2, 3)]
    rows = [f"{user}\t{item}\t{1 + (user * item) % 5}\n" for user, item in pairs]
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(3):
        (folder / f"u{k + 1}.base").write_text("".join(r for n, r in enumerate(rows) if n % 3 != k))
        (folder / f"u{k + 1}.test").write_text("".join(r for n, r in enumerate(rows) if n % 3 == k))


@pytest.mark.parametrize("where", ["here", "data", "zip"])
def test_published_folds_are_found(run: Run, tmp_path: Path, where: str) -> None:
    write_folds(tmp_path / "data/toy" if where == "data" else tmp_path)
    pattern = "u*.base"
    if where == "zip":
        with zipfile.ZipFile(tmp_path / "toy.zip", "w") as archive:
            for path in sorted(tmp_path.glob("u*.*")):
                archive.write(path, f"toy/{path.name}")
                path.unlink()
        pattern = "toy.zip/toy/u*.base"
    command = ("crossval", "--folds-from", pattern, "--lambda", "2")
    found = json.loads(succeeds(run(*command, "--json")))
    assert [found[key] for key in ("split", "folds", "repeats", "seed")] == ["given", 3, 1, None]
    assert [fold["n_test"] for fold in found["settings"][0]["folds"]] == [3, 3, 3]
    said = succeeds(run(*command))
    assert "on the published folds u1.base, u2.base, u3.base" in said


def test_ratings_that_several_folds_score_are_told(run: Run, tmp_path: Path) -> None:
    write_folds(tmp_path)
    command = ("crossval", "--folds-from", "u*.base", "--lambda", "2")
    assert "several folds" not in run(*command).stderr
    for side in ("base", "test"):
        (tmp_path / f"ua.{side}").write_text((tmp_path / f"u2.{side}").read_text())
    result = run(*command)
    succeeds(result)
    assert "3 ratings are scored in several folds" in result.stderr


def test_a_seed_is_told_where_it_decides(run: Run, tmp_path: Path) -> None:
    rows = [f"{k % 7},{k % 5},{k % 4 + 1},{10**9 + k}" for k in range(60)]
    (tmp_path / "r.csv").write_text("user,item,rating,timestamp\n" + "\n".join(rows))
    command = ("crossval", "--data", "r.csv", "--lambda", "2", "--folds", "2", "--split")
    assert "2 folds in the order of time\n" in succeeds(run(*command, "time"))
    assert "in the order of time, seed 1\n" in succeeds(run(*command, "time", "--seed", "1"))
    assert "of each user's ratings, seed 0\n" in succeeds(run(*command, "user"))


def test_published_folds_that_are_not_there(run: Run, tmp_path: Path) -> None:
    write_folds(tmp_path)
    fails(run("crossval", "--folds-from", "v*.base"), 1, r"there are no files 'v\*.base' of folds")
    fails(run("crossval", "--folds-from", "u*.test"), 1, "u1.test is not called as a training file")
    fails(run("crossval", "--folds-from", "u1.base"), 2, "two folds or more, not 1")
    (tmp_path / "u2.test").unlink()
    fails(run("crossval", "--folds-from", "u*.base"), 1, "u2.base has no test file: there is no u2")
    both = run("crossval", "--folds-from", "u*.base", "--data", "sample")
    fails(both, 2, "--folds-from has folds already")
