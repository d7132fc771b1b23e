"""Certificates, redirects, credentials and proxies."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from mlbias import files
from mlbias.datasets.catalogue import ARCHIVES
from mlbias.errors import DownloadError
from mlbias.fetching.part import Part
from tests.downloads import ARCHIVE, DONE, authority, fetched, left, secure, trusting
from tests.site import (
    Site,
    ranged,
    redirect,
    status,
    whole,
)
from tests.test_cli import Run, fails, run, succeeds

__all__ = ["authority", "run"]


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
