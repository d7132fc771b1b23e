"""mlbias download against a local site that behaves, or does not: the sentence, the exit code, what
is left on disk, and that the next good download works.
"""

import hashlib
import resource
import shutil
import signal
import ssl
import subprocess
import threading
import zipfile
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import trustme

from mlbias.datasets import files
from mlbias.datasets.catalogue import ARCHIVES, Archive
from mlbias.errors import BadArchiveError, DownloadError
from mlbias.fetching import download as download_module
from mlbias.fetching.download import download
from mlbias.fetching.part import Part
from mlbias.fetching.transfer import Patience
from mlbias.fetching.wish import Wish
from tests.site import (
    Answer,
    Request,
    Site,
    chunked,
    drip,
    gzipped,
    partial,
    ranged,
    rating_lines,
    redirect,
    status,
    whole,
    zipped,
)
from tests.test_cli import COMMAND, Run, document, environment, fails, run, succeeds

__all__ = ["run"]

# Stored, not deflated, so that there is something to cut; ml-latest has no digest in the catalogue.
RATINGS = rating_lines(
    (user, item, 0.5 * (1 + (user * item) % 10), 10**9 + item)
    for user in range(1, 61)
    for item in range(1, 41)
)
MEMBERS = {
    "ml-latest/": "",
    "ml-latest/README.txt": "Terms of use.",
    "ml-latest/ratings.csv": RATINGS,
    "ml-latest/genome-tags.csv": "tagId,tag\n",
    "ml-latest/genome-scores.csv": "movieId,tagId,relevance\n",
}
ARCHIVE = zipped(MEMBERS, stored=True)
# The same under a digest, for what only pinned archives do.
PINNED = Archive(
    "ml-latest", "ml-latest", "ratings.csv", len(ARCHIVE),
    hashlib.sha256(ARCHIVE).hexdigest(), 2400, 60, 40,
)  # fmt: skip
HASTE = Patience(stall=0.3, first_wait=0.001)


def left(folder: Path) -> list[str]:
    """All files below a folder but the model."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


DONE = ["ml-latest/README.txt", "ml-latest/genome-tags.csv", "ml-latest/ratings.csv"]


def assert_next_works(run: Run, tmp_path: Path) -> Site:
    """A good site brings the data set, and nothing else is left."""
    with Site(ranged(ARCHIVE)) as site:
        succeeds(run("download", "ml-latest", "--url", site.url))
    assert left(tmp_path / "data") == DONE
    assert (tmp_path / "data/ml-latest/ratings.csv").read_text() == RATINGS
    return site


class Notices:
    """Stands in for the terminal, in tests within this process."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def notice(self, text: str) -> None:
        self.said.append(text)

    @contextmanager
    def progress(self, *_: str) -> Any:
        yield self

    def update(self, done: int, total: int | None) -> None:
        assert total is None or 0 <= done <= total


def fetched(tmp_path: Path, site: Site, archive: Archive = PINNED, **more: Any) -> list[str]:
    """Download within this process, without waiting; what was said."""
    notices = Notices()
    options: dict[str, Any] = {"mirror": site.url, "patience": HASTE}
    wish = Wish(archive, tmp_path / "data", **(options | more))
    done = download(wish, notices)
    assert done is not None
    assert done.dataset.n_ratings == 2400
    return notices.said


# The good case


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
        succeeds(run("download", "ml-latest", "--url", _file(tmp_path, ARCHIVE)))
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


