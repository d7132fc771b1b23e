"""How much of an epoch is products with the matrix, on generated ratings in ml-25m's shape.

python -m benchmarks.epoch
"""

import statistics
import time
from pathlib import Path

from benchmarks.ratings_file import generated_csv
from mlbias.core.incidence import BlockIncidence
from mlbias.core.methods import METHODS, make_method
from mlbias.core.model import DEFAULT_LAMBDA, Penalty, Problem
from mlbias.core.training import train
from mlbias.core.vectors import FloatArray
from mlbias.datasets.reading.read import read_ratings
from mlbias.datasets.sources import find_source

EPOCHS, RUNS = 10, 5


class TimedIncidence(BlockIncidence):
    """An incidence that adds up the seconds of its products."""

    seconds = 0.0

    def per_user(self, item_bias: FloatArray) -> FloatArray:
        started = time.perf_counter()
        product = super().per_user(item_bias)
        self.seconds += time.perf_counter() - started
        return product

    def both(
        self,
        item_bias: FloatArray,
        user_bias: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        started = time.perf_counter()
        products = super().both(item_bias, user_bias, weights)
        self.seconds += time.perf_counter() - started
        return products


def main() -> None:
    ratings = read_ratings(find_source(str(generated_csv("ml-25m")), Path())).ratings
    incidence = TimedIncidence(ratings)
    for name in METHODS:
        method = make_method(name)
        penalty = Penalty.on_scale(
            method.default_penalty, DEFAULT_LAMBDA, DEFAULT_LAMBDA, incidence.statistics
        )
        epochs, products = [], []
        for _ in range(RUNS):
            incidence.seconds = 0.0
            *_, (last, _) = train(method, Problem(incidence, penalty), epochs=EPOCHS)
            epochs.append(1000 * last.seconds / EPOCHS)
            products.append(1000 * incidence.seconds / EPOCHS)
        epoch, product = statistics.median(epochs), statistics.median(products)
        print(
            f"{name:<12} epoch {epoch:.1f} ms, products {product:.1f} ms, "
            f"the rest {100 * (1 - product / epoch):.0f} %"
        )


if __name__ == "__main__":
    main()
