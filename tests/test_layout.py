"""How text is laid out: separators, headers, comments, row names, which column is what."""

import pytest

from mlbias.errors import BadRowError, DataError, OptionError
from tests.reading import Read, Triples, notices, triples

EXPECTED: Triples = [(1, 10, 3.5), (1, 20, 4.0), (2, 10, 0.5)]


@pytest.mark.parametrize(
    "content",
    [
        "userId,movieId,rating,timestamp\n1,10,3.5,99\n1,20,4.0,99\n2,10,0.5,99\n",
        "userId;movieId;rating;timestamp\n1;10;3.5;99\n1;20;4.0;99\n2;10;0.5;99\n",
        "userId|movieId|rating|timestamp\n1|10|3.5|99\n1|20|4.0|99\n2|10|0.5|99\n",
        "1::10::3.5::99\n1::20::4.0::99\n2::10::0.5::99\n",
        "1\t10\t3.5\t99\n1\t20\t4\t99\n2\t10\t.5\t99\n",
        "1 10 3.5\n1 20 4\n2 10 0.5\n",
        "rating,user_id,extra,item_id\n3.5,1,x,10\n4,1,y,20\n0.5,2,z,10\n",
        '"userId","movieId","rating"\n"1","10","3.5"\n"1","20","4"\n"2","10",".5"\n',
        "sep=;\nuserId;movieId;rating\n1;10;3.5\n1;20;4\n2;10;0.5\n",
        '"sep=|"\n1|10|3.5\n1|20|4\n2|10|0.5\n',
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "1\t10\t3.5\t9\n1\t20\t4\t9\n2\t10\t.5\t9\n",
        "# user item rating timestamp\n1 10 3.5 9\n1 20 4 9\n2 10 0.5 9\n",
        "#user,item,rating\n1,10,3.5\n1,20,4\n2,10,0.5\n",
        "% from somewhere\n% user item rating\n1 10 3.5\n1 20 4\n2 10 0.5\n",
        "# made by hand\nuserId,movieId,rating\n1,10,3.5\n1,20,4\n2,10,0.5\n",
    ],
)
def test_layouts_are_told_by_the_content(read: Read, content: str) -> None:
    assert triples(read(content).ratings) == EXPECTED


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("reviewerID,asin,overall,unixReviewTime", ("reviewerID", "asin", "overall")),
        ("user_id,business_id,stars,date", ("user_id", "business_id", "stars")),
        ("user_id,anime_id,rating,x", ("user_id", "anime_id", "rating")),
        ("user_id,recipe_id,date,rating", ("user_id", "recipe_id", "rating")),
        ("User-ID,ISBN,Book-Rating,x", ("User-ID", "ISBN", "Book-Rating")),
        ("CustID,book_id,score,x", ("CustID", "book_id", "score")),
        ("profile_name,beer_id,review_overall,x", ("profile_name", "beer_id", "review_overall")),
        ("user,item,score,ratings", ("user", "item", "score")),
        ("ratings,score,user,item", ("user", "item", "score")),
    ],
)
def test_usual_names_of_public_sets(read: Read, header: str, columns: tuple[str, str, str]) -> None:
    found = read(f"{header}\n1,2,3,4\n").understood.columns
    assert found is not None
    assert tuple(found[role] for role in ("user", "item", "rating")) == columns


def test_what_is_left_aside_is_said(read: Read) -> None:
    found = read("user,item,score,ratings\n1,2,3,4\n")
    assert "the rating is 'score', not 'ratings'; `rating_col` names another" in notices(found)


def test_names_that_differ_in_their_spelling_alone_are_left_aside_too(read: Read) -> None:
    found = read("user_id,userId,item,Rating,rating\n1,5,10,4,2\n2,6,10,3,1\n")
    assert triples(found.ratings) == [(1, 10, 4.0), (2, 10, 3.0)]
    assert "the user is 'user_id', not 'userId'; `user_col` names another" in notices(found)
    assert "the rating is 'Rating', not 'rating'" in notices(found)


