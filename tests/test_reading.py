"""Reading: what is accepted is what csv, int and float accept; what is not is named and placed."""

import csv
import gzip
import io
import math
import os
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbias import ids as id_room
from mlbias.datasets import reading
from mlbias.datasets.options import IdKind, ReadOptions
from mlbias.datasets.reading.read import Reading, read_ratings
from mlbias.datasets.sources import Source
from mlbias.errors import BadRowError, DataError, MlbiasError, OptionError
from mlbias.ratings import Ratings

Triples = list[tuple[object, object, float]]
TEXT = ReadOptions(ids=IdKind.TEXT)
SKIPPING = ReadOptions(ids=IdKind.TEXT, skip_bad_rows=True)


def triples(ratings: Ratings) -> Triples:
    users, items = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    return list(zip(users.tolist(), items.tolist(), ratings.value.tolist(), strict=True))


def by_user(rows: Triples) -> Triples:
    """As reading orders them: users ascend, each one's rows stay as they are."""
    return sorted(rows, key=lambda row: row[0])  # type: ignore[arg-type, return-value]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Reading]:
    """A function from the content of a file and options to what reading it gives."""

    def read_content(content: str | bytes, **options: object) -> Reading:
        path = tmp_path / "ratings"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_ratings(Source("ratings", path), ReadOptions(**options))  # type: ignore[arg-type]

    return read_content


EXPECTED: Triples = [(1, 10, 3.5), (1, 20, 4.0), (2, 10, 0.5)]


@pytest.mark.parametrize(
    "content",
    [
        "userId,movieId,rating,timestamp\n1,10,3.5,99\n1,20,4.0,99\n2,10,0.5,99\n",
        "userId,movieId,rating,timestamp\r\n1,10,3.5,99\r\n1,20,4.0,99\r\n2,10,0.5,99\r\n",
        "userId,movieId,rating\r1,10,3.5\r1,20,4.0\r2,10,0.5\r",
        "\ufeffuserId,movieId,rating\n1,10,3.5\n1,20,4.0\n2,10,0.5",
        "1::10::3.5::99\n1::20::4.0::99\n2::10::0.5::99\n",
        "1\t10\t3.5\t99\n1\t20\t4\t99\n2\t10\t.5\t99\n",
        "1 10 3.5\n1 20 4\n2 10 0.5\n",
        " 1   10\t3.5 \r\n1 20 4 99\r\n\r\n2 10 0.5\r\n",
        "\n\n1,10,3.5\n\n1,20,4.0\n2,10,0.5\n\n",
        "rating,user_id,extra,item_id\n3.5,1,x,10\n4,1,y,20\n0.5,2,z,10\n",
        '"userId","movieId","rating"\n"1","10","3.5"\n"1","20","4"\n"2","10",".5"\n',
        "1,10,3.5\n1,20,4.0,99,more,fields\n2,10, 0.5 \n",
    ],
)
def test_formats_are_told_by_their_content(read: Callable[..., Reading], content: str) -> None:
    assert triples(read(content).ratings) == EXPECTED


def test_columns_are_named_or_numbered(read: Callable[..., Reading]) -> None:
    named = read("a,b,c\n3.5,1,10\n", user_col="b", item_col="c", rating_col="a")
    numbered = read("3.5,1,10\n", user_col="2", item_col="3", rating_col="1")
    other = read("userId,movieId,rating,score\n1,10,1,3.5\n", rating_col="score")
    for result in (named, numbered, other):
        assert triples(result.ratings) == [(1, 10, 3.5)]


