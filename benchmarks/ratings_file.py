"""A generated CSV in the shape of a MovieLens archive, made once and kept in data/."""

from pathlib import Path

import numpy as np
import polars as pl

from mlbias.datasets.generate import ML_25M, SAMPLE, Generator, Shape

SHAPES: dict[str, Shape] = {"ml-25m": ML_25M, "sample": SAMPLE}


def generated_csv(name: str, folder: Path = Path("data")) -> Path:
    """The file of this shape, generated if it is not there; prints what it holds."""
    path = folder / f"generated-{name}.csv"
    if not path.exists():
        _generate(SHAPES[name], path)
    return path


def _generate(shape: Shape, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    generator = Generator(shape)
    part = path.with_suffix(".part")
    n, per_user = 0, np.zeros(shape.n_users, np.int64)
    per_item = np.zeros(shape.n_items, np.int64)
    with part.open("wb") as file:
        file.write(b"userId,movieId,rating,timestamp\n")
        for block in generator.blocks():
            n += len(block.user)
            per_user += np.bincount(block.user, minlength=shape.n_users)
            per_item += np.bincount(block.item, minlength=shape.n_items)
            columns = {
                "user": generator.truth.user_ids[block.user],
                "item": generator.truth.item_ids[block.item],
                "rating": block.value,
                "timestamp": block.timestamp,
            }
            pl.DataFrame(columns).write_csv(file, include_header=False)
    part.rename(path)
    rated = per_item[per_item > 0]
    print(
        f"generated {path}: {n:,} ratings, {len(per_user):,} users "
        f"({per_user.min():,} to {per_user.max():,} ratings, median {np.median(per_user):,.0f}), "
        f"{len(rated):,} items (half under {np.median(rated) + 1:,.0f}, top {rated.max():,})"
    )
