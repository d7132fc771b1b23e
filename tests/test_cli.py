"""The command line through its real entry point: stdout, stderr, exit codes, files."""

import gzip
import json
import os
import pty
import re
import select
import signal
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlbias.core.methods import METHODS
from tests import forked

Run = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = forked.COMMAND
FOUR = "userId,movieId,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\n"


def environment(**more: str) -> dict[str, str]:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("MLBIAS", "COLUMNS", "NO_COLOR"))
    }
    return kept | {"PYTHONIOENCODING": "utf-8", "TERM": "xterm"} | more


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A function that runs mlbias in an empty folder, in pipes."""

    def run_command(
        *arguments: str, stdin: str = "", **env: str
    ) -> subprocess.CompletedProcess[str]:
        return forked.run(arguments, tmp_path, environment(**env), stdin)

    return run_command


def succeeds(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


def fails(result: subprocess.CompletedProcess[str], code: int, message: str) -> str:
    assert result.returncode == code, result.stdout + result.stderr
    assert re.search(message, result.stderr), result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def document(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    found: dict[str, Any] = json.loads(succeeds(result), parse_constant=refuse)
    return found


@pytest.mark.parametrize("arguments", [["baseline", "--data", "-"], ["train", "--lr", "x"]])
def test_a_forked_start_ends_as_a_real_one(arguments: list[str], run: Run, tmp_path: Path) -> None:
    real = subprocess.run(
        [*COMMAND, *arguments], cwd=tmp_path, env=environment(), input=FOUR,
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    fork = run(*arguments, stdin=FOUR)
    assert [fork.returncode, fork.stdout, fork.stderr] == [
        real.returncode, real.stdout, real.stderr,
    ]  # fmt: skip
    assert bool(real.returncode) == ("--lr" in arguments)


def test_alone_it_says_what_it_is_and_where_to_begin(run: Run) -> None:
    said = succeeds(run())
    assert len([line for line in said.splitlines() if line]) == 5
    assert "mlbias train --data sample" in said
    assert "--help" in said


def test_version_help_and_completion(run: Run) -> None:
    assert re.fullmatch(r"mlbias \d+\.\d+\.\d+\n", succeeds(run("--version")))
    assert "Example: mlbias train" in succeeds(run("--help"))
    for command in ("baseline", "train", "evaluate", "generate"):
        helped = succeeds(run(command, "--help"))
        assert f"Example: mlbias {'train' if command == 'evaluate' else command} " in helped
        assert "MLBIAS_DATA_DIR" in helped
    assert "mlbias" in succeeds(
        run("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    )


def test_help_states_every_methods_own_defaults(run: Run) -> None:
    helped = re.sub(r"\s+", " ", succeeds(run("train", "--help", COLUMNS="200")))
    assert "gd|adam|closed-form|exact" in helped
    helped = helped.replace("closed- form", "closed-form")
    assert "[default: gd 100, adam 20, closed-form 10, exact 1000]" in helped
    assert "[default: gd 1, adam 0.3]" in helped
    assert "[default: gd mean, adam mean, closed-form sum, exact sum]" in helped


def test_help_fits_a_narrow_terminal(run: Run) -> None:
    helped = succeeds(run("train", "--help", COLUMNS="60"))
    assert max(len(line) for line in helped.splitlines()) <= 60


def test_baseline_of_four_ratings(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(FOUR)
    said = succeeds(run("baseline", "--data", "r.csv"))
    assert said.splitlines()[0] == "r.csv · 4 ratings · 2 users · 2 items · 100.00 % filled"
    assert re.search(r"predicting the mean +3\.500000\n RMSE +1\.118034\n MAE +1\.000000", said)
    found = document(run("baseline", "--data", "r.csv", "--json"))
    assert found.pop("source")["columns"]["user"] == "userId"
    assert (found.pop("n_skipped"), found.pop("first_skipped")) == (0, None)
    assert found == {
        "schema": 1, "data": "r.csv", "n_ratings": 4, "n_users": 2, "n_items": 2, "density": 1.0,
        "mean": 3.5, "rmse": 1.25**0.5, "mae": 1.0,
        "histogram": [{"low": v, "high": v, "count": 1} for v in (2.0, 3.0, 4.0, 5.0)],
    }  # fmt: skip


def test_train_then_evaluate_without_options(run: Run, tmp_path: Path) -> None:
    trained = run("train", "--data", "sample")
    lines = succeeds(trained).splitlines()
    assert lines[0] == "sample · 100,000 ratings · 1,000 users · 3,637 items · 2.75 % filled"
    rows = [line for line in lines if re.match(r" +\d+ +[01]\.\d{6} ", line)]
    assert len(rows) == 11
    assert rows[0].split()[1:3] == ["1.029769", "3.364525"]
    assert rows[-1].split()[1] == "0.809336"
    assert "training: RMSE 1.029769 → 0.809336, 21.4 % better than the mean" in succeeds(trained)
    assert trained.stderr == f"saved {Path('data/model.npz')}\n"
    assert (tmp_path / "data" / "model.npz").exists()
    scored = succeeds(run("evaluate"))
    assert "the ratings that the model was trained on" in scored
    assert re.search(r"training mean +1\.029769 +[\d.]+ +0\.847995 .*\n +model +0\.809336", scored)


@pytest.mark.parametrize("method", METHODS)
def test_json_of_train_is_one_document_with_full_precision(run: Run, method: str) -> None:
    options = ("--method", method, "--lambda", "0.001", "--epochs", "3")
    found = document(run("train", "--data", "sample", *options, "--json"))
    assert (found["method"], found["epochs"], found["model"]) == (method, 3, "data/model.npz")
    assert (found["n_ratings"], found["n_users"], found["n_items"]) == (100_000, 1_000, 3_637)
    assert (found["lambda_user"], found["lambda_item"]) == (0.001, 0.001)
    assert found["penalty"] == ("mean" if method in ("gd", "adam") else "sum")
    assert found["lr"] == {"gd": 1.0, "adam": 0.3}.get(method)
    assert ("certificate" in found) == (method == "exact")
    assert [row["epoch"] for row in found["history"]] == [0, 1, 2, 3]
    assert found["history"][-1].keys() == {"epoch", "rmse", "cost", "alpha", "seconds"}
    assert (found["rmse"], found["alpha"]) == (
        found["history"][-1]["rmse"], found["history"][-1]["alpha"],
    )  # fmt: skip
    assert found["seconds"].keys() == {"read", "train", "check"}
    # 0.001 is far from the best λ, and three iterations of exact from the optimum.
    assert ("exact_leave_one_out" in found) == (method != "exact")
    assert found.get("exact_leave_one_out", {"rmse": 0.84375})["rmse"] == pytest.approx(
        0.84375, abs=1e-4
    )
    evaluated = document(run("evaluate", "--json"))
    assert evaluated["rmse"] == pytest.approx(found["rmse"], rel=1e-12)
    assert evaluated["baseline_rmse"] == pytest.approx(found["history"][0]["rmse"], rel=1e-12)


def test_exact_learns_lambda_and_certifies_the_optimum(run: Run) -> None:
    options = ("train", "--data", "sample", "--method", "exact")
    said = succeeds(run(*options, "--every", "99"))
    assert re.search(r"\nlearned: σ 0\.82\d\d ± 0\.001\d, users' 0\.39\d\d ± 0\.009\d, ", said)
    assert re.search(
        r"\nλ users 4\.4\d\d ± 0\.2\d\d, items 3\.\d+ ± 0\.\d+\nshares of variance: users 1", said
    )
    assert re.search(r"\noptimum: the cost is at most \d\.\de-\d\d above its minimum · ", said)
    found = document(run(*options, "--json"))
    components = found["variance_components"]
    assert found["lambda_user"] == (components["sigma"] / components["sigma_user"]) ** 2
    assert sum(components["shares"].values()) == pytest.approx(1)
    assert found["certificate"]["gap"] <= 1e-8 * found["cost"]
    assert found["seconds"].keys() == {"read", "learn", "train", "check"}
    left_out = found["leave_one_out"]
    assert left_out["rmse"] == pytest.approx(0.843754, abs=1e-6)
    assert left_out["mae"] == pytest.approx(0.686826, abs=1e-6)
    assert left_out.keys() == {
        "rmse", "rmse_stderr", "mae", "mae_stderr", "mean_rmse", "by", "leverage_error",
    }  # fmt: skip
    assert "\nleave-one-out: RMSE 0.843754 ± 0.0028, 18.1 % better than the mean\n" in said
    # Where the model's own ratings are scored, it comes first.
    assert document(run("evaluate", "--json"))["leave_one_out"] == left_out
    scored = succeeds(run("evaluate"))
    assert scored.index("leave-one-out: RMSE 0.843754") < scored.index("training mean")
    assert "leave_one_out" not in document(run("evaluate", "--data", "sample", "--json"))
    # The λ's that were learned, given by hand, are the same training to the last bit.
    given = (
        "--lambda-user",
        repr(found["lambda_user"]),
        "--lambda-item",
        repr(found["lambda_item"]),
    )
    again = document(run(*options, *given, "--json"))
    assert (again["rmse"], again["alpha"]) == (found["rmse"], found["alpha"])
    assert "variance_components" not in again
    other = document(
        run("train", "--data", "sample", "--lambda", "auto", "--epochs", "30", "--json")
    )
    assert other["lambda_item"] == found["lambda_item"]
    assert other["cost"] == pytest.approx(found["cost"], rel=1e-6)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--method gd --lambda auto", 2, "is a ratio of variances, on the sum scale"),
        ("--method exact --lambda-user 5", 2, "exact learns both lambdas or none"),
        ("--lambda auto --lambda-item 5", 2, "--lambda auto learns both; --lambda-user"),
        ("--lambda some", 2, "--lambda is a number from 0 on or auto, not 'some'"),
        ("--method exact --data r.csv", 1, "cannot be learned from these ratings: every user has"),
    ],
)
def test_where_lambda_cannot_be_learned_it_is_said_why(
    run: Run, tmp_path: Path, options: str, code: int, message: str
) -> None:
    (tmp_path / "r.csv").write_text("1,1,3\n2,1,4\n3,2,5\n4,2,1\n")
    data = () if "--data" in options else ("--data", "sample")
    fails(run("train", *options.split(), *data), code, message)


def test_lambda_zero_is_said_and_certified(run: Run) -> None:
    result = run("train", "--data", "sample", "--method", "exact", "--lambda", "0", "--json")
    assert document(result)["certificate"]["gap"] < 1e-4
    assert "a lambda of 0 leaves the biases' levels open" in result.stderr


def test_a_holdout_is_reported_per_epoch_and_evaluated_again(run: Run) -> None:
    options = ("train", "--data", "sample", "--test-size", "0.1", "--seed", "5")
    found = document(run(*options, "--json"))
    held_out = found["holdout"]
    assert abs(held_out["n_ratings"] - 10_000) < 500
    assert found["n_ratings"] + held_out["n_ratings"] == 100_000
    last = found["history"][-1]
    per_epoch = last["holdout_rmse"], last["holdout_mae"]
    assert per_epoch == pytest.approx((held_out["rmse"], held_out["mae"]), rel=1e-14)
    again = document(run("evaluate", "--json"))
    assert again["part"] == "hold-out"
    for name in ("n_ratings", "rmse", "mae", "baseline_rmse", "unknown_items"):
        assert again[name] == held_out[name]
    said = succeeds(run(*options))
    assert f"hold-out: RMSE {held_out['rmse']:.6f} ± {held_out['rmse_stderr']:.4f}, " in said
    assert f"{last['rmse']:.6f}" in said
    assert "the hold-out that the model was trained with" in succeeds(run("evaluate"))


def test_unknown_ids_are_counted_and_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(FOUR)
    (tmp_path / "new.csv").write_text("1,10,5\n3,10,4\n3,30,1\n")
    succeeds(run("train", "--data", "r.csv"))
    found = document(run("evaluate", "--data", "new.csv", "--json"))
    assert (found["n_ratings"], found["unknown_users"], found["unknown_items"]) == (3, 1, 1)
    said = succeeds(run("evaluate", "--data", "new.csv"))
    assert "unknown: 1 of 2 users, 1 of 2 items, in 66.67 % of the ratings" in said
    assert "with a bias of 0" in said


def test_data_that_changed_or_went_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(FOUR)
    succeeds(run("train", "--data", "r.csv"))
    (tmp_path / "r.csv").write_text(FOUR + "3,10,1\n")
    changed = run("evaluate")
    succeeds(changed)
    assert "has changed since the model was trained on it: 4 ratings then, 5 now" in changed.stderr
    assert document(run("evaluate", "--json"))["data_changed"] is True
    (tmp_path / "r.csv").unlink()
    fails(run("evaluate"), 1, "the ratings that the model was trained on are gone: there is no ")
    succeeds(run("train", "--data", "-", stdin=FOUR))
    fails(run("evaluate"), 1, "was trained on standard input, which cannot be read again")


def test_standard_input_gzip_and_members(run: Run, tmp_path: Path) -> None:
    said = succeeds(run("baseline", "--data", "-", stdin=FOUR))
    assert said.startswith("standard input · 4 ratings")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a/u1.base", FOUR)
        archive.writestr("a/u.data", FOUR + "3,10,1\n")
    assert document(run("baseline", "--data", "z.zip", "--json"))["n_ratings"] == 5
    assert document(run("baseline", "--data", "z.zip/a/u1.base", "--json"))["n_ratings"] == 4


def test_gzip_comes_through_a_pipe_as_well(tmp_path: Path) -> None:
    result = subprocess.run(
        [*COMMAND, "baseline", "--data", "-", "--json"], cwd=tmp_path, env=environment(),
        input=gzip.compress(FOUR.encode()), capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(result.stdout)["n_ratings"] == 4


def test_names_that_the_terminal_cannot_show_are_spelled_out(run: Run, tmp_path: Path) -> None:
    (tmp_path / "é日.csv").write_text(FOUR)
    said = succeeds(run("baseline", "--data", "é日.csv", PYTHONIOENCODING="ascii"))
    assert said.startswith("\\xe9\\u65e5.csv | 4 ratings")
    as_json = run("baseline", "--data", "é日.csv", "--json", PYTHONIOENCODING="ascii")
    assert document(as_json)["data"] == "é日.csv"


def test_ratings_too_large_to_be_squared_are_refused(run: Run) -> None:
    huge = "1,2,1e200\n1,3,-1e200\n"
    for command in ("baseline", "train"):
        options = ("--data", "-", "--quiet")
        said = fails(run(command, *options, stdin=huge), 1, "the ratings are too large")
        assert len(said.splitlines()) == 1


def test_a_place_for_the_model_is_looked_for_before_training(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("train", "--data", "sample", "--model", "file/m.npz")
    fails(result, 1, "file/m.npz cannot be written: .* is not a folder that you")
    assert result.stdout == ""


def test_a_full_disk_is_the_systems_fault(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*COMMAND, "baseline", "--data", "sample"], cwd=tmp_path, env=environment(),
            stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False, timeout=60,
        )  # fmt: skip
    assert (result.returncode, result.stderr) == (
        1, "error: standard output cannot be written: No space left on device.\n",
    )  # fmt: skip


def test_notices_go_to_stderr_and_vanish_when_quiet(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(FOUR + "1,10,4\nx,1\n1,2,bad\n")
    options = ("baseline", "--data", "r.csv", "--skip-bad-rows", "--ids", "text")
    loud = run(*options)
    left_out = "left out 2 bad rows of 7; the first: r.csv, line 7: expected 3 fields, found 2"
    assert left_out in loud.stderr
    assert "1 rating of a pair of user and item that already had one" in loud.stderr
    # What is missing changes every number, so that it is said in any case.
    quiet = run(*options, "--quiet")
    assert quiet.stdout == loud.stdout
    assert quiet.stderr.startswith(left_out)
    assert len(quiet.stderr.splitlines()) == 1


def test_without_data_it_takes_the_only_set_and_says_so(run: Run, tmp_path: Path) -> None:
    said = fails(run("train"), 1, "there is no data set in the folder data")
    assert "mlbias download" in said
    assert "--data sample" in said
    (tmp_path / "sets" / "mine").mkdir(parents=True)
    (tmp_path / "sets" / "mine" / "ratings.csv").write_text(FOUR)
    result = run("train", MLBIAS_DATA_DIR="sets")
    assert succeeds(result).startswith("mine · 4 ratings")
    assert "no --data: taking mine" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--lr", "1"], "--lr belongs to gd and adam; closed-form has no such option"),
        (["train", "--method", "sgd"], "there is no method 'sgd'"),
        (["train", "--method", "gd", "--lr", "0"], "must be above 0"),
        (["train", "--lambda", "-1"], r"--lambda must be 0 or from 1e-100 to 1e\+100, not -1"),
        (["train", "--lambda-user", "nan"], "--lambda-user must be 0 or from .*, not nan"),
        (["train", "--penalty", "max"], "--penalty is mean or sum, not 'max'"),
        (["train", "--epochs", "-1"], "--epochs"),
        (["train", "--epochs", "x"], "--epochs"),
        (["train", "--tol", "-1"], "--tol must be 0 or more"),
        (["train", "--test-size", "1"], "--test-size must be above 0 and below 1"),
        (["train", "--every", "0"], "--every"),
        (["train", "--threads", "0"], "--threads"),
        (["train", "--memory-limit", "lots"], "--memory-limit is a size such as 4G or 500M"),
        (["baseline", "--memory-limit", "1M"], "--memory-limit is at least 256 MiB"),
        (["train", "--ids", "number"], "--ids is auto or text"),
        (["train", "--separator", "ab"], "--separator is one ASCII character or '::'"),
        (["train", "--seed", "7"], "--seed goes with --test-size"),
        (["train", "--user-col", "x"], "options for reading go with files; the sample has"),
        (["train", "--nonsense"], "No such option"),
        (["evaluate", "--ids", "text"], "options for reading go with --data"),
        (["trian"], "There is no command 'trian'. Did you mean train?"),
    ],
)
def test_usage_errors_are_a_sentence_and_exit_2(
    run: Run, arguments: list[str], message: str
) -> None:
    data = [] if arguments[0] in ("evaluate", "trian") else ["--data", "sample"]
    said = fails(run(*arguments, *data), 2, message)
    assert said.startswith("error: ")


def test_divergence_is_a_sentence_and_saves_nothing(run: Run, tmp_path: Path) -> None:
    result = run("train", "--data", "sample", "--method", "gd", "--lr", "1000")
    said = fails(result, 1, r"gd diverged in epoch 1 \(lr 1000\): the cost grew from \d+ to \d+\.")
    assert re.search(r"largest step that is safe on these data is about 1\.\d+", said)
    assert not (tmp_path / "data").exists()


def test_errors_of_data_are_a_sentence_and_a_traceback_with_debug(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(FOUR + "3,12,four\n")
    message = r"r\.csv, line 6, column 3: rating 'four' is not a number \(user 3, item 12\)\."
    said = fails(run("train", "--data", "r.csv"), 1, f"^error: {message}\n")
    assert len(said.splitlines()) == 2
    debugged = run("train", "--data", "r.csv", "--debug")
    assert "Traceback" in debugged.stderr
    assert re.search(message, debugged.stderr)
    as_json = run("train", "--data", "r.csv", "--json")
    assert (as_json.returncode, as_json.stdout) == (1, "")


def test_a_model_replaces_nothing_but_a_model(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(FOUR)
    fails(
        run("train", "--data", "r.csv", "--model", "r.csv"), 1, "is not a model of mlbias, so it is"
    )
    assert (tmp_path / "r.csv").read_text() == FOUR
    (tmp_path / "other").write_text("mine")
    succeeds(run("train", "--data", "r.csv", "--model", "other", "--force"))
    succeeds(run("evaluate", "--model", "other"))
    fails(run("evaluate", "--model", "r.csv"), 1, "r.csv is not a model of mlbias")
    fails(run("evaluate"), 1, "there is no model data/model.npz")


def test_the_same_training_writes_the_same_bytes_on_any_number_of_threads(
    run: Run, tmp_path: Path
) -> None:
    for threads in ("1", "2", "5"):
        succeeds(run("train", "--data", "sample", "--threads", threads, "--model", f"m{threads}"))
    contents = {(tmp_path / f"m{threads}").read_bytes() for threads in (1, 2, 5)}
    assert len(contents) == 1


def test_epochs_tol_and_every(run: Run) -> None:
    rows = succeeds(run("train", "--data", "sample", "--every", "4")).splitlines()
    assert [line.split()[0] for line in rows if re.match(r" +\d+ +\d\.", line)] == [
        "0",
        "4",
        "8",
        "10",
    ]
    none = document(run("train", "--data", "sample", "--epochs", "0", "--json"))
    assert len(none["history"]) == 1
    assert none["rmse"] == none["baseline_rmse"]
    stopped = run("train", "--data", "sample", "--tol", "1e-6", "--every", "100")
    assert "stopped after epoch 4: the cost changes by no more than --tol" in stopped.stderr
    assert re.search(r"\n +4 +0\.809336", succeeds(stopped))


def test_one_objective_for_all_methods(run: Run) -> None:
    options = ("--data", "sample", "--penalty", "sum", "--lambda-user", "5", "--lambda-item", "2")
    starts = [
        document(run("train", "--method", method, *options, "--json", "--epochs", "1"))
        for method in METHODS
    ]
    assert {(row["penalty"], row["lambda_user"], row["lambda_item"]) for row in starts} == {
        ("sum", 5.0, 2.0)
    }
    assert len({row["history"][0]["cost"] for row in starts}) == 1


def test_a_pipe_that_closes_early_ends_it_quietly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "train", "--data", "sample", "--method", "gd", "--epochs", "100000"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    with process.stderr:
        said = process.stderr.read()
    assert process.wait(timeout=60) == 141
    assert said == b""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_the_last_whole_epoch(
    run: Run, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with subprocess.Popen(
        [*COMMAND, "train", "--data", "sample", "--method", "gd", "--epochs", "10000000"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines: list[str] = []
        for line in iter(process.stdout.readline, ""):
            lines.append(line)
            if line.split()[:1] == ["5"]:
                process.send_signal(number)
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(timeout=60) == code
    last = [line for line in lines if re.match(r" +\d+ +\d\.\d{6} ", line)][-1]
    epoch, rmse = last.split()[:2]
    assert f"interrupted: kept the last whole epoch, {epoch} of 10,000,000" in said
    assert "saved data/model.npz" in said
    with np.load(tmp_path / "data" / "model.npz") as archive:
        training = json.loads(archive["about"].tobytes())["training"]
    assert (str(training["epochs"]), f"{training['rmse']:.6f}") == (epoch, rmse)
    assert f"{document(run('evaluate', '--json'))['rmse']:.6f}" == rmse


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_reading_ends_it_with_nothing_saved(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with subprocess.Popen(
        [*COMMAND, "train", "--data", "-"], cwd=tmp_path, env=environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stderr is not None
        # More than a pipe holds: this returns only once the command is reading.
        process.stdin.write(b"1,10,3.5\n" * 50_000)
        process.stdin.flush()
        # A signal just before a read begins is seen only after it, so one may not be enough.
        for _ in range(100):
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                assert process.wait(timeout=0.3) == code
                break
        said = process.stderr.read().decode()
    assert said == "error: interrupted.\n"
    assert list(tmp_path.iterdir()) == []


def on_terminal(arguments: list[str], cwd: Path, **env: str) -> str:
    """What a person sees: stdout and stderr of the command on a terminal of its own."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, env=environment(**env), stdin=child, stdout=child,
        stderr=child,
    )  # fmt: skip
    os.close(child)
    seen = b""
    while process.poll() is None or select.select([parent], [], [], 0)[0]:
        if select.select([parent], [], [], 0.1)[0]:
            try:
                seen += os.read(parent, 65536)
            except OSError:  # what Linux says where the other end is closed
                break
    os.close(parent)
    assert process.wait(timeout=60) == 0
    return seen.decode()


