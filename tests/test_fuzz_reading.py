"""A short run of benchmarks/fuzz_reading: mlbias reads mutated files as the oracle does."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.fuzz_reading import FAULTS, findings, make_case
from benchmarks.reading_oracle import Truth, Written, truth_of


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_mutated_files_are_refused_by_both_or_read_the_same(tmp_path: Path, seed: int) -> None:
    counts: Counter[str] = Counter()
    faults = []
    for number in range(100):
        case = make_case(f"{seed}/{number}")
        for kind, told in findings(case, tmp_path / "ratings"):
            counts[kind] += 1
            if kind in FAULTS:
                faults.append((kind, told, case))
    assert faults == []
    # The run has something to tell: many files are read, and many refused.
    assert counts["accepted by both"] > 80
    assert counts["refused by both"] > 30
    assert counts["refused by mlbias alone"] < 15


_COLONS = Written("text", "::", header=False, quoted=False)


@pytest.mark.parametrize(
    ("text", "written", "rows", "bad", "broken"),
    [
        ("a,b,c\n1,2,3\n1,x,4\n", Written(), [(1, "2", 3.0), (1, "x", 4.0)], [], None),
        ("a,b,c\n1,2,3\n\n1,x\n", Written(), [(1, 2, 3.0)], [4], None),
        ('a,b,c\n1,2,3\n1,x,"4\n', Written(), [(1, 2, 3.0)], [], 3),
        ('a,b,c\n"1\n2",2,3\nNA,x,4\n', Written(), [("1\n2", 2, 3.0)], [4], None),
        ("1::2::4_5\n1::07::3::\n", _COLONS, [(1, "07", 3.0)], [1], None),
        ("1:\n7,3\n\n8,x\n2:\n7,4\n", Written("netflix"), [(7, 1, 3.0), (7, 2, 4.0)], [4], None),
    ],
)  # fmt: skip
def test_the_oracle_itself(
    text: str,
    written: Written,
    rows: list[tuple[int | str, int | str, float]],
    bad: list[int],
    broken: int | None,
) -> None:
    assert truth_of(text, written) == Truth(rows, bad, broken)
