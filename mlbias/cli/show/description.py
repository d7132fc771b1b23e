"""What ratings are like: their mean, its errors, and a histogram."""

from typing import Any

from mlbias.cli.show.console import Output
from mlbias.cli.show.curves import bar
from mlbias.cli.show.formats import Format
from mlbias.cli.show.tables import Column, Table
from mlbias.cli.show.text import data_line, percent
from mlbias.evaluation.describe import Description

_BAR_WIDTH = 24


def draw(output: Output, label: str, found: Description) -> None:
    """Draw all of it: a table of one row where it is to be pasted, else bars too."""
    if output.format != Format.TEXT:
        _draw_tables(output, label, found)
        return
    output.line(data_line(label, found.n_ratings, found.n_users, found.n_items))
    output.line()
    for name, number in (
        ("predicting the mean", found.mean),
        ("RMSE", found.errors.rmse),
        ("MAE", found.errors.mae),
    ):
        output.line(f" {name:<19}  {number:.6f}")
    output.line()
    _draw_histogram(output, found)


def _draw_tables(output: Output, label: str, found: Description) -> None:
    headers = ["data", "ratings", "users", "items", "density", "mean", "RMSE", "MAE"]
    sizes = [f"{n:,}" for n in (found.n_ratings, found.n_users, found.n_items)]
    numbers = [f"{number:.6f}" for number in (found.mean, found.errors.rmse, found.errors.mae)]
    with Table(output, [*map(Column, headers)]) as table:
        table.row([label, *sizes, f"{found.density:.6f}", *numbers])
    with Table(output, [*map(Column, ("rating", "share", "ratings"))]) as table:
        for label_, part in zip(_labels(found), found.histogram, strict=True):
            table.row([label_, percent(part.count / found.n_ratings), f"{part.count:,}"])


def document(found: Description) -> dict[str, Any]:
    """The same under the names that it has in JSON."""
    return {
        "n_ratings": found.n_ratings,
        "n_users": found.n_users,
        "n_items": found.n_items,
        "density": found.density,
        "mean": found.mean,
        "rmse": found.errors.rmse,
        "mae": found.errors.mae,
        "histogram": [
            {"low": part.low, "high": part.high, "count": part.count} for part in found.histogram
        ],
    }


def _draw_histogram(output: Output, found: Description) -> None:
    labels = _labels(found)
    widest = max(map(len, labels))
    most = max(part.count for part in found.histogram)
    for label, part in zip(labels, found.histogram, strict=True):
        drawn = bar(part.count / most, _BAR_WIDTH)
        output.line(
            f" {label:>{widest}} {drawn:<{_BAR_WIDTH}} "
            f"{percent(part.count / found.n_ratings):>7} {part.count:>{len(f'{most:,}')},}"
        )


def _labels(found: Description) -> list[str]:
    labels = [
        f"{part.low:g}" if part.low == part.high else f"{part.low:.4g} to {part.high:.4g}"
        for part in found.histogram
    ]
    single = all(part.low == part.high for part in found.histogram)
    return _aligned(labels) if single else labels


def _aligned(labels: list[str]) -> list[str]:
    """With equally many decimals, so that they stand point below point."""
    decimals = max(len(label.partition(".")[2]) for label in labels)
    if any("e" in label for label in labels):
        return labels
    return [f"{float(label):.{decimals}f}" for label in labels]
