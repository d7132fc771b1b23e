"""The report as one HTML page that needs nothing else: no network, no scripts."""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlbias.arguments import checks_options
from mlbias.errors import DataError, MlbiasError, OptionError
from mlbias.evaluation.calibration import LEVELS
from mlbias.evaluation.holdout import Holdout
from mlbias.evaluation.splits import random_split
from mlbias.figures.style import import_matplotlib
from mlbias.files import obstacle, written_whole
from mlbias.ids import Ids
from mlbias.printable import printable
from mlbias.ratings import Frame, Ratings, as_ratings
from mlbias.reporting.findings import N_STEPS, Findings, find
from mlbias.reporting.pictures import pictures

_MARK = b'<meta name="generator" content="mlbias '
_N_TOP = 10
# A normal variable is within so many standard deviations of its mean 95 times of 100.
_REACH = 1.96

Progress = Callable[[int, int], None]


@checks_options
def report(
    ratings: Ratings | Frame,
    out: str | os.PathLike[str] | None = None,
    *,
    name: str = "ratings",
    split: tuple[Ratings | Frame, Ratings | Frame] | None = None,
    split_name: str = "given",
    test_size: float = 0.1,
    seed: int = 0,
    titles: Mapping[Any, str] | None = None,
    notices: Sequence[str] = (),
    commands: Sequence[str] = (),
    threads: int | None = None,
    progress: Progress | None = None,
) -> str:
    """One page about ratings and their baseline, as HTML.

    It shows what the ratings are like, how methods reach the optimum, the exact fit with its
    certificate, biases with their bounds, and errors on a hold-out.

    Args:
        ratings: to fit and to describe.
        out: a file to write the page to, if there is to be one.
        name: what the page calls the ratings.
        split: training ratings and hold-out, as ``user_split`` or ``time_split`` gives them; by
            default ``random_split`` does.
        split_name: what the page calls that hold-out.
        test_size: the share that is held out, at random, without ``split``.
        seed: of that share.
        titles: of items, by their ids or by these as text.
        notices: what was worth knowing when the ratings were read, a sentence each.
        commands: that make the page again.
        threads: how many work at a time; by default one for each core.
        progress: is told how many steps are done, of how many.

    Raises:
        DataError: λ cannot be learned from these ratings, or ``out`` cannot be written or would
            replace a file that is no report.
        OptionError: the hold-out would be empty or everything, or ``out`` does not end in .html.
        MlbiasError: matplotlib or Jinja2 is not installed.

    Example:
        >>> from mlbias import load_ratings, report
        >>> page = report(load_ratings("sample"), name="sample")
        >>> page.startswith("<!doctype html>")
        True
    """
    if out is not None:
        check_report_path(Path(out))
    ratings = as_ratings(ratings)
    if split is None:
        sides = random_split(ratings, test_size, seed)
        split_name = Holdout("random", test_size, seed).told
    else:
        sides = as_ratings(split[0]), as_ratings(split[1])
    steps = find(ratings, sides, split_name, threads)
    while True:
        try:
            done = next(steps)
        except StopIteration as end:
            found: Findings = end.value
            break
        if progress is not None:
            progress(done, N_STEPS)
    page = _page(found, name, titles or {}, notices, commands)
    if out is not None:
        try:
            with written_whole(Path(out)) as file:
                file.write(page.encode("utf-8"))
        except OSError as error:
            raise DataError(f"{out} cannot be written: {error.strerror or error}.") from error
    return page


def check_report_path(path: Path) -> None:
    """See, before any work, that a report can be made and written here.

    Raises:
        OptionError: the name is not that of a page.
        DataError: no file can be written there, or one would be replaced that is no report.
        MlbiasError: matplotlib or Jinja2 is not installed.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"`out` ends in .html, as a report is a page; {path} does not.")
    if reason := obstacle(path):
        raise DataError(f"no report can be written as {path}: {reason}.")
    if path.exists() and _MARK not in path.read_bytes()[:4096]:
        raise DataError(
            f"{path} exists and is no report of mlbias, so it is not replaced.",
            "Delete it, or name another file.",
        )
    _import_jinja()  # first, since the extra that brings it brings matplotlib too
    import_matplotlib()


def _import_jinja() -> None:
    try:
        import jinja2  # noqa: F401
    except ModuleNotFoundError as error:
        raise MlbiasError(
            "reports are made with Jinja2, which is not installed.",
            'Install it with `pip install "mlbias[report]"`.',
        ) from error


def _page(
    found: Findings,
    name: str,
    titles: Mapping[Any, str],
    notices: Sequence[str],
    commands: Sequence[str],
) -> str:
    _import_jinja()
    import jinja2

    from mlbias import __version__

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["printable"] = printable
    template = (files("mlbias.reporting") / "report.html.jinja").read_text(encoding="utf-8")
    fitted = found.fitted
    return environment.from_string(template).render(
        version=__version__,
        name=name,
        found=found,
        description=found.description,
        fitted=fitted,
        learned=fitted.learned,
        certificate=fitted.certificate,
        left_out=fitted.leave_one_out,
        evaluation=found.evaluation,
        coverage=_coverage(found),
        pictures=pictures(found),
        top=_top_lists(found, titles),
        has_titles=bool(titles),
        notices=notices,
        commands=commands,
    )


def _coverage(found: Findings) -> list[tuple[float, float]]:
    intervals = found.evaluation.intervals
    return [] if intervals is None else list(zip(LEVELS, intervals.coverage, strict=True))


def _top_lists(found: Findings, titles: Mapping[Any, str]) -> dict[str, list[dict[str, object]]]:
    """The items with the highest lower bounds, and those with the lowest upper ones."""
    fitted = found.fitted
    stderr = fitted.item_stderr
    if stderr is None:
        return {}
    low, high = fitted.item_bias - _REACH * stderr, fitted.item_bias + _REACH * stderr
    best, worst = np.argsort(-low, kind="stable"), np.argsort(high, kind="stable")

    def rows(places: NDArray[np.intp]) -> list[dict[str, object]]:
        ids: Ids = fitted.item_ids
        return [
            {
                "id": (id_ := ids[place] if not hasattr(ids[place], "item") else ids[place].item()),
                "title": titles.get(id_) or titles.get(str(id_), ""),
                "n": int(found.item_counts[place]),
                "mean": found.item_means[place],
                "bias": fitted.item_bias[place],
                "low": low[place],
                "high": high[place],
            }
            for place in places[:_N_TOP].tolist()
        ]

    return {"highest": rows(best), "lowest": rows(worst)}
