"""Columns of ids: integers or text by all of the file, whatever the order of its rows."""

import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbias import ids as id_room
from mlbias.core.incidence import BlockIncidence
from mlbias.datasets.options import IdKind
from mlbias.datasets.reading import text as text_room
from mlbias.errors import BadRowError, DataError
from mlbias.ids import TextIds
from tests.reading import Read, Triples, in_order, notices, reader, triples

HEADER = "userId,movieId,rating\n"


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["1", "-2", "3"], [1, -2, 3]),
        (["0", "-1"], [0, -1]),
        (["6", "+6", "-0"], ["6", "+6", "-0"]),
        (["1", " 3"], ["1", " 3"]),
        (["1", "\t3"], ["1", "\t3"]),
        (["1", "3 "], ["1", "3 "]),
        ([str(2**31), str(2**63 - 1), str(-(2**63))], [2**31, 2**63 - 1, -(2**63)]),
        (["1", "2", str(2**63)], ["1", "2", str(2**63)]),
        (["007", "7", "70"], ["007", "7", "70"]),
        (["12X", "12"], ["12X", "12"]),
        (["ü", "日本", "a b"], ["ü", "日本", "a b"]),
        (["1.0", "2.0", "3"], ["1.0", "2.0", "3"]),
        (["1_0", "10"], ["1_0", "10"]),
        (["٣", "3"], ["٣", "3"]),
    ],
)
@pytest.mark.parametrize("place", ["early", "late"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "::", "|"])
@pytest.mark.parametrize("quoted", [False, True])
def test_one_id_that_is_no_canonical_integer_makes_all_text(
    read: Read, ids: list[str], expected: list[object], place: str, separator: str, quoted: bool
) -> None:
    if (quoted and separator in ("\t", "::")) or ("\t" in "".join(ids) and separator == "\t"):
        quoted, ids, expected = False, ["1", "x"], ["1", "x"]
    others = [str(k) for k in range(100, 1_300)]
    written = [*ids, *others] if place == "early" else [*others, *ids]
    marks = '"' if quoted else ""
    lines = [separator.join((f"{marks}{one}{marks}", "5", "3")) for one in written]
    found = read(f"{HEADER.replace(',', separator)}" + "\n".join(lines)).ratings
    kind = int if all(isinstance(one, int) for one in expected) else str
    assert set(found.user_ids.tolist()) == {*expected, *map(kind, others)}
    assert isinstance(found.user_ids, TextIds) == (kind is str)


def test_leading_zeros_early_and_late_give_the_same_items(read: Read) -> None:
    plain = [f"{k % 100},{1000 + k % 100},{k % 5 + 1}\n" for k in range(10_000)]
    odd = ["1,0345451040,3\n", "2,345451040,3\n"]
    early = read(HEADER + "".join(odd + plain)).ratings
    late = read(HEADER + "".join(plain + odd)).ratings
    assert early.n_items == late.n_items == 102
    assert sorted(triples(early)) == sorted(triples(late))


def test_rows_that_are_left_out_decide_nothing(read: Read) -> None:
    good = [f"{k},1,3\n" for k in range(30)]
    for rows in (["x,1,?\n", *good], [*good, "x,1,?\n"], ["x,1\n", *good], [",007,3\n", *good]):
        found = read(HEADER + "".join(rows), skip_bad_rows=True)
        assert found.understood.n_skipped == 1
        assert found.understood.ids == {"user": "integers", "item": "integers"}


ID_TEXTS = st.sampled_from(
    ["1", "2", "10", "007", "+7", "-0", "-3", "x", "é", "1.0", "9" * 19, "9" * 18, "u" * 20, '"5"']
)
FEW_ROWS = st.lists(
    st.tuples(ID_TEXTS, ID_TEXTS, st.sampled_from(["4", "3.5", "1", "bad"])),
    min_size=1,
    max_size=12,
).filter(lambda rows: any(row[2] != "bad" for row in rows))


@given(
    rows=FEW_ROWS, shuffle=st.randoms(use_true_random=False), part=st.sampled_from([40, 8 << 20])
)
@settings(max_examples=80, deadline=None)
def test_the_order_of_rows_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    shuffle: random.Random,
    part: int,
) -> None:
    read = reader(tmp_path_factory.mktemp("order") / "ratings")
    shuffled = rows.copy()
    shuffle.shuffle(shuffled)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_room, "PART_SIZE", part)
        one, other = (
            read(
                HEADER + "".join(",".join(row) + "\n" for row in order),
                skip_bad_rows=True,
                max_bad_share=1.0,
            )
            for order in (rows, shuffled)
        )
    a, b = one.ratings, other.ratings
    assert a.user_ids.tolist() == b.user_ids.tolist()
    assert a.item_ids.tolist() == b.item_ids.tolist()
    assert sorted(triples(a)) == sorted(triples(b))
    assert one.understood.ids == other.understood.ids
    assert one.understood.n_skipped == other.understood.n_skipped
    first, second = BlockIncidence(a).statistics, BlockIncidence(b).statistics
    assert first.center == second.center
    assert first.squares == second.squares