def _file(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "mirror.zip"
    path.write_bytes(content)
    return str(path)


def test_what_is_missing_is_added_and_what_is_there_stays(run: Run, tmp_path: Path) -> None:
    with Site(whole(ARCHIVE)) as site:
        succeeds(run("download", "ml-latest", "--url", site.url))
        (tmp_path / "data/ml-latest/my-notes.txt").write_text("precious")
        succeeds(run("download", "ml-latest", "--url", site.url, "--all"))
        added = ["ml-latest/genome-scores.csv", "ml-latest/my-notes.txt"]
        assert left(tmp_path / "data") == sorted([*DONE, *added])
        said = succeeds(run("download", "ml-latest", "--url", site.url, "--keep-archive"))
    assert "is complete in data/ml-latest" in said
    assert (tmp_path / "data/ml-latest.zip").read_bytes() == ARCHIVE


def test_a_cut_archive_in_the_data_folder_is_fetched_instead(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/ml-latest.zip").write_bytes(ARCHIVE[:5_000])
    with Site(whole(ARCHIVE)) as site:
        result = run("download", "ml-latest", "--url", site.url)
    succeeds(result)
    assert "(it is cut or damaged), which is fetched instead" in result.stderr
    assert left(tmp_path / "data") == ["ml-latest.zip", *DONE]


# Connections that break


def test_a_download_that_is_cut_at_several_places_fetches_no_byte_twice(
    run: Run, tmp_path: Path
) -> None:
    with Site(
        ranged(ARCHIVE, at_most=1), ranged(ARCHIVE, at_most=9_000), ranged(ARCHIVE, at_most=20_000),
        ranged(ARCHIVE),
    ) as site:  # fmt: skip
        result = run("download", "ml-latest", "--url", site.url)
    succeeds(result)
    assert site.ranges == [None, "bytes=1-", "bytes=9001-", "bytes=29001-"]
    assert "the connection was cut; trying again in 0.5 s" in result.stderr
    assert left(tmp_path / "data") == DONE


def test_a_process_goes_on_where_another_gave_up(run: Run, tmp_path: Path) -> None:
    with Site(ranged(ARCHIVE, at_most=5_000), status(403)) as site:
        result = run("download", "ml-latest", "--url", site.url)
        fails(result, 1, "answers 403 Forbidden")
        assert "5,000 bytes of the archive are kept; the same command goes on" in result.stderr
        assert left(tmp_path / "data") == ["ml-latest.zip.part", "ml-latest.zip.part.json"]
        site.then(ranged(ARCHIVE))
        result = run("download", "ml-latest", "--url", site.url)
        assert "going on after the 5,000 bytes" in succeeds(result) + result.stderr
        assert site.ranges == ["bytes=5000-"]
    assert left(tmp_path / "data") == DONE


def test_a_part_from_another_address_is_not_gone_on_with(run: Run, tmp_path: Path) -> None:
    with Site(ranged(ARCHIVE, at_most=5_000), status(403)) as site:
        fails(run("download", "ml-latest", "--url", site.url), 1, "answers 403")
    assert assert_next_works(run, tmp_path).ranges == [None]


def test_a_file_that_changes_in_between_is_fetched_from_the_start(run: Run, tmp_path: Path) -> None:
    old = zipped(MEMBERS | {"ml-latest/README.txt": "Other terms."}, stored=True)
    with Site(ranged(old, '"old"', at_most=7_000), ranged(ARCHIVE, '"new"')) as site:
        succeeds(run("download", "ml-latest", "--url", site.url))
        assert site.ranges == [None, "bytes=7000-"]
    assert (tmp_path / "data/ml-latest/README.txt").read_text() == "Terms of use."


def test_without_a_strong_tag_the_time_of_the_change_will_do(tmp_path: Path) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    with Site(
        ranged(ARCHIVE, date, at_most=7_000, validator="Last-Modified"),
        ranged(ARCHIVE, date, validator="Last-Modified"),
    ) as site:
        fetched(tmp_path, site)
        assert site.ranges == [None, "bytes=7000-"]
        assert site.requests[1][1]["If-Range"] == date
    with Site(ranged(ARCHIVE, 'W/"weak"', at_most=7_000), ranged(ARCHIVE)) as site:
        fetched(tmp_path, site, replace=True)
        assert site.ranges == [None, None]


@pytest.mark.parametrize(
    "wrong",
    [
        partial(ARCHIVE[6_000:], 6_000, len(ARCHIVE)),
        partial(ARCHIVE[7_000:], 7_000, len(ARCHIVE) + 1),
        status(206),
        status(416, Content_Range=f"bytes */{len(ARCHIVE)}"),
        status(416),
        whole(ARCHIVE),
    ],
    ids=["other start", "other length", "no range", "416", "bare 416", "range ignored"],
)
def test_an_answer_that_does_not_go_on_where_the_part_ends_is_not_used(
    tmp_path: Path, wrong: Answer
) -> None:
    with Site(ranged(ARCHIVE, at_most=7_000), wrong, ranged(ARCHIVE)) as site:
        fetched(tmp_path, site)
        assert site.ranges[:2] == [None, "bytes=7000-"]
        assert site.ranges[2:] in ([None], [])
    assert left(tmp_path / "data") == DONE


def test_a_part_that_is_whole_is_used_without_the_site(tmp_path: Path) -> None:
    with Site(ranged(ARCHIVE)) as site:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(download_module, "unpack", _no_room)
            with pytest.raises(DownloadError, match="cannot be written to: No space left"):
                fetched(tmp_path, site)
        assert left(tmp_path / "data") == ["ml-latest.zip.part", "ml-latest.zip.part.json"]
        site.then(status(500))
        fetched(tmp_path, site)
        assert site.requests == []
    assert left(tmp_path / "data") == DONE


def _no_room(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_parts_that_do_not_fit_together_are_fetched_once_more(tmp_path: Path) -> None:
    broken = b"PK" + ARCHIVE[2:].replace(b"Terms", b"Worms")
    with Site(ranged(broken, at_most=9_000), status(403)) as site:
        with pytest.raises(DownloadError, match="403"):
            fetched(tmp_path, site)
        site.then(ranged(ARCHIVE))
        said = fetched(tmp_path, site)
        assert site.ranges == ["bytes=9000-", None]
    assert any("parts do not fit together (" in notice for notice in said)
    assert left(tmp_path / "data") == DONE


def test_a_site_that_mixes_versions_is_found_out(tmp_path: Path) -> None:
    changed = partial(ARCHIVE[9_000:20_000] + b"!" + ARCHIVE[20_001:], 9_000, len(ARCHIVE))
    first = ranged(ARCHIVE, at_most=9_000)
    with Site(first, changed, ranged(ARCHIVE)) as site:
        assert any("parts do not fit together (" in notice for notice in fetched(tmp_path, site))
        assert site.ranges == [None, "bytes=9000-", None]
        site.then(first, changed, first, changed)
        with pytest.raises(BadArchiveError, match="expected SHA-256"):
            fetched(tmp_path, site, replace=True)
        assert site.ranges == [None, "bytes=9000-"] * 2
    assert left(tmp_path / "data") == DONE


def test_where_a_change_is_believed_a_mixture_is_not(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusting(authority, tmp_path)["REQUESTS_CA_BUNDLE"])
    changing = Archive("ml-latest", "ml-latest", "ratings.csv", None, "0" * 64, may_change=True)
    first = ranged(ARCHIVE, at_most=9_000)
    with Site(first, ranged(ARCHIVE), ranged(ARCHIVE), tls=secure(authority)) as site:
        said = fetched(tmp_path, site, changing)
        assert site.ranges == [None, "bytes=9000-", None]
    assert any("parts do not fit together (" in notice for notice in said)
    assert said[-1].startswith("ml-latest has changed since it was catalogued: expected SHA-256")


def test_an_encoded_answer_is_decoded_and_never_gone_on_with(tmp_path: Path) -> None:
    with Site(gzipped(ARCHIVE, at_most=900), gzipped(ARCHIVE)) as site:
        fetched(tmp_path, site)
        assert site.ranges == [None, None]
    assert left(tmp_path / "data") == DONE


def test_an_answer_in_chunks_without_a_length(tmp_path: Path) -> None:
    with Site(chunked(ARCHIVE, cut=True), chunked(ARCHIVE)) as site:
        fetched(tmp_path, site)
        assert site.ranges == [None, "bytes=2000-"]


@pytest.mark.parametrize("answer", [status(500), status(503), status(429, Retry_After="0")])
def test_a_site_in_trouble_is_asked_again(tmp_path: Path, answer: Answer) -> None:
    with Site(answer, ranged(ARCHIVE, at_most=5_000), answer, ranged(ARCHIVE)) as site:
        said = fetched(tmp_path, site)
    assert sum("trying again" in notice for notice in said) == 3
    with (
        Site(answer) as site,
        pytest.raises(DownloadError, match=r"answers \d.*, 5 times in a row"),
    ):
        fetched(tmp_path, site, replace=True)
    assert len(site.requests) == 5
    assert left(tmp_path / "data") == DONE


def test_500_then_200_through_the_command(run: Run) -> None:
    with Site(status(500), whole(ARCHIVE)) as site:
        result = run("download", "ml-latest", "--url", site.url)
    succeeds(result)
    assert "the site answers 500 Internal Server Error; trying again in 0.5 s" in result.stderr


def test_a_site_that_asks_to_wait_is_heeded_up_to_two_minutes(tmp_path: Path) -> None:
    with Site(status(429, Retry_After="1"), ranged(ARCHIVE)) as site:
        assert any("trying again in 1 s" in said for said in fetched(tmp_path, site))
    for later in ("121", "Wed, 21 Oct 2199 07:28:00 GMT"):
        with (
            Site(status(429, Retry_After=later)) as site,
            pytest.raises(DownloadError, match=r"answers 429 .* and asks to wait [\d,]+ s"),
        ):
            fetched(tmp_path, site, replace=True)
        assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (status(404), "ml-latest.zip answers 404 Not Found"),
        (whole(b"<!DOCTYPE html><html>Sorry</html>"), "is a web page, not a zip archive"),
        (whole(b"nothing"), "is something else, not a zip archive"),
        (redirect("/datasets/ml-latest.zip"), "redirects more than 10 times"),
        (whole(b"PK\3\4 but no more"), "ml-latest.zip is damaged "),
        (whole(ARCHIVE[: len(ARCHIVE) // 2]), "ml-latest.zip is damaged "),
        (
            whole(zipped(MEMBERS | {"ml-latest/ratings.csv": "<html>"})),
            "the ratings in .* are bad: ",
        ),
        (whole(zipped({"ml-latest/README.txt": "x"})), r"has no ml-latest/ratings\.csv"),
    ],
)
def test_what_will_not_pass_by_itself_fails_at_once(
    run: Run, tmp_path: Path, answer: Answer, message: str
) -> None:
    with Site(answer) as site:
        fails(run("download", "ml-latest", "--url", site.url), 1, message)
        assert len([path for path, _ in site.requests if path.endswith(".zip")]) in (1, 11)
    assert left(tmp_path / "data") == []
    assert_next_works(run, tmp_path)


def test_a_drip_is_stalled_and_gone_on_with(run: Run, tmp_path: Path) -> None:
    with Site(drip(ARCHIVE, 0.01)) as site:
        result = run("download", "ml-latest", "--url", site.url, "--timeout", "0.3")
        fails(result, 1, r"only \d+ bytes come in a second")
        assert "bytes of the archive are kept" in result.stderr
        site.then(ranged(ARCHIVE))
        succeeds(run("download", "ml-latest", "--url", site.url))
        assert site.ranges[0] is not None
    assert left(tmp_path / "data") == DONE


def test_silence_is_stalled_too(run: Run, tmp_path: Path) -> None:
    silent = threading.Event()

    def answer(request: Request) -> None:
        request.head(200, len(ARCHIVE))
        silent.wait(10)

    with Site(answer) as site:
        result = run("download", "ml-latest", "--url", site.url, "--timeout", "0.3")
        silent.set()
    fails(result, 1, "nothing comes any more")
    assert_next_works(run, tmp_path)


def test_nobody_there(run: Run) -> None:
    result = run("download", "ml-latest", "--url", "http://localhost:1/ml-latest.zip")
    fails(result, 1, r"http://localhost:1/ml-latest\.zip: connection refused, 5 times in a row")


def test_a_part_is_removed_when_the_set_has_come_another_way(run: Run, tmp_path: Path) -> None:
    with Site(ranged(ARCHIVE, at_most=5_000), status(403)) as site:
        fails(run("download", "ml-latest", "--url", site.url), 1, "answers 403")
    succeeds(run("download", "ml-latest", "--url", _file(tmp_path, ARCHIVE)))
    assert left(tmp_path / "data") == DONE


# What is fetched is not what it should be


def test_another_length_is_refused_before_it_is_fetched(run: Run, tmp_path: Path) -> None:
    with Site(whole(ARCHIVE)) as site:
        said = fails(run("download", "ml-100k", "--url", site.url), 1, "expected are 4,924,029")
    assert f"has {len(ARCHIVE):,} bytes" in said
    assert left(tmp_path / "data") == []


def test_a_web_page_is_told_from_an_archive_of_another_length(run: Run, tmp_path: Path) -> None:
    with Site(whole(b"<html>", Content_Type="text/html; charset=utf-8")) as site:
        fails(run("download", "ml-100k", "--url", site.url), 1, "is a web page, not a zip archive")
    page = _file(tmp_path, b"<html>")
    fails(
        run("download", "ml-100k", "--url", page), 1, "not the published ml-100k.zip: it is no zip"
    )


def test_another_digest_is_refused_and_removed(run: Run, tmp_path: Path) -> None:
    found = hashlib.sha256(ARCHIVE).hexdigest()
    expected = ARCHIVES["ml-1m"].sha256
    with Site(ranged(ARCHIVE)) as site:
        result = run("download", "ml-1m", "--url", site.url)
    fails(result, 1, f"expected SHA-256 {expected}, found {found}; its bytes were removed")
    assert left(tmp_path / "data") == []


def test_the_publishers_md5_counts_where_the_catalogue_has_no_digest(
    run: Run, tmp_path: Path, authority: trustme.CA
) -> None:
    md5 = f"MD5 (ml-latest.zip) = {'0' * 32}"
    with Site(whole(ARCHIVE), md5=md5) as site:
        fails(
            run("download", "ml-latest", "--url", site.url), 1, f"expected MD5 {'0' * 32}, found "
        )
    assert left(tmp_path / "data") == []
    # A set that may change is believed to have, where the certificate vouches for the site.
    with Site(whole(ARCHIVE), md5=md5, tls=secure(authority)) as site:
        result = run("download", "ml-latest", "--url", site.url, **trusting(authority, tmp_path))
    succeeds(result)
    assert (
        f"ml-latest has changed since it was catalogued: expected MD5 {'0' * 32}" in result.stderr
    )
    with Site(whole(ARCHIVE)) as site:
        result = run("download", "ml-latest", "--url", site.url, "--force")
    assert "no digest of ml-latest.zip is known" in result.stderr
    assert "\nnot verified, and unpacked to " in result.stdout


def test_the_small_set_that_may_change_is_strict_over_plain_http_only(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing = Archive("ml-latest", "ml-latest", "ratings.csv", 5, "0" * 64, 9, may_change=True)
    with Site(whole(ARCHIVE)) as site, pytest.raises(BadArchiveError, match="expected are 5"):
        fetched(tmp_path, site, changing)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusting(authority, tmp_path)["REQUESTS_CA_BUNDLE"])
    with Site(whole(ARCHIVE), tls=secure(authority)) as site:
        with pytest.raises(BadArchiveError, match="expected are 5"):
            fetched(tmp_path, site, changing, trust_any_certificate=True)
        said = fetched(tmp_path, site, changing)
    assert said == [
        f"ml-latest has changed since it was catalogued: expected 5 bytes, found {len(ARCHIVE):,}",
        "ml-latest has changed since it was catalogued: expected 9 ratings, found 2,400",
    ]


def test_another_number_of_ratings_is_refused(tmp_path: Path) -> None:
    sha256 = hashlib.sha256(ARCHIVE).hexdigest()
    more = Archive("ml-latest", "ml-latest", "ratings.csv", None, sha256, 2401)
    with (
        Site(whole(ARCHIVE)) as site,
        pytest.raises(BadArchiveError, match="expected 2,401 ratings, found 2,400"),
    ):
        fetched(tmp_path, site, more)
    assert left(tmp_path / "data") == []


def test_a_page_in_between_costs_no_byte_of_the_part(tmp_path: Path) -> None:
    page = whole(b"<html>", Content_Type="text/html")
    for wrong in (page, whole(ARCHIVE + b"more"), partial(b"x", 5, 6)):
        with Site(ranged(ARCHIVE, at_most=9_000), status(403)) as site:
            with pytest.raises(DownloadError, match="403"):
                fetched(tmp_path, site, replace=True)
            site.then(wrong, *[status(403)] * 5)
            with pytest.raises(DownloadError):
                fetched(tmp_path, site, replace=True)
            assert (tmp_path / "data/ml-latest.zip.part").stat().st_size == 9_000
            site.then(ranged(ARCHIVE))
            fetched(tmp_path, site, replace=True)
            assert site.ranges == ["bytes=9000-"]


def test_a_body_without_an_end_is_cut_at_the_known_size(tmp_path: Path) -> None:
    sent: list[int] = []

    def endless(request: Request) -> None:
        request.head(200, None)
        request.wfile.write(b"PK")
        while len(sent) < 1_000:
            request.wfile.write(bytes(1 << 16))
            sent.append(1)

    with Site(endless) as site, pytest.raises(BadArchiveError, match="brings more than the"):
        fetched(tmp_path, site)
    assert len(sent) < 1_000
    assert left(tmp_path / "data") == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (redirect("http://[bad/"), "or redirects to none"),
        (redirect("ftp://localhost/ml-latest.zip"), "or redirects to none"),
        (status(429, Retry_After="²"), "answers 429"),
        (status(429, Retry_After="soon"), "answers 429"),
    ],
)
def test_nonsense_from_the_site_is_no_fault_of_ours(
    tmp_path: Path, answer: Answer, message: str
) -> None:
    with Site(answer) as site, pytest.raises(DownloadError, match=message):
        fetched(tmp_path, site)
    assert left(tmp_path / "data") == []


# Archives that would do harm


def with_member(name: str, mode: int = 0, content: str = "x") -> bytes:
    buffer = BytesIO(ARCHIVE)
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo("placeholder")
        info.filename = name
        info.external_attr = mode << 16
        archive.writestr(info, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (with_member("../evil"), "wants to write to '../evil'"),
        (with_member("ml-latest/../../evil"), "wants to write to"),
        (with_member("/evil"), "wants to write to '/evil'"),
        (with_member("C:evil"), "wants to write to 'C:evil'"),
        (with_member("ml-latest\\..\\evil"), "wants to write to"),
        (with_member("ml-latest/e\nvil"), "wants to write to"),
        (
            with_member("ml-latest/link", 0o120777, "/etc/passwd"),
            "is a link or a device",
        ),
        (with_member("ml-latest/device", 0o060666), "is a link or a device"),
        (with_member("ml-latest/fifo", 0o010666), "is a link or a device"),
        (with_member("ml-latest/ratings.csv/x"), "has 'ml-latest/ratings.csv/x' twice"),
        (
            zipped(MEMBERS | {"ml-latest/zeros": bytes(120 << 20)}),
            "wants to unpack to 125,.*; nothing was unpacked",
        ),
    ],
)
def test_archives_that_would_do_harm_unpack_nothing(
    run: Run, tmp_path: Path, content: bytes, message: str
) -> None:
    with Site(whole(content)) as site:
        fails(run("download", "ml-latest", "--url", site.url), 1, message)
    assert left(tmp_path) == []
    assert_next_works(run, tmp_path)


def with_damage(kind: int, at: bytes, by: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        archive.writestr("ml-latest/ratings.csv", RATINGS)
        archive.writestr("ml-latest/ä.txt", "x" * 2_000)
    return buffer.getvalue().replace(at, by)


@pytest.mark.parametrize(
    "content",
    [
        with_damage(zipfile.ZIP_STORED, "ä".encode(), b"\xff\xfe"),
        with_damage(zipfile.ZIP_STORED, b"x" * 50, b"y" * 50),
        with_damage(zipfile.ZIP_BZIP2, b"1AY&SY", b"0AY&SY"),
        with_damage(zipfile.ZIP_LZMA, b"\x5d\x00\x00", b"\xff\xff\xff"),
        with_damage(zipfile.ZIP_DEFLATED, b"PK\1\2", b"PK\1\3"),
    ],
    ids=["name", "content", "bzip2", "lzma", "directory"],
)
def test_damage_of_any_kind_is_told_and_not_gone_on_with(
    run: Run, tmp_path: Path, content: bytes
) -> None:
    with Site(ranged(content)) as site:
        fails(run("download", "ml-latest", "--url", site.url), 1, "ml-latest.zip is damaged ")
        assert left(tmp_path) == []
        site.then(ranged(ARCHIVE))
        succeeds(run("download", "ml-latest", "--url", site.url))
    assert left(tmp_path / "data") == DONE


def test_a_name_that_a_newer_python_takes_from_another_field_is_checked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    infolist = zipfile.ZipFile.infolist

    def renamed(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        infos = infolist(archive)
        infos[-1].filename = "ml-latest/../../evil"
        return infos

    monkeypatch.setattr(zipfile.ZipFile, "infolist", renamed)
    with Site(whole(ARCHIVE)) as site, pytest.raises(BadArchiveError, match="wants to write to"):
        fetched(tmp_path, site)
    assert left(tmp_path) == []


def test_a_member_twice_is_no_archive_of_ours(run: Run, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = with_member("ml-latest/README.txt")
    with Site(whole(content)) as site:
        fails(
            run("download", "ml-latest", "--url", site.url), 1, "has 'ml-latest/README.txt' twice"
        )
    assert left(tmp_path) == []


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
        download(Wish(ARCHIVES["ml-latest"], tmp_path / "data", site.url), Notices())
        assert site.ranges[-1] == "bytes=10000-"
    assert left(tmp_path / "data") == DONE


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 1_000))
    with Site(whole(ARCHIVE)) as site:
        with pytest.raises(DownloadError, match=f"has {len(ARCHIVE):,} bytes, and only 1,000 are"):
            fetched(tmp_path, site)
        with pytest.raises(DownloadError, match=r"the data set takes [\d,]+ bytes, and only 1,000"):
            fetched(tmp_path, site, mirror=_file(tmp_path, ARCHIVE))
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


# Certificates, redirects, credentials, proxies


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """An issuer that tests may trust."""
    return trustme.CA()


def trusting(authority: trustme.CA, folder: Path) -> dict[str, str]:
    """The environment in which the issuer is trusted."""
    path = folder.parent / f"{folder.name}-issuer.pem"
    authority.cert_pem.write_to_path(str(path))
    return {"REQUESTS_CA_BUNDLE": str(path)}


def secure(authority: trustme.CA, host: str = "localhost", **times: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, **times).configure_cert(context)
    return context


def day(year: int) -> datetime:
    return datetime(year, 8, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("host", "times", "trusted", "fault"),
    [
        ("localhost", {"not_before": day(2001), "not_after": day(2002)}, True,
         r"has expired \(on 2002-08-28\)"),
        ("localhost", {"not_before": day(2198), "not_after": day(2199)}, True, "is not valid yet"),
        ("elsewhere.org", {}, True, "is for another host"),
        ("localhost", {}, False, "is from an unknown issuer"),
    ],
)  # fmt: skip
def test_a_bad_certificate_is_named_with_what_works_now(
    run: Run, tmp_path: Path, authority: trustme.CA, host: str, times: dict[str, datetime],
    trusted: bool, fault: str,
) -> None:  # fmt: skip
    env = trusting(authority, tmp_path) if trusted else {}
    with Site(whole(ARCHIVE), tls=secure(authority, host, **times)) as site:
        said = fails(
            run("download", "ml-1m", "--url", site.url, **env), 1,
            f"error: the certificate of localhost {fault}; that is for the site to mend",
        )  # fmt: skip
        assert site.requests == []
        assert "Wait until it is renewed, or name a mirror" in said
        assert "--allow-bad-certificate, since the SHA-256 of ml-1m.zip is known" in said
        said = fails(run("download", "ml-latest", "--url", site.url, **env), 1, fault)
        assert "allow-bad" not in said
    assert left(tmp_path / "data") == []


@pytest.mark.parametrize("trusted", [True, False])
def test_any_certificate_will_do_where_the_bytes_prove_themselves(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    if trusted:  # a setting in the environment, which must not switch the checking on again
        env = trusting(authority, tmp_path)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", env["REQUESTS_CA_BUNDLE"])
    expired = secure(authority, not_before=day(2001), not_after=day(2002))
    with Site(whole(ARCHIVE), tls=expired) as site:
        with pytest.raises(DownloadError, match="certificate of localhost"):
            fetched(tmp_path, site)
        assert fetched(tmp_path, site, trust_any_certificate=True) == []
    assert left(tmp_path / "data") == DONE


def test_any_certificate_will_not_do_without_a_digest(run: Run) -> None:
    result = run("download", "ml-latest", "--allow-bad-certificate")
    fails(result, 2, "archives whose SHA-256 is known, since then the bytes prove themselves; that")


def test_redirects_are_followed_but_not_out_of_encryption(
    run: Run, tmp_path: Path, authority: trustme.CA
) -> None:
    with Site(whole(ARCHIVE)) as plain:
        bare = f"{plain.url}ml-latest.zip?key=hidden".replace("//", "//ann:hidden@")
        with Site(redirect(bare), tls=secure(authority)) as site:
            said = fails(
                run("download", "ml-latest", "--url", site.url, **trusting(authority, tmp_path)), 1,
                "redirects to http://localhost.*, which is not encrypted; that is refused",
            )  # fmt: skip
        assert plain.requests == []
        assert "hidden" not in said
        with Site(redirect(f"{plain.url}ml-latest.zip")) as site:
            succeeds(run("download", "ml-latest", "--url", site.url))


def test_credentials_are_sent_and_never_shown(run: Run, tmp_path: Path) -> None:
    with Site(status(403)) as site:
        address = site.url.replace("//", "//ann:s%40cret@") + "ml-latest.zip?token=hidden"
        result = run("download", "ml-latest", "--url", address, "--debug")
        assert site.requests[0][1]["Authorization"] == "Basic YW5uOnNAY3JldA=="
        site.then(ranged(ARCHIVE, at_most=5_000), status(403))
        parted = run("download", "ml-latest", "--url", address)
        files = [path.read_bytes() for path in (tmp_path / "data").iterdir()]
        site.then(whole(ARCHIVE))
        good = run("download", "ml-latest", "--url", address)
    nobody = run("download", "ml-latest", "--url", address, "--debug", "--force")
    assert nobody.returncode == 1
    assert result.returncode == parted.returncode == 1
    said = "".join(r.stdout + r.stderr for r in (result, parted, good, nobody)).encode() + b"".join(
        files
    )
    for secret in (b"ann", b"s@cret", b"s%40cret", b"hidden"):
        assert secret not in said.replace(b"instan", b"").replace(b"cannot", b"")


def test_two_downloads_do_no_harm_where_there_are_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(_: int) -> bool:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(files, "_lock", no_locks)
    with Part(tmp_path / "a.zip") as one, Part(tmp_path / "a.zip") as other:
        assert one.path != other.path
        assert not one.can_be_resumed
    assert left(tmp_path) == []


def test_a_proxy_from_the_environment_is_used(run: Run) -> None:
    with Site(whole(ARCHIVE)) as proxy:
        where = f"http://user:secret@localhost:{proxy.server_port}"
        result = run(
            "download", "ml-latest", "--url", "http://movielens.invalid/", HTTP_PROXY=where,
            http_proxy=where, no_proxy="", NO_PROXY="",
        )  # fmt: skip
        succeeds(result)
        assert proxy.requests[0][0] == "http://movielens.invalid/ml-latest.zip"
    where = "http://user:secret@localhost:1"
    result = run("download", "ml-1m", http_proxy=where, https_proxy=where, HTTPS_PROXY=where)
    fails(result, 1, "the proxy that the environment names does not answer, 5 times")
    assert "secret" not in result.stderr


@pytest.mark.parametrize(
    "url", ["ftp://x/y.zip", "https://", "http://:80/", "http://[x", "x://y/z.zip"]
)
def test_addresses_that_are_none(run: Run, url: str) -> None:
    fails(run("download", "ml-1m", "--url", url), 2, "is no path of a file and no address as")


def test_an_empty_address_and_endless_patience_are_refused(run: Run) -> None:
    fails(run("download", "ml-1m", "--url", ""), 2, "--url names nothing")
    fails(run("download", "ml-1m", "--timeout", "inf"), 2, "timeout")
    fails(run("download", "ml-1m", "--url", "https://a..b/x.zip"), 1, "is no address of the web")


def test_names_that_are_none(run: Run) -> None:
    said = fails(run("download", "ml-lates"), 2, "there is no data set 'ml-lates' in the catalogue")
    assert "Did you mean ml-latest?" in said
    assert "There are ml-25m, ml-32m" in fails(
        run("download", "netflix"), 2, "no data set 'netflix'"
    )


def test_the_catalogue_agrees_with_what_is_known_of_the_archives() -> None:
    assert ARCHIVES["ml-10m"].folder == "ml-10M100K"
    assert ARCHIVES["ml-25m"].url == ("https://files.grouplens.org/datasets/movielens/ml-25m.zip")
    assert [a.name for a in ARCHIVES.values() if a.sha256 is None] == ["ml-latest"]
    assert [a.name for a in ARCHIVES.values() if a.may_change] == ["ml-latest", "ml-latest-small"]
    assert all(len(a.sha256) == 64 for a in ARCHIVES.values() if a.sha256)
    assert all(a.n_ratings for a in ARCHIVES.values() if not a.may_change)