def test_another_separator_is_named(read: Callable[..., Reading]) -> None:
    content = 'User-ID;ISBN;Book-Rating\n276725;"034545104X";0\n276726;"0155061224";5\n'
    with pytest.raises(DataError, match=r"line 1: expected .* found 'User-ID;ISBN;Book-Rating'"):
        read(content)
    assert triples(read(content, separator=";").ratings) == [
        (276725, "034545104X", 0),
        (276726, "0155061224", 5),
    ]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["1", "-2", " 3"], [1, -2, 3]),
        (["6", "+6", "-0"], ["6", "+6", "-0"]),
        ([str(2**31), str(2**63 - 1), str(-(2**63))], [2**31, 2**63 - 1, -(2**63)]),
        (["1", "2", str(2**63)], ["1", "2", str(2**63)]),
        (["007", "7", "70"], ["007", "7", "70"]),
        (["ü", "日本", "a b"], ["ü", "日本", "a b"]),
        (["1.0", "2.0", "3"], ["1.0", "2.0", "3"]),
    ],
)
def test_ids_are_integers_or_kept_as_text(
    read: Callable[..., Reading], ids: list[str], expected: list[object]
) -> None:
    content = "userId,movieId,rating\n" + "".join(f"{one},{one},3\n" for one in ids)
    found = triples(read(content).ratings)
    assert found == by_user([(one, one, 3.0) for one in expected])


def test_text_can_be_forced_on_integers(read: Callable[..., Reading]) -> None:
    assert triples(read("1,10,3\n", ids=IdKind.TEXT).ratings) == [("1", "10", 3)]


def test_ten_thousand_rows_decide_and_later_text_is_a_bad_row(read: Callable[..., Reading]) -> None:
    rows = [f"{k},1,3" for k in range(10_000)]
    assert triples(read("\n".join([*rows[:-1], "x,1,3"])).ratings)[-1] == ("x", 1, 3)
    with pytest.raises(
        BadRowError, match=r"line 10001, column 1: user 'x' is text in a column of integers; --ids"
    ):
        read("\n".join([*rows, "x,1,3"]))
    with pytest.raises(BadRowError, match=r"line 10001, column 1: .* does not fit in 64 bits"):
        read("\n".join([*rows, f"{2**63},1,3"]))


