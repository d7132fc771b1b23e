"""The attack's judge sees what is wrong, and its cases can be made again by their numbers."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.attack.inputs import mutated
from benchmarks.attack.kinds import KINDS, nth
from benchmarks.attack.options import cases
from benchmarks.attack.verdict import Outcome, judged


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(0, "done\n", "saved m.npz\n"),
        Outcome(1, "", "error: there is no file.\n       Name another.\n"),
        Outcome(2, "", "a notice\nerror: no such option.\n"),
        Outcome(130, "epoch 1\n", "error: interrupted.\n"),
    ],
)
def test_what_is_well_is_not_called_a_fault(outcome: Outcome) -> None:
    assert judged(outcome, "", "").fault == ""


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (Outcome(1, "", "error: a fault in mlbias: KeyError.\n"), "a fault in mlbias"),
        (Outcome(0, "", "Traceback (most recent call last)\n"), "Traceback"),
        (Outcome(0, "", "thread '<unnamed>' panicked at\n"), "panicked"),
        (Outcome(-6, "", ""), "exit code -6"),
        (Outcome(1, "", ""), "exit code 1 without a sentence"),
        (Outcome(0, "r\x9b.csv\n", ""), "control characters"),
    ],
)
def test_what_is_wrong_is_called_a_fault(outcome: Outcome, fault: str) -> None:
    assert judged(outcome).fault.startswith(fault)
    assert judged(Outcome(0, "", ""), "", "a file is lost").fault == "a file is lost"


def test_every_case_of_a_kind_has_its_number_once() -> None:
    for name, kind in KINDS.items():
        few = min(kind.cases, 2000)
        assert len({nth(name, index) for index in range(few)}) == few


def test_every_option_of_every_command_is_tried() -> None:
    tried = {(line[0], option) for line in cases() for option in line if option.startswith("--")}
    assert {("train", "--lambda"), ("crossval", "--folds"), ("cache", "--data-dir")} <= tried
    assert ("download", "--keep-archive") in tried
    assert KINDS["options"].cases > len(cases())


def test_a_mutation_changes_little_and_a_seed_gives_the_same() -> None:
    content = bytes(range(256)) * 4
    made = {mutated(content, random.Random(seed)) for seed in range(100)}
    assert len(made) > 90
    assert mutated(content, random.Random(7)) == mutated(content, random.Random(7))


def test_a_case_can_be_made_again(tmp_path: Path) -> None:
    case = str(nth("archives", 3))
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.attack", "--kind", "archives", "--case", case],
        cwd=Path(__file__).parent.parent, capture_output=True, encoding="utf-8", timeout=60,
        check=True, env={"TMPDIR": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert found.stdout.splitlines()[1].split()[-6:-1] in (
        ["1", "0", "1", "0", "0"], ["1", "1", "0", "0", "0"],
    )  # fmt: skip
