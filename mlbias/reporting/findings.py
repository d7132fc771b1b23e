"""All that the report tells, computed before any of it is drawn."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from mlbias.core.vectors import FloatArray
from mlbias.evaluation.compare import Result, compare
from mlbias.evaluation.describe import Description, describe
from mlbias.evaluation.evaluate import Evaluation, evaluate
from mlbias.evaluation.splits import Sides
from mlbias.fitting.fit import fit
from mlbias.fitting.record import Fit
from mlbias.ratings import Ratings

# Of how many steps the work is, for a progress bar.
N_STEPS = 4


@dataclass(frozen=True, slots=True)
class Findings:
    """Ratings, the exact fit to all of them, and methods side by side on a hold-out.

    Attributes:
        description: of the ratings.
        user_counts, item_counts: (n_users,) and (n_items,) ratings of each.
        item_means: (n_items,) plain means, in the ratings' units.
        fitted: exact, to all ratings, λ learned.
        results: of methods and means, trained on what was not held out.
        evaluation: of the exact fit to the same, on the hold-out.
        holdout: what is held out, in words.
    """

    description: Description
    user_counts: FloatArray
    item_counts: FloatArray
    item_means: FloatArray
    fitted: Fit
    results: list[Result]
    evaluation: Evaluation
    holdout: str


def find(
    ratings: Ratings, sides: Sides, holdout: str, threads: int | None
) -> Generator[int, None, Findings]:
    """Yield how many of N_STEPS are done as each ends, and return what was found.

    Args:
        ratings: to describe and to fit.
        sides: what methods are trained on and scored on.
        holdout: what the page calls the latter.
        threads: how many work at a time.

    Raises:
        DataError: λ cannot be learned from these ratings.
    """
    description = describe(ratings)
    training, held_out = sides
    yield 1
    fitted = fit(ratings, "exact", threads=threads)
    yield 2
    results = compare(training, held_out, threads=threads)
    yield 3
    evaluation = evaluate(fit(training, "exact", threads=threads), held_out)
    yield N_STEPS
    counts = np.bincount(ratings.item).astype(np.float64)
    return Findings(
        description=description,
        user_counts=np.bincount(ratings.user).astype(np.float64),
        item_counts=counts,
        item_means=np.bincount(ratings.item, ratings.value) / counts,
        fitted=fitted,
        results=results,
        evaluation=evaluation,
        holdout=holdout,
    )
