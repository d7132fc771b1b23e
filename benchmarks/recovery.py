"""Do the variance components that REML finds lie within their standard errors of the true ones?

    python -m benchmarks.recovery

Twenty sets of 100,000 ratings drawn from the model itself on the long-tailed table of `--data
sample`: α 3.5, σ 0.86, σ_user 0.43, σ_item 0.48, not rounded and not clipped, so that they are what
the model says.
"""

import numpy as np

from mlbias.core.incidence import BlockIncidence
from mlbias.core.reml.learn import learn
from mlbias.datasets.generated.generator import sample
from mlbias.ratings import Ratings

TRUE = {"sigma": 0.86, "sigma_user": 0.43, "sigma_item": 0.48}
SEEDS = 20


def drawn(like: Ratings, seed: int) -> Ratings:
    rng = np.random.default_rng(seed)
    user = TRUE["sigma_user"] * rng.normal(size=len(like.user_ids))
    item = TRUE["sigma_item"] * rng.normal(size=len(like.item_ids))
    noise = TRUE["sigma"] * rng.normal(size=len(like))
    value = 3.5 + user[like.user] + item[like.item] + noise
    return Ratings(like.user, like.item, value, like.user_ids, like.item_ids)


def main() -> None:
    table, _ = sample()
    distances: dict[str, list[float]] = {name: [] for name in TRUE}
    for seed in range(SEEDS):
        learned = learn(BlockIncidence(drawn(table, seed)))
        for name, true in TRUE.items():
            error = getattr(learned.stderr, name)
            distances[name].append((getattr(learned.components, name) - true) / error)
    print(f"{SEEDS} seeds             within 1 se   within 2 se   mean z   sd of z")
    for name, z in distances.items():
        inside = [sum(abs(one) <= width for one in z) for width in (1, 2)]
        print(
            f"{name:<20} {inside[0]:11} {inside[1]:13} {np.mean(z):8.2f} {np.std(z, ddof=1):9.2f}"
        )


if __name__ == "__main__":
    main()
