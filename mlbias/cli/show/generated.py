"""What was generated, from what, and where it is."""

from typing import Any

from mlbias.cli.show.console import Output
from mlbias.cli.show.text import data_line, duration, size
from mlbias.datasets.generated.generate import Generated


def report(output: Output, preset: str, made: Generated) -> None:
    """The data line, the truth, and where both are."""
    truth = made.truth
    output.line(data_line(f"generated {preset}", made.n_ratings, made.n_users, made.n_items))
    output.line()
    output.line(
        f"drawn with α {truth.alpha:g}, σ {truth.noise:g}, "
        f"users' σ {truth.user_sd:g}, items' σ {truth.item_sd:g}"
    )
    output.line(f"{size(made.n_bytes)} of {made.format.label} in {duration(made.seconds)}")
    output.notice(f"saved {made.path}, and the true biases in {made.truth_path.name}")
    output.hint(f"next: mlbias train --data {made.path}")


def document(preset: str, made: Generated) -> dict[str, Any]:
    """The same under the names that it has in JSON."""
    return {
        "out": str(made.path),
        "truth": str(made.truth_path),
        "format": made.format,
        "preset": preset,
        "seed": made.seed,
        "n_ratings": made.n_ratings,
        "n_users": made.n_users,
        "n_items": made.n_items,
        "alpha": made.truth.alpha,
        "sigma": made.truth.noise,
        "sigma_user": made.truth.user_sd,
        "sigma_item": made.truth.item_sd,
        "bytes": made.n_bytes,
        "seconds": made.seconds,
    }
