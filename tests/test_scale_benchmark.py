"""What benchmarks/scale.py makes of its measurements."""

import json
import math
from pathlib import Path

from benchmarks.scale import read_record, slope, table


def test_the_slope_is_the_exponent_of_a_power() -> None:
    points = [(n, 3 * n**0.75) for n in (1e5, 1e6, 25e6, 1e9)]

    assert math.isclose(slope(points), 0.75)
    assert math.isnan(slope(points[:1]))


def test_a_line_that_a_kill_left_unfinished_is_measured_anew(tmp_path: Path) -> None:
    record = tmp_path / "scale.jsonl"
    record.write_text(json.dumps({"row": "gd"}) + '\n{"row": "ad')

    assert read_record(record) == [{"row": "gd"}]


def test_slopes_are_those_of_each_row_over_the_large_generated_sets() -> None:
    lines = [
        {"set": f"{n}", "row": "gd", "ratings": n, "ids": "integers", "peak": 1e9}
        | {"seconds": factor * n, "epoch": n / 10, "processor": n**2}
        for n, factor in ((1, 9), (10**7, 1), (10**8, 1))
    ]

    *_, preparing, gd, _, _, _, _ = table(lines)

    assert preparing.split()[1:] == ["nan"] * 4
    assert gd.split() == ["gd", "1.00", "1.00", "2.00", "0.00"]
