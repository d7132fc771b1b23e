"""Moments in time, in every form that people write them: Unix seconds, or none and where."""

import datetime as dt
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias.datasets.loading import load_ratings
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading import text as text_room
from mlbias.datasets.reading.read import read_ratings
from mlbias.datasets.sources import Source
from mlbias.errors import DataError, OptionError
from mlbias.ids import MISSING_TEXTS
from mlbias.times import moment, seconds_of, unit_of
from tests.reading import Read, notices, triples

HEADER = "user,item,rating,timestamp\n"
NEW_YEAR = 1_577_836_800  # 2020-01-01 in UTC


def seconds(read: Read, *texts: str, **options: object) -> list[float] | None:
    rows = "".join(f'1,{k},3,"{text}"\n' for k, text in enumerate(texts))
    time = read(HEADER + rows, timestamps=True, **options).ratings.timestamp
    return None if time is None else time.tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1577836800", NEW_YEAR),
        (" 1577836800 ", NEW_YEAR),
        ("1577836800.25", NEW_YEAR + 0.25),
        ("1.5778368e9", NEW_YEAR),
        ("1577836800000", NEW_YEAR),
        ("1577836800250", NEW_YEAR + 0.25),
        ("1577836800000000", NEW_YEAR),
        ("1577836800000000000", NEW_YEAR),
        ("-5", -5),
        ("0", 0),
        ("2020", NEW_YEAR),
        ("2020.0", NEW_YEAR),
        ("20200101", NEW_YEAR),
        ("20200101.0", NEW_YEAR),
        ("2020-01-01", NEW_YEAR),
        ("2020/01/01", NEW_YEAR),
        ("2020-01-01T01:00", NEW_YEAR + 3600),
        ("2020-01-01 01:00", NEW_YEAR + 3600),
        ("2020-01-01 01:00:01", NEW_YEAR + 3601),
        ("2020-01-01T00:00:00.5", NEW_YEAR + 0.5),
        ("2020-01-01T00:00:00Z", NEW_YEAR),
        ("2020-01-01 00:00:00 UTC", NEW_YEAR),
        ("2020-01-01T00:00:00+00:00", NEW_YEAR),
        ("2020-01-01T02:00:00+0200", NEW_YEAR),
        ("2019-12-31T19:00:00-05:00", NEW_YEAR),
        ("2020-01-01T02:00+02:00", NEW_YEAR),
        ("2020-01-01T00:00Z", NEW_YEAR),
        ("1969-12-31", -86_400),
    ],
)
def test_each_form_of_one_moment(read: Read, text: str, expected: float) -> None:
    assert seconds(read, text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "late",
        "2020-13-01",
        "2020-02-30",
        "01/02/2020",
        "31-12-19",
        "10/1/5",
        "nan",
        "inf",
        "NA",
        "1e999",
    ],
)
def test_what_is_no_moment_leaves_none_and_names_its_row(read: Read, text: str) -> None:
    found = read(f"{HEADER}1,1,3,1577836800\n1,2,4,1577836801\n1,3,5,{text}\n", timestamps=True)
    assert found.ratings.timestamp is None
    has = "has none" if text in MISSING_TEXTS else f"has {text!r}, which is neither a number"
    assert f"line 4 {has}" in found.ratings.untimed
    assert len(found.ratings) == 3


@pytest.mark.parametrize("part", [8 << 20, 60, 30])
@pytest.mark.parametrize("number", ["1577836800", "20200101", "0.5"])
def test_numbers_and_dates_in_one_column_leave_none_in_parts_of_any_size(
    read: Read, monkeypatch: pytest.MonkeyPatch, part: int, number: str
) -> None:
    monkeypatch.setattr(text_room, "PART_SIZE", part)
    rows = ["1,1,3,2020-01-01\n"] * 4 + [f"1,2,3,{number}\n"] * 3 + ["1,1,3,2020-01-01\n"] * 2
    for content, first in ((rows, (6, 2)), (rows[4:], (2, 5))):
        found = read(HEADER + "".join(content), timestamps=True).ratings
        assert found.timestamp is None
        told = "line {} has a number, .*line {} a date".format(*first)
        assert re.search(told, found.untimed)


def test_a_typed_column_without_a_time_is_of_no_kind(tmp_path: Path) -> None:
    for name, time in (
        ("a", pl.Series([None, None], dtype=pl.Int64)),
        ("b", [dt.datetime(2020, 1, 1)] * 2),
    ):
        columns = {"user": [1, 2], "item": [1, 2], "rating": [3.0, 4.0], "timestamp": time}
        pl.DataFrame(columns).write_parquet(tmp_path / f"{name}.parquet")
    found = load_ratings(tmp_path / "*.parquet")
    assert re.search(r"a\.parquet, row 1 has none", found.untimed)