def test_a_header_of_numbers_as_pandas_writes_it_is_pointed_out(read: Read) -> None:
    said = "the first line, 0,1,2, is read as a rating"
    assert said in notices(read("0,1,2\n1,10,4\n2,10,3\n"))
    assert said not in notices(read("0,1,3\n1,10,4\n2,10,3\n"))


def test_utf_16_without_a_mark_is_refused_with_the_option_that_reads_it(read: Read) -> None:
    content = "user,item,rating\n1,10,4\n".encode("utf-16-le")
    with pytest.raises(DataError, match="NUL bytes in its first line") as refused:
        read(content)
    assert "`encoding` utf-16-le" in refused.value.advice
    assert triples(read(content, encoding="utf-16-le").ratings) == [(1, 10, 4.0)]


def test_columns_are_named_or_numbered(read: Read) -> None:
    named = read("a,b,c\n3.5,1,10\n", user_col="b", item_col="c", rating_col="a")
    numbered = read("3.5,1,10\n", user_col="2", item_col="3", rating_col="1")
    other = read("userId,movieId,rating,score\n1,10,1,3.5\n", rating_col="score")
    for result in (named, numbered, other):
        assert triples(result.ratings) == [(1, 10, 3.5)]


def test_a_column_that_is_taken_for_the_times_is_named(read: Read) -> None:
    first = "1,10,3,1112486027\n1,20,4,1112486028\n"
    assert "no header: column 4 is taken for the time" in read(first).understood.time_notices
    two = "user,item,rating,timestamp,created_at\n1,10,3,1112486027,5\n"
    (told,) = read(two).understood.time_notices
    assert told == "the time is 'timestamp', not 'created_at'; `time_col` names another"
    assert not read("user,item,rating,created\n1,10,3,1112486027\n").understood.time_notices


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user_col": "nobody"}, "has no column 'nobody' for `user_col`; it has 'userId'"),
        ({"item_col": "4"}, "has no column '4' for `item_col`"),
        ({"item_col": "0"}, "has no column '0' for `item_col`"),
        ({"item_col": "9" * 5_000}, "has no column '9999"),
        (
            {"item_col": "userId"},
            "two columns of .* are the same one: the user in 1",
        ),
    ],
)
def test_columns_that_are_not_there_are_a_usage_error(
    read: Read, options: dict[str, str], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        read("userId,movieId,rating\n1,10,3\n", **options)


def test_a_first_row_is_no_header_where_a_number_is_to_be(read: Read) -> None:
    numbers = {"user_col": "1", "item_col": "2", "rating_col": "3"}
    with pytest.raises(BadRowError, match=r"line 1, column 3: rating '4,5'"):
        read('ann,tea,"4,5"\nbob,tea,4\n', **numbers)
    found = read("stars,tea,4\nbob,tea,5\n", **numbers)
    assert triples(found.ratings) == [("bob", "tea", 5), ("stars", "tea", 4)]


def test_ids_that_begin_with_a_hash_are_no_comments(read: Read) -> None:
    found = read("#abc,x,3\n#def,y,4\n")
    assert triples(found.ratings) == [("#abc", "x", 3), ("#def", "y", 4)]


def test_two_columns_of_one_name_are_refused(read: Read) -> None:
    with pytest.raises(DataError, match=r"two columns called 'rating': which is meant"):
        read("user,item,rating,rating\n1,10,3,4\n")


def test_a_header_behind_a_row_is_refused_even_where_bad_rows_are_left_out(read: Read) -> None:
    content = "3,1,10,99\nrating,userId,movieId,x\n" + "4,1,20,98\n" * 30
    with pytest.raises(DataError, match=r"has its header, .*behind other lines"):
        read(content, skip_bad_rows=True)


def test_a_header_in_the_middle_is_a_bad_row_as_where_files_were_joined(read: Read) -> None:
    content = "userId,movieId,rating\n" + "1,10,3\n" * 20
    found = read(content + content, skip_bad_rows=True)
    assert (len(found.ratings), found.understood.n_skipped) == (40, 1)
    with pytest.raises(BadRowError, match=r"line 22, column 3: rating 'rating'"):
        read(content + content)


@pytest.mark.parametrize(
    "content",
    [
        '"user" "item" "rating"\n"1" 1 10 4\n"2" 1 11 3\n"3" 2 10 5\n',
        '"user","item","rating"\n"1",1,10,4\n"2",1,11,3\n"3",2,10,5\n',
        '"user"\t"item"\t"rating"\n"a"\t1\t10\t4\n"b"\t1\t11\t3\n"d"\t2\t10\t5\n',
        "user item rating\n1 1 10 4\n2 1 11 3\n3 2 10 5\n",
        '"","user","item","rating"\n"1",1,10,4\n"2",1,11,3\n"3",2,10,5\n',
    ],
)
def test_row_names_of_r_are_dropped(read: Read, content: str) -> None:
    found = read(content)
    assert triples(found.ratings) == [(1, 10, 4), (1, 11, 3), (2, 10, 5)]
    assert ("row names" in notices(found)) == (not content.startswith('""'))


@pytest.mark.parametrize(
    "content",
    [
        '"user","item","rating"\n1,10,3,5\n2,11,4,5\n',
        "user,item,rating\n1,10,3,5\n2,11,4,5\n",
        '"user";"item";"rating"\n"u1";"i1";3;5\n"u2";"i2";4;5\n',
        '"user" "item" "rating"\n"1" 1 10 4\n"2" 1 11 3\n1 10 5\n',
    ],
)
def test_a_field_too_many_need_not_be_a_row_name(read: Read, content: str) -> None:
    with pytest.raises(BadRowError, match=r"expected 3 fields, found 4"):
        read(content)


def test_what_was_taken_without_a_header_is_said(read: Read) -> None:
    found = read("0,1,10,3.5\n1,2,10,4\n2,2,11,1\n")
    assert "no header: columns 1, 2, 3 of 4 are user, item, rating" in notices(found)
    assert "every user has one rating" in notices(found)
    assert found.understood.header is False
    assert "separated by semicolons" in notices(read("1;10;3\n1;20;4\n"))
    assert "took the first line for a header: 'a', 'b', 'c'" in notices(
        read("a,b,c\n1,2,3\n", user_col="1", item_col="2", rating_col="3")
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("1,5,3\n1,6,3\n", "every item has one rating"),
        ("1,5,964982703\n1,6,964982704\n", "are they ids or times"),
        ("1,1,3\n2,2,4\n2,2,3\n", "the columns of users and items are equal"),
        ("1,5,1\n2,6,2\n1,6,1\n", "the columns of users and ratings are equal"),
        ("1,5,5\n2,6,6\n1,6,6\n", "the columns of items and ratings are equal"),
    ],
)
def test_what_looks_wrong_is_said(read: Read, content: str, said: str) -> None:
    assert said in "; ".join(read(content).understood.warnings)


