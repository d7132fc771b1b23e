"""The documentation is true: its commands print what it shows, its code runs, nothing is stale."""

import doctest
import json
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from docs.console import ROOT, archives_of, examples, pages, run
from docs.make_cli_reference import PAGE as CLI_PAGE
from docs.make_cli_reference import cli_reference
from docs.make_python_reference import PAGE as PYTHON_PAGE
from docs.make_python_reference import python_reference
from docs.make_rooms_picture import PICTURE as ROOMS_PICTURE
from docs.make_rooms_picture import ROOMS, layers, rooms_picture
from docs.make_terminal_picture import PICTURE as TERMINAL_PICTURE
from docs.make_terminal_picture import draw, terminal_output
from mlbias import fit, save_model
from mlbias.cli.command import LazyGroup
from mlbias.columns.usual_names import USUAL_NAMES
from mlbias.core import methods
from mlbias.core.methods import METHODS, make_method
from mlbias.core.model import Problem
from mlbias.core.training import train
from mlbias.ratings import Ratings
from tests.oracle import dense_optimum

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in pages()}
# The Python reference's examples are run as docstrings, by test_package.
RUN = [
    name
    for name, text in TEXTS.items()
    if name != "docs/reference/python.md" and ("```console" in text or ">>> " in text)
]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def without_seconds(text: str) -> str:
    """What a run of another speed, or with rounding of another order, shows too."""
    text = re.sub(r"\d+\.\d+ s\b", "… s", text)
    text = re.sub(r"[-+]0\.000000\b", " 0.000000", text)
    text = re.sub(r"[-+]?\d\.\de-\d\d", "…", text)
    # Processors differ in the last of 17 digits.
    return re.sub(r"\d*\.\d{13,}", lambda number: f"{float(number[0]):.12g}", text).strip()


