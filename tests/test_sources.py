"""What --data may name, and what is said where it names nothing."""

import zipfile
from pathlib import Path

import polars as pl
import pytest

from mlbias.datasets.catalogue import FOLDERS
from mlbias.datasets.reading.opening import opened
from mlbias.datasets.reading.read import read_ratings
from mlbias.datasets.sources import Source, data_sets, find_source
from mlbias.errors import DataError, OptionError

LINE = "1,10,3.5\n"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder with a known data set, one of the user's own, and a packed one."""
    for folder, file in (("ml-10M100K", "ratings.dat"), ("mine", "ratings.csv")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text(LINE)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("packed/u.data", LINE)
        archive.writestr("packed/u1.base", LINE * 2)
    (tmp_path / "model.npz").write_text("not a data set")
    (tmp_path / ".mlbias-cache").mkdir()
    (tmp_path / ".mlbias-cache" / "r.csv.prepared").write_text("not a data set either")
    return tmp_path


def content(source: Source) -> bytes:
    with opened(source, source.path, None) as stream:
        return bytes(stream.file.read())


def test_sample_and_standard_input_are_names() -> None:
    assert find_source("sample", Path("nowhere")).is_sample
    assert find_source("-", Path("nowhere")).is_standard_input


def test_data_sets_are_found_by_their_names(data_dir: Path) -> None:
    assert data_sets(data_dir) == ["mine", "ml-10m", "packed"]
    assert find_source("ml-10m", data_dir).path == data_dir / "ml-10M100K" / "ratings.dat"
    assert find_source("mine", data_dir).label == "mine"
    assert content(find_source("packed", data_dir)) == LINE.encode()


def test_folders_files_and_members_are_found_by_their_paths(data_dir: Path) -> None:
    assert find_source(str(data_dir / "mine"), Path()).path == data_dir / "mine" / "ratings.csv"
    file = data_dir / "mine" / "ratings.csv"
    assert find_source(str(file), Path()) == Source(str(file), file)
    member = find_source(str(data_dir / "packed.zip" / "packed" / "u1.base"), Path())
    assert content(member) == 2 * LINE.encode()
    assert member.where == str(data_dir / "packed.zip/packed/u1.base")


def test_paths_are_looked_for_in_the_data_folder_too(data_dir: Path) -> None:
    assert find_source("packed.zip", data_dir).path == data_dir / "packed.zip"
    assert find_source("packed.zip/packed/u1.base", data_dir).member == "packed/u1.base"
    with pytest.raises(OptionError, match=r"it is empty"):
        find_source("", data_dir)


def test_a_folder_with_one_file_alone_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "anything.txt").write_text(LINE)
    assert find_source(str(tmp_path), Path()).path == tmp_path / "anything.txt"


def test_without_a_name_it_is_ml_25m_or_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "ratings.csv").write_text(LINE)
    assert find_source(None, tmp_path).label == "mine"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "ratings.csv").write_text(LINE)
    with pytest.raises(DataError, match=r"no ml-25m in the folder .* but mine, other"):
        find_source(None, tmp_path)
    (tmp_path / "ml-25m").mkdir()
    (tmp_path / "ml-25m" / "ratings.csv").write_text(LINE)
    assert find_source(None, tmp_path).label == "ml-25m"