@pytest.mark.parametrize("factor", [1000, 1_000_000])
def test_two_units_in_one_column_leave_none_unless_one_is_named(read: Read, factor: int) -> None:
    rows = f"1,1,3,{NEW_YEAR}\n1,2,3,{NEW_YEAR * factor}\n1,3,3,0\n"
    found = read(HEADER + rows, timestamps=True)
    assert found.ratings.timestamp is None
    assert "others like a coarser unit" in found.ratings.untimed
    assert seconds(read, f"{NEW_YEAR}", f"{NEW_YEAR * 1000}", time_unit="ms") == [
        NEW_YEAR / 1000,
        NEW_YEAR,
    ]
    years = read(f"{HEADER}1,1,3,2019\n1,2,3,{NEW_YEAR}\n", timestamps=True).ratings
    assert years.timestamp is None
    # A zero is a time that nobody knows, not one in another unit.
    assert seconds(read, "0", f"{NEW_YEAR * 1000}") == [0, NEW_YEAR]


def test_what_was_guessed_of_times_is_said(read: Read) -> None:
    def said(*texts: str) -> str:
        rows = "".join(f"1,{k},3,{text}\n" for k, text in enumerate(texts))
        return notices(read(HEADER + rows, timestamps=True))

    assert "times are taken for milliseconds, 2020-01-01 to 2020-01-02" in said(
        "1577836800000", "1577923200000"
    )
    assert "times are taken for years" in said("2019", "2020")
    assert "times are taken for days written as YYYYMMDD" in said("20191231", "20200101")
    assert "times without a zone are taken for UTC" in said("2020-01-01 10:00:00")
    assert "times" not in said("1577836800")
    assert "times" not in said("2020-01-01T00:00:00Z")


def test_a_unit_may_be_named(read: Read) -> None:
    assert seconds(read, "5000", "6500", time_unit="ms") == [5, 6.5]
    assert seconds(read, "2019", time_unit="s") == [2019]
    assert seconds(read, "1577836800000", time_unit="s") == [1_577_836_800_000]
    with pytest.raises(OptionError, match=r"`time_unit` is s, ms, us, ns, not 'h'"):
        read(f"{HEADER}1,1,3,5\n", time_unit="h")


@pytest.mark.parametrize(
    "header",
    ["timestamp:float", "rated_at", "date", "created_at", "unixReviewTime", "time", "Date"],
)
def test_usual_names_of_times(read: Read, header: str) -> None:
    found = read(f"user,item,rating,x,{header}\n1,2,3,7,1577836800\n", timestamps=True)
    assert found.ratings.timestamp is not None
    assert found.ratings.timestamp.tolist() == [NEW_YEAR]


def test_a_column_of_times_is_named_by_name_or_number(read: Read) -> None:
    content = "user,item,rating,when,timestamp\n1,2,3,7,8\n"
    for column, expected in (("when", 7), ("4", 7), ("5", 8), (None, 8)):
        found = read(content, time_col=column, timestamps=True).ratings
        assert found.timestamp is not None
        assert found.timestamp.tolist() == [expected]


STAMPED = "2,1,3,30\n1,1,4,20\n2,2,5,10\n"


@pytest.mark.parametrize(
    "content",
    [
        STAMPED,
        "userId,movieId,rating,timestamp\n" + STAMPED,
        "Timestamp,userId,movieId,rating\n30,2,1,3\n20,1,1,4\n10,2,2,5\n",
        STAMPED.replace(",", "::"),
        STAMPED.replace(",", "\t"),
        STAMPED.replace("2,2,5", '2,"2",5'),
    ],
    ids=["fourth", "named", "first", "dat", "tabs", "quoted"],
)
def test_times_go_with_their_ratings(read: Read, content: str) -> None:
    found = read(content, timestamps=True).ratings
    assert triples(found) == [(1, 1, 4), (2, 1, 3), (2, 2, 5)]
    assert found.timestamp is not None
    assert found.timestamp.tolist() == [20, 30, 10]
    assert read(content).ratings.timestamp is None


def test_a_fourth_column_of_something_else_is_none_of_times(read: Read) -> None:
    for fourth in ("Good", "4.5 stars"):
        found = read(f"1,1,3,{fourth}\n1,2,3,{fourth}\n", timestamps=True).ratings
        assert found.timestamp is None
        assert found.untimed == ""


def test_select_keeps_times(read: Read) -> None:
    found = read(STAMPED, timestamps=True).ratings
    late = found.select(np.array([True, True, False]))
    assert late.timestamp is not None
    assert late.timestamp.tolist() == [20, 30]
    latest = late.select(late.timestamp > 20)
    assert triples(latest) == [(2, 1, 3)]
    assert latest.timestamp is not None
    assert latest.timestamp.tolist() == [30]