@pytest.mark.parametrize("kind", ["narrow", "wide", "text"])
def test_parts_are_joined_onto_one_set_of_ids(
    read: Read, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def spelled(k: int) -> object:
        return {"narrow": k, "wide": k * 10**15, "text": f"{'x' * (k % 7)}{k}é"}[kind]

    rng = np.random.default_rng(0)
    rows: Triples = [
        (spelled(int(u)), spelled(int(i)), float(v))
        for u, i, v in zip(
            rng.integers(90, size=3_000),
            rng.integers(400, size=3_000),
            [*(rng.integers(1, 10, size=2_000) / 2), *rng.normal(size=1_000)],
            strict=True,
        )
    ]
    monkeypatch.setattr(text_room, "PART_SIZE", 5_000)
    monkeypatch.setattr(id_room, "_LEAST_TABLE", 1_000)
    result = read("".join(f"{user},{item},{value!r}\n" for user, item, value in rows))
    assert triples(result.ratings) == in_order(rows)
    assert result.understood.n_repeated == len(rows) - len({row[:2] for row in rows})
    for ids in (result.ratings.user_ids.tolist(), result.ratings.item_ids.tolist()):
        assert ids == sorted(ids)


def test_text_can_be_forced_on_integers(read: Read) -> None:
    assert triples(read("1,10,3\n", ids=IdKind.TEXT).ratings) == [("1", "10", 3)]


@pytest.mark.parametrize(
    "missing", ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A", "\\N"]
)
@pytest.mark.parametrize("ids", ["numbers", "text"])
@pytest.mark.parametrize("side", [0, 1])
def test_missing_ids_are_bad_rows(read: Read, missing: str, ids: str, side: int) -> None:
    rows = [["1", "10", "3"], ["2", "20", "3"]]
    rows = [
        [f"{'' if ids == 'numbers' else 'u'}{one}" for one in row[:2]] + row[2:] for row in rows
    ]
    bad = [missing if place == side else text for place, text in enumerate(rows[0])]
    content = HEADER + "".join(",".join(row) + "\n" for row in [*rows, bad])
    role = ("user", "item")[side]
    with pytest.raises(BadRowError, match=f"line 4, column {side + 1}: the {role} is missing"):
        read(content)
    found = read(content, skip_bad_rows=True)
    assert (len(found.ratings), found.understood.n_skipped) == (2, 1)


def test_words_that_only_look_like_missing_ids_are_ids(read: Read) -> None:
    content = HEADER + "NAN,None1,3\nNa,nil,4\n"
    assert triples(read(content).ratings) == [("NAN", "None1", 3), ("Na", "nil", 4)]


@pytest.mark.parametrize(
    ("users", "said"),
    [
        (
            ["1", "2", "3", "4X"],
            "user ids are text, since 1 of 4 are no plain integers",
        ),
        (["a", " b"], "user ids have blanks around them, such as ' b'"),
        (["a", "\ufeffb"], "user ids hold a byte order mark"),
        (["1", "1.0"], "user ids are written as integers and as decimals"),
    ],
)
def test_odd_ids_are_told(read: Read, users: list[str], said: str) -> None:
    assert said in notices(read(HEADER + "".join(f"{user},7,3\n" for user in users)))


def test_marks_around_ids_between_tabs_are_told(read: Read) -> None:
    found = read('user\titem\trating\n"u1"\ti1\t4\n')
    assert triples(found.ratings) == [('"u1"', "i1", 4)]
    assert "user ids stand in quotation marks" in notices(found)


def test_half_stars_are_kept_in_float32_and_finer_values_in_float64(read: Read) -> None:
    assert read("1,10,3.5\n").ratings.value.dtype == np.float32
    assert read("1,10,0.1\n").ratings.value.tolist() == [0.1]


@pytest.mark.parametrize("kind", [pl.Int8, pl.UInt16, pl.UInt32, pl.Int64, pl.UInt64])
def test_any_integers_of_parquet_are_ids(tmp_path: Path, kind: type[pl.DataType]) -> None:
    frame = pl.DataFrame({"user": [1, 2], "item": [3, 4], "rating": [1.0, 2.0]})
    frame.with_columns(pl.col("user", "item").cast(kind)).write_parquet(tmp_path / "r")
    content = (tmp_path / "r").read_bytes()
    assert triples(reader(tmp_path / "r")(content).ratings) == [(1, 3, 1), (2, 4, 2)]


def test_integers_of_parquet_beyond_64_bits_with_a_sign_are_text(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": [2**63, 2], "item": [3, 4], "rating": [1.0, 2.0]})
    frame.with_columns(pl.col("user").cast(pl.UInt64)).write_parquet(tmp_path / "r")
    content = (tmp_path / "r").read_bytes()
    found = reader(tmp_path / "r")(content).ratings
    assert triples(found) == [("2", 4, 2), (str(2**63), 3, 1)]


def test_lone_surrogates_are_no_ids(read: Read) -> None:
    rows = [
        '{"user_id":"\\ud800","item_id":3,"rating":4}',
        '{"user_id":"a","item_id":3,"rating":4}',
    ]
    with pytest.raises(DataError, match=r"line 1, key 'user_id': .*no text that UTF-8 can encode"):
        read("\n".join(rows))


@pytest.mark.parametrize("order", [1, -1])
def test_an_id_whose_rows_are_all_left_out_decides_in_any_order(
    read: Read, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    """As no rating, in a part of its own: the column is of text all the same."""
    monkeypatch.setattr(text_room, "PART_SIZE", 10)
    rows = ["1,10,4\n", "2,10,3\n", "x12345,10,-1\n"][::order]
    found = read(HEADER + "".join(rows), not_rated="-1")
    assert found.ratings.user_ids.tolist() == ["1", "2"]