def test_without_any_data_two_commands_are_named_that_help(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no data set in the folder") as caught:
        find_source(None, tmp_path / "nothing")
    assert "mlbias download" in caught.value.advice
    assert "`data` sample" in caught.value.advice


@pytest.mark.parametrize(
    ("data", "message", "advice"),
    [
        ("ml-1m", "the data set ml-1m is not in the folder", "`mlbias download ml-1m`"),
        ("ml-2m", "there is no file, folder or data set 'ml-2m'", "Did you mean ml-"),
        ("what.csv", "there is no file, folder or data set 'what.csv'", "has mine, ml-10m, packed"),
    ],
)
def test_names_of_nothing(data_dir: Path, data: str, message: str, advice: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        find_source(data, data_dir)
    assert advice in caught.value.advice


def test_folders_and_archives_without_plain_ratings(data_dir: Path) -> None:
    with pytest.raises(DataError, match=r"has model\.npz, packed\.zip: which is meant"):
        find_source(str(data_dir), Path())
    (data_dir / "empty").mkdir()
    with pytest.raises(DataError, match=r"has no ratings file: it holds nothing"):
        find_source(str(data_dir / "empty"), Path())
    with zipfile.ZipFile(data_dir / "two.zip", "w") as archive:
        archive.writestr("a.csv", LINE)
        archive.writestr("b.csv", LINE)
    with pytest.raises(DataError, match=r"holds a\.csv, b\.csv: which is meant") as caught:
        content(find_source("two", data_dir))
    assert caught.value.advice.endswith("two.zip/a.csv.")
    with pytest.raises(DataError, match=r"two\.zip/c\.csv is not there"):
        content(find_source(str(data_dir / "two.zip" / "c.csv"), Path()))
    with pytest.raises(DataError, match=r"is no zip archive"):
        content(find_source(str(data_dir / "model.npz" / "c.csv"), Path()))


def test_every_known_name_has_a_folder_of_its_own() -> None:
    assert FOLDERS["ml-10m"] == "ml-10M100K"
    assert len(set(FOLDERS.values())) == len(FOLDERS)


def test_of_two_ratings_files_in_a_folder_none_is_guessed(tmp_path: Path) -> None:
    (tmp_path / "both").mkdir()
    for name in ("ratings.csv", "ratings.parquet", "ratings.csv.truth.npz"):
        (tmp_path / "both" / name).write_text(LINE)
    with pytest.raises(DataError, match=r"has ratings\.csv, ratings\.parquet: which is meant"):
        find_source("both", tmp_path)
    assert data_sets(tmp_path) == ["both"]


def read_from(data: str) -> list[float]:
    """The ratings of what --data names, in the order of their items."""
    ratings = read_ratings(find_source(data, Path("nowhere"))).ratings
    return list(map(float, ratings.value[ratings.item.argsort()]))


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


HEADER = "userId,movieId,rating\n"


@pytest.mark.parametrize(
    ("files", "pattern"),
    [
        ({"a.csv": "1,1,3\n", "b.csv": "1,2,4\n", "c.txt": "no ratings"}, "*.csv"),
        ({"r1": "1,1,3\n", "r2": "1,2,4\n", "r10": "x"}, "r?"),
        ({"a/x.csv": f"{HEADER}1,1,3\n", "b/x.csv": f"{HEADER}1,2,4\n"}, "*/x.csv"),
        ({"a/x.csv": f"{HEADER}1,1,3\n", "b/x.csv": f"{HEADER}1,2,4\n"}, "**/*.csv"),
        ({"a.csv": f"{HEADER}1,1,3\n", "b.csv": "rating;userId;movieId\n4;1;2\n"}, "[ab].csv"),
        ({"part-00000-ab.csv": "1,1,3\n", "part-00001-cd.csv": "1,2,4\n", "_SUCCESS": ""}, ""),
        ({"part-0": "1,1,3\n", "part-1": "1,2,4\n", ".part-0.crc": "x"}, ""),
        ({"mv_0000001.txt": "1:\n1,3,2005-01-01\n", "mv_0000002.txt": "2:\n1,4,2005-01-02\n"}, ""),
        ({"year=2019/r.csv": "1,1,3\n", "year=2020/r.csv": "1,2,4\n"}, ""),
        ({"year=2019/m=1/part-0.csv": "1,1,3\n", "year=2019/m=2/part-0.csv": "1,2,4\n"}, ""),
        ({"ratings_1.csv": "1,1,3\n", "ratings_2.csv": "1,2,4\n", "README.md": "x"}, ""),
    ],
)
def test_many_files_are_read_as_one(tmp_path: Path, files: dict[str, str], pattern: str) -> None:
    folder = tmp_path / "parts"
    write_files(folder, files)
    assert read_from(str(folder / pattern) if pattern else str(folder)) == [3, 4]
    source = find_source(str(folder / pattern) if pattern else str(folder), Path())
    assert read_ratings(source).understood.n_files == 2


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    write_files(tmp_path, {f"r{k}.csv": f"1,1,{k}\n" for k in (3, 1, 2)})
    found = read_ratings(find_source(str(tmp_path / "*.csv"), Path())).ratings
    assert found.value.tolist() == [1, 2, 3]


def test_parquet_in_parts_is_read_as_one(tmp_path: Path) -> None:
    for number, year in enumerate((2019, 2020)):
        folder = tmp_path / "set" / f"year={year}"
        folder.mkdir(parents=True)
        frame = pl.DataFrame({"user": [1], "item": [number], "rating": [3 + number]})
        frame.write_parquet(folder / f"part-{number}.parquet")
    assert read_from(str(tmp_path / "set")) == [3, 4]
    assert read_from(str(tmp_path / "set" / "*" / "*.parquet")) == [3, 4]


def test_ids_are_text_in_all_files_if_they_are_in_one(tmp_path: Path) -> None:
    write_files(tmp_path, {"r1.csv": "1,1,3\n2,1,3\n", "r2.csv": "1,1,4\n007,1,4\n"})
    found = read_ratings(find_source(str(tmp_path / "*.csv"), Path())).ratings
    assert found.user_ids.tolist() == ["007", "1", "2"]
    assert found.item_ids.tolist() == [1]


def test_files_of_other_columns_are_not_read_as_one(tmp_path: Path) -> None:
    write_files(tmp_path, {"r1.csv": f"{HEADER}1,1,3\n", "r2.csv": "user,item,score\n1,1,4\n"})
    with pytest.raises(DataError, match=r"r2\.csv is not laid out as .*r1\.csv: user in user"):
        read_from(str(tmp_path / "*.csv"))


def test_what_is_odd_about_a_further_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "a1.csv").write_text("user;item;rating\n1;10;4\n")
    (tmp_path / "a2.csv").write_text("# by hand\nuser;item;rating\n2;10;3\n")
    said = read_ratings(Source("a", tmp_path)).understood.notices
    assert said[0] == "fields are separated by semicolons"
    assert said[1].endswith("a2.csv: left out 1 comment line at the start")
    assert len(said) == 2


def test_a_bad_row_names_its_file(tmp_path: Path) -> None:
    write_files(tmp_path, {"r1.csv": "1,1,3\n", "r2.csv": "1,1,4\n1,2\n"})
    with pytest.raises(DataError, match=r"r2\.csv, line 2: expected 3 fields, found 2"):
        read_from(str(tmp_path / "*.csv"))


@pytest.mark.parametrize("name", ["r*.csv", "a[1].csv", "what?.csv"])
def test_a_name_that_is_there_is_no_pattern(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, {"r1.csv": "1,1,1\n", "a1.csv": "1,1,1\n", "whatX.csv": "1,1,1\n"})
    assert read_from(str(tmp_path / name).replace("[1]", "[1]")) == [1]
    (tmp_path / name).write_text("1,1,5\n")
    assert read_from(str(tmp_path / name)) == [5]


@pytest.mark.parametrize("name", ["x" * 5_000, "a/" * 3_000, "\0", "a\0b", "[", "no*.csv", " "])
def test_names_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"there is no file, folder or data set"):
        find_source(name, tmp_path)


def test_a_part_without_the_header_of_the_others_is_named(tmp_path: Path) -> None:
    write_files(tmp_path, {"r1.csv": f"{HEADER}1,1,3\n", "r2.csv": "1,1,4\n"})
    with pytest.raises(DataError, match=r"r2\.csv has no header, and .*r1\.csv has one"):
        read_from(str(tmp_path / "*.csv"))


def test_a_pattern_takes_the_files_in_folders_of_a_hive(tmp_path: Path) -> None:
    for year in (2019, 2020):
        (tmp_path / f"year={year}").mkdir()
        (tmp_path / f"year={year}" / "part-0.csv").write_text(LINE)
    files = find_source(str(tmp_path / "*"), Path()).files
    assert files == tuple(tmp_path / f"year={year}" / "part-0.csv" for year in (2019, 2020))