UTC = dt.UTC
TYPED: dict[str, pl.Series] = {
    "int32": pl.Series([NEW_YEAR, NEW_YEAR + 1], dtype=pl.Int32),
    "uint32": pl.Series([NEW_YEAR, NEW_YEAR + 1], dtype=pl.UInt32),
    "uint64": pl.Series([NEW_YEAR, NEW_YEAR + 1], dtype=pl.UInt64),
    "float": pl.Series([float(NEW_YEAR), NEW_YEAR + 1.0]),
    "decimal": pl.Series([str(NEW_YEAR), str(NEW_YEAR + 1)]).cast(pl.Decimal(20, 2)),
    "ms": pl.Series([NEW_YEAR * 1000, NEW_YEAR * 1000 + 1000]).cast(pl.Datetime("ms")),
    "us": pl.Series([NEW_YEAR * 10**6, (NEW_YEAR + 1) * 10**6]).cast(pl.Datetime("us")),
    "ns": pl.Series([NEW_YEAR * 10**9, (NEW_YEAR + 1) * 10**9]).cast(pl.Datetime("ns")),
    "zoned": pl.Series(
        [dt.datetime(2020, 1, 1, tzinfo=UTC), dt.datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC)]
    ).dt.convert_time_zone("America/New_York"),
    "text": pl.Series(["2020-01-01", "2020-01-01T00:00:01"]),
    "categorical": pl.Series(["2020-01-01", "2020-01-01 00:00:01"], dtype=pl.Categorical),
}


@pytest.mark.parametrize("kind", TYPED)
@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_times_with_types(tmp_path: Path, kind: str, form: str) -> None:
    frame = pl.DataFrame({"user": [1, 1], "item": [1, 2], "rating": [3, 4], "time": TYPED[kind]})
    write = frame.write_parquet if form == "parquet" else frame.write_ipc
    write(tmp_path / "r")
    found = read_ratings(Source("r", tmp_path / "r"), timestamps=True).ratings
    assert found.timestamp is not None
    assert found.timestamp.tolist() == [NEW_YEAR, NEW_YEAR + 1]


@pytest.mark.parametrize(
    "times",
    [[1.5e9, float("nan")], [1.5e9, float("inf")], [NEW_YEAR, None], ["2020-01-01", "x"],
     [dt.date(2020, 1, 1), None]],
)  # fmt: skip
def test_a_missing_time_with_a_type_names_its_row(tmp_path: Path, times: list[object]) -> None:
    frame = pl.DataFrame({"user": [1, 1], "item": [1, 2], "rating": [3, 4], "time": times})
    frame.write_parquet(tmp_path / "r")
    found = read_ratings(Source("r", tmp_path / "r"), timestamps=True).ratings
    assert found.timestamp is None
    assert "r, row 2 has " in found.untimed


def test_times_with_a_type_and_without_a_zone_are_taken_for_utc_and_it_is_said(
    tmp_path: Path,
) -> None:
    time = pl.Series([dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2)])
    frame = pl.DataFrame({"user": [1, 1], "item": [1, 2], "rating": [3, 4], "time": time})
    for column, is_said in ((time, True), (time.dt.replace_time_zone("Asia/Tokyo"), False)):
        frame.with_columns(column.alias("time")).write_parquet(tmp_path / "r")
        found = read_ratings(Source("r", tmp_path / "r"), timestamps=True)
        assert ("times without a zone are taken for UTC" in notices(found)) == is_said


@pytest.mark.parametrize("times", [[dt.timedelta(1)], [dt.time(1)], [[1]], [True]])
def test_what_can_be_no_time_is_refused_by_its_type(tmp_path: Path, times: list[object]) -> None:
    frame = pl.DataFrame({"user": [1], "item": [1], "rating": [3], "time": times})
    frame.write_parquet(tmp_path / "r")
    with pytest.raises(DataError, match=r"column 'time' for the time holds .*expected times"):
        read_ratings(Source("r", tmp_path / "r"), ReadOptions(), timestamps=True)


def test_times_beyond_32_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_room, "PART_SIZE", 40)
    late = [1_574_327_703 + 10**9 * k for k in range(9)]
    rows = [(1, k, 3.0, stamp) for k, stamp in enumerate(late)]
    names = ["userId", "movieId", "rating", "timestamp"]
    table = pl.DataFrame(rows, schema=names, orient="row")
    table.write_csv(tmp_path / "r.csv")
    table.write_parquet(tmp_path / "r.parquet")
    for name in ("r.csv", "r.parquet"):
        found = read_ratings(Source(name, tmp_path / name), timestamps=True).ratings
        assert found.timestamp is not None
        assert found.timestamp.tolist() == late


@given(day=st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)))
def test_days_are_those_of_the_calendar(day: dt.date) -> None:
    number = np.array([day.year * 10_000 + day.month * 100 + day.day])
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    assert unit_of(number) == "day"
    assert seconds_of(number, "day").tolist() == [midnight]
    assert moment(str(number[0])) == moment(day.isoformat()) == midnight


@pytest.mark.parametrize("number", [20200231, 20201301, 20190229, 20200100, 20200432])
def test_numbers_that_are_no_days_are_seconds(number: int) -> None:
    assert unit_of(np.array([number, 20200101])) == "s"


def test_a_year_is_the_whole_year() -> None:
    assert moment("2010") == dt.datetime(2010, 1, 1, tzinfo=UTC).timestamp()
