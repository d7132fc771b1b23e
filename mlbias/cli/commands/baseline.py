"""mlbias baseline: what the ratings are like, and how well their mean predicts them."""

from typing import TYPE_CHECKING

from mlbias.cli import options as opt
from mlbias.cli.reading import finish, read
from mlbias.cli.show.console import Output
from mlbias.cli.show.tables import bar, data_line, percent

if TYPE_CHECKING:
    from mlbias.evaluation.describe import Baseline

_BAR_WIDTH = 24


def baseline(
    data: opt.Data = None,
    data_dir: opt.DataDir = opt.DEFAULT_DATA_DIR,
    user_col: opt.UserCol = None,
    item_col: opt.ItemCol = None,
    rating_col: opt.RatingCol = None,
    separator: opt.Separator = None,
    ids: opt.Ids = "auto",
    skip_bad_rows: opt.SkipBadRows = False,
    no_cache: opt.NoCache = False,
    threads: opt.Threads = None,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,  # noqa: ARG001 - main() looks for it
) -> None:
    """Describe ratings, and how well their mean predicts them.

    Example: mlbias baseline --data sample
    """
    from mlbias.datasets.sources import find_source

    output = Output(quiet=quiet, as_json=as_json)
    options = opt.read_options(user_col, item_col, rating_col, separator, ids, skip_bad_rows)
    source = find_source(data, data_dir)
    if data is None:
        output.notice(f"no --data: taking {source.label}")
    dataset, _ = read(output, source, options, threads, cache=not no_cache)

    from mlbias.evaluation.describe import describe

    found = describe(dataset.ratings)
    output.document(
        {
            "data": source.label,
            "n_ratings": found.n_ratings,
            "n_users": found.n_users,
            "n_items": found.n_items,
            "density": found.density,
            "mean": found.mean,
            "rmse": found.errors.rmse,
            "mae": found.errors.mae,
            "histogram": [
                {"low": part.low, "high": part.high, "count": part.count}
                for part in found.histogram
            ],
        }
    )
    output.line(data_line(source.label, found.n_ratings, found.n_users, found.n_items))
    _draw(output, found)
    finish(output, dataset)
    output.hint("next: mlbias train" + (f" --data {data}" if data else ""))


def _draw(output: Output, found: "Baseline") -> None:
    output.line()
    for name, number in (
        ("predicting the mean", found.mean),
        ("RMSE", found.errors.rmse),
        ("MAE", found.errors.mae),
    ):
        output.line(f" {name:<19}  {number:.6f}")
    output.line()
    labels = [
        f"{part.low:g}" if part.low == part.high else f"{part.low:.4g} to {part.high:.4g}"
        for part in found.histogram
    ]
    if all(part.low == part.high for part in found.histogram):
        labels = _aligned(labels)
    widest = max(map(len, labels))
    most = max(part.count for part in found.histogram)
    for label, part in zip(labels, found.histogram, strict=True):
        drawn = bar(part.count / most, _BAR_WIDTH)
        output.line(
            f" {label:>{widest}} {drawn:<{_BAR_WIDTH}} "
            f"{percent(part.count / found.n_ratings):>7} {part.count:>{len(f'{most:,}')},}"
        )


def _aligned(labels: list[str]) -> list[str]:
    """With equally many decimals, so that they stand point below point."""
    decimals = max(len(label.partition(".")[2]) for label in labels)
    if any("e" in label for label in labels):
        return labels
    return [f"{float(label):.{decimals}f}" for label in labels]
