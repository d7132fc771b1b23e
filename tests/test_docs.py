"""The documentation is true: its commands print what it shows, its code runs, no part missing."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mlbias.cli.command import LazyGroup
from mlbias.core import methods
from mlbias.core.methods import METHODS, make_method
from mlbias.core.model import Problem
from mlbias.core.training import train
from mlbias.ratings import Ratings
from tests.oracle import dense_optimum

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def without_seconds(text: str) -> str:
    """What a run of another speed, or with rounding of another order, shows too."""
    text = re.sub(r"\d+\.\d+ s\b", "… s", text)
    return re.sub(r"\d\.\de-\d\d", "…", text).strip()


def console_examples() -> list[tuple[str, str]]:
    """Each command of the README, and what it shows below it."""
    parts = (block.removeprefix("$ ").partition("\n") for block in blocks(README, "console"))
    return [(command, shown) for command, _, shown in parts]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README's commands follow one another in one folder."""
    made = tmp_path_factory.mktemp("readme")
    (made / "data").mkdir()
    return made


@pytest.mark.parametrize(("command", "shown"), console_examples())
def test_readme_commands_print_what_the_readme_shows(
    folder: Path, real_archive: Callable[[str], Path], command: str, shown: str
) -> None:
    if "ml-latest-small" in command + shown:
        shutil.copy(real_archive("ml-latest-small"), folder / "data")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-c", f"({command}) 2>&1"],
        cwd=folder, env=os.environ | {"PATH": path, "PYTHONIOENCODING": "utf-8"},
        capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert without_seconds(result.stdout) == without_seconds(shown)


def test_readme_python_runs_and_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recovery, prediction = blocks(README, "python")
    monkeypatch.chdir(tmp_path)
    (generating,) = (c for c, _ in console_examples() if c.startswith("mlbias generate"))
    subprocess.run([sys.executable, "-m", *generating.split(), "--quiet"], check=True)
    exec(compile(recovery, "README.md", "exec"), {})
    (said,) = re.findall(r"print\(.*\)  # (.*)", recovery)
    assert capsys.readouterr().out == f"{said}\n"
    exec(compile(prediction, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("[")


def test_every_command_and_dependency_is_in_the_readme() -> None:
    for name in LazyGroup.names:
        assert f"mlbias {name}" in README
    project = (ROOT / "pyproject.toml").read_text()
    (dependencies,) = re.findall(r"^dependencies = \[(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    (table,) = re.findall(r"\| dependency \|.*?\n\n", README, re.DOTALL)
    for name in re.findall(r'"([a-z]+)', dependencies):
        assert name in table


def test_every_room_is_in_the_readmes_table() -> None:
    for room in (ROOT / "mlbias").glob("*/__init__.py"):
        assert f"mlbias/{room.parent.name}/" in README, room


def test_the_method_that_contributing_adds_is_one(
    monkeypatch: pytest.MonkeyPatch,
    make_ratings: Callable[..., Ratings],
    make_problem: Callable[..., Problem],
) -> None:
    code, line = blocks(CONTRIBUTING, "python")
    name, place = re.findall(r'"([^"]+)"', line)
    module = ModuleType("mlbias.core.methods.steepest")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, "CONTRIBUTING.md", "exec"), module.__dict__)
    monkeypatch.setattr(methods, "METHODS", METHODS | {name: place})
    ratings = make_ratings(300, 8, 6)
    *_, (stats, _) = train(make_method(name), make_problem(ratings, 4.0, 3.0), epochs=500)
    assert stats.cost == pytest.approx(dense_optimum(ratings, 4.0, 3.0).cost, rel=1e-9)
