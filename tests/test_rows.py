"""Rows of text: as many fields as the first, plain numbers, quotation marks as in RFC 4180."""

import pytest

from mlbias.datasets.reading import text as text_room
from mlbias.errors import BadRowError, DataError, OptionError
from tests.reading import Read, notices, triples

HEADER = "userId,movieId,rating\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "userId,movieId,rating,timestamp\n1,10,3.5,964982703\n3,12,4,5,964982703\n",
            "line 3: expected 4 fields, found 5: '3,12,4,5,964982703'",
        ),
        (f"{HEADER}1,10,4\n2,11,312,11,5\n", "line 3: expected 3 fields, found 5"),
        ("id user item rating timestamp\n1 10 4 964982703\n2 10 3 964982703\n", "line 2: expected"),
        ("user,item,rating\nu1,a1,1,234\nu2,a1,5\n", "line 2: expected 3 fields, found 4"),
        ("1,10,3\n1,20\n", "line 2: expected 3 fields, found 2: '1,20'"),
        ("1,10,3\n1,20,3\n1,3", "line 3: expected 3 fields, found 2: '1,3'"),
        ("1,10,3\n1;20;3\n", "line 2: expected 3 fields, found 1: '1;20;3'"),
        ("1,10,3\n1,20,3,,\n", "line 2: expected 3 fields, found 5"),
        ("1::10::3\n1::20::3::9\n", "line 2: expected 3 fields, found 4: '1::20::3::9'"),
        ("1 10 3\n1 20\n", "line 2: expected 3 fields, found 2"),
        ("1\t10\t3\n1\t20\t3\t5\n", "line 2: expected 3 fields, found 4"),
        ("1,10,3,The End\n1,20,3,Good, Bad\n", "line 2: expected 4 fields, found 5"),
    ],
)
def test_rows_of_another_length_are_bad(read: Read, content: str, message: str) -> None:
    with pytest.raises(BadRowError) as caught:
        read(content)
    assert message in str(caught.value)


def test_a_row_of_another_length_can_be_left_out(read: Read) -> None:
    content = "userId,movieId,rating,timestamp\n1,10,3.5,964982703\n3,12,4,5,964982703\n"
    found = read(content + "7,10,4.5,10000,00269\n", skip_bad_rows=True)
    assert triples(found.ratings) == [(1, 10, 3.5)]
    assert (found.understood.n_rows, found.understood.n_skipped) == (3, 2)
    assert "line 3: expected 4 fields, found 5" in found.understood.first_skipped


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}1,10,4,\n1,20,5,\n",
        f"{HEADER}1,10,4\n1,20,5,\n",
        "userId,movieId,rating,\n1,10,4,\n1,20,5,\n",
        "1,10,4,\n1,20,5,\n",
        "1;10;4;\n1;20;5;\n",
        "1\t10\t4\t\n1\t20\t5\t\n",
        "1::10::4::\n1::20::5::\n",
        "1 10 4 \n1 20 5 \n",
        f"\n{HEADER}\n1,10,4\n  \n\n1,20,5\n\n \n",
        f"{HEADER}1,10,4\r\n\r\n1,20,5\r\n",
        f"{HEADER}1,10,4\n1,20,5".replace("\n", "\r"),
        f"\ufeff{HEADER}1,10,4\n1,20,5",
        f'{HEADER}1,10,"4"\n1,"20",5',
        f"{HEADER}1,10, 4 \n1,20,\t5",
    ],
)
def test_separators_at_the_end_blank_lines_and_line_ends(read: Read, content: str) -> None:
    assert triples(read(content).ratings) == [(1, 10, 4), (1, 20, 5)]


def test_lines_are_counted_with_blank_ones_and_those_within_quotation_marks(read: Read) -> None:
    rows = '1,10,4,"two\nlines"\n\n1,20,5,x\n1,30,?,x\n'
    for ending in ("\n", "\r\n"):
        with pytest.raises(BadRowError, match=r"line 6, column 3: rating '\?' is not a number"):
            read(f"user,item,rating,title\n{rows}".replace("\n", ending))


