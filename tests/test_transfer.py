"""Connections that break: what is gone on with, what is fetched again, what is given up."""

import gc
import json
import os
import socket
import threading
import warnings
from pathlib import Path

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlbias.datasets.catalogue import Archive
from mlbias.download import install
from mlbias.download.partial_file import PartialFile
from mlbias.errors import BadArchiveError, DownloadError
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
    assert result.stderr.count("the connection was cut; trying again\n") == 3
    assert left(tmp_path / "data") == DONE


def test_a_process_goes_on_where_another_gave_up(run: Run, tmp_path: Path) -> None:
    with Site(ranged(ARCHIVE, at_most=5_000), status(403)) as site:
        result = run("download", "ml-latest", "--url", site.url)
        fails(result, 1, "answers 403 Forbidden")
        assert (
            "5,000 bytes of the archive are kept; the same command resumes there" in result.stderr
        )
        assert left(tmp_path / "data") == ["ml-latest.zip.part", "ml-latest.zip.part.json"]
        site.then(ranged(ARCHIVE))
        result = run("download", "ml-latest", "--url", site.url)
        assert "resuming after the 5,000 bytes" in succeeds(result) + result.stderr
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
        status(206, Content_Range=f"bytes 7000-{'9' * 5_000}/*"),
        status(416, Content_Range=f"bytes */{'9' * 5_000}"),
        whole(ARCHIVE),
    ],
    ids=[
        "other start",
        "other length",
        "no range",
        "416",
        "bare 416",
        "206 of 5,000 digits",
        "416 of 5,000 digits",
        "range ignored",
    ],
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
    assert any("pieces do not fit together (" in notice for notice in said)
    assert left(tmp_path / "data") == DONE


def test_a_site_that_mixes_versions_is_found_out(tmp_path: Path) -> None:
    changed = partial(ARCHIVE[9_000:20_000] + b"!" + ARCHIVE[20_001:], 9_000, len(ARCHIVE))
    first = ranged(ARCHIVE, at_most=9_000)
    with Site(first, changed, ranged(ARCHIVE)) as site:
        assert any("pieces do not fit together (" in notice for notice in fetched(tmp_path, site))
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
    assert any("pieces do not fit together (" in notice for notice in said)
    assert said[-1].startswith("ml-latest has changed since it was catalogued: expected SHA-256")


def test_an_encoded_answer_is_refused_since_nobody_asked_for_it(tmp_path: Path) -> None:
    answer = whole(ARCHIVE, Content_Encoding="gzip")
    with Site(answer) as site, pytest.raises(DownloadError, match="comes encoded as gzip, which"):
        fetched(tmp_path, site)
    assert left(tmp_path / "data") == []


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
    assert "the site answers 500 Internal Server Error; trying again\n" in result.stderr


