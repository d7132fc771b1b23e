"""mlbias download where all is well, where there is no room, and beside others at work."""

import ast
import errno
import hashlib
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import filelock
import pytest

from mlbias.datasets.catalogue import ARCHIVES
from mlbias.download import install
from mlbias.download.install import download
from mlbias.download.request import DownloadRequest
from mlbias.errors import DownloadError
from tests.downloads import (
    ARCHIVE,
    DONE,
    MEMBERS,
    UNKNOWN,
    Notices,
    archive_at,
    fetched,
    left,
)  # fmt: skip
from tests.site import (
    Answer,
    Request,
    Site,
    chunked,
    ranged,
    rating_lines,
    status,
    whole,
    zipped,
)
from tests.test_cli import COMMAND, Run, document, environment, fails, run, succeeds

__all__ = ["run"]


def test_a_clean_download_is_verified_unpacked_counted_and_found_by_name(
    run: Run, tmp_path: Path
) -> None:
    md5 = f"MD5 (ml-latest.zip) = {hashlib.md5(ARCHIVE).hexdigest()}\n"
    with Site(whole(ARCHIVE), md5=md5) as site:
        result = run("download", "ml-latest", "--url", site.url)
    said = succeeds(result)
    assert result.stderr.endswith(
        "came over plain http like the archive itself: it proves nothing\n"
    )
    assert (
        said.splitlines()[0] == "ml-latest · 2,400 ratings · 60 users · 40 items · 100.00 % filled"
    )
    assert "terms: " in said
    assert "data/ml-latest/README.txt" in said
    assert left(tmp_path / "data") == DONE
    trained = run("train", "--epochs", "1")
    assert succeeds(trained).startswith("ml-latest · 2,400 ratings")
    assert "no --data: taking ml-latest" in trained.stderr
    assert site.requests[0][1]["Accept-Encoding"] == "identity"


def test_a_second_call_does_nothing_also_offline_and_force_replaces(
    run: Run, tmp_path: Path
) -> None:
    with Site(whole(ARCHIVE)) as site:
        succeeds(run("download", "ml-latest", "--url", site.url))
    again = run("download", "ml-latest", "--url", site.url, "--json")
    assert document(again) == {
        "schema": 1, "name": "ml-latest", "folder": "data/ml-latest", "fetched": False,
        "archive": None,
    }  # fmt: skip
    other = zipped(MEMBERS | {"ml-latest/ratings.csv": rating_lines([(1, 1, 4, 5)])})
    with Site(whole(other)) as site:
        found = document(run("download", "ml-latest", "--url", site.url, "--force", "--json"))
    assert found == {
        "schema": 1, "name": "ml-latest", "folder": "data/ml-latest", "fetched": True,
        "archive": None,
        "n_ratings": 1, "n_users": 1, "n_items": 1, "verified": False,
    }  # fmt: skip
    assert left(tmp_path / "data") == DONE


def test_genome_scores_come_with_all_and_the_archive_stays_on_request(
    run: Run, tmp_path: Path
) -> None:
    with Site(whole(ARCHIVE)) as site:
        said = succeeds(run("download", "ml-latest", "--url", site.url, "--keep-archive"))
    assert "archive kept: data/ml-latest.zip\n" in said
    assert left(tmp_path / "data") == ["ml-latest.zip", *DONE]
    assert (tmp_path / "data/ml-latest.zip").read_bytes() == ARCHIVE
    # The archive that was kept serves what is missing, without the site.
    succeeds(run("download", "ml-latest", "--url", site.url, "--all"))
    assert "ml-latest/genome-scores.csv" in left(tmp_path / "data")
    assert "nothing to do" in succeeds(run("download", "ml-latest", "--all"))


def test_what_is_missing_is_added_and_what_is_there_stays(run: Run, tmp_path: Path) -> None:
    with Site(whole(ARCHIVE)) as site:
        succeeds(run("download", "ml-latest", "--url", site.url))
        (tmp_path / "data/ml-latest/my-notes.txt").write_text("precious")
        succeeds(run("download", "ml-latest", "--url", site.url, "--all"))
        added = ["ml-latest/genome-scores.csv", "ml-latest/my-notes.txt"]
        assert left(tmp_path / "data") == sorted([*DONE, *added])
        said = succeeds(run("download", "ml-latest", "--url", site.url, "--keep-archive"))
    assert "archive kept: data/ml-latest.zip\n" in said
    assert (tmp_path / "data/ml-latest.zip").read_bytes() == ARCHIVE