def test_a_pair_rated_twice_counts_twice_and_is_reported(read: Callable[..., Reading]) -> None:
    result = read("1,10,3\n1,10,5\n2,10,4\n1,10,3\n")
    assert (len(result.ratings), result.understood.n_repeated) == (4, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "ratings is empty"),
        ("\n \n", "ratings is empty"),
        ("userId,movieId,rating\n", "has a header and no ratings"),
        ("userId,movieId,rating\n\n\n", "has a header and no ratings"),
        ("1,10,3\n1,20\n", "line 2, column 3: the rating is missing in '1,20'"),
        ("1,10,3\n,20,4\n", "line 2, column 1: the user is missing in ',20,4'"),
        ("1,10,3\n1,,4\n", "line 2, column 2: the item is missing in '1,,4'"),
        ("1,10,3\n1,20,\n", "line 2, column 3: the rating is missing in '1,20,'"),
        ("1,10,3\n\n1,20,four\n", "line 3, column 3: rating 'four' is not a number"),
        ("1,10,3\n1,20,nan\n", "rating 'nan' is not a finite number (user 1, item 20)"),
        ("1,10,3\n1,20,1e999\n", "rating '1e999' is not a finite number"),
        ("1,10,3\n1;20;3\n", "separated by ',' (see --separator)"),
        ("1::10::3\n1::20::x\n", "line 2, column 3: rating 'x' is not a number"),
        ("1 10 3\n1 20\n", "line 2, column 3: the rating is missing in '1 20'"),
        (
            "a,b,c\n1,2,3\n",
            "no column for the user and the item and the rating among 'a', 'b'",
        ),
        ("one two\n", "line 1: expected user, item and rating"),
        ("a,b,c\n1,2,3\n".encode("utf-16"), "is UTF-16 text"),
        (b"\x80\x81\x82,\xff\xfe,\x80x\n1,2,3\n", "no text of ratings"),
        (b"a,x,3\nb\xff,x,4\n", "line 2, column 1: user 'b\\udcff' is not valid UTF-8"),
        ('1,10,3\n1,20,"4\n2,30,4\n', "line 2, column 3: rating '4\\n2,30,4\\n' is not a number"),
    ],
)
def test_what_is_no_rating_is_named_and_placed(
    read: Callable[..., Reading], content: str | bytes, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(content)
    assert message in str(caught.value)


def test_an_open_quotation_that_swallows_the_file_is_told(read: Callable[..., Reading]) -> None:
    with pytest.raises(BadRowError, match=r"line 2, field larger than .*quotation mark left open"):
        read('1,10,3\n1,20,"4\n' + "2,30,4\n" * 30_000)


def test_an_open_quotation_cannot_be_skipped(read: Callable[..., Reading]) -> None:
    rows = "".join(f"{k},10,3,{k:09d}\n" for k in range(20_000))
    with pytest.raises(BadRowError, match=r"line 20001, field larger than .*left open"):
        read(rows + '1,20,"4\n' + rows, skip_bad_rows=True)
    with pytest.raises(BadRowError, match=r"line 3, field larger than .*left open"):
        read('1,10,3\n1,10,x\n1,20,"4\n' + rows, skip_bad_rows=True)


def test_nothing_but_blank_lines_for_long(read: Callable[..., Reading]) -> None:
    with pytest.raises(DataError, match="begins with blank lines"):
        read("\n" * 10_005 + "1,2,3\n")


def test_a_pipe_may_be_slow_to_begin(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    packed = gzip.compress(b"1,10,3.5\n")

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            for byte in packed:
                file.write(bytes([byte]))

    writer = threading.Thread(target=write)
    writer.start()
    assert triples(read_ratings(Source("pipe", pipe)).ratings) == [(1, 10, 3.5)]
    writer.join()


def test_bad_rows_are_counted_and_left_out(read: Callable[..., Reading]) -> None:
    result = read("1,10,3\n1,20,x\n2,10,4\nx\n", skip_bad_rows=True)
    assert [value for *_, value in triples(result.ratings)] == [3, 4]
    assert result.understood.n_skipped == 2
    assert "line 2, column 3: rating 'x' is not a number" in result.understood.first_skipped
    with pytest.raises(DataError, match=r"no ratings but 2 bad rows, the first in .*line 1"):
        read("1,10,x\n1,20,y\n", skip_bad_rows=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user_col": "nobody"}, "has no column 'nobody' for --user-col; it has 'userId'"),
        ({"item_col": "4"}, "has no column '4' for --item-col"),
        (
            {"item_col": "userId"},
            "two columns of .* are the same one: the user in 1, the item in 1",
        ),
    ],
)
def test_columns_that_are_not_there_are_a_usage_error(
    read: Callable[..., Reading], options: dict[str, str], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        read("userId,movieId,rating\n1,10,3\n", **options)


# Every spelling that Polars and Python may see differently.
NUMBERS = [
    "4", "3.5", " 4", "4 ", "+3", "1e0", "1_0", "nan", "inf", "-inf", "1e999", "four", "", "4.0.0",
    "٣", "0x1", "1e-400", ".5", "5.", "\t4", "--1", "1 0", "4\x0b", "Infinity", "1e", "-0", "4\x00",
    " ", "12345678901234567890.5", "\u00a04",
]  # fmt: skip
IDS = [
    "1", "2", "3", "007", "a", "é", "", "+5", "-3", " 6", "6 ", "1.0", "9" * 20, "x y", "1_1", "٣",
    "\ufeffz", 'a"b', "\u2028q", "b\x0b", " ", "\x1f", "a:b",
]  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """A separator, and lines of CSV in which anything may be wrong."""
    separator = draw(st.sampled_from([",", "\t"]))
    lines = []
    for _ in range(draw(st.integers(1, 10))):
        fields = [
            draw(st.sampled_from(IDS)),
            draw(st.sampled_from(IDS)),
            draw(st.sampled_from(NUMBERS)),
        ]
        fields = [*fields, "99"][: draw(st.sampled_from([4, 3, 3, 2, 1]))]
        if draw(st.integers(0, 9)) == 0:
            fields = [f'"{one}"' for one in fields]
        lines.append(separator.join(fields) if draw(st.integers(0, 9)) else "")
    ending = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    return separator, ending.join(lines) + draw(st.sampled_from(["", ending]))


def by_csv(text: str, separator: str) -> tuple[Triples, list[int]]:
    """Good rows, and the lines of bad ones, as Python's csv and float see them."""
    good: Triples = []
    bad: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    end = 0
    for row in reader:
        line, end = end + 1, reader.line_num
        try:
            if row:
                value = float(row[2])
                if not (row[0] and row[1] and math.isfinite(value)):
                    raise ValueError
                good.append((row[0], row[1], value))
        except (ValueError, IndexError):
            bad.append(line)
    return good, bad


@given(content=texts(), chunk=st.sampled_from([7, 40, 1 << 20]))
@settings(max_examples=400, deadline=None)
def test_what_is_accepted_is_what_csv_and_float_accept(
    tmp_path_factory: pytest.TempPathFactory, content: tuple[str, str], chunk: int
) -> None:
    separator, body = content
    good, bad = by_csv(body, separator)
    path = tmp_path_factory.mktemp("fuzz") / "ratings"
    path.write_bytes((f"userId{separator}movieId{separator}rating\n" + body).encode())
    source = Source("ratings", path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_CHUNK", chunk)
        patch.setattr(reading, "SNIFFED_ROWS", 1)
        if good:
            found = read_ratings(source, SKIPPING)
            assert triples(found.ratings) == by_user(good)
            assert found.understood.n_skipped == len(bad)
        if bad:
            with pytest.raises(BadRowError, match=f", line {bad[0] + 1}, "):
                read_ratings(source, TEXT)
        elif not good:
            with pytest.raises(MlbiasError, match="a header and no ratings"):
                read_ratings(source, TEXT)


@pytest.mark.parametrize("kind", ["narrow", "wide", "text"])
def test_chunks_are_joined_onto_one_set_of_ids(
    read: Callable[..., Reading], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    spell: Callable[[int], object] = {
        "narrow": lambda k: k,
        "wide": lambda k: k * 10**15,
        "text": lambda k: f"{'x' * (k % 7)}{k}é",
    }[kind]
    rng = np.random.default_rng(0)
    rows: Triples = [
        (spell(int(u)), spell(int(i)), float(v))
        for u, i, v in zip(
            rng.integers(90, size=3_000), rng.integers(400, size=3_000),
            [*(rng.integers(1, 10, size=2_000) / 2), *rng.normal(size=1_000)], strict=True,
        )
    ]  # fmt: skip
    monkeypatch.setattr(reading, "_CHUNK", 5_000)
    monkeypatch.setattr(reading, "SNIFFED_ROWS", 100)
    monkeypatch.setattr(id_room, "_LEAST_TABLE", 1_000)
    result = read("".join(f"{user},{item},{value!r}\n" for user, item, value in rows))
    assert triples(result.ratings) == by_user(rows)
    assert result.understood.n_repeated == len(rows) - len({row[:2] for row in rows})
    for ids in (result.ratings.user_ids.tolist(), result.ratings.item_ids.tolist()):
        assert ids == sorted(ids)


def test_half_stars_are_kept_in_float32_and_finer_values_in_float64(
    read: Callable[..., Reading],
) -> None:
    assert read("1,10,3.5\n").ratings.value.dtype == np.float32
    assert read("1,10,0.1\n").ratings.value.tolist() == [0.1]


def test_gzip_and_zip_are_read_as_they_are(read: Callable[..., Reading]) -> None:
    text = b"userId,movieId,rating\n1,10,3.5\n1,20,4.0\n2,10,0.5\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ml/README", "no ratings")
        archive.writestr("ml/ratings.csv", text)
    assert triples(read(gzip.compress(text)).ratings) == EXPECTED
    assert triples(read(packed.getvalue()).ratings) == EXPECTED


def test_damaged_archives_are_told(read: Callable[..., Reading]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ratings.csv", b"1,10,3.5\n" * 100)
    broken = packed.getvalue().replace(b"1,10,3.5\n1", b"1,10,4.5\n1", 1)
    with pytest.raises(DataError, match="is damaged: Bad CRC-32"):
        read(broken)
    with pytest.raises(DataError, match="is damaged: Compressed file ended before"):
        read(gzip.compress(b"1,10,3.5\n" * 100)[:-20])
    with pytest.raises(DataError, match="is damaged: File is not a zip file"):
        read(b"PK\x03\x04 and nothing more")


def write_parquet(path: Path, columns: dict[str, list[object]]) -> Source:
    pl.DataFrame(columns, strict=False).write_parquet(path)
    return Source("ratings", path)


def test_parquet_with_integers_text_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "ratings"
    source = write_parquet(path, {"userId": [1, 2], "item": ["é", "a"], "rating": [3.5, 4]})
    assert triples(read_ratings(source).ratings) == [(1, "é", 3.5), (2, "a", 4)]
    source = write_parquet(path, {"userId": [1.5], "item": [1], "rating": [3]})
    with pytest.raises(DataError, match="column 'userId' for the user holds Float64"):
        read_ratings(source)
    source = write_parquet(path, {"userId": [1, 2], "item": [3, None], "rating": [1.0, 2.0]})
    with pytest.raises(BadRowError, match="row 2, column 2: the item is missing"):
        read_ratings(source)
    source = write_parquet(path, {"userId": [1, 2], "item": [3, 4], "rating": ["1", "x"]})
    assert read_ratings(source, ReadOptions(skip_bad_rows=True)).understood.n_skipped == 1
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="is damaged"):
        read_ratings(source)


def test_progress_reaches_the_size_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CHUNK", 20)
    monkeypatch.setattr(reading, "SNIFFED_ROWS", 1)
    path = tmp_path / "ratings"
    path.write_text("1,10,3.5\n" * 20)
    seen: list[tuple[int, int | None]] = []
    read_ratings(Source("ratings", path), progress=lambda done, total: seen.append((done, total)))
    assert [total for _, total in seen] == [180] * len(seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == 180


def test_the_sample_is_a_source() -> None:
    assert len(read_ratings(Source("sample")).ratings) == 100_000


STAMPED = "2,1,3,30\n1,1,4,20\n2,2,5,10\n"


@pytest.mark.parametrize(
    "content",
    [
        STAMPED,
        "userId,movieId,rating,timestamp\n" + STAMPED,
        "Timestamp,userId,movieId,rating\n30,2,1,3\n20,1,1,4\n10,2,2,5\n",
        STAMPED.replace(",", "::"),
        STAMPED.replace("2,2,5", '2,"2",5'),
    ],
    ids=["fourth", "named", "first", "dat", "quoted"],
)
def test_timestamps_go_with_their_ratings(tmp_path: Path, content: str) -> None:
    (tmp_path / "r").write_text(content)
    found = read_ratings(Source("r", tmp_path / "r"), timestamps=True).ratings
    assert triples(found) == [(1, 1, 4), (2, 1, 3), (2, 2, 5)]
    assert found.timestamp is not None
    assert found.timestamp.tolist() == [20, 30, 10]
    assert read_ratings(Source("r", tmp_path / "r")).ratings.timestamp is None


@pytest.mark.parametrize(
    "content",
    [
        "1,1,3\n",
        "1,1,3,2019-11-21\n",
        "1,1,3,\n",
        "userId,movieId,rating,genre\n1,1,3,7\n",
        "userId,movieId,rating,timestamp\n1,1,3,5\n1,2,3\n",
        "userId,movieId,rating,timestamp\n1,1,3,5\n1,2,3,late\n",
        "userId,movieId,rating,timestamp\n1,1,3,5\n1,2,3,9223372036854775808\n",
    ],
)
def test_without_a_whole_column_of_integers_there_are_no_timestamps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setattr(reading, "SNIFFED_ROWS", 1)
    (tmp_path / "r").write_text(content)
    found = read_ratings(Source("r", tmp_path / "r"), timestamps=True).ratings
    assert found.timestamp is None
    assert set(found.value.tolist()) == {3.0}


def test_timestamps_beyond_32_bits_and_in_parquet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CHUNK", 40)
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
