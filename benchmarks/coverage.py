"""How often ratings that were held out fall into the intervals that exact gives around predictions.

    python -m benchmarks.coverage ARCHIVE...

For each archive of ratings: a tenth held out by three seeds, both lambdas learned from the rest.
"""

import sys

from mlbias import evaluate, fit, load_ratings, random_split
from mlbias.evaluation.calibration import LEVELS

SEEDS = (0, 1, 2)


def main() -> None:
    print(f"{'nominal':<28}" + "".join(f"{100 * level:8.0f} %" for level in LEVELS))
    for path in sys.argv[1:]:
        ratings = load_ratings(path)
        for seed in SEEDS:
            training, held_out = random_split(ratings, 0.1, seed)
            intervals = evaluate(fit(training, "exact"), held_out).intervals
            assert intervals is not None
            inside = "".join(f"{100 * share:8.1f} %" for share in intervals.coverage)
            print(f"{path.rpartition('/')[2]:<20} seed {seed:<2}{inside}")


if __name__ == "__main__":
    main()
