"""What the other libraries' guessed λ's cost on real ratings, and how far their sweeps get.

    python -m benchmarks.peer_lambdas

Part of `make peers`. The libraries' models are those of recurrences.py, which peers.py holds
against the libraries themselves. Real sets are archives in data/, or where MLBIAS_REAL_DATA says.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.peer_data import real_archive, recurrence_model
from benchmarks.recurrences import alternating
from mlbias import BiasModel, Ratings, evaluate, fit, load_ratings
from mlbias.core.incidence import BlockIncidence
from mlbias.core.model import Parameters
from mlbias.evaluation.fold_codes import folds_of
from mlbias.model import to_model

REAL = ("ml-100k", "ml-latest-small")
FOLDS = 5
GUESSES = {
    "lenskit": "λ 0, one pass",
    "cornac": "SGD, λ 0.02, 20 epochs",
    "surprise": "λ 15 and 10, 10 epochs",
    "mymedialite": "the same",
}


def folds(ratings: Ratings) -> Iterator[tuple[Ratings, Ratings]]:
    """Training ratings and hold-out of each fold."""
    fold = folds_of(ratings, FOLDS, seed=42)
    for number in range(FOLDS):
        yield ratings.select(fold != number), ratings.select(fold == number)


def report_guesses(ratings: dict[str, Ratings]) -> None:
    """Print the hold-out RMSE of each library's defaults beside λ learned from the ratings."""
    print(f"\n{f'mean hold-out RMSE of {FOLDS} folds':<42}" + "".join(f"{n:>18}" for n in ratings))
    rmse = {name: _of_folds(one) for name, one in ratings.items()}
    for library in [*GUESSES, "mlbias"]:
        what = f"{library}, {GUESSES.get(library, '--method exact, λ auto')}"
        print(f"{what:<42}" + "".join(f"{rmse[name][library]:18.6f}" for name in ratings))


def _of_folds(ratings: Ratings) -> dict[str, float]:
    each: dict[str, list[float]] = {library: [] for library in [*GUESSES, "mlbias"]}
    for training, held_out in folds(ratings):
        incidence = BlockIncidence(training)
        for library in GUESSES:
            model = recurrence_model(library, training, incidence)
            each[library].append(evaluate(model, held_out).model.rmse)
        each["mlbias"].append(evaluate(fit(training, "exact"), held_out).model.rmse)
    return {library: float(np.mean(errors)) for library, errors in each.items()}


def report_distances(ratings: dict[str, Ratings]) -> None:
    """Print how far Surprise's tenth epoch is from other ways to its λ's, on all ratings."""
    print(
        f"\n{'Surprise at λ 15 and 10, predictions apart':<42}"
        + "".join(f"{n:>18}" for n in ratings)
    )
    found = {name: _distances(one) for name, one in ratings.items()}
    for what in next(iter(found.values()), {}):
        print(f"{what:<42}" + "".join(f"{found[name][what]:18.2e}" for name in ratings))


def _distances(ratings: Ratings) -> dict[str, float]:
    incidence = BlockIncidence(ratings)

    def model(found: Parameters) -> BiasModel:
        return to_model(found, incidence.statistics, ratings.user_ids, ratings.item_ids)

    optimum = fit(ratings, "exact", lambda_user=15, lambda_item=10).model
    tenth = model(alternating(incidence, 15, 10, 10))
    users_first = model(alternating(incidence, 15, 10, 10, users_first=True))
    settled = model(alternating(incidence, 15, 10, 1000))
    return {
        "from the optimum, α free: of any pair": _of_any_pair(tenth, optimum),
        "                          of the rated": _of_ratings(tenth, optimum, ratings),
        "from users first: of any pair": _of_any_pair(tenth, users_first),
        "                  of the rated": _of_ratings(tenth, users_first, ratings),
        "from 1000 epochs: of any pair": _of_any_pair(tenth, settled),
        "1000 epochs from the optimum: of any pair": _of_any_pair(settled, optimum),
    }


def _of_any_pair(one: BiasModel, other: BiasModel) -> float:
    """The largest |difference| of predictions over all pairs of a user and an item."""
    alpha, user, item = (
        one.alpha - other.alpha,
        one.user_bias - other.user_bias,
        one.item_bias - other.item_bias,
    )
    return float(max(alpha + user.max() + item.max(), -(alpha + user.min() + item.min())))


def _of_ratings(one: BiasModel, other: BiasModel, ratings: Ratings) -> float:
    predicted = (model.predict_codes(ratings.user, ratings.item) for model in (one, other))
    return float(np.abs(np.subtract(*predicted)).max())


def report() -> None:
    archives = {name: real_archive(name) for name in REAL}
    ratings = {name: load_ratings(path) for name, path in archives.items() if path}
    if not ratings:
        print("\nno real ratings: put ml-100k.zip into data/, or name its folder")
        return
    report_guesses(ratings)
    report_distances(ratings)


if __name__ == "__main__":
    report()
