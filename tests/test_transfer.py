"""Connections that break: what is gone on with, what is fetched again, what is given up."""

import threading
from pathlib import Path

import pytest
import trustme

from mlbias.datasets.catalogue import Archive
from mlbias.errors import BadArchiveError, DownloadError
from mlbias.download import install
from tests.downloads import (
    ARCHIVE,
    DONE,
    MEMBERS,
    archive_at,
    assert_next_works,
    authority,
    fetched,
    left,
    secure,
    trusting,
)
from tests.site import (
    Answer,
    Request,
    Site,
    chunked,
    drip,
    gzipped,
    partial,
    ranged,
    redirect,
    status,
    whole,
    zipped,
)
from tests.test_cli import Run, fails, run, succeeds

__all__ = ["authority", "run"]


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
            patch.setattr(install, "unpack", _no_room)
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
    succeeds(run("download", "ml-latest", "--url", archive_at(tmp_path, ARCHIVE)))
    assert left(tmp_path / "data") == DONE
