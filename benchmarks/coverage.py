"""How often ratings that were held out fall into the intervals that exact gives around predictions.

    python -m benchmarks.coverage ARCHIVE...

For each archive of ratings: a tenth held out by three seeds, both lambdas learned from the rest.
"""

import sys
from statistics import NormalDist

import numpy as np

from mlbias import fit, load_ratings, random_split

LEVELS, SEEDS = (0.5, 0.8, 0.9, 0.95), (0, 1, 2)


def main() -> None:
    print(f"{'nominal':<28}" + "".join(f"{100 * level:8.0f} %" for level in LEVELS))
    for path in sys.argv[1:]:
        ratings = load_ratings(path)
        for seed in SEEDS:
            training, held_out = random_split(ratings, 0.1, seed)
            model = fit(training, "exact")
            predicted, std = model.predict(
                held_out.user_ids[held_out.user], held_out.item_ids[held_out.item], return_std=True
            )
            distance = np.abs(held_out.value - predicted) / std
            inside = [
                100 * np.mean(distance <= NormalDist().inv_cdf((1 + level) / 2)) for level in LEVELS
            ]
            name = path.rpartition("/")[2]
            print(f"{name:<20} seed {seed:<2}" + "".join(f"{share:8.1f} %" for share in inside))


if __name__ == "__main__":
    main()
