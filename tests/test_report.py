"""The report: one page that needs nothing else, with the figures of the library's other calls."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mlbias import OptionError, Ratings, evaluate, fit, load_ratings, report, user_split
from mlbias.errors import DataError, MlbiasError
from mlbias.reporting.page import check_report_path
from tests import forked

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
_VOID = {"meta", "link", "br", "hr", "img", "input"}


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return load_ratings("sample")


@pytest.fixture(scope="module")
def page(ratings: Ratings) -> str:
    return report(ratings, name="sample", commands=["mlbias report --data sample"])


class Elements(HTMLParser):
    """Collects the elements, and sees that each that opens is closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_needs_nothing_else(page: str) -> None:
    elements = Elements(page)
    assert elements.open == []
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"script", "link", "img", "iframe", "object"}
    for _, attributes in elements.found:
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href"):
                assert (value or "").startswith("#")
    assert not re.search(r"url\((?!#)|@import", page)


def test_each_picture_has_words(page: str) -> None:
    elements = Elements(page)
    pictures = [attributes for tag, attributes in elements.found if tag == "svg"]
    words = {attributes.get("id") for tag, attributes in elements.found if tag == "figcaption"}
    assert len(pictures) == 8
    assert {attributes["aria-labelledby"] for attributes in pictures} == words
    assert all(attributes["role"] == "img" for attributes in pictures)


def test_its_figures_are_those_of_a_fit(page: str, ratings: Ratings) -> None:
    fitted = fit(ratings, "exact")
    assert fitted.learned is not None
    assert fitted.leave_one_out is not None
    text = " ".join(Elements(page).text.split())
    assert f"{fitted.leave_one_out.rmse:.4f} ± {fitted.leave_one_out.rmse_stderr:.4f}" in text
    assert f"users {fitted.learned.shares[0]:.1%}" in text
    assert f"α is {fitted.alpha:.4f}" in text
    assert "$ mlbias report --data sample" in text


def test_the_same_ratings_make_the_same_page(page: str, ratings: Ratings) -> None:
    assert report(ratings, name="sample", commands=["mlbias report --data sample"]) == page


def test_ids_titles_and_names_are_text(ratings: Ratings) -> None:
    names = [f"<b>{item}</b>\x1b[31m" for item in ratings.item_ids.tolist()]
    users, items = ratings.user_ids[ratings.user], [names[code] for code in ratings.item.tolist()]
    evil = Ratings.from_ids(users, items, ratings.value)
    titles = dict.fromkeys(names, "<script>alert(1)</script>")
    page = report(evil, name="<i>x</i>\x07", titles=titles, notices=["<u>odd</u>"])
    assert not {"b", "i", "u", "script"} & {
        tag for tag, attributes in Elements(page).found if "id" not in attributes
    } - {"i"}
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\x07" not in page


def test_it_is_written_whole_and_replaces_only_reports(tmp_path: Path, ratings: Ratings) -> None:
    out = tmp_path / "report.html"
    for _ in range(2):
        assert report(ratings, out) == out.read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    (tmp_path / "mine.html").write_text("<!doctype html><p>mine")
    with pytest.raises(DataError, match="is no report of mlbias, so it is not replaced"):
        report(ratings, tmp_path / "mine.html")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(DataError, match="it is a folder"):
        report(ratings, tmp_path / "folder.html")
    with pytest.raises(OptionError, match=r"`out` ends in .html, as a report is a page; .*x.pdf"):
        report(ratings, tmp_path / "x.pdf")


def test_any_hold_out_will_do(ratings: Ratings) -> None:
    sides = user_split(ratings, 2, random=True, seed=1)
    page = report(ratings, split=sides, split_name="two <b>of</b> each user")
    assert "hold-out (two &lt;b&gt;of&lt;/b&gt; each user)" in page
    score = evaluate(fit(sides[0], "exact"), sides[1]).model
    assert f"{score.rmse:.4f} ± {score.rmse_stderr:.4f}" in " ".join(Elements(page).text.split())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "random, 10 %, seed 0"),
        (("--split", "time", "--test-size", "0.25"), "the latest, 25 %"),
        (("--split", "user", "--test-size", "2", "--pick", "random"), "random of each user, 2"),
        (("--train", "mine.csv", "--test", "test.csv"), "test.csv"),
    ],
)
def test_the_command_holds_out_as_train_does(
    tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    rows = [f"{k % 7},{k % 11},{k % 5 + 1},{10**9 + k}" for k in range(200)]
    (tmp_path / "mine.csv").write_text("user,item,rating,time\n" + "\n".join(rows))
    (tmp_path / "test.csv").write_text("user,item,rating\n1,2,3\n2,2,4\n3,1,4\n3,5,1\n")
    data = () if "--train" in options else ("--data", "mine.csv")
    forked.run(["report", *data, *options], tmp_path, os.environ).check_returncode()
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"hold-out ({told}" in page


def test_without_jinja_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MlbiasError, match="Jinja2, which is not installed") as caught:
        check_report_path(tmp_path / "report.html")
    assert 'pip install "mlbias[report]"' in caught.value.advice


def test_the_command_says_where_it_is_and_what_was_odd(tmp_path: Path) -> None:
    command = ["report", "--data", "mine.csv"]
    rows = "".join(f"{k % 7},{k % 11},{k % 5 + 1}\n" for k in range(200))
    (tmp_path / "mine.csv").write_text(rows)
    done = forked.run(command, tmp_path, os.environ)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "saved report.html" in done.stderr
    text = Elements((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert "no header: columns 1, 2, 3 of 3 are user, item, rating" in text
    assert "report --data mine.csv" in text
    refused = forked.run([*command, "--out", "mine.csv"], tmp_path, os.environ)
    assert refused.returncode == 2
    assert (tmp_path / "mine.csv").read_text() == rows


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here to open the report in")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_scrolling_sideways(
    tmp_path: Path, page: str, width: int
) -> None:
    """In a frame, since a headless window is 500 pixels wide at least."""
    probe = (
        "<script>document.title = [document.documentElement.scrollWidth, "
        "document.querySelectorAll('svg').length, innerWidth].join(' ')</script>"
    )
    inner = page.replace("</body>", f"{probe}</body>").replace('"', "&quot;")
    frame = (
        f'<!doctype html><title>-</title><iframe id="f" width="{width}" height="800" '
        f'style="border:0" srcdoc="{inner}"></iframe>'
        "<script>f.onload = () => document.title = f.contentDocument.title</script>"
    )
    (tmp_path / "frame.html").write_text(frame, encoding="utf-8")
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu",
            "--virtual-time-budget=9000", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
            (tmp_path / "frame.html").as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    found = re.search(r"<title>(\d+) (\d+) (\d+)</title>", done.stdout)
    assert found is not None
    page_width, n_pictures, inner_width = map(int, found.groups())
    assert (n_pictures, inner_width) == (8, width)
    assert page_width <= width
