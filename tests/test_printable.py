"""What comes from outside is shown as text: no terminal obeys it, in text, in JSON, in errors."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.errors import MlbiasError
from mlbias.printable import printable
from tests.test_cli import FOUR, Run, document, run, succeeds

__all__ = ["run"]

# C0, DEL, C1, a change of direction, Rich's markup, and a byte that is no UTF-8.
HOSTILE = "a\x1b[31m\n\x7f\x9b2J\u202e[red]\udcff"
ESCAPED = r"a\x1b[31m\n\x7f\x9b2J\u202e[red]\udcff"


@given(st.text(st.characters(codec=None)), st.none() | st.integers(2, 40))
def test_printable_text_is_printable_and_stays_as_it_was(text: str, longest: int | None) -> None:
    shown = printable(text, longest)
    assert shown.isprintable()
    if longest is not None:
        assert len(shown) <= (longest + 3) * len("\\U00000000")
    if text.isprintable() and (longest is None or len(text) <= longest):
        assert shown == text
    assert printable(shown) == shown


def test_the_middle_of_a_long_text_is_cut_out() -> None:
    assert printable("abcdefghij", 4) == "ab … ij"
    assert len(str(MlbiasError("x" * 10_000, "y" * 10_000))) < 1010


def test_errors_are_safe_to_show_in_python_too() -> None:
    error = MlbiasError(f"no {HOSTILE}.", HOSTILE)
    assert (str(error), error.advice) == (f"no {ESCAPED}.", ESCAPED)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A CSV file whose name, column names and ids are hostile."""
    folder = tmp_path / HOSTILE
    folder.mkdir()
    path = folder / f"{HOSTILE}.csv"
    name = HOSTILE.replace("\n", "").replace("\udcff", "")
    path.write_text(FOUR.replace("userId", name).replace("1,10", f"{name},10"))
    return path


def test_every_command_shows_names_and_ids_as_text(run: Run, hostile: Path) -> None:
    model = str(hostile.with_name(f"{HOSTILE}.npz"))
    data = ("--data", str(hostile), "--user-col", "1")
    bad = hostile.with_name("bad.csv")
    bad.write_text(f"{hostile.read_text()}{HOSTILE[:5]},10,x\n")
    codes = []
    for arguments in (
        ("baseline", *data),
        ("train", *data, "--model", model),
        ("evaluate", "--model", model),
        ("crossval", *data, "--folds", "2", "--lambda", "1,2"),
        ("compare", "--data", "sample", "--methods", HOSTILE),
        ("generate", "--out", str(hostile.with_name(f"{HOSTILE}2.csv"))),
        ("cache", "--data-dir", str(hostile.parent)),
        ("baseline", "--data", str(bad), "--user-col", "1", "--skip-bad-rows"),
        ("baseline", "--data", str(bad)),
        ("baseline", "--data", str(bad), "--debug"),
        ("evaluate", "--model", f"{HOSTILE}"),
        ("train", "--method", HOSTILE),
        (HOSTILE,),
    ):
        result = run(*arguments)
        said = result.stdout + result.stderr
        assert [line for line in said.split("\n") if not line.isprintable()] == []
        codes.append(result.returncode)
    assert codes == [0] * 4 + [2] + [0] * 3 + [1, 1, 1, 2, 2]


def test_json_holds_the_same_texts_and_no_control_characters(run: Run, hostile: Path) -> None:
    result = run("baseline", "--data", str(hostile), "--user-col", "1", "--json")
    assert all(line.isprintable() for line in succeeds(result).split("\n"))
    found = document(result)
    assert found["data"] == str(hostile)
    columns = found["source"]["columns"].values()
    assert HOSTILE.replace("\n", "").replace("\udcff", "") in columns
