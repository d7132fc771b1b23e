"""Files of every kind: compressed, in other encodings, with types; and what is no table at all."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import random
import sqlite3
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading import text as text_room
from mlbias.datasets.reading.read import read_ratings
from mlbias.datasets.sources import Source
from mlbias.errors import BadRowError, DataError, MlbiasError, OptionError
from tests.reading import Read, Triples, triples

CSV = "userId,movieId,rating\n1,10,3.5\n1,20,4.0\n2,10,0.5\n"
EXPECTED: Triples = [(1, 10, 3.5), (1, 20, 4.0), (2, 10, 0.5)]
FRAME = {"userId": [1, 1, 2], "movieId": [10, 20, 10], "rating": [3.5, 4.0, 0.5]}


def zipped(**members: str | bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return packed.getvalue()


def zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd as packer
    else:
        from backports import zstd as packer
    return packer.compress(data)


def parquet(frame: pl.DataFrame, **options: object) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file, **options)  # type: ignore[arg-type]
    return file.getvalue()


def arrow(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_ipc(file)
    return file.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zstd])
def test_compressed_text(read: Read, pack: Callable[[bytes], bytes]) -> None:
    assert triples(read(pack(CSV.encode())).ratings) == EXPECTED
    many = "".join(f"{k},{k % 7},3\n" for k in range(5_000)).encode()
    # Packed in two pieces that are joined, as `cat a.gz b.gz` does.
    assert len(read(pack(many[:20_000]) + pack(many[20_000:])).ratings) == 5_000


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd])
@pytest.mark.parametrize("harm", ["cut", "changed"])
def test_damaged_compressed_text(read: Read, pack: Callable[[bytes], bytes], harm: str) -> None:
    rng = random.Random(0)
    data = pack("".join(f"{k},{rng.random()},3\n" for k in range(5_000)).encode())
    middle = len(data) // 2
    changed = data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]
    with pytest.raises(DataError, match=r"is damaged|line"):
        read(data[:middle] if harm == "cut" else changed)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_byte_order_marks_tell_the_encoding(
    read: Read, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    content = pack(CSV.replace("2,10", "é日,10").encode(encoding))
    assert triples(read(content).ratings)[-1] == ("é日", 10, 0.5)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "gb18030"])
def test_other_encodings_are_named(read: Read, encoding: str) -> None:
    content = CSV.replace("2,10", "é,10").encode(encoding)
    assert triples(read(content, encoding=encoding).ratings)[-1] == ("é", 10, 0.5)


def test_without_its_name_an_encoding_is_refused_with_advice(read: Read) -> None:
    with pytest.raises(BadRowError, match=r"line 4, column 1: .*not valid UTF-8") as caught:
        read(CSV.replace("2,10", "é,10").encode("latin-1"))
    assert "`encoding`" in caught.value.advice
    with pytest.raises(DataError, match=r"is not in ascii"):
        read(CSV.replace("2,10", "é,10"), encoding="ascii")
    with pytest.raises(OptionError, match=r"`encoding` 'klingon' is not known"):
        read(CSV, encoding="klingon")


def test_letters_that_are_not_utf8_are_of_no_matter_in_other_columns(read: Read) -> None:
    found = read("user,item,rating,title\n1,2,3,é\n".encode("latin-1"))
    assert triples(found.ratings) == [(1, 2, 3)]


def test_the_one_candidate_of_a_zip_archive_is_read(read: Read) -> None:
    with_more = zipped(ml__README="no ratings", __MACOSX___ratings_csv="x", ml__ratings_csv=CSV)
    assert triples(read(with_more).ratings) == EXPECTED
    assert triples(read(zipped(anything_txt=CSV)).ratings) == EXPECTED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped(ratings_csv=CSV, ratings_dat=CSV), r"holds ratings\.csv, ratings\.dat: which is"),
        (zipped(a_csv=CSV, b_csv=CSV), r"holds a\.csv, b\.csv: which is meant"),
        (zipped(README="x"), "holds no file of ratings"),
        (zipped(xl__workbook_xml="x", Content="y").replace(b"xl/workbook.xml", b"xl/workbook.xml"),
         "an Excel workbook"),
        (zipped(a_npy="x"), "an archive of NumPy arrays"),
        (b"PK\x05\x06" + b"\0" * 18, "an empty zip archive"),
        (b"PK\x03\x04 and nothing more", "is damaged: File is not a zip file"),
        (zipped(ratings_csv=CSV * 9).replace(b"1,20,4.0", b"1,20,4.5", 1), "is damaged: Bad CRC"),
    ],
)  # fmt: skip
def test_archives_without_a_single_candidate(read: Read, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(content)


def sqlite_file(tmp_path: Path) -> bytes:
    with sqlite3.connect(tmp_path / "db") as database:
        database.execute("create table ratings (user, item, rating)")
    return (tmp_path / "db").read_bytes()


def tar_file(_: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo("ratings.csv")
        info.size = len(CSV)
        archive.addfile(info, io.BytesIO(CSV.encode()))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (sqlite_file, "an SQLite database"),
        (tar_file, "a tar archive"),
        (lambda path: gzip.compress(tar_file(path)), "a tar archive"),
        (lambda _: zipped(inner_zip=zipped(a_csv=CSV)), "a zip archive within another file"),
        (lambda _: b"\xff\xff\xff\xff\x10" + b"\0" * 99, "an Arrow stream"),
        (lambda _: b"\x89HDF\r\n\x1a\n" + b"\0" * 99, "an HDF5 file"),
        (lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "an Excel workbook"),
        (lambda _: pickle.dumps([1, 2]), "a pickle"),
        (lambda _: pickle.dumps([1, 2], protocol=2), "a pickle"),
        (lambda _: b"ORC\x0a\x03" + b"\0" * 99, "an ORC file"),
        (lambda _: b"Obj\x01" + b"\0" * 99, "an Avro file"),
        (lambda _: b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (lambda _: b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "a picture"),
        (lambda _: b"\xff\xd8\xff\xe0" + b"\0" * 99, "a picture"),
        (lambda _: b"\x93NUMPY\x01\0v\0", "a NumPy array"),
        (lambda _: b"7z\xbc\xaf\x27\x1c" + b"\0" * 99, "a 7-Zip archive"),
        (lambda _: b"<!DOCTYPE html><html></html>", "a web page"),
        (lambda _: b'<?xml version="1.0"?><a/>', "an XML file"),
        (lambda _: b"%%MatrixMarket matrix coordinate\n3 3 1\n1 1 5\n", "a MatrixMarket file"),
    ],
)
def test_what_is_no_table_is_refused_by_name(
    read: Read, tmp_path: Path, content: Callable[[Path], bytes], what: str
) -> None:
    with pytest.raises(DataError, match=f"is {what}") as caught:
        read(content(tmp_path))
    assert caught.value.advice
    assert "separator" not in str(caught.value) + caught.value.advice


@pytest.mark.parametrize("write", [parquet, arrow])
def test_tables_with_types(read: Read, write: Callable[[pl.DataFrame], bytes]) -> None:
    frame = pl.DataFrame(FRAME)
    assert triples(read(write(frame)).ratings) == EXPECTED
    for kind in (pl.Categorical, pl.Enum(["a", "b"]), pl.String, pl.Binary):
        users = pl.Series(["a", "a", "b"], dtype=pl.String).cast(kind)
        found = read(write(frame.with_columns(userId=users)))
        assert triples(found.ratings) == [("a", 10, 3.5), ("a", 20, 4), ("b", 10, 0.5)]
    for dtype in (pl.Categorical, pl.String, pl.Decimal(5, 1), pl.Float32):
        values = frame["rating"].cast(pl.String).cast(dtype)
        assert triples(read(write(frame.with_columns(rating=values))).ratings) == EXPECTED


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"userId": [1.5, 2.0, 3.0]}, "column 'userId' for the user holds Float64"),
        ({"rating": [True, False, True]}, "column 'rating' for the rating holds Boolean"),
        ({"rating": [[1], [2], [3]]}, "column 'rating' for the rating holds List"),
        ({"movieId": [3, None, 4]}, "row 2, column 'movieId': the item is missing"),
        ({"movieId": ["a", "NA", "b"]}, "row 2, column 'movieId': the item is missing, found NA"),
        ({"rating": [1.0, float("nan"), 2.0]}, "row 2, column 'rating': rating 'NaN' is not"),
        ({"rating": [1.0, None, 2.0]}, "row 2, column 'rating': the rating is missing"),
        ({"rating": ["1", "x", "2"]}, "row 2, column 'rating': rating 'x' is not a number"),
        ({"userId": [b"a", b"\xff\xfe", b"b"]}, "invalid utf"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", [parquet, arrow])
def test_what_is_no_rating_in_tables(
    read: Read,
    write: Callable[[pl.DataFrame], bytes],
    columns: dict[str, list[object]],
    message: str,
) -> None:
    with pytest.raises(DataError, match=message):
        read(write(pl.DataFrame(FRAME | columns)))


def test_an_empty_table(read: Read) -> None:
    for write in (parquet, arrow):
        with pytest.raises(DataError, match=r"is empty|has a header and no ratings"):
            read(write(pl.DataFrame(FRAME).clear()))


@pytest.mark.parametrize("name", ["r*.parquet", "a[1].parquet", "what?.parquet", "x{1}.parquet"])
def test_names_of_files_are_no_patterns(tmp_path: Path, name: str) -> None:
    for other in ("r1.parquet", "r2.parquet", "a1.parquet", "whatX.parquet", "x1.parquet"):
        (tmp_path / other).write_bytes(parquet(pl.DataFrame(FRAME)))
    (tmp_path / name).write_bytes(parquet(pl.DataFrame(FRAME)))
    assert triples(read_ratings(Source(name, tmp_path / name)).ratings) == EXPECTED


MUTATE = """
import random, sys
from pathlib import Path
from mlbias.datasets.reading.read import read_ratings
from mlbias.datasets.sources import Source
from mlbias.errors import MlbiasError

