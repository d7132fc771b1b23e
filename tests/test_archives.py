"""Archives that are not what they should be, or would do harm: refused, and nothing unpacked."""

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
import trustme

from mlbias.datasets.catalogue import ARCHIVES, Archive
from mlbias.errors import BadArchiveError, DownloadError
from tests.downloads import (
    ARCHIVE,
    DONE,
    MEMBERS,
    RATINGS,
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
    ranged,
    redirect,
    status,
    whole,
    zipped,
)
from tests.test_cli import Run, document, fails, run, succeeds

__all__ = ["authority", "run"]


def test_another_length_is_refused_before_it_is_fetched(run: Run, tmp_path: Path) -> None:
    with Site(whole(ARCHIVE)) as site:
        said = fails(run("download", "ml-100k", "--url", site.url), 1, "expected are 4,924,029")
    assert f"has {len(ARCHIVE):,} bytes" in said
    assert left(tmp_path / "data") == []


def test_a_web_page_is_told_from_an_archive_of_another_length(run: Run, tmp_path: Path) -> None:
    with Site(whole(b"<html>", Content_Type="text/html; charset=utf-8")) as site:
        fails(run("download", "ml-100k", "--url", site.url), 1, "is a web page, not a zip archive")
    page = archive_at(tmp_path, b"<html>")
    fails(
        run("download", "ml-100k", "--url", page),
        1,
        "not the published ml-100k.zip: it is not a zip",
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


def test_an_md5_proves_the_archive_only_where_it_comes_over_verified_tls(
    run: Run, tmp_path: Path, authority: trustme.CA
) -> None:
    md5 = hashlib.md5(ARCHIVE).hexdigest()
    command = ("download", "ml-latest", "--json", "--force", "--url")
    with Site(whole(ARCHIVE), md5=md5) as site:
        result = run(*command, site.url)
    assert document(result)["verified"] is False
    assert "came over plain http like the archive itself" in result.stderr
    with Site(whole(ARCHIVE), md5=md5, tls=secure(authority)) as site:
        found = document(run(*command, site.url, **trusting(authority, tmp_path)))
    assert found["verified"] is True


def test_the_small_set_that_may_change_is_strict_over_plain_http_only(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing = Archive("ml-latest", "ml-latest", "ratings.csv", 5, "0" * 64, 9, may_change=True)
    with Site(whole(ARCHIVE)) as site, pytest.raises(DownloadError, match="expected are 5"):
        fetched(tmp_path, site, changing)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusting(authority, tmp_path)["REQUESTS_CA_BUNDLE"])
    with Site(whole(ARCHIVE), tls=secure(authority)) as site:
        with pytest.raises(DownloadError, match="expected are 5"):
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
    for wrong in (page, whole(ARCHIVE + b"more"), whole(ARCHIVE, Content_Encoding="br")):
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

    with Site(endless) as site, pytest.raises(DownloadError, match="brings more than the"):
        fetched(tmp_path, site)
    assert len(sent) < 1_000
    assert left(tmp_path / "data") == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (redirect("http://[bad/"), "redirects to something that is not a web address"),
        (
            redirect("ftp://localhost/ml-latest.zip"),
            "redirects to something that is not a web address",
        ),
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
        (with_member("ml-latest/e\x9bvil"), r"wants to write to 'ml-latest/e\\x9bvil'"),
        (with_member("ml-latest/x:evil"), "wants to write to 'ml-latest/x:evil'"),
        (with_member("ml-latest/./evil"), "wants to write to"),
        (with_member("ml-latest/" + "d/" * 2_000 + "x"), "has a member 2,001 folders deep"),
        (with_member("ml-latest/" + "ä" * 200), "has a member with a name that is too long"),
        (zipped({f"ml-latest/{n}": "" for n in range(10_001)}), "has 10,001 members"),
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
