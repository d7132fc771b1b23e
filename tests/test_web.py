"""Certificates, redirects, credentials and proxies."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from mlbias.datasets.catalogue import ARCHIVES
from mlbias.errors import DownloadError
from tests.downloads import ARCHIVE, DONE, authority, fetched, left, secure, trusting
from tests.site import (
    Request,
    Site,
    ranged,
    redirect,
    status,
    whole,
)
from tests.test_cli import Run, fails, run, succeeds

__all__ = ["authority", "run"]


BASIC = "Basic YW5uOnNAY3JldA=="  # ann, s@cret


def day(year: int) -> datetime:
    return datetime(year, 8, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("host", "times", "trusted", "fault"),
    [
        ("localhost", {"not_before": day(2001), "not_after": day(2002)}, True,
         "has expired"),
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
            f"error: the certificate of localhost {fault}; only the site can fix that",
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
    fails(
        result,
        2,
        "needs an archive with a known SHA-256, which proves its bytes; ml-latest has none",
    )


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


def test_credentials_are_sent_and_never_shown(
    run: Run, tmp_path: Path, authority: trustme.CA
) -> None:
    env = trusting(authority, tmp_path)
    with Site(status(403), tls=secure(authority)) as site:
        address = site.url.replace("//", "//ann:s%40cret@") + "ml-latest.zip?token=hidden"
        result = run("download", "ml-latest", "--url", address, "--debug", **env)
        assert site.requests[0][1]["Authorization"] == BASIC
        site.then(ranged(ARCHIVE, at_most=5_000), status(403))
        parted = run("download", "ml-latest", "--url", address, **env)
        files = [path.read_bytes() for path in (tmp_path / "data").iterdir()]
        site.then(whole(ARCHIVE))
        good = run("download", "ml-latest", "--url", address, **env)
        site.then(status(404))
        bad = run("download", "ml-latest", "--url", address, "--debug", "--force", **env)
    assert good.returncode == 0
    assert result.returncode == parted.returncode == bad.returncode == 1
    said = "".join(r.stdout + r.stderr for r in (result, parted, good, bad)).encode()
    for secret in (b"ann:", b"s@cret", b"s%40cret", b"hidden"):
        assert secret not in said + b"".join(files)


def test_credentials_are_not_sent_over_plain_http(run: Run, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login ann password s@cret\n")
    with Site(redirect("/other/ml-latest.zip"), whole(ARCHIVE)) as site:
        address = site.url.replace("//", "//ann:s%40cret@")
        said = fails(run("download", "ml-latest", "--url", address), 2, "would send unencrypted")
        assert "s%40cret" not in said
        assert site.requests == []
        succeeds(run("download", "ml-latest", "--url", site.url, NETRC=str(netrc)))
        assert len(site.requests) == 3  # the redirect, the archive, its MD5
        assert all("Authorization" not in headers for _, headers in site.requests)


def test_netrc_is_read_for_verified_tls_only(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login ann password s@cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusting(authority, tmp_path)["REQUESTS_CA_BUNDLE"])
    with Site(whole(ARCHIVE), tls=secure(authority)) as site:
        fetched(tmp_path, site)
        assert site.requests[0][1]["Authorization"] == BASIC
        site.then(whole(ARCHIVE))
        fetched(tmp_path, site, replace=True, trust_any_certificate=True)
        assert "Authorization" not in site.requests[0][1]


def test_a_redirect_takes_credentials_along_to_the_same_origin_only(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusting(authority, tmp_path)["REQUESTS_CA_BUNDLE"])
    with (
        Site(whole(ARCHIVE), tls=secure(authority)) as other,
        Site(status(500), tls=secure(authority)) as site,
    ):
        site.then(redirect("/x/ml-latest.zip"), redirect(f"{other.url}ml-latest.zip"))
        fetched(tmp_path, site, mirror=site.url.replace("//", "//ann:s%40cret@"))
        assert [headers.get("Authorization") for _, headers in site.requests[:2]] == [BASIC] * 2
        assert all("Authorization" not in headers for _, headers in other.requests)


def test_control_characters_from_the_site_are_escaped(tmp_path: Path, run: Run) -> None:
    def answer(request: Request) -> None:
        request.wfile.write(
            b"HTTP/1.1 404 No\x1b[31m\x9b2J \xe2\x80\xae\r\nContent-Length: 0\r\n\r\n"
        )

    with Site(answer) as site:
        said = fails(run("download", "ml-latest", "--url", site.url), 1, r"404 No\\x1b\[31m\\x9b2J")
        assert said.replace("\n", "").isprintable()
        site.then(redirect("http://localhost\x9b.invalid/"))
        with pytest.raises(DownloadError) as caught:
            fetched(tmp_path, site)
    assert str(caught.value).isprintable()


def proxies(where: str) -> dict[str, str]:
    """An environment in which all requests go through a proxy."""
    return dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"), where) | {
        "no_proxy": "", "NO_PROXY": "",
    }  # fmt: skip


def test_a_proxy_from_the_environment_is_used(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Site(whole(ARCHIVE)) as proxy:
        where = f"http://user:secret@localhost:{proxy.server_port}"
        succeeds(
            run("download", "ml-latest", "--url", "http://movielens.invalid/", **proxies(where))
        )
        assert proxy.requests[0][0] == "http://movielens.invalid/ml-latest.zip"
        for name, value in proxies("http://user:secret@localhost:1").items():
            monkeypatch.setenv(name, value)
        with pytest.raises(DownloadError, match="proxy in http_proxy does not answer, 5") as caught:
            fetched(tmp_path, proxy, replace=True, mirror="http://movielens.invalid/")
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("socks5://localhost:1", "https_proxy names a SOCKS proxy, for which the package PySocks"),
        ("http://", "https_proxy names no proxy that can be used"),
        ("http://[bad", "https_proxy names no proxy that can be used"),
        ("ftp://localhost:1", "https_proxy names no proxy that can be used"),
        ("http://user:secret@host:99999999", "https_proxy names no proxy that can be used"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(run: Run, where: str, message: str) -> None:
    said = fails(run("download", "ml-1m", **proxies(where)), 1, message)
    assert "secret" not in said


def test_a_proxy_that_refuses_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Site(status(500)) as proxy:
        for name, value in proxies(f"http://localhost:{proxy.server_port}").items():
            monkeypatch.setenv(name, value)
        with pytest.raises(DownloadError, match=r"refuses \(Tunnel connection failed: 501 "):
            fetched(tmp_path, proxy, mirror="https://movielens.invalid/")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_trusted_certificates_that_cannot_be_read_are_named(
    run: Run, tmp_path: Path, authority: trustme.CA, variable: str, content: str | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    message = rf"certificates of {variable} \(.*bundle\.pem\) are missing or cannot be read"
    with Site(whole(ARCHIVE), tls=secure(authority)) as site:
        env = {"REQUESTS_CA_BUNDLE": ""} | {variable: str(bundle)}
        fails(run("download", "ml-1m", "--url", site.url, **env), 1, message)


@pytest.mark.parametrize(
    "url", ["ftp://x/y.zip", "https://", "http://:80/", "http://[x", "x://y/z.zip"]
)
def test_addresses_that_are_none(run: Run, url: str) -> None:
    fails(
        run("download", "ml-1m", "--url", url),
        2,
        "is neither the path of a file nor an address such as",
    )


def test_an_empty_address_and_endless_patience_are_refused(run: Run) -> None:
    fails(run("download", "ml-1m", "--url", ""), 2, "--url is empty")
    fails(run("download", "ml-1m", "--timeout", "inf"), 2, "timeout")
    fails(
        run("download", "ml-1m", "--url", "https://a..b/x.zip"),
        1,
        "is not a valid web address|is unknown",
    )


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