path, whole = Path(sys.argv[1]), Path(sys.argv[1]).read_bytes()
rng, refused = random.Random(0), 0
for k in range(int(sys.argv[2])):
    data = bytearray(whole)
    for _ in range(rng.choice([1, 1, 5])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    path.write_bytes(data[: rng.choice([len(data)] * 5 + [rng.randrange(len(data))])])
    try:
        read_ratings(Source("r", path), timestamps=True)
    except MlbiasError:
        refused += 1
print(refused)
"""


@pytest.mark.parametrize("kind", ["parquet", "plain parquet", "arrow", "zip", "gzip", "xz", "zstd"])
def test_damage_anywhere_is_a_sentence(tmp_path: Path, kind: str) -> None:
    frame = pl.DataFrame(FRAME | {"title": ["a", "b", "c"], "time": [1, 2, 3]})
    frame = pl.concat([frame] * 50)
    write: dict[str, Callable[[], bytes]] = {
        "parquet": lambda: parquet(frame),
        "plain parquet": lambda: parquet(frame, compression="uncompressed"),
        "arrow": lambda: arrow(frame),
        "zip": lambda: zipped(ratings_csv=CSV * 30),
        "gzip": lambda: gzip.compress(CSV.encode() * 30),
        "xz": lambda: lzma.compress(CSV.encode() * 30),
        "zstd": lambda: zstd(CSV.encode() * 30),
    }
    (tmp_path / "r").write_bytes(write[kind]())
    # In a process of its own, whose standard error shows panics of Polars' threads.
    done = subprocess.run(
        [sys.executable, "-c", MUTATE, str(tmp_path / "r"), "150"],
        capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    assert int(done.stdout) > 20


def lines_of(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    "names",
    [
        ("reviewerID", "asin", "overall"),
        ("user_id", "business_id", "stars"),
        ("userId", "movieId", "rating"),
    ],
)
def test_json_lines(read: Read, names: tuple[str, str, str]) -> None:
    rows = [dict(zip(names, row, strict=True)) | {"text": 'a "b"\n{'} for row in EXPECTED]
    for content in (lines_of(*rows), lines_of(*rows).replace("\n", "\r\n"), "\n" + lines_of(*rows)):
        found = read(content)
        assert triples(found.ratings) == EXPECTED
        assert found.understood.format == "JSON lines"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"user": 1, "item": 2}', "line 2, column 'rating': the rating is missing"),
        ('{"user": 1.5, "item": 2, "rating": 3}', "key 'user': user 1.5 is neither an integer"),
        ('{"user": true, "item": 2, "rating": 3}', "key 'user': user true is no number"),
        ('{"user": null, "item": 2, "rating": 3}', "line 2, column 'user': the user is missing"),
        ('{"user": 1, "item": 2, "rating": "4_5"}', "rating '4_5' is not a number"),
        ('{"user": 1, "item": 2, "rating": NaN}', "rating 'nan' is not a number"),
        ('{"user": 1, "item": 2, "rating": 1e999}', "rating 'inf' is not a number"),
        ('{"user": 1, "item": 2, "rating": [4]}', r"rating '\[4\]' is not a number"),
        ('{"user": 1, "item": 2, "rating": 3', "line 2: no JSON object"),
        ('{"user": 1, "user": 2, "item": 2, "rating": 3}', "key 'user' stands in the object twice"),
        ("[1, 2, 3]", "line 2: expected a JSON object"),
        ("[" * 100_000, "line 2: no JSON object that can be read"),
    ],
)  # fmt: skip
def test_what_is_no_rating_in_json_lines(read: Read, row: str, message: str) -> None:
    good = '{"user": 1, "item": 2, "rating": 3}\n'
    with pytest.raises(BadRowError, match=message):
        read(good + row + "\n")
    found = read(good * 20 + row + "\n", skip_bad_rows=True)
    assert (len(found.ratings), found.understood.n_skipped) == (20, 1)


def test_a_json_document_is_refused_with_advice(read: Read) -> None:
    with pytest.raises(DataError, match=r"is a JSON document; expected JSON lines") as caught:
        read('[{"user": 1, "item": 2, "rating": 3}]')
    assert "jq" in caught.value.advice


NETFLIX = "1:\n30,3,2004-01-01\n\n40,5,2004-01-02\n7:\n30,1,2005-06-07\n9:\n10:\n50,2,2005-06-08\n"


@pytest.mark.parametrize("part_size", [5, 20, 8 << 20])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_netflix_prizes_text(
    read: Read, monkeypatch: pytest.MonkeyPatch, part_size: int, ending: str
) -> None:
    # The layout is told from the first part, which holds the first rating.
    monkeypatch.setattr(text_room, "PART_SIZE", max(part_size, 20))
    found = read(NETFLIX.replace("\n", ending), timestamps=True)
    assert triples(found.ratings) == [(30, 1, 3), (30, 7, 1), (40, 1, 5), (50, 10, 2)]
    assert found.understood.format == "Netflix Prize"
    assert found.ratings.timestamp is not None
    assert found.ratings.timestamp.tolist()[0] == 1072915200
    with pytest.raises(BadRowError, match=r"line 10: expected 4 fields, found 3: '10,60,2'"):
        read(NETFLIX + "60,2\n")


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


def test_progress_reaches_the_size_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_room, "PART_SIZE", 20)
    path = tmp_path / "ratings"
    path.write_text("1,10,3.5\n" * 20)
    seen: list[tuple[int, int | None]] = []
    read_ratings(Source("ratings", path), progress=lambda done, total: seen.append((done, total)))
    assert [total for _, total in seen] == [180] * len(seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == 180


def test_the_sample_is_a_source() -> None:
    assert len(read_ratings(Source("sample")).ratings) == 100_000


@pytest.mark.parametrize("seed", range(8))
def test_random_bytes_are_refused_in_words(read: Read, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(25):
        data = bytes(rng.choices(range(256), k=rng.randrange(1, 300)))
        with pytest.raises(MlbiasError):
            read(rng.choice([b"", b"a,b,3\n", b"{", b"1:\n", b"\xff\xfe", b"BZh9"]) + b"\n" + data)


def test_a_folder_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no files"):
        read_ratings(Source("nothing", tmp_path / "*.csv"), ReadOptions())
