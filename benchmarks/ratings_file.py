"""A generated CSV in the shape of a MovieLens archive, made once and kept in data/."""

from pathlib import Path

import numpy as np

from mlbias.datasets.generated.file import Format, write_generated
from mlbias.datasets.generated.generator import Generator
from mlbias.datasets.generated.shapes import PRESETS


def generated_csv(name: str, folder: Path = Path("data")) -> Path:
    """The file of this preset, generated if it is not there; prints what it holds."""
    path = folder / f"generated-{name}.csv"
    if not path.exists():
        _generate(name, path)
    return path


def _generate(name: str, path: Path) -> None:
    tally = write_generated(Generator(PRESETS[name]), path, Format.CSV)
    per_user, rated = tally.per_user, tally.per_item[tally.per_item > 0]
    print(
        f"generated {path}: {tally.n_ratings:,} ratings, {len(per_user):,} users "
        f"({per_user.min():,} to {per_user.max():,} ratings, median {np.median(per_user):,.0f}), "
        f"{len(rated):,} items (half under {np.median(rated) + 1:,.0f}, top {rated.max():,})"
    )
