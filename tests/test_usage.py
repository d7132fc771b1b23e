"""What the command line refuses before it reads anything, and streams that are closed or full."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from mlbias.cli.options.model import MethodOptions
from mlbias.core.cores import usable_cores
from mlbias.core.methods import METHODS, option_names
from mlbias.core.regularisation import Regularisation, parse_lambda
from mlbias.errors import OptionError
from mlbias.fitting.fit import fit, method_with
from mlbias.ratings import Ratings
from tests.test_cli import COMMAND, FOUR, Run, document, environment, fails, run, succeeds

__all__ = ["run"]

LONG = "1" * 5_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train --data sample --data sample", "Option '--data' takes one value and is given more"),
        ("train --data sample --lambda 1 --lambda 2", "Option '--lambda' takes one value"),
        ("evaluate --model a --model b", "Option '--model' takes one value"),
        ("cache --data a --data b", "Option '--data' takes one value"),
        ("cache clear --data a --data b", "Option '--data' takes one value"),
        ("download --url a --url b", "Option '--url' takes one value"),
        ("train ml-latest-small", "Did you mean --data ml-latest-small?"),
        ("baseline --data a.csv b.csv c.csv", r"more than one path \(b\.csv\).* quote it"),
        ("train --train a.csv b.csv --test c.csv", "quote it: --data"),
        (f"train --data sample --epochs {LONG}", "--epochs"),
        (f"train --data sample --{LONG}", "No such option.* … 1{120}"),
        (f"train --data sample --test-from {LONG}", "--test-from is a date"),
        ("baseline --data r.csv --separator →", "--separator is one ASCII character"),
        ("train --data sample --lambda 1e-320", "--lambda must be 0 or from 1e-100"),
        ("train --data sample --lambda 1e300", "--lambda must be 0 or from 1e-100"),
        ("train --data sample --beta1 0.9", "--beta1 belongs to adam; closed-form has no such"),
        ("train --data sample --method adam --beta2 1", "--beta2 must be between 0 and 1, not 1"),
        ("train --data sample --method adam --epsilon 0", "--epsilon must be above 0"),
        ("train --data sample --model /dev/stdout", "is a device, a pipe or a socket"),
        ("evaluate --model /dev/null", "is a device, a pipe or a socket"),
        ("evaluate --against /dev/null", "is a device, a pipe or a socket"),
    ],
)
def test_it_is_refused_in_a_sentence(run: Run, arguments: str, message: str) -> None:
    said = fails(run(*arguments.split()), 2, message)
    assert said.startswith("error: ")
    assert "fault" not in said
    assert max(map(len, said.splitlines())) < 300


@pytest.mark.parametrize("column", ["²", LONG])
def test_a_column_that_is_no_number_that_python_reads_is_a_name(
    run: Run, tmp_path: Path, column: str
) -> None:
    (tmp_path / "r.csv").write_text(FOUR)
    said = fails(run("baseline", "--data", "r.csv", "--item-col", column), 2, "for --item-col")
    assert max(map(len, said.splitlines())) < 300


def test_a_pipe_is_no_place_for_a_model(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for arguments in (("train", "--data", "sample"), ("evaluate",)):
        fails(run(*arguments, "--model", "pipe"), 2, "pipe is a device, a pipe or a socket")


def test_adams_own_options_reach_it(run: Run) -> None:
    options = ("--method", "adam", "--beta1", "0.5", "--beta2", "0.99", "--epsilon", "1e-6")
    found = document(run("train", "--data", "sample", *options, "--epochs", "2", "--json"))
    assert found["options"] == {"lr": 0.3, "beta1": 0.5, "beta2": 0.99, "epsilon": 1e-6}
    default = document(
        run("train", "--data", "sample", "--method", "adam", "--epochs", "2", "--json")
    )
    assert found["cost"] != default["cost"]


def test_every_option_of_every_method_is_one_of_the_command_line() -> None:
    known = {field.name for field in fields(MethodOptions)}
    for name in METHODS:
        assert set(option_names(name)) <= known


def test_threads_are_no_more_than_there_are_cores(run: Run) -> None:
    program = (
        "import threading; from mlbias import Ratings, fit;"
        "fit(Ratings.from_ids([1, 2], [1, 1], [3, 4]), threads=100_000);"
        "print(threading.active_count())"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(said.stdout) <= 1 + usable_cores()
    succeeds(run("train", "--data", "sample", "--threads", "100000"))


def test_the_old_names_of_options_still_work(four: Ratings) -> None:
    with pytest.warns(DeprecationWarning, match="learning_rate is now called lr"):
        old = fit(four, "gd", learning_rate=0.5, epochs=3)
    assert old.alpha == fit(four, "gd", lr=0.5, epochs=3).alpha
    with pytest.warns(DeprecationWarning, match="tolerance is now called tol"):
        old = fit(four, "gd", tolerance=0.1)
    assert len(old.history) == len(fit(four, "gd", tol=0.1).history)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: Regularisation.of(m, None, "auto", 1.0), "`lambda_` auto learns both"),
        (lambda m: Regularisation.of(m, "mean"), "a ratio of variances, on the sum scale"),
        (lambda m: Regularisation.of(m, None, None, 1.0), "learns both lambdas or none"),
        (lambda m: Regularisation.of(m, "max"), "`penalty` is mean or sum, not 'max'"),
        (lambda m: Regularisation.of(m, None, -1.0), "`lambda_` must be 0 or from"),
        (lambda m: Regularisation.of(m, None, 1.0, None, float("inf")), "`lambda_item` must be"),
        (lambda _: parse_lambda("much"), "`lambda_` is a number from 0 on or auto"),
        (lambda m: method_with(m, {"lr": 1.0}), "exact has no option `lr`"),
    ],
)
def test_what_a_lambda_means_is_decided_in_one_place(
    make: Callable[[Any], object], message: str
) -> None:
    exact, _ = method_with("exact", {})
    with pytest.raises(OptionError, match=message):
        make(exact)


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} {command}"], cwd=cwd, env=environment(),
        capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip


def test_a_closed_stdout_is_said_at_once(tmp_path: Path) -> None:
    result = shell("train --data sample >&-", tmp_path)
    assert (result.returncode, result.stderr) == (
        1, "error: standard output is closed, so results have no place to go.\n",
    )  # fmt: skip
    assert not (tmp_path / "data").exists()
    assert shell("train --data sample >&- 2>&-", tmp_path).returncode == 1


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full"])
def test_results_do_not_depend_on_stderr(tmp_path: Path, redirected: str) -> None:
    (tmp_path / "r.csv").write_text(FOUR)
    result = shell(f"train --data r.csv {redirected}", tmp_path)
    assert result.returncode == 0
    assert "training: RMSE" in result.stdout
    assert (tmp_path / "data" / "model.npz").exists()
    failed = shell(f"train --data missing.csv {redirected}", tmp_path)
    assert (failed.returncode, failed.stdout) == (1, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_python_imports_ends_it_in_words(number: int, code: int) -> None:
    program = (
        "import os, mlbias.__main__ as entry\n"
        f"entry._open_streams = lambda: os.kill(os.getpid(), {int(number)})\n"
        "entry.main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False
    )
    assert (result.returncode, result.stderr) == (code, "error: interrupted.\n")