@pytest.mark.parametrize(
    "number", ["4_5", "٣", "0x1F", "1,5", "inf", "nan", "1e999", "four", "1e", "4f", "4\u00a0", "?"]
)
def test_only_plain_decimal_numbers_are_ratings(read: Read, number: str) -> None:
    with pytest.raises(BadRowError, match=r"line 3, column 3: rating .* is not a (finite )?number"):
        read(f"user;item;rating\n1;1;3\n1;2;{number}\n")


@pytest.mark.parametrize(
    ("text", "number"),
    [("4", 4), ("-3.5", -3.5), ("+3", 3), (".5", 0.5), ("5.", 5), ("1e1", 10), ("2.5E-1", 0.25)],
)
def test_all_plain_decimal_numbers_are(read: Read, text: str, number: float) -> None:
    assert triples(read(f"user;item;rating\n1;1;{text}\n").ratings) == [(1, 1, number)]


def test_decimal_commas_are_read_where_asked_for(read: Read) -> None:
    content = "1;10;3,5;3,87\n2;10;4,5;4,12\n"
    with pytest.raises(BadRowError, match=r"line 1, column 3: rating '3,5'") as caught:
        read(content, user_col="1", item_col="2", rating_col="3")
    assert "`decimal` ','" in caught.value.advice
    assert triples(read(content, decimal=",").ratings) == [(1, 10, 3.5), (2, 10, 4.5)]
    with pytest.raises(BadRowError, match=r"rating '1\.234,5' is not a number"):
        read("1;10;1.234,5\n", decimal=",")


@pytest.mark.parametrize("separator", [",", ";", "|"])
@pytest.mark.parametrize(
    ("row", "line", "message"),
    [
        ("u1,i2,4,6'2\"x", 3, "inside an unquoted field"),
        ('u1,i2,4,"a"b', 3, "text after the closing mark"),
        ('u1,i2,4,"a" ', 3, "text after the closing mark"),
        ('u1,i2,4, "a"', 3, "inside an unquoted field"),
        ('u1,i2,4,"never', 3, "never closed"),
        ('u1,i2,4,"a\nb"c', 3, "text after the closing mark"),
        ('u1,i2,4,"a\n""b""\n"c', 3, "text after the closing mark"),
        ('u1,i2,4,"a\n""', 3, "never closed"),
    ],
)
def test_marks_where_none_may_be_end_the_text_and_cannot_be_left_out(
    read: Read, separator: str, row: str, line: int, message: str
) -> None:
    rows = f"user,item,rating,title\nu0,i0,1,x\n{row}\n" + "u2,i2,5,ok\n" * 30
    for skip_bad_rows in (False, True):
        with pytest.raises(BadRowError, match=f"line {line}: .*{message}"):
            read(rows.replace(",", separator), skip_bad_rows=skip_bad_rows, max_bad_share=1.0)


def test_a_mark_in_the_header_ends_the_text_too(read: Read) -> None:
    with pytest.raises(BadRowError, match=r"line 1: there is a quotation mark inside"):
        read('user,item,rating,a"b\n1,1,3,x\n')


def test_marks_are_unfolded_and_line_ends_within_them_stay(read: Read) -> None:
    content = 'user,item,rating\n"say ""hi""","a,b",3\n"two\r\nlines","c\rd",4\n"",x,5\n'
    found = read(content, skip_bad_rows=True, max_bad_share=1.0)
    assert triples(found.ratings) == [('say "hi"', "a,b", 3), ("two\r\nlines", "c\rd", 4)]
    assert "line 5, column 1: the user is missing" in found.understood.first_skipped


