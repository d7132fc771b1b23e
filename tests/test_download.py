"""mlbias download where all is well, where there is no room, and beside others at work."""

import hashlib
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from mlbias.datasets.catalogue import ARCHIVES
from mlbias.errors import DownloadError
from mlbias.download.install import download
from mlbias.download.request import DownloadRequest
from tests.downloads import ARCHIVE, DONE, MEMBERS, Notices, archive_at, fetched, left
from tests.site import (
    Request,
    Site,
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
    assert result.stderr == ""
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
        "name": "ml-latest", "folder": "data/ml-latest", "fetched": False, "archive": None,
    }  # fmt: skip
    other = zipped(MEMBERS | {"ml-latest/ratings.csv": rating_lines([(1, 1, 4, 5)])})
    (tmp_path / "data/ml-latest/old").write_text("of the old one")
    with Site(whole(other)) as site:
        found = document(run("download", "ml-latest", "--url", site.url, "--force", "--json"))
    assert found == {
        "name": "ml-latest", "folder": "data/ml-latest", "fetched": True, "archive": None,
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
    found = document(run("download", "--list", "--json"))
    states = {row["name"]: row["on_disk"] for row in found["data_sets"]}
    assert states == dict.fromkeys(ARCHIVES) | {
        "ml-latest": "unpacked", "ml-1m": "archive", "ml-10m": "begun",
    }  # fmt: skip
    said = succeeds(run("download", "--list", COLUMNS="60"))
    assert len(said.splitlines()) == 2 + len(ARCHIVES)
    assert max(map(len, said.splitlines())) <= 60


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


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 1_000))
    with Site(whole(ARCHIVE)) as site:
        with pytest.raises(DownloadError, match=f"has {len(ARCHIVE):,} bytes, and only 1,000 are"):
            fetched(tmp_path, site)
        with pytest.raises(DownloadError, match=r"the data set takes [\d,]+ bytes, and only 1,000"):
            fetched(tmp_path, site, mirror=archive_at(tmp_path, ARCHIVE))
    assert left(tmp_path / "data") == []


def test_what_is_in_the_way_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data/ml-latest").mkdir(parents=True)
    (tmp_path / "data/ml-latest/mine").write_text("precious")
    with Site(whole(ARCHIVE)) as site:
        fails(run("download", "ml-latest", "--url", site.url), 1, "has no ratings.csv; it is left")
        assert site.requests == []
        assert left(tmp_path / "data") == ["ml-latest/mine"]
        succeeds(run("download", "ml-latest", "--url", site.url, "--force"))
    assert left(tmp_path / "data") == DONE
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "data").write_text("a file")
    fails(run("download", "ml-latest", "--url", site.url), 1, "data cannot be written to: ")


def test_of_two_at_once_the_second_keeps_the_firsts(run: Run, tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=60)

    def together(request: Request) -> None:
        both.wait()
        whole(ARCHIVE)(request)

    results: list[subprocess.CompletedProcess[str]] = []
    with Site(together) as site:
        threads = [
            threading.Thread(
                target=lambda: results.append(run("download", "ml-latest", "--url", site.url))
            )
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for result in results:
        succeeds(result)
    assert any("another process is downloading" in result.stderr for result in results)
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
            "8,000 bytes of the archive are kept; the same command goes on from there\n"
            "error: interrupted.\n"
        )
        site.then(ranged(ARCHIVE))
        succeeds(run("download", "ml-latest", "--url", site.url))
        assert site.ranges == ["bytes=8000-"]
    assert left(tmp_path / "data") == DONE
