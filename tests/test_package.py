"""The package: every public name is deliberate, and nothing heavy is loaded before it is used."""

import subprocess
import sys

import pytest

import mlbias


def test_every_public_name_is_there_and_documented() -> None:
    assert sorted(mlbias.__all__) == mlbias.__all__
    for name in mlbias.__all__:
        thing = getattr(mlbias, name)
        assert isinstance(thing, str) or thing.__doc__, name
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