@pytest.mark.parametrize("name", RUN)
def test_commands_and_python_of_a_page_print_what_it_shows(
    name: str,
    tmp_path: Path,
    real_archive: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = TEXTS[name]
    (tmp_path / "data").mkdir()
    for archive in archives_of(text):
        shutil.copy(real_archive(archive), tmp_path / "data")
    for command, shown in examples(text):
        assert without_seconds(run(command, tmp_path)) == without_seconds(shown), command
    monkeypatch.chdir(tmp_path)
    code = "\n".join(block for block in blocks(text, "python") if ">>> " in block)
    test = doctest.DocTestParser().get_doctest(code, {}, name, name, 0)
    assert doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(test).failed == 0


def test_the_readme_is_short_and_names_every_command_and_dependency() -> None:
    assert len(README.splitlines()) <= 150
    for name in LazyGroup.names:
        assert f"mlbias {name}" in README
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (dependencies,) = re.findall(r"^dependencies = \[(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    (table,) = re.findall(r"\| dependency \|.*?\n\n", README, re.DOTALL)
    for name in re.findall(r'"([a-z.]+)', dependencies):
        assert name in table


def test_figures_of_the_readmes_speed_table_are_those_of_the_benchmarks() -> None:
    (table,) = re.findall(r"\| \| lecture \|.*?\n\n", README, re.DOTALL)
    measured = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    known = {float(number) for number in re.findall(r"\d+\.\d+", measured)}
    for number in re.findall(r"\d+\.\d+", table):
        decimals = len(number.partition(".")[2])
        assert float(number) in {round(each, decimals) for each in known}, number


@pytest.mark.parametrize("name", TEXTS)
def test_links_of_a_page_resolve(name: str) -> None:
    prose = re.sub(r"^```.*?^```$", "", TEXTS[name], flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        page = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        assert page.is_file(), target
        assert page.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(page.read_text(encoding="utf-8")), target


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_links_every_page() -> None:
    index = TEXTS["docs/index.md"]
    for name in TEXTS:
        if name.startswith("docs/") and name != "docs/index.md":
            assert f"({name.removeprefix('docs/')})" in index


def test_generated_pages_and_pictures_are_not_stale() -> None:
    assert CLI_PAGE.read_text(encoding="utf-8") == cli_reference()
    assert PYTHON_PAGE.read_text(encoding="utf-8") == python_reference()
    assert ROOMS_PICTURE.read_text(encoding="utf-8") == rooms_picture()


def test_the_terminals_picture_shows_what_the_command_prints() -> None:
    shown = TERMINAL_PICTURE.read_text(encoding="utf-8")
    assert lines_of(shown) == lines_of(draw(terminal_output()))


def lines_of(picture: str) -> list[str]:
    texts = ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")
    content = "\n".join("".join(text.itertext()).replace("\xa0", " ") for text in texts)
    return without_seconds(content.replace("\u2212", "-")).splitlines()


def test_every_room_is_in_the_picture_of_the_rooms() -> None:
    packages = {
        path.stem
        for path in (ROOT / "mlbias").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert {room for layer in layers() for room in layer} == set(ROOMS)
    assert packages - {"__init__", "__main__"} == set(ROOMS)


def test_every_option_has_a_help_text_and_is_in_the_reference() -> None:
    reference = CLI_PAGE.read_text(encoding="utf-8")
    group: Any = LazyGroup(name="mlbias")
    for name in group.names:
        section = section_of(reference, f"mlbias {name}")
        for param in group.get_command(None, name).params:
            if param.param_type_name == "option" and not param.hidden:
                assert param.help, (name, param.name)
                assert f"`{param.opts[0]}" in section, (name, param.name)


DOCUMENTS = {
    "baseline": "mlbias baseline --data sample",
    "train": "mlbias train --data sample --method exact --test-size 0.1",
    "evaluate": "mlbias train --data sample -q > x && mlbias evaluate --against data/model.npz",
    "predict": "mlbias train --data sample -q > x && mlbias predict --user 1 --item 1",
    "biases": "mlbias train --data sample --method exact -q > x && mlbias biases items",
    "show": "mlbias train --data sample --method exact --test-size 0.1 -q > x && mlbias show",
    "crossval": "mlbias crossval --data sample --folds 2",
    "compare": "mlbias compare --data sample --methods mean,exact",
    "report": "mlbias report --data sample",
    "download": "mlbias download --list",
    "generate": "mlbias generate --preset sample --ratings 100 --users 10 --items 20",
    "cache": "mlbias cache",
}


@pytest.mark.parametrize("command", DOCUMENTS)
def test_every_key_of_a_json_document_is_in_the_reference(command: str, tmp_path: Path) -> None:
    reference = TEXTS["docs/reference/json.md"]
    document = json.loads(run(f"{DOCUMENTS[command]} --json --quiet", tmp_path))
    assert document["schema"] == 1
    section = section_of(reference, command)
    shared = "`schema`" + section_of(reference, "Scores")
    for key in document:
        assert f"`{key}`" in section + shared, key
    for key in keys_of(document):
        assert f"`{key}`" in reference, key


def section_of(page: str, heading: str) -> str:
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def keys_of(value: object) -> Iterator[str]:
    """Every key of a JSON document, on all levels."""
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def test_commands_are_all_in_the_reference_of_json_documents() -> None:
    assert set(DOCUMENTS) == set(LazyGroup.names)


def test_every_array_and_key_of_a_model_file_is_in_the_reference(tmp_path: Path) -> None:
    reference = TEXTS["docs/reference/model-file.md"]
    run("mlbias train --data sample --method exact --test-size 0.1 --model exact.npz", tmp_path)
    text = Ratings.from_ids(["ann", "bob", "ann"], ["tea", "tea", "milk"], [4, 2, 5])
    save_model(fit(text), tmp_path / "text.npz")
    for name in ("exact.npz", "text.npz"):
        with np.load(tmp_path / name) as arrays:
            about = json.loads(arrays["about"].tobytes())
            for key in [*arrays, *keys_of(about)]:
                if key not in ("lr", "tol", "beta1"):
                    assert f"`{key}`" in reference, key


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


def test_every_name_of_a_column_that_is_recognised_is_on_its_page() -> None:
    page = (ROOT / "docs/how-to/read-any-file.md").read_text()
    names = page.partition("## Names that are recognised")[2]
    lists = [re.findall("`([a-z0-9]+)`", part) for part in names.split("\n- ")[1:]]
    assert lists == list(map(list, USUAL_NAMES.values()))


def test_contributing_names_files_that_are_there() -> None:
    for path in re.findall(r"`((?:mlbias|docs|tests)/[\w/.]+)`", CONTRIBUTING):
        assert path == "mlbias/core/methods/steepest.py" or (ROOT / path).exists(), path
    for module in re.findall(r"python -m (docs\.\w+)", CONTRIBUTING):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