def test_a_wide_table_without_a_header_is_refused(read: Read) -> None:
    with pytest.raises(DataError, match=r"has 20 columns and no header"):
        read("\n".join(",".join("5" for _ in range(20)) for _ in range(3)))


def test_uneven_rows_between_tabs_are_not_taken_for_words(read: Read) -> None:
    with pytest.raises(BadRowError, match=r"line 2: expected 4 fields, found 5"):
        read("user\ttitle\tscore\titem\na\tx\t1\t\t29\na\ty\t5\t7\n0\n")


def test_another_separator_is_named(read: Read) -> None:
    with pytest.raises(DataError, match=r"line 1: expected user, item and rating separated by"):
        read("1~10~3\n1~20~4\n")
    assert triples(read("1~10~3\n", separator="~").ratings) == [(1, 10, 3)]
    for separator in ("", ",,", "é", "\n", '"'):
        with pytest.raises(OptionError, match=r"`separator` is one ASCII character"):
            read("1,10,3\n", separator=separator)


def test_many_lines_are_sniffed_in_bounded_memory(read: Read) -> None:
    # Each line is long and open quotation marks join lines: to look at all at once takes minutes.
    with pytest.raises(DataError):
        read('1,2,"' + ("3," * 4_000 + "\n") * 1_500)