def test_a_terminal_gets_colour_a_real_minus_and_a_hint(tmp_path: Path) -> None:
    seen = on_terminal(["train", "--data", "sample"], tmp_path, COLUMNS="80")
    assert "−0.219230" in seen
    assert "next: hold ratings out" in seen
    assert "\x1b[" in seen
    seen = on_terminal(["train", "--data", "sample", "--test-size", "0.1"], tmp_path)
    assert "next: mlbias evaluate" in seen
    plain = on_terminal(["train", "--data", "sample"], tmp_path, COLUMNS="80", NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3\dm", plain)
    quiet = on_terminal(["train", "--data", "sample", "--quiet"], tmp_path, COLUMNS="80")
    assert "next:" not in quiet
    assert "saved" not in quiet


def test_rows_fit_sixty_columns(run: Run) -> None:
    for more in ([], ["--test-size", "0.2"]):
        said = succeeds(run("train", "--data", "sample", *more, COLUMNS="60"))
        rows = [line for line in said.splitlines() if re.match(r" +\d+ +\d\.", line)]
        assert max(map(len, rows)) <= 60


def test_where_the_encoding_is_ascii_everything_is(run: Run) -> None:
    result = run("train", "--data", "sample", "--test-size", "0.1", PYTHONIOENCODING="ascii")
    said = succeeds(result)
    assert (said + result.stderr).isascii()
    assert "training: RMSE" in said
    header, rule = succeeds(
        run("train", "--data", "sample", PYTHONIOENCODING="ascii")
    ).splitlines()[2:4]
    assert header.split() == ["epoch", "RMSE", "change", "alpha", "cost"]
    assert len(header) == len(rule)
    assert succeeds(run("baseline", "--data", "sample", PYTHONIOENCODING="ascii")).isascii()


@pytest.mark.parametrize("name", ["ml-100k", "ml-latest-small"])
def test_real_archives_are_read_as_they_are(
    run: Run, real_archive: Callable[[str], Path], name: str
) -> None:
    found = document(run("baseline", "--data", str(real_archive(name).resolve()), "--json"))
    expected = {
        "ml-100k": (100_000, 943, 1_682, 3.52986, 1.1256679707622492),
        "ml-latest-small": (100_836, 610, 9_724, 3.501556983616962, 1.0425240696180562),
    }[name]
    assert (found["n_ratings"], found["n_users"], found["n_items"]) == expected[:3]
    assert (found["mean"], found["rmse"]) == pytest.approx(expected[3:], abs=1e-12)


def test_a_noise_for_each_user(run: Run) -> None:
    options = ("train", "--data", "sample", "--method", "exact", "--noise", "user")
    # The sample's ratings are clipped to the scale, so that its users differ a little.
    said = succeeds(run(*options, "--test-size", "0.1", "--every", "99"))
    assert re.search(r"\nnoise: each user's own, σ around 0\.8\d+, \d+\.\d degrees of f", said)
    scored = succeeds(run("evaluate"))
    assert re.search(
        r"\n  users' noise 0\.\d\d to 0\.\d\d \(quarter 1\): (\d\d\.\d/?){4} % ", scored
    )
    found = document(run("evaluate", "--json"))
    assert [quarter["90"] for quarter in found["coverage_by_noise"]] == pytest.approx(
        [0.9] * 4, abs=0.03
    )
    trained = document(run(*options, "--json"))
    assert trained["noise"] == "user"
    assert trained["variance_components"]["noise"].keys() == {"sigma", "freedom"}
    fails(run(*options[:-1], "item"), 2, "--noise is one or user, not 'item'")
    fails(run(*options, "--lambda", "2"), 2, "--noise user goes with exact and learned lambdas")


def test_help_of_a_command_has_two_spellings(run: Run) -> None:
    assert run("help", "train").stdout == run("train", "--help").stdout
    assert run("help").stdout == run("--help").stdout
    fails(run("help", "trian"), 2, "Did you mean train?")


def test_no_save_trains_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    result = run("train", "--data", "sample", "--no-save", "--json")
    assert document(result)["model"] is None
    assert list(tmp_path.iterdir()) == []


def test_a_saved_model_is_shown_with_how_it_was_made(run: Run) -> None:
    train = ("train", "--data", "sample", "--method", "exact", "--test-size", "0.1")
    trained = document(run(*train, "--json", "-q"))
    shown = document(run("show", "--json"))
    for key in ("method", "lambda_user", "alpha", "rmse", "leave_one_out", "certificate"):
        assert shown[key] == trained[key]
    assert (shown["n_ratings"], shown["holdout"]["test_size"]) == (100_000, 0.1)
    text = run("show", "data/model.npz").stdout
    assert "hold-out  random, 10 %, seed 0" in text
    assert f"RMSE {trained['leave_one_out']['rmse']:.6f}" in text
    for arguments in (("show", "-"), ("show", "--model", "-"), ("train", "--model", "-")):
        fails(run(*arguments), 2, "neither standard input nor standard output")


def test_probabilities_on_the_scale(run: Run) -> None:
    succeeds(run("train", "--data", "sample", "--method", "exact", "--test-size", "0.1"))
    said = succeeds(run("evaluate"))
    assert re.search(
        r"\non the scale: log-probability -1\.\d{4} a rating, \+0\.\d{4} against a rounded normal\n"
        r" +intervals of 50/80/90/95 % hold (\d\d\.\d/?){4} % of the ratings\n",
        said,
    )
    on_scale = document(run("evaluate", "--json"))["on_scale"]
    assert on_scale["log_probability"] > on_scale["rounded_normal"]
    assert on_scale["coverage"]["90"] == pytest.approx(0.9, abs=0.02)


def test_an_error_of_a_command_with_json_is_a_document_too(run: Run) -> None:
    for arguments, code in (
        (("train", "--data", "gone.csv"), 1),
        (("train", "--data", "sample", "--lambda", "x"), 2),
        (("train", "--epochs", "many"), 2),
    ):
        result = run(*arguments, "--json")
        error = json.loads(result.stderr.splitlines()[-1])
        assert (result.stdout, result.returncode) == ("", code)
        assert (error["schema"], error["error"]["exit_code"]) == (1, code)
        plain = run(*arguments).stderr
        assert error["error"]["message"] in plain
        assert (error["error"]["advice"] or "") in plain


def test_with_a_data_folder_in_the_environment_nothing_is_made_here(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    for arguments in (("train", "--data", "sample"), ("evaluate",), ("show",)):
        succeeds(run(*arguments, MLBIAS_DATA_DIR=str(folder)))
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]
    assert [path.name for path in folder.iterdir()] == ["model.npz"]
    succeeds(run("train", "--data", "sample", "--model", "data/model.npz", MLBIAS_DATA_DIR="x"))
    assert (tmp_path / "data" / "model.npz").exists()
