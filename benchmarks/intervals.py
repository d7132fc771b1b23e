"""How often the 95 % intervals cover the truth, on seven designs.

    python -m benchmarks.intervals --draws 200

Each draw has biases, noise and ratings of its own on the same design. Counted are the intervals of
log σ, log σ_u and log σ_i; of the biases of known users and items; and of ratings to come by a
known user for a known item, by an unknown user, and for an unknown item.
"""

import argparse
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mlbias.core.reml.learn import Learned
from mlbias.core.reml.standard_errors import interval
from mlbias.fitting.fit import fit
from mlbias.model import BiasModel
from mlbias.ratings import Ratings

IntArray = NDArray[np.int64]
Pairs = tuple[IntArray, IntArray]

SIGMA, SIGMA_USER, SIGMA_ITEM, ALPHA = 0.9, 0.5, 0.6, 3.5
NAMES = ("sigma", "sigma_user", "sigma_item", "users", "items", "known", "cold user", "cold item")
_REACH = 1.959964


def crossed(rng: np.random.Generator) -> Pairs:
    return rng.integers(120, size=2_400), rng.integers(80, size=2_400)


def nested(_: np.random.Generator) -> Pairs:
    user = np.repeat(np.arange(600), 2)
    return user, user // 6


def mostly_single(rng: np.random.Generator) -> Pairs:
    regular = rng.integers(60, size=900), rng.integers(100, size=900)
    return np.append(60 + np.arange(600), regular[0]), np.append(
        rng.integers(100, size=600), regular[1]
    )


def schools(rng: np.random.Generator) -> Pairs:
    user = np.repeat(np.arange(500), 3)
    school = (user // 8) % 60
    moves = rng.random(len(user)) < 0.02
    return user, np.where(moves, rng.integers(60, size=len(user)), school)


def chain(_: np.random.Generator) -> Pairs:
    link = np.arange(600)
    return np.repeat(link, 2), np.stack([link, link + 1], axis=1).ravel()


def communities(_: np.random.Generator) -> Pairs:
    community, user, item = (axis.ravel() for axis in np.indices((120, 3, 3)))
    return community * 3 + user, community * 3 + item


def repeated(rng: np.random.Generator) -> Pairs:
    user, item = rng.integers(80, size=700), rng.integers(60, size=700)
    return np.tile(user, 2), np.tile(item, 2)


DESIGNS: dict[str, Callable[[np.random.Generator], Pairs]] = {
    "crossed": crossed,
    "nested": nested,
    "mostly single": mostly_single,
    "schools": schools,
    "chain": chain,
    "communities": communities,
    "repeated pairs": repeated,
}


def count_draw(name: str, seed: int, inside: Counter[str], of: Counter[str]) -> None:
    """One draw: add to how many intervals cover what they are of, and to how many there are."""
    rng = np.random.default_rng([seed, len(name)])
    user, item = DESIGNS[name](np.random.default_rng(0))
    users, items = np.unique(user), np.unique(item)
    of_user = SIGMA_USER * rng.normal(size=user.max() + 1)
    of_item = SIGMA_ITEM * rng.normal(size=item.max() + 1)
    noise = SIGMA * rng.normal(size=len(user))
    ratings = Ratings.from_ids(user, item, ALPHA + of_user[user] + of_item[item] + noise)
    model = fit(ratings, "exact", threads=1)
    assert model.learned is not None
    count_sigmas(model.learned, inside, of)
    assert model.user_stderr is not None
    assert model.item_stderr is not None
    for side, off, stderr in (
        ("users", model.user_bias - of_user[users], model.user_stderr),
        ("items", model.item_bias - of_item[items], model.item_stderr),
    ):
        inside[side] += int((np.abs(off) <= _REACH * stderr).sum())
        of[side] += len(off)
    unknown = np.full(300, 10**6)
    known = rng.choice(users, 300), rng.choice(items, 300)
    new_user, new_item = SIGMA_USER * rng.normal(size=300), SIGMA_ITEM * rng.normal(size=300)
    own_user, own_item = of_user[known[0]], of_item[known[1]]
    for kind, ids, true in (
        ("known", known, own_user + own_item),
        ("cold user", (unknown, known[1]), new_user + own_item),
        ("cold item", (known[0], unknown), own_user + new_item),
    ):
        count_predictions(
            kind, model.model, ids, ALPHA + true + SIGMA * rng.normal(size=300), inside
        )
        of[kind] += 300


def count_sigmas(learned: Learned, inside: Counter[str], of: Counter[str]) -> None:
    for name, true in (("sigma", SIGMA), ("sigma_user", SIGMA_USER), ("sigma_item", SIGMA_ITEM)):
        stderr = getattr(learned.stderr, name)
        if stderr is not None:  # a component of 0 has no interval
            low, high = interval(getattr(learned.components, name), stderr)
            inside[name] += low <= true <= high
            of[name] += 1


def count_predictions(
    kind: str, model: BiasModel, ids: Pairs, value: NDArray[np.float64], inside: Counter[str]
) -> None:
    predicted, std = model.predict(*ids, return_std=True)
    inside[kind] += int((np.abs(value - predicted) <= _REACH * std).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--draws", type=int, default=200)
    draws = parser.parse_args().draws
    print(f"{'design':<16}" + "".join(f"{name:>11}" for name in NAMES))
    for name in DESIGNS:
        inside: Counter[str] = Counter()
        of: Counter[str] = Counter()
        for seed in range(draws):
            count_draw(name, seed, inside, of)
        shares = (100 * inside[key] / of[key] for key in NAMES)
        print(f"{name:<16}" + "".join(f"{share:>9.1f} %" for share in shares), flush=True)


if __name__ == "__main__":
    main()
