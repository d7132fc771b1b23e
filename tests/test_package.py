"""The package: every public name is deliberate, and nothing heavy is loaded before it is used."""

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import mlbias

PUBLIC = [name for name in mlbias.__all__ if name != "__version__"] + ["BiasRegressor"]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example_that_is_true(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tests = doctest.DocTestFinder(recurse=False).find(getattr(mlbias, name), name, globs={})
    assert tests[0].examples
    for test in tests:
        result = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF).run(test)
        assert result.failed == 0, name


def test_every_public_name_is_there() -> None:
    assert sorted(mlbias.__all__) == mlbias.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = mlbias.nothing


def loaded_after(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(' '.join(sys.modules), file=sys.stderr)"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(result.stderr.split())


def test_help_loads_neither_numpy_nor_anything_like_it() -> None:
    heavy = {"numpy", "scipy", "polars", "requests", "rich.progress", "pydantic"}
    assert not heavy & loaded_after("import mlbias")
    helped = "from mlbias.cli.app import app\napp(['--help'], standalone_mode=False)"
    assert not heavy & loaded_after(helped)


def test_the_core_draws_reads_and_fetches_nothing() -> None:
    modules = (
        "model",
        "incidence",
        "training",
        "equations.certificate",
        "methods.gd",
        "methods.adam",
    )
    found = loaded_after("\n".join(f"import mlbias.core.{module}" for module in modules))
    assert not {"typer", "rich", "polars", "requests"} & found
    assert not {name for name in found if name.startswith(("mlbias.cli", "mlbias.datasets"))}


def test_three_lines_of_python() -> None:
    ratings = mlbias.load_ratings("sample")
    model = mlbias.fit(ratings, "closed-form")
    assert mlbias.evaluate(model, ratings).model.rmse == pytest.approx(0.8093363448443353)
