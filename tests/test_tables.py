"""Tables to paste: Markdown, LaTeX and CSV, of every command that prints tables."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.cli.show.formats import Format, csv_table, table_end, table_head, table_row
from tests.test_cli import Run, fails, run, succeeds

__all__ = ["run"]

COMMANDS: dict[str, list[str]] = {
    "baseline": ["baseline", "--data", "sample"],
    "evaluate": ["evaluate"],
    "judge": ["evaluate", "--predictions", "p.csv"],
    "crossval": ["crossval", "--data", "sample", "--folds", "2", "--lambda", "2,5"],
    "compare": ["compare", "--data", "sample", "--methods", "mean,exact", "--lambda", "3"],
}
# In JSON, the list that the CSV table shows.
LISTS = {"crossval": "settings", "compare": "methods", "judge": "predictions"}
every_command = pytest.mark.parametrize("name", COMMANDS)


@pytest.fixture
def prepared(run: Run, tmp_path: Path) -> Path:
    """A folder with a model, and predictions of some of its hold-out."""
    succeeds(run("train", "--data", "sample", "--test-size", "0.1", "-q"))
    from mlbias import load_ratings, random_split

    held_out = random_split(load_ratings("sample"), 0.1)[1]
    users, items = held_out.user_ids[held_out.user], held_out.item_ids[held_out.item]
    rows = [f"{u},{i},{3 + u % 2}" for u, i in zip(users, items, strict=True)]
    (tmp_path / "p.csv").write_text("\n".join(["user,item,prediction", *rows]))
    return tmp_path


def markdown_tables(text: str) -> list[list[list[str]]]:
    """The cells of each table: of its headers, then of each row."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
        assert all(line.startswith("| ") and line.endswith(" |") for line in lines)
        assert len({len(row) for row in cells}) == 1
        assert all(re.fullmatch(" (:--|--:) ", cell) for cell in cells[1])
        found.append([[cell.strip() for cell in row] for row in (cells[0], *cells[2:])])
    return found


def latex_tables(text: str) -> list[list[list[str]]]:
    found = []
    for block in text.strip().split("\n\n"):
        begin, top, head, middle, *rows, bottom, end = block.split("\n")
        columns = re.match(r"\\begin\{tabular\}\{(l[r]*)\}", begin)
        assert columns
        rules = (r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}")
        assert (top, middle, bottom, end) == rules
        cells = [line.removesuffix(r" \\").split(" & ") for line in (head, *rows)]
        assert {len(row) for row in cells} == {len(columns[1])}
        found.append(cells)
    return found


needs_a_model = pytest.mark.usefixtures("prepared")


@every_command
@needs_a_model
def test_markdown_and_latex_have_the_cells_of_the_text(run: Run, name: str) -> None:
    command = [*COMMANDS[name], "-q"]
    said = succeeds(run(*command))
    markdown = markdown_tables(succeeds(run(*command, "--format", "markdown")))
    latex = latex_tables(succeeds(run(*command, "--format", "latex")))
    assert len(markdown) == len(latex)
    for one, other in zip(markdown, latex, strict=True):
        assert len(one) == len(other) > 1
    words = said.split()
    numbers = [cell for table in markdown for row in table[1:] for cell in row[1:4] if cell]
    assert len(numbers) >= 4
    seconds = re.compile(r"\d\.\d\d s")
    for number in numbers:
        if not seconds.fullmatch(number):
            assert all(part in words for part in number.split()) or "0." in number, number
    assert "λ" not in "".join(succeeds(run(*command, "--format", "latex")))


def nested(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@every_command
@needs_a_model
def test_csv_has_all_digits_of_the_json(run: Run, name: str) -> None:
    command = [*COMMANDS[name], "-q"]
    found = json.loads(succeeds(run(*command, "--format", "json")))
    rows = list(csv.DictReader(io.StringIO(succeeds(run(*command, "--format", "csv")))))
    if name in LISTS:
        own = [row for row in rows if row.get("file") not in ("training mean", "bias model")]
        expected = found[LISTS[name]]
    else:
        own, expected = rows[:2][-1:], [found]
    for row, entry in zip(own, expected, strict=True):
        flat = {f"{k}_{inner}": v for k in entry for inner, v in nested(entry[k]).items()} | entry
        plain = {k: v for k, v in flat.items() if isinstance(v, float) and "seconds" not in k}
        for key in plain.keys() & row.keys():
            assert float(row[key]) == plain[key]
        assert len(plain.keys() & row.keys()) >= 2
    assert all(None not in row for row in rows)


@every_command
@needs_a_model
def test_json_is_short_for_the_json_format(run: Run, name: str) -> None:
    def document(*options: str) -> Any:
        text = succeeds(run(*COMMANDS[name], "-q", *options))
        return json.loads(re.sub(r'"(\w*seconds\w*)": [0-9.e-]+', r'"\1": 0', text))

    once = document("--json")
    assert once["schema"] == 1
    assert document("--format", "json") == document("--json", "--format", "json") == once
    assert succeeds(run(*COMMANDS[name], "-q", "--format", "text"))[:1] not in "{|\\"


def test_formats_that_are_not_there(run: Run) -> None:
    wrong = run("baseline", "--data", "sample", "--format", "html")
    fails(wrong, 2, "--format is text, markdown, latex, csv, json, not 'html'")
    both = run("baseline", "--data", "sample", "--format", "csv", "--json")
    fails(both, 2, "--json and --format csv do not go together")


def test_notices_stay_on_stderr(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("1,10,5\n1,20,3\n2,10,4\n2,20,2\n")
    result = run("baseline", "--data", "r.csv", "--format", "csv")
    assert "no header" in result.stderr
    head, row, *rest = succeeds(result).splitlines()
    assert head == "data,n_ratings,n_users,n_items,density,mean,rmse,mae"
    assert row.startswith("r.csv,4,2,2,1.0,3.5,1.1180339887")
    assert rest == []


def test_what_would_break_a_table_is_escaped() -> None:
    cells = ["a|b", r"50 % & \x_{1}", "-0.5", "1-4", "λ ± −3", "< 0.0001"]
    assert table_row(Format.MARKDOWN, cells[:2]) == r"| a\|b | 50 % & \\x_{1} |"
    assert table_row(Format.LATEX, cells) == (
        r"a\textbar{}b & 50 \% \& \textbackslash{}x\_\{1\} & $-$0.5 & 1-4 & $\lambda$ $\pm$ $-$3 & "
        r"$<$ 0.0001 \\"
    )
    assert table_head(Format.MARKDOWN, ["a", "b"]) == ["| a | b |", "| :-- | --: |"]
    assert table_end(Format.MARKDOWN) == []


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.text() | st.floats(allow_nan=False))))
def test_csv_reads_back(rows: list[dict[str, Any]]) -> None:
    names = {name for row in rows for name in row}
    if not names:
        return
    back = list(csv.DictReader(io.StringIO(csv_table(rows) + "\n", newline="")))
    assert len(back) == len(rows) or any(not any(map(str, row.values())) for row in rows)
    if len(back) == len(rows):
        for row, own in zip(rows, back, strict=True):
            for name in names:
                value = row.get(name, "")
                assert (float(own[name]) if isinstance(value, float) else own[name]) == value


def test_nested_values_are_joined_to_their_key_and_lists_are_left_out() -> None:
    rows = [{"a": 1, "b": {"c": None, "d": {"e": True}}, "f": [1, 2]}, {"a": 0.1, "g": "x,y"}]
    assert csv_table(rows) == 'a,b_c,b_d_e,g\n1,,true,\n0.1,,,"x,y"'
