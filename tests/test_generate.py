"""The generator: the same ratings everywhere, long tails, no pair twice, and a truth to recover."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlbias.core.ratings import repeated_pairs
from mlbias.datasets.generated.file import Format, truth_path, write_generated
from mlbias.datasets.generated.generator import Generator, _counts, sample
from mlbias.datasets.generated.shapes import ML_25M, PRESETS, SAMPLE, Quantiles, Shape
from mlbias.datasets.loading import load_ratings
from mlbias.errors import OptionError
from mlbias.fitting.fit import fit

# Of the columns as little-endian int32, int32, float64 and the ids as int64, one after another.
SAMPLE_DIGEST = "5d9dc01cf15e0a3b14815d897eb449f3486e7dd103fc13592327fd922132b1bb"
# Of the first block's columns, the timestamps as int64 too, before there was any other preset.
ML_25M_BLOCK_DIGEST = "418883f50bca0319c37abfe9c6640698b68e9270f6a929622a494ba3eb6787cc"


def test_the_sample_is_the_same_on_every_machine() -> None:
    ratings, _ = sample()
    digest = hashlib.sha256()
    for column, kind in (
        (ratings.user, "<i4"), (ratings.item, "<i4"), (ratings.value, "<f8"),
        (ratings.user_ids, "<i8"), (ratings.item_ids, "<i8"),
    ):  # fmt: skip
        digest.update(np.asarray(column).astype(kind).tobytes())
    assert digest.hexdigest() == SAMPLE_DIGEST


def test_the_sample_is_shaped_like_movielens() -> None:
    ratings, _ = sample()
    assert len(ratings) == 100_000
    assert repeated_pairs(ratings) == 0
    assert set(ratings.value.tolist()) == {half / 2 for half in range(1, 11)}
    per_user, per_item = np.bincount(ratings.user), np.bincount(ratings.item)
    assert per_user.min() == 20
    assert per_user.max() > 15 * np.median(per_user)
    assert per_item.min() == 1
    assert per_item.max() > 20 * np.median(per_item)


def test_the_true_biases_are_recovered_from_the_sample() -> None:
    ratings, truth = sample()
    model = fit(ratings, lambda_user=4.0, lambda_item=3.0, epochs=30)
    known = np.searchsorted(truth.item_ids, ratings.item_ids)
    often = np.bincount(ratings.item) >= 50
    items = np.corrcoef(model.item_bias[often], truth.item_bias[known][often])[0, 1]
    users = np.corrcoef(model.user_bias, truth.user_bias)[0, 1]
    assert min(items, users) > 0.95


def test_another_seed_gives_other_ratings_of_the_same_shape() -> None:
    one, other = (next(Generator(SAMPLE, seed).blocks()) for seed in (0, 1))
    assert len(one.user) == len(other.user) == 100_000
    assert not np.array_equal(one.value, other.value)


def test_users_who_rate_nearly_everything_get_no_item_twice() -> None:
    shape = Shape(700, 20, 50, ((0, 20), (1, 50)), ((0, 1), (1, 20)))
    (block,) = Generator(shape).blocks()
    assert len(block.user) == 700
    assert len(set(zip(block.user.tolist(), block.item.tolist(), strict=True))) == 700


def test_more_ratings_than_pairs_are_refused() -> None:
    with pytest.raises(OptionError, match="101 ratings are too many for 10 users and 10 items"):
        Shape(101, 10, 10, ((0, 5), (1, 10)), ((0, 5), (1, 10)))


def test_ml_25m_is_what_the_benchmarks_were_made_with() -> None:
    block = next(Generator(ML_25M).blocks())
    digest = hashlib.sha256()
    for column, kind in (
        (block.user, "<i4"), (block.item, "<i4"), (block.value, "<f8"), (block.timestamp, "<i8"),
    ):  # fmt: skip
        digest.update(np.asarray(column).astype(kind).tobytes())
    assert digest.hexdigest() == ML_25M_BLOCK_DIGEST


@pytest.mark.parametrize(
    ("preset", "n_ratings", "n_users", "n_items"),
    [
        ("ml-100k", 100_000, 943, 1_682),
        ("ml-1m", 1_000_209, 6_040, 3_706),
        ("ml-10m", 10_000_054, 69_878, 10_677),
        ("ml-20m", 20_000_263, 138_493, 26_744),
        ("ml-25m", 25_000_095, 162_541, 59_047),
        ("ml-32m", 32_000_204, 200_948, 84_432),
    ],
)
def test_presets_are_as_large_as_the_real_sets(
    preset: str, n_ratings: int, n_users: int, n_items: int
) -> None:
    shape = PRESETS[preset]
    assert (shape.n_ratings, shape.n_users) == (n_ratings, n_users)
    assert n_items <= shape.n_items < 1.1 * n_items
    if n_ratings < 2_000_000:
        blocks = list(Generator(shape).blocks())
        rated = len(np.unique(np.concatenate([block.item for block in blocks])))
        assert sum(len(block.user) for block in blocks) == n_ratings
        assert abs(rated - n_items) < 0.03 * n_items


@given(
    quantiles=st.sampled_from([SAMPLE.item_quantiles, ML_25M.item_quantiles]),
    size=st.integers(1, 300),
    most=st.integers(1, 300),
    filled=st.floats(0, 1),
)
def test_counts_keep_their_promises(
    quantiles: Quantiles, size: int, most: int, filled: float
) -> None:
    total = size + int(filled * size * (most - 1))
    counts = _counts(quantiles, size, total, most)
    assert len(counts) == size
    assert counts.sum() == total
    assert counts.min() >= quantiles[0][1]
    assert counts.max() <= most
    down = np.diff(counts)
    assert down.min(initial=0) >= -1
    assert (down < 0).sum() <= 1


@given(
    preset=st.sampled_from(list(PRESETS)),
    n_users=st.integers(1, 40),
    n_items=st.integers(1, 40),
    filled=st.floats(0, 1),
    seed=st.integers(0, 2**63 - 1),
)
@settings(deadline=None)
def test_any_possible_numbers_give_so_many_ratings_and_no_pair_twice(
    preset: str, n_users: int, n_items: int, filled: float, seed: int
) -> None:
    n_ratings = n_users + int(filled * n_users * (n_items - 1))
    shape = PRESETS[preset].resized(n_ratings, n_users, n_items)
    (block,) = Generator(shape, seed).blocks()
    pairs = set(zip(block.user.tolist(), block.item.tolist(), strict=True))
    assert len(pairs) == len(block.user) == n_ratings
    assert {user for user, _ in pairs} == set(range(n_users))
    assert max(item for _, item in pairs) < n_items


@given(preset=st.sampled_from(list(PRESETS)), n_ratings=st.integers(1, 10**11))
def test_users_and_items_follow_the_ratings(preset: str, n_ratings: int) -> None:
    base = PRESETS[preset]
    shape = base.resized(n_ratings)
    proportional = n_ratings * base.n_users / base.n_ratings
    assert abs(shape.n_users - max(1, proportional)) <= 0.5
    assert 2 * n_ratings <= shape.n_users * shape.n_items


def test_numbers_that_are_not_given_stay() -> None:
    assert all(shape.resized() == shape for shape in PRESETS.values())
    other = ML_25M.resized(n_items=7_000)
    assert (other.n_ratings, other.n_users, other.n_items) == (25_000_095, 162_541, 7_000)


def test_the_saved_truth_is_recovered_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    tally = write_generated(Generator(SAMPLE.resized(n_items=300), seed=4), path, Format.CSV)
    ratings = load_ratings(path)
    assert (tally.n_ratings, tally.n_users) == (len(ratings), len(ratings.user_ids))
    assert tally.n_items == len(ratings.item_ids)
    with np.load(truth_path(path)) as archive:
        truth = dict(archive)
    users = truth["user_bias"][np.searchsorted(truth["user_ids"], ratings.user_ids)]
    items = truth["item_bias"][np.searchsorted(truth["item_ids"], ratings.item_ids)]
    model = fit(ratings, lambda_user=4.0, lambda_item=3.0, epochs=30)
    assert np.corrcoef(model.user_bias, users)[0, 1] > 0.95
    assert np.corrcoef(model.item_bias, items)[0, 1] > 0.95
    # Rounding adds to the noise, and the ends of the scale take from it.
    noise = ratings.value - truth["alpha"] - users[ratings.user] - items[ratings.item]
    assert noise.std() == pytest.approx(truth["sigma"], rel=0.05)
    assert users.std() == pytest.approx(truth["sigma_user"], rel=0.1)
    assert items.std() == pytest.approx(truth["sigma_item"], rel=0.1)
    assert truth["seed"] == 4


@pytest.mark.parametrize("file_format", Format)
def test_writing_tells_how_far_it_has_come(tmp_path: Path, file_format: Format) -> None:
    told: list[tuple[int, int | None]] = []
    write_generated(
        Generator(SAMPLE.resized(1_200_000)), tmp_path / "r", file_format,
        lambda done, total: told.append((done, total)),
    )  # fmt: skip
    (first, total), last = told
    assert 1_000_000 < first <= 1 << 20
    assert (total, *last) == (1_200_000, 1_200_000, 1_200_000)
