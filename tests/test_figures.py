"""Figures: what they show, read back from what was drawn, and how they are saved."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlbias import Ratings, compare, crossval, fit, load_ratings, random_split
from mlbias.errors import DataError, MlbiasError, OptionError
from mlbias.figures import (
    comparison_curves,
    distributions,
    lambda_curve,
    learning_curves,
    save_figure,
)
from mlbias.figures.style import check_figure_path
from tests import forked

SIX = Ratings.from_ids([1, 1, 1, 2, 2, 3], [10, 20, 30, 10, 20, 10], [5, 3, 3, 4, 3, 1])


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return forked.run(arguments, cwd, os.environ)


def panels_of(figure: Any) -> list[Any]:
    """The panels, untyped: matplotlib's stubs know little of what it has drawn."""
    return list(figure.axes)


def test_a_learning_curve_is_the_history() -> None:
    fitted = fit(SIX, "gd", epochs=7)
    (axes,) = panels_of(learning_curves(fitted))
    (line,) = axes.get_lines()
    assert line.get_xdata().tolist() == list(range(8))
    assert line.get_ydata().tolist() == [stats.rmse for stats in fitted.history]


def test_counts_say_how_many_have_at_least_so_many_ratings() -> None:
    values, users, items = panels_of(distributions(SIX))
    assert [bar.get_height() for bar in values.patches] == pytest.approx(
        [100 / 6, 300 / 6, 100 / 6, 100 / 6]
    )
    assert [tuple(pair) for pair in users.get_lines()[0].get_xydata()] == [(1, 3), (2, 2), (3, 1)]
    assert [tuple(pair) for pair in items.get_lines()[0].get_xydata()] == [(1, 3), (2, 2), (3, 1)]


def test_a_comparison_shows_each_method_and_each_score() -> None:
    training, held_out = random_split(load_ratings("sample"), 0.1)
    results = compare(training, held_out, methods=["mean", "gd", "exact"])
    left, right = panels_of(comparison_curves(results))
    assert [line.get_label() for line in left.get_lines()] == ["gd", "exact"]
    assert [label.get_text() for label in right.get_yticklabels()] == ["mean", "gd", "exact"]
    assert min(left.get_lines()[1].get_ydata()) > 0


def test_rmse_against_lambda_has_a_line_for_each_lambda_of_the_users() -> None:
    ratings = load_ratings("sample")
    grid = crossval(ratings, lambda_user=[1, 5], lambda_item=[2, 8])
    (axes,) = panels_of(lambda_curve(grid))
    assert [bars.lines[0].get_xdata().tolist() for bars in axes.containers] == [[2, 8], [2, 8]]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert {"λ of the users 1", "λ of the users 5", "learned (REML)"} == set(legend)
    shared = crossval(ratings, lambda_=[1, 5])
    (axes,) = panels_of(lambda_curve(shared))
    (bars,) = axes.containers
    assert bars.lines[0].get_ydata().tolist() == [
        trial.errors.rmse for trial in shared if trial.settings.regularisation.lambdas
    ]
    with pytest.raises(DataError, match="no setting has a λ above 0"):
        lambda_curve(crossval(ratings, "closed-form", lambda_=[0]))


@pytest.mark.parametrize(
    ("name", "begins"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_figures_are_saved_as_their_names_end_with_the_same_bytes(
    tmp_path: Path, name: str, begins: bytes
) -> None:
    contents = []
    for _ in range(2):
        save_figure(learning_curves(fit(SIX, "gd", epochs=3)), tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0].startswith(begins)
    assert contents[0] == contents[1]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.pdf"])
def test_a_file_that_is_not_our_figure_is_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(DataError, match="exists and is not a figure of mlbias"):
        save_figure(learning_curves(fit(SIX, "gd", epochs=3)), tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"mine"


def test_what_cannot_be_saved_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OptionError, match=r"ends in \.png, \.svg or \.pdf, and 'a\.jpg' does not"):
        check_figure_path(tmp_path / "a.jpg")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(DataError, match="it is a folder"):
        check_figure_path(tmp_path / "b.png")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MlbiasError, match="matplotlib, which is not installed") as caught:
        check_figure_path(tmp_path / "c.png")
    assert 'pip install "mlbias[plot]"' in caught.value.advice
    with pytest.raises(MlbiasError, match="not installed"):
        learning_curves(fit(SIX))


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["baseline"], "ratings of a user"),
        (["train", "--epochs", "5", "--test-size", "0.2"], "hold-out"),
        (["compare", "--methods", "mean,exact"], "relative excess cost"),
        (["crossval", "--lambda", "1,5", "--folds", "2"], "learned (REML)"),
    ],
)
def test_commands_save_a_figure_beside_what_they_print(
    tmp_path: Path, arguments: list[str], shown: str
) -> None:
    done = run(*arguments, "--data", "sample", "--plot", "figure.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "saved figure.svg" in done.stderr
    assert shown in (tmp_path / "figure.svg").read_text()
    refused = run(*arguments, "--data", "gone.csv", "--plot", "figure.bmp", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "'figure.bmp' does not" in refused.stderr


def test_the_start_alone_is_a_curve_too() -> None:
    (axes,) = panels_of(learning_curves(fit(SIX, "gd", epochs=0)))
    assert np.asarray(axes.get_lines()[0].get_xdata()).tolist() == [0]