def test_a_cut_archive_in_the_data_folder_is_fetched_instead(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/ml-latest.zip").write_bytes(ARCHIVE[:5_000])
    with Site(whole(ARCHIVE)) as site:
        result = run("download", "ml-latest", "--url", site.url)
    succeeds(result)
    assert "(it is damaged, or has no ratings.csv); it is fetched instead" in result.stderr
    assert left(tmp_path / "data") == ["ml-latest.zip", *DONE]


@pytest.mark.parametrize("spell", [str, lambda path: path.as_uri(), lambda path: str(path.parent)])
def test_a_file_is_a_mirror_and_is_left_alone(
    run: Run, tmp_path: Path, spell: Callable[[Path], str]
) -> None:
    mirror = tmp_path / "mirror" / "ml-latest.zip"
    mirror.parent.mkdir()
    mirror.write_bytes(ARCHIVE)
    succeeds(run("download", "ml-latest", "--url", spell(mirror)))
    assert left(tmp_path / "data") == DONE
    assert mirror.read_bytes() == ARCHIVE
    fails(run("download", "ml-1m", "--url", str(mirror)), 1, "expected SHA-256 a6898a.*, found ")
    assert mirror.exists()
    fails(run("download", "ml-1m", "--url", "nowhere.zip"), 1, r"there is no file nowhere\.zip")


def test_the_real_archive_in_the_data_folder_needs_no_site(
    run: Run, tmp_path: Path, real_archive: Callable[[str], Path]
) -> None:
    (tmp_path / "data").mkdir()
    shutil.copy(real_archive("ml-latest-small"), tmp_path / "data")
    said = succeeds(run("download", "ml-latest-small", "--url", "http://localhost:1/"))
    assert said.startswith("ml-latest-small · 100,836 ratings · 610 users · 9,724 items")
    assert "from data/ml-latest-small.zip\nverified, and unpacked to " in said
    assert (tmp_path / "data/ml-latest-small.zip").exists()


def test_the_catalogue_is_listed_with_what_is_on_disk(run: Run, tmp_path: Path) -> None:
    with Site(ranged(ARCHIVE, at_most=999), status(404)) as site:
        succeeds(run("download", "ml-latest", "--url", archive_at(tmp_path, ARCHIVE)))
        fails(run("download", "ml-20m", "--url", site.url), 1, "expected are 198,702,078")
    (tmp_path / "data/ml-1m.zip").write_bytes(b"something")
    (tmp_path / "data/ml-10m.zip.part").write_bytes(b"something")
    (tmp_path / "data/ml-100k.zip").write_bytes(b"packed anew")
    found = document(run("download", "--list", "--json"))
    states = {row["name"]: row["on_disk"] for row in found["data_sets"]}
    assert states == dict.fromkeys(ARCHIVES) | {
        "ml-latest": "unpacked", "ml-1m": "archive", "ml-10m": "begun", "ml-100k": "other zip",
    }  # fmt: skip
    said = succeeds(run("download", "--list", COLUMNS="60"))
    assert len(said.splitlines()) == 2 + len(ARCHIVES)
    assert max(map(len, said.splitlines())) <= 60


# Nothing of the user's is lost


def test_force_replaces_what_the_archive_brings_and_nothing_else(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data/ml-latest"
    mine = {"my-splits.csv": "splits", "results/run.txt": "0.86", "model.npz": "a model"}
    with Site(whole(ARCHIVE)) as site:
        succeeds(run("download", "ml-latest", "--url", site.url))
        for name, content in mine.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content)
        elsewhere = tmp_path / "elsewhere.txt"
        elsewhere.write_text("not ours")
        (folder / "README.txt").unlink()
        (folder / "README.txt").symlink_to(elsewhere)
        (folder / "ratings.csv").write_text("edited")
        succeeds(run("download", "ml-latest", "--url", site.url, "--force"))
    for name, content in mine.items():
        assert (folder / name).read_text() == content
    assert (folder / "ratings.csv").read_text() == MEMBERS["ml-latest/ratings.csv"]
    assert (folder / "README.txt").read_text() == "Terms of use."
    assert elsewhere.read_text() == "not ours"
    assert left(tmp_path / "data") == sorted([*DONE, *(f"ml-latest/{name}" for name in mine)])


def test_a_folder_in_the_place_of_a_file_stops_force_before_anything_is_moved(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data/ml-latest"
    (folder / "ratings.csv").mkdir(parents=True)
    (folder / "README.txt").write_text("mine")
    message = r"ml-latest/ratings\.csv is in the way of a file"
    with Site(whole(ARCHIVE)) as site, pytest.raises(DownloadError, match=message):
        fetched(tmp_path, site, replace=True)
    assert left(tmp_path / "data") == ["ml-latest/README.txt"]
    assert (folder / "README.txt").read_text() == "mine"


def test_a_folder_inside_the_place_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    content = zipped(MEMBERS | {"ml-latest/more/extra.txt": "x"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data/ml-latest").mkdir(parents=True)
    (tmp_path / "data/ml-latest/more").symlink_to(tmp_path / "elsewhere")
    with Site(whole(content)) as site, pytest.raises(DownloadError, match="more is in the way"):
        fetched(tmp_path, site, UNKNOWN, replace=True)
    assert left(tmp_path / "elsewhere") == []
    assert left(tmp_path / "data") == []


def test_a_data_set_that_is_a_link_to_another_folder_is_filled_there(tmp_path: Path) -> None:
    (tmp_path / "disk/ml").mkdir(parents=True)
    (tmp_path / "disk/ml/mine").write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/ml-latest").symlink_to(tmp_path / "disk/ml")
    with Site(whole(ARCHIVE)) as site:
        fetched(tmp_path, site, replace=True)
    assert (tmp_path / "data/ml-latest").is_symlink()
    assert left(tmp_path / "disk") == [name.replace("ml-latest", "ml") for name in DONE[:2]] + [
        "ml/mine", "ml/ratings.csv",
    ]  # fmt: skip


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_keep_archive_never_overwrites_a_file_that_is_not_the_archive(
    run: Run, tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "data").mkdir()
    kept = tmp_path / "data/ml-latest.zip"
    command = ("download", "ml-latest", "--keep-archive", *options, "--url")
    for mine in (b"my own", zipped({"thesis.txt": "mine"})):
        kept.write_bytes(mine)
        with Site(whole(ARCHIVE)) as site:
            fails(run(*command, site.url), 1, "ml-latest.zip is there and is not the published")
            assert site.requests == []
        fails(run(*command, archive_at(tmp_path, ARCHIVE)), 1, "it is left alone")
        assert kept.read_bytes() == mine
    assert left(tmp_path / "data") == ["ml-latest.zip"]


def test_keep_archive_with_force_replaces_an_older_archive_of_the_data_set(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    kept = tmp_path / "data/ml-latest.zip"
    kept.write_bytes(zipped({"ml-latest/ratings.csv": "old"}))
    with Site(whole(ARCHIVE)) as site:
        succeeds(run("download", "ml-latest", "--keep-archive", "--force", "--url", site.url))
    assert kept.read_bytes() == ARCHIVE
    # The same archive is left as it is, and one that is a link is never replaced.
    copy = archive_at(tmp_path, ARCHIVE)
    succeeds(run("download", "ml-latest", "--keep-archive", "--force", "--url", copy))
    kept.unlink()
    kept.symlink_to(tmp_path / "old.zip")
    (tmp_path / "old.zip").write_bytes(zipped({"ml-latest/ratings.csv": "old"}))
    with Site(whole(ARCHIVE)) as site:
        result = run("download", "ml-latest", "--keep-archive", "--force", "--url", site.url)
        fails(result, 1, "it is left alone")


# No room, and others at work


def test_a_full_disk_is_said_and_what_was_fetched_is_kept(tmp_path: Path) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    with Site(ranged(ARCHIVE)) as site:
        result = subprocess.run(
            [*COMMAND, "download", "ml-latest", "--url", site.url], cwd=tmp_path,
            env=environment(), capture_output=True, encoding="utf-8", timeout=60, check=False,
            preexec_fn=little_room,
        )  # fmt: skip
        fails(result, 1, "error: data cannot be written to: File too large")
        assert "10,000 bytes of the archive are kept" in result.stderr
        assert left(tmp_path / "data") == ["ml-latest.zip.part", "ml-latest.zip.part.json"]
        download(DownloadRequest(ARCHIVES["ml-latest"], tmp_path / "data", site.url), Notices())
        assert site.ranges[-1] == "bytes=10000-"
    assert left(tmp_path / "data") == DONE


def free_disk(patch: pytest.MonkeyPatch, free: int) -> None:
    patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(free, 0, free))


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free_disk(monkeypatch, 1_000)
    with Site(whole(ARCHIVE)) as site:
        with pytest.raises(DownloadError, match=f"has {len(ARCHIVE):,} bytes, and only 1,000 are"):
            fetched(tmp_path, site)
        with pytest.raises(DownloadError, match=r"the data set takes [\d,]+ bytes, and only 1,000"):
            fetched(tmp_path, site, mirror=archive_at(tmp_path, ARCHIVE))
    assert left(tmp_path / "data") == []


@pytest.mark.parametrize("answer", [whole(ARCHIVE), chunked(ARCHIVE)], ids=["declared", "chunked"])
def test_what_has_no_known_size_leaves_a_gigabyte_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    with Site(answer) as site:
        free_disk(monkeypatch, (1 << 30) + len(ARCHIVE) - 1)
        with pytest.raises(DownloadError, match=r"1 GiB is kept free|brings more than the"):
            fetched(tmp_path, site, UNKNOWN)
        free_disk(monkeypatch, (1 << 30) + len(ARCHIVE))
        fetched(tmp_path, site, UNKNOWN)
        free_disk(monkeypatch, (1 << 30) + 1_000)
        with pytest.raises(DownloadError, match=r"takes [\d,]+ bytes.*1,000 .*1 GiB is kept free"):
            fetched(tmp_path, site, UNKNOWN, replace=True, mirror=archive_at(tmp_path, ARCHIVE))
    assert left(tmp_path / "data") == DONE


def test_what_is_in_the_way_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data/ml-latest").mkdir(parents=True)
    (tmp_path / "data/ml-latest/mine").write_text("precious")
    with Site(whole(ARCHIVE)) as site:
        fails(run("download", "ml-latest", "--url", site.url), 1, "has no ratings.csv; it is left")
        assert site.requests == []
        assert left(tmp_path / "data") == ["ml-latest/mine"]
        succeeds(run("download", "ml-latest", "--url", site.url, "--force"))
    assert left(tmp_path / "data") == sorted([*DONE, "ml-latest/mine"])
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "data").write_text("a file")
    fails(run("download", "ml-latest", "--url", site.url), 1, "data cannot be written to: ")


def test_of_two_at_once_the_second_waits_and_takes_the_firsts(tmp_path: Path) -> None:
    second_waits = threading.Event()

    def hanging(request: Request) -> None:
        second_waits.wait(60)
        whole(ARCHIVE)(request)

    command = [*COMMAND, "download", "ml-latest", "--url"]
    with Site(hanging) as site:
        first = subprocess.Popen(
            [*command, site.url], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE
        )
        while not site.requests:
            assert first.poll() is None
        second = subprocess.Popen(
            [*command, site.url], cwd=tmp_path, env=environment(), encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert second.stderr is not None
        said = second.stderr.readline()
        assert said == "another process is downloading ml-latest; waiting for it\n"
        second_waits.set()
        first.communicate(timeout=60)
        out, _ = second.communicate(timeout=60)
        assert site.ranges == [None]
    assert (first.returncode, second.returncode) == (0, 0)
    assert out == "ml-latest is complete in data/ml-latest; there is nothing to do\n"
    assert left(tmp_path / "data") == DONE


def test_where_the_file_system_has_no_locks_a_file_stands_in_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(filelock.FileLock, "acquire", no_locks)
    with Site(whole(ARCHIVE)) as site:
        fetched(tmp_path, site)
    assert left(tmp_path / "data") == DONE


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_part_that_the_next_call_goes_on_with(
    run: Run, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    half = threading.Event()

    def hanging(request: Request) -> None:
        request.head(200, len(ARCHIVE), ETag='"one"')
        request.wfile.write(ARCHIVE[:8_000])
        request.wfile.flush()
        half.wait(60)

    part = tmp_path / "data/ml-latest.zip.part"
    with Site(hanging) as site:
        process = subprocess.Popen(
            [*COMMAND, "download", "ml-latest", "--url", site.url], cwd=tmp_path,
            env=environment(), stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        while not part.exists() or part.stat().st_size < 8_000:
            assert process.poll() is None
        # A signal just before a read begins is seen only after it, so one may not be enough.
        for _ in range(100):
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.3)
                break
        _, said = process.communicate(timeout=60)
        half.set()
        assert process.returncode == code
        assert said == (
            "8,000 bytes of the archive are kept; the same command resumes there\n"
            "error: interrupted.\n"
        )
        site.then(ranged(ARCHIVE))
        succeeds(run("download", "ml-latest", "--url", site.url))
        assert site.ranges == ["bytes=8000-"]
    assert left(tmp_path / "data") == DONE


def test_no_module_of_the_room_imports_what_only_posix_has() -> None:
    room = Path(install.__file__).parent
    imported = {
        name.name
        for path in room.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert "os" in imported
    assert not imported & {"fcntl", "resource", "pwd", "grp", "termios"}