@pytest.mark.parametrize("length", [130 << 10, 9 << 20])
def test_a_quoted_field_may_be_long(read: Read, length: int) -> None:
    body = "x,\n" * (length // 3)
    found = read(f'user,item,rating,text\n1,10,3,"{body}"\n1,20,4,x\n')
    assert triples(found.ratings) == [(1, 10, 3), (1, 20, 4)]


@pytest.mark.parametrize("part_size", [200, 333, 1000])
def test_quoted_fields_across_parts(
    read: Read, monkeypatch: pytest.MonkeyPatch, part_size: int
) -> None:
    monkeypatch.setattr(text_room, "PART_SIZE", part_size)
    fields = [f'"{k}, ""{"y" * (k % 50)}"" \n{k}"' for k in range(300)]
    found = read(
        "user,item,rating,text\n" + "".join(f"{k},7,3,{x}\n" for k, x in enumerate(fields))
    )
    assert triples(found.ratings) == [(k, 7, 3) for k in range(300)]


def test_a_quotation_that_is_never_closed_is_placed_where_it_was_opened(read: Read) -> None:
    rows = "".join(f"{k},10,3,{k:09d}\n" for k in range(20_000))
    with pytest.raises(BadRowError, match=r"line 20001: .*never closed"):
        read(rows + '1,20,4,"\n' + rows, skip_bad_rows=True)
    with pytest.raises(BadRowError, match=r"line 2: .*never closed"):
        read('user,item,rating,title\n1,10,4,"Unbalanced\n1,11,3,ok\n2,10,5,ok\n2,11,1,ok\n')


def test_between_tabs_and_colons_a_mark_is_a_letter(read: Read) -> None:
    rows = [("u1", "abba", 3), ("u2", '"', 4), ("u2", "kiss", 7), ("u3", '"', 5), ("u4", 'a"b', 9)]
    for separator in ("\t", "::"):
        found = read("".join(f"{u}{separator}{i}{separator}{r}\n" for u, i, r in rows))
        assert triples(found.ratings) == rows


@pytest.mark.parametrize("separator", ["\t", " ", "::"])
def test_unless_the_header_is_quoted(read: Read, separator: str) -> None:
    rows = ['"user" "item" "rating"', '"u1" "i 1" 4', '"u2" "i2" 3']
    content = "\n".join(rows).replace('" ', f'"{separator}') + "\n"
    assert triples(read(content).ratings) == [("u1", "i 1", 4), ("u2", "i2", 3)]


def test_runs_of_blanks_outside_of_marks_are_one_separator(read: Read) -> None:
    content = '"user"  "item" "rating"\n  "u1" \t"i  1"   4 \n"u2" "i2" 3\n'
    assert triples(read(content).ratings) == [("u1", "i  1", 4), ("u2", "i2", 3)]
    assert triples(read(" 1   10\t3.5 \r\n1 20 4\r\n").ratings) == [(1, 10, 3.5), (1, 20, 4)]


def test_bad_rows_are_counted_and_too_many_are_an_error(read: Read) -> None:
    good = "".join(f"1,{k},3\n" for k in range(17))
    with pytest.raises(DataError, match=r"2 of 19 rows are no ratings, more than the 10 %"):
        read(f"{good}1,x,?\n1,y,?\n", skip_bad_rows=True)
    found = read(f"{good}1,x,?\n1,y,?\n", skip_bad_rows=True, max_bad_share=0.2)
    assert (found.understood.n_skipped, found.understood.n_rows) == (2, 19)
    with pytest.raises(DataError, match=r"no ratings, only 2 bad rows; the first: .*line 1"):
        read("1,10,x\n1,20,y\n", skip_bad_rows=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "ratings is empty"),
        ("\n \n", "ratings is empty"),
        (HEADER, "has a header and no ratings"),
        (f"{HEADER}\n\n\n", "has a header and no ratings"),
        ("1,10,3\n\n1,20,four\n", "line 3, column 3: rating 'four' is not a number"),
        ("1,10,3\n1,20,nan\n", "rating 'nan' is not a number (user 1, item 20)"),
        ("1,10,3\n1,20,1e999\n", "rating '1e999' is not a finite number"),
        ("1,10,3\n1,20,\n", "line 2, column 3: the rating is missing"),
        ("a,b,c\n1,2,3\n", "no column for the user, the item and the rating among 'a', 'b'"),
        ("one two\n", "line 1: expected user, item and rating"),
        ("\n" * 1_005 + "1,2,3\n", "begins with more than 1000 lines without a row"),
        (b"a,x,3\nb\xff,x,4\n", "line 2, column 1: user 'b\ufffd' is not valid UTF-8"),
        (b"\x80\x81\x82,\xff\xfe,\x80x\n1,2,3\n", "no text of ratings"),
    ],
)
def test_what_is_no_rating_is_named_and_placed(
    read: Read, content: str | bytes, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(content)
    assert message in str(caught.value)


def test_a_line_longer_than_any_row_is_refused(read: Read) -> None:
    with pytest.raises(DataError, match=r"a line fills more than 64 MiB"):
        read("1,2,3\n" + "x" * (72 << 20))


def test_marks_of_no_rating_are_left_out_and_counted(read: Read) -> None:
    found = read("1,10,3\n1,20,99\n2,10,-1\n2,20,4\n", not_rated="-1,99")
    assert triples(found.ratings) == [(1, 10, 3), (2, 20, 4)]
    assert found.understood.n_not_rated == 2
    with pytest.raises(DataError, match="each of its 2 rows has a value of `not_rated`"):
        read("1,10,0\n1,20,0\n", not_rated="0")
    with pytest.raises(OptionError, match="`not_rated` is a number"):
        read("1,10,0\n", not_rated="0_0")


DOUBLES = "a,x,4,30\nb,x,1,5\na,x,2,10\na,y,5,7\na,x,3,20\n"


@pytest.mark.parametrize(
    ("duplicates", "times", "expected"),
    [
        ("keep", True, [2, 3, 4]),
        ("first", True, [2]),
        ("last", True, [4]),
        ("mean", True, [3]),
        ("first", False, [4]),
        ("last", False, [3]),
        ("mean", False, [3]),
    ],
)
def test_of_several_ratings_of_a_pair(
    read: Read, duplicates: str, times: bool, expected: list[float]
) -> None:
    content = DOUBLES if times else "".join(f"{r.rpartition(',')[0]}\n" for r in DOUBLES.split())
    found = read(content, duplicates=duplicates)
    values = [value for user, item, value in triples(found.ratings) if (user, item) == ("a", "x")]
    assert values == expected
    assert found.understood.n_repeated == 2
    assert "2 ratings of a pair of user and item that already had one" in notices(found)


def test_such_pairs_may_be_refused(read: Read) -> None:
    with pytest.raises(DataError, match=r"2 ratings of a pair .*the first pair is user a, item x"):
        read(DOUBLES, duplicates="error")
    assert len(read("a,x,4\na,y,4\n", duplicates="error").ratings) == 2


def test_a_mean_is_the_same_in_any_order_of_rows(read: Read) -> None:
    values = [0.1, 0.2, 0.3, 0.7, 1e16, -1e16, 0.123456789]
    found = {
        read("".join(f"a,x,{v}\n" for v in order), duplicates="mean").ratings.value[0]
        for order in (values, values[::-1], values[3:] + values[:3])
    }
    assert len(found) == 1


def test_the_order_that_decides_among_ratings_of_a_pair_is_said(read: Read) -> None:
    header = "user,item,rating,timestamp\n"
    timed = read(f"{header}1,10,4,9\n1,10,2,3\n", duplicates="last")
    assert timed.ratings.value.tolist() == [4]
    assert "the last of a pair by time counts" in notices(timed)
    untimed = read(f"{header}1,10,4,9\n1,10,2,\n", duplicates="last")
    assert untimed.ratings.value.tolist() == [2]
    assert "by row counts, since the times cannot be used" in notices(untimed)