def test_a_site_that_asks_to_wait_is_heeded_up_to_two_minutes(tmp_path: Path) -> None:
    with Site(status(429, Retry_After="1"), ranged(ARCHIVE)) as site:
        assert any("trying again in 1 s" in said for said in fetched(tmp_path, site))
    for later in ("121", "Wed, 21 Oct 2199 07:28:00 GMT"):
        with (
            Site(status(429, Retry_After=later)) as site,
            pytest.raises(DownloadError, match=r"answers 429 .* and asks to wait more than 120 s"),
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


# Time limits: a socket's own timeout begins anew with each byte


def test_silence_after_the_headers_is_given_up(tmp_path: Path) -> None:
    over = threading.Event()

    def answer(request: Request) -> None:
        request.head(200, len(ARCHIVE))
        over.wait(60)

    with Site(answer) as site:
        with pytest.raises(DownloadError, match="does not answer in time, 5 times in a row"):
            fetched(tmp_path, site, timeout=0.1)
        over.set()
    assert left(tmp_path / "data") == []


def test_headers_that_drip_are_given_up_and_the_command_says_so(run: Run, tmp_path: Path) -> None:
    over = threading.Event()

    def answer(request: Request) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(60_000):
            request.wfile.write(b"X-%d: x\r\n" % number)
            request.wfile.flush()
            if over.wait(0.01):
                return

    with Site(answer) as site:
        with pytest.raises(DownloadError, match="does not answer in time, 5 times in a row"):
            fetched(tmp_path, site, timeout=0.2)
        over.set()
        site.then(status(500, Retry_After="999"))
        # A timeout that is long enough changes nothing.
        fails(run("download", "ml-latest", "--url", site.url, "--timeout", "9"), 1, "answers 500")


def test_a_handshake_that_never_ends_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://localhost:{silent.getsockname()[1]}/"
        with Site(status(404)) as site, pytest.raises(DownloadError, match="answer in time"):
            fetched(tmp_path, site, mirror=url, timeout=0.1)


def test_an_md5_that_drips_is_done_without(tmp_path: Path) -> None:
    unknown = Archive("ml-latest", "ml-latest", "ratings.csv", len(ARCHIVE))
    with Site(whole(ARCHIVE), md5=drip(b"0" * 4_000, 0.01)) as site:
        said = fetched(tmp_path, site, unknown, timeout=0.5)
    assert said == ["no digest of ml-latest.zip is known: it is taken as it came"]


def test_the_body_of_a_redirect_is_not_read(tmp_path: Path) -> None:
    sent: list[int] = []

    def endless(request: Request) -> None:
        request.head(302, None, Location="/elsewhere/ml-latest.zip")
        while len(sent) < 1_000:
            request.wfile.write(bytes(1 << 16))
            sent.append(1)

    with Site(endless, ranged(ARCHIVE)) as site:
        fetched(tmp_path, site)
    assert len(sent) < 1_000


def test_nobody_there(tmp_path: Path) -> None:
    with Site(status(404)) as site:
        message = r"http://localhost:1/ml-latest\.zip: connection refused, 5 times in a row"
        with pytest.raises(DownloadError, match=message):
            fetched(tmp_path, site, mirror="http://localhost:1/ml-latest.zip")


@pytest.mark.parametrize(
    "odd",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 12, 13\r\n\r\nPK",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\nPK",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 5_000 + b"\r\nPK",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nPK",
        b"HTTP/1.1 " + b"2" * 5_000 + b" OK\r\n\r\nPK",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\nPK",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\x9b\r\n\r\n",
        b"HTTP/1.1 503 No\r\nRetry-After: " + b"9" * 5_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\0" * 100_000,
        b"",
    ],
    ids=[
        "two lengths", "long length", "long chunk", "negative chunk", "long status",
        "many headers", "odd redirect", "long wait", "another protocol", "zeros", "nothing",
    ],
)  # fmt: skip
def test_what_is_not_http_is_a_sentence(tmp_path: Path, odd: bytes) -> None:
    def answer(request: Request) -> None:
        request.wfile.write(odd)
        request.cut()

    with Site(answer) as site, pytest.raises(DownloadError) as caught:
        fetched(tmp_path, site)
    assert str(caught.value).isprintable()
    del caught
    with warnings.catch_warnings():
        # urllib3 does not close an answer whose two lengths differ.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert left(tmp_path / "data") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.binary(max_size=50)
    | st.fixed_dictionaries(
        {
            "url": st.text() | st.none(),
            "validator": st.text() | st.none() | st.integers(),
            "size": st.integers() | st.none() | st.text() | st.floats(),
        }
    ).map(lambda record: json.dumps(record).encode())
    | st.just(b"[" * 60_000)
)
def test_a_record_of_the_part_is_not_believed(tmp_path: Path, record: bytes) -> None:
    (tmp_path / "a.zip.part").write_bytes(b"PK123")
    (tmp_path / "a.zip.part.json").write_bytes(record)
    with PartialFile(tmp_path / "a.zip") as part:
        assert part.version is None or isinstance(part.version.url, str)
        if part.can_be_resumed and part.version and part.version.validator:
            assert part.version.validator.isascii()
            assert part.version.validator.isprintable()


@pytest.mark.parametrize("ending", [".part", ".part.json"])
@pytest.mark.parametrize("kind", ["link", "dangling", "loop", "fifo", "folder", "hard link"])
def test_a_part_that_is_no_file_of_ours_is_refused(
    run: Run, tmp_path: Path, kind: str, ending: str
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "data").mkdir()
    part = tmp_path / f"data/ml-latest.zip{ending}"
    {
        "link": lambda: part.symlink_to(precious),
        "dangling": lambda: part.symlink_to(tmp_path / "nowhere"),
        "loop": lambda: part.symlink_to(part.name),
        "fifo": lambda: os.mkfifo(part),
        "folder": lambda: part.mkdir(),
        "hard link": lambda: part.hardlink_to(precious),
    }[kind]()
    with Site(ranged(ARCHIVE)) as site:
        result = run("download", "ml-latest", "--url", site.url)
        assert site.requests == []
    fails(
        result, 1, r"data/ml-latest\.zip\.part\S* is in the way: it is a link, a folder or a device"
    )
    assert precious.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_part_is_removed_when_the_set_has_come_another_way(run: Run, tmp_path: Path) -> None:
    with Site(ranged(ARCHIVE, at_most=5_000), status(403)) as site:
        fails(run("download", "ml-latest", "--url", site.url), 1, "answers 403")
    succeeds(run("download", "ml-latest", "--url", archive_at(tmp_path, ARCHIVE)))
    assert left(tmp_path / "data") == DONE
