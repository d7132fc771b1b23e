"""Published figures of the bias model, and what their protocols give here.

    python -m benchmarks.published [DATA_DIR]

Looks for ml-100k and ml-1m in the data folder (data, or MLBIAS_REAL_DATA); what is not there is
said in a line. Sources, read in their repositories:

Surprise (NicolasHug/Surprise): README.md, table of benchmarks; examples/benchmark.py: five folds,
shuffled, the mean of the folds' errors, default parameters. BaselineOnly's are 10 epochs, items
first, λ users 15, items 10, the mean fixed; predictions are clipped.

MyMediaLite (zenogantner/MyMediaLite): website/src/examples/datasets.html with website/lib/datasets:
UserItemBaseline with reg_u=5 reg_i=2 on ml-100k, "5-fold crossvalidation with --random-seed=1";
reg_u=25 reg_i=10 on ml-1m, "a random 80-20 split". Items first, the mean fixed, predictions
clipped. The rows do not say how many passes; releases of that time made one by default, later ones
ten, so that both are here. A later state of the page, seen only as a copy in another repository,
has five folds and num_iter=10 for ml-1m. Its UserAverage on ml-100k's u1:
documentation/command_line.html.
"""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.recurrences import alternating
from mlbias import BiasModel, Ratings, evaluate, fit, load_ratings
from mlbias.core.incidence import BlockIncidence
from mlbias.errors import DataError
from mlbias.evaluation.fold_codes import folds_of
from mlbias.evaluation.means import user_means
from mlbias.model import to_model

SEEDS = (0, 1, 2)
Sides = tuple[Ratings, Ratings]
Train = Callable[[Ratings], BiasModel]


@dataclass(frozen=True)
class Claim:
    """A published pair of errors, with the way to it."""

    source: str
    data: str
    rmse: float
    mae: float
    lambda_user: float
    lambda_item: float
    epochs: int
    n_folds: int = 5


CLAIMS = [
    Claim("Surprise BaselineOnly", "ml-100k", 0.944, 0.748, 15, 10, 10),
    Claim("Surprise BaselineOnly", "ml-1m", 0.909, 0.719, 15, 10, 10),
    Claim("MyMediaLite, one pass", "ml-100k", 0.94192, 0.74503, 5, 2, 1),
    Claim("MyMediaLite, 10 passes", "ml-100k", 0.94192, 0.74503, 5, 2, 10),
    Claim("MyMediaLite, later page", "ml-1m", 0.908, 0.719, 25, 10, 10),
    Claim("MyMediaLite, one pass", "ml-1m", 0.9113, 0.7226, 25, 10, 1, n_folds=1),
    Claim("MyMediaLite, 10 passes", "ml-1m", 0.9113, 0.7226, 25, 10, 10, n_folds=1),
]


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MLBIAS_REAL_DATA", "data")
    print(f"{'':<24}{'data':<9}{'split':<13}{'published':>15}{'here':>16}{'off by':>17}")
    for name in ("ml-100k", "ml-1m"):
        try:
            ratings = load_ratings(name, data_dir=folder)
        except DataError:
            print(f"{name} is not here; `mlbias download {name}` fetches it")
            continue
        for claim in CLAIMS:
            if claim.data == name:
                report_claim(claim, ratings)
        if name == "ml-100k":
            report_given_splits(folder)
        report("exact, lambda auto", name, "3 × 5 folds", None, mean_errors(exact, folds(ratings)))


def report_claim(claim: Claim, ratings: Ratings) -> None:
    train = recurrence(claim.lambda_user, claim.lambda_item, claim.epochs)
    how = "3 × 5 folds" if claim.n_folds == 5 else "3 × 80-20"
    found = mean_errors(train, folds(ratings, claim.n_folds))
    report(claim.source, claim.data, how, (claim.rmse, claim.mae), found)


def report_given_splits(folder: str) -> None:
    """Ml-100k's own five splits, which its README gives."""
    splits = list(given_splits(folder))
    means = mean_errors(averages, splits[:1])
    report("MyMediaLite UserAverage", "ml-100k", "u1", (1.063, 0.85019), means)
    for epochs, passes in ((1, "one pass"), (10, "10 passes")):
        found = mean_errors(recurrence(5, 2, epochs), splits)
        report(f"MyMediaLite, {passes}", "ml-100k", "u1 to u5", (0.94192, 0.74503), found)


def report(
    what: str,
    data: str,
    split: str,
    published: tuple[float, float] | None,
    found: tuple[float, float],
) -> None:
    cells = f"{what:<24}{data:<9}{split:<13}"
    if published is None:
        print(f"{cells}{'':>15}{found[0]:>9.4f}{found[1]:>7.4f}")
        return
    off = [ours - theirs for ours, theirs in zip(found, published, strict=True)]
    print(
        f"{cells}{published[0]:>8.4f}{published[1]:>7.4f}{found[0]:>9.4f}{found[1]:>7.4f}"
        f"{off[0]:>+10.4f}{off[1]:>+8.4f}"
    )


def folds(ratings: Ratings, n_folds: int = 5) -> Iterator[Sides]:
    """Training and test of each fold, by three seeds; of one fold of five if ``n_folds`` is 1."""
    for seed in SEEDS:
        fold = folds_of(ratings, 5, seed)
        for k in range(n_folds):
            yield ratings.select(fold != k), ratings.select(fold == k)


def given_splits(folder: str) -> Iterator[Sides]:
    path = Path(folder)
    inside = path / "ml-100k" if (path / "ml-100k").is_dir() else path / "ml-100k.zip" / "ml-100k"
    for k in range(1, 6):
        base, test = (inside / f"u{k}.{part}" for part in ("base", "test"))
        yield load_ratings(base), load_ratings(test)


def mean_errors(train: Train, sides: Iterator[Sides] | list[Sides]) -> tuple[float, float]:
    """RMSE and MAE of clipped predictions, means over splits."""
    scores = [evaluate(train(training), test).clipped for training, test in sides]
    known = [(score.rmse, score.mae) for score in scores if score is not None]
    rmse, mae = np.mean(known, axis=0).tolist()
    return rmse, mae


def recurrence(lambda_user: float, lambda_item: float, epochs: int) -> Train:
    def train(ratings: Ratings) -> BiasModel:
        incidence = BlockIncidence(ratings)
        at = alternating(incidence, lambda_user, lambda_item, epochs)
        return to_model(at, incidence.statistics, ratings.user_ids, ratings.item_ids)

    return train


def exact(ratings: Ratings) -> BiasModel:
    return fit(ratings, "exact").model


def averages(ratings: Ratings) -> BiasModel:
    return user_means(BlockIncidence(ratings).statistics, ratings)


if __name__ == "__main__":
    main()
