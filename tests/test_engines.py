"""Ratings in parts: equal to those in memory, whoever works on which part and when."""

import pickle
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from mlbias.cli.app import app
from mlbias.core import left_out_scale
from mlbias.core.incidence import BlockIncidence
from mlbias.core.reml import pairs
from mlbias.core.reml.learn import learn
from mlbias.engines import session
from mlbias.engines.local import LocalParts, split
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.parts import PER_USER, Argument, Call, Part, Request, Result
from mlbias.errors import DataError, OptionError
from mlbias.evaluation import ranks
from mlbias.evaluation.crossval import crossval
from mlbias.evaluation.holdout import Holdout
from mlbias.evaluation.sides_in_parts import n_shared_in_parts, sides_in_parts
from mlbias.evaluation.splits import n_shared
from mlbias.fitting.fit import fit
from mlbias.fitting.record import Noise
from mlbias.ratings import Ratings
from tests.engines import (
    HOLDOUTS,
    check_evaluation,
    check_folds,
    check_holdout,
    check_leave_one_out,
    check_products,
    everything,
    timed_ratings,
)

MakeRatings = Callable[..., Ratings]


class UnrulyParts:
    """Parts whose turn comes in any order, on any thread; all that travels is pickled."""

    def __init__(self, parts: Sequence[Part], seed: int) -> None:
        self._stored = [pickle.dumps(part) for part in parts]
        self._random = random.Random(seed)

    def __len__(self) -> int:
        return len(self._stored)

    def derived(self, function: Callable[[Part], Part]) -> "UnrulyParts":
        parts = [pickle.loads(part) for part in self._stored]
        return UnrulyParts([function(part) for part in parts], 0)

    def release(self) -> None:
        self._stored = []

    def map(
        self, call: Call[Argument, Result], requests: Sequence[Request[Argument]]
    ) -> list[Result | None]:
        tasks = [pickle.dumps((call, request)) for request in requests]
        order = list(range(len(tasks)))
        self._random.shuffle(order)

        def answer(k: int) -> bytes:
            sent, request = pickle.loads(tasks[k])
            return pickle.dumps(sent.on(pickle.loads(self._stored[k]), request))

        with ThreadPoolExecutor(3) as pool:
            answers = dict(zip(order, pool.map(answer, order), strict=True))
        return [pickle.loads(answers[k]) for k in range(len(tasks))]


@pytest.mark.parametrize("n_parts", [1, 2, 7, 40])
@pytest.mark.parametrize("stars", [True, False])
def test_parts_equal_the_whole(n_parts: int, stars: bool, make_ratings: MakeRatings) -> None:
    ratings = make_ratings(2_000, 60, 90, stars=stars)
    incidence = PartitionedIncidence(LocalParts(split(ratings, n_parts)))
    assert np.array_equal(incidence.user_ids, ratings.user_ids)
    assert np.array_equal(incidence.item_ids, ratings.item_ids)
    check_products(incidence, ratings)


def test_statistics_of_half_stars_have_the_same_bits_in_any_number_of_parts(
    make_ratings: MakeRatings,
) -> None:
    ratings = make_ratings(2_000, 60, 90)
    whole = BlockIncidence(ratings).statistics
    for n_parts in (2, 5, 11):
        s = PartitionedIncidence(LocalParts(split(ratings, n_parts))).statistics
        assert (s.center, s.total, s.squares) == (whole.center, whole.total, whole.squares)
        np.testing.assert_array_equal(s.user_sums, whole.user_sums)
        np.testing.assert_array_equal(s.item_sums, whole.item_sums)


@pytest.mark.parametrize("seed", range(3))
def test_no_scheduling_changes_a_bit(seed: int, make_ratings: MakeRatings) -> None:
    parts = split(make_ratings(2_000, 60, 90, stars=False), 7)
    orderly = everything(PartitionedIncidence(LocalParts(parts, threads=1)))
    unruly = everything(PartitionedIncidence(UnrulyParts(parts, seed)))
    for mine, its in zip(unruly, orderly, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_the_order_of_a_parts_ratings_changes_no_bit(make_ratings: MakeRatings) -> None:
    ratings = make_ratings(2_000, 60, 90, stars=False)
    order = np.random.default_rng(5).permutation(len(ratings))
    shuffled = ratings._picked(order)
    for part, other in zip(split(ratings, 3), split(shuffled, 3), strict=True):
        assert part.digest == other.digest


def test_text_ids_ascend_over_all_parts() -> None:
    ratings = Ratings.from_ids(["b", "a", "é", "a"], ["y", "x", "x", "z"], [1, 2, 3, 4])
    incidence = PartitionedIncidence(LocalParts(split(ratings, 3)))
    assert list(incidence.user_ids) == ["a", "b", "é"]
    assert list(incidence.item_ids) == ["x", "y", "z"]
    assert incidence.per_user(np.array([1.0, 10, 100])).tolist() == [101, 10, 1]


def test_a_part_that_was_made_again_from_other_ratings_is_refused(
    make_ratings: MakeRatings,
) -> None:
    ratings = make_ratings()
    parts = split(ratings, 3)
    incidence = PartitionedIncidence(LocalParts(parts))
    changed = Ratings(
        ratings.user, ratings.item, ratings.value + (ratings.user == 0),
        ratings.user_ids, ratings.item_ids,
    )  # fmt: skip
    parts[:] = split(changed, 3)
    with pytest.raises(DataError, match="the ratings have changed since they were read"):
        incidence.per_user(np.zeros(30))


def test_an_empty_part_that_has_got_ratings_is_refused_too() -> None:
    ratings = Ratings.from_ids([1, 2, 2], [10, 10, 20], [3, 4, 5])
    parts = split(ratings, 8)
    incidence = PartitionedIncidence(LocalParts(parts))
    empty = next(k for k, part in enumerate(parts) if part.is_empty)
    parts[empty] = Part.of(Ratings.from_ids([7], [10], [3]))
    with pytest.raises(DataError, match="changed"):
        incidence.per_item(np.zeros(2))


def test_ratings_that_overflow_are_refused() -> None:
    within = Ratings.from_ids([1, 1, 2, 2, 3, 3], [1, 2] * 3, [1e154, -1e154] * 3)
    with pytest.raises(DataError, match="too large"):
        PartitionedIncidence(LocalParts(split(within, 3)))
    with pytest.raises(DataError, match="there are no ratings"):
        PartitionedIncidence(LocalParts([Part.of(within.select(within.user < 0))]))


def test_rounds_are_counted(make_ratings: MakeRatings) -> None:
    incidence = PartitionedIncidence(LocalParts(split(make_ratings(), 3)))
    assert incidence.rounds == 1
    incidence.both(np.zeros((5, 30)), np.zeros((5, 20)))
    incidence.repeated_pairs()
    incidence.repeated_pairs()
    assert incidence.rounds == 3


def test_a_call_reads_what_it_says(make_ratings: MakeRatings) -> None:
    part = split(make_ratings(), 1)[0]
    codes = Part(part.digest, part.n_items, part.counts, part.item, None, None)
    assert (PER_USER.values, PER_USER.ids) == (False, False)
    found = PER_USER.on(codes, Request(part.digest, np.ones(part.n_items)))
    assert found is not None
    assert found.tolist() == part.counts.tolist()


@pytest.mark.parametrize("holdout", HOLDOUTS, ids=str)
@pytest.mark.parametrize("bins", [1 << 16, 1 << 3])
def test_a_hold_out_and_its_errors_are_those_in_memory(
    holdout: Holdout, bins: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "_BINS", bins)  # so few that times are narrowed down bit by bit
    ratings = timed_ratings()
    whole = PartitionedIncidence(LocalParts(split(ratings, 5)))
    check_holdout(whole, ratings, holdout)


@pytest.mark.parametrize("kind", ["random", "user"])
def test_cross_validation_is_as_in_memory(kind: str) -> None:
    ratings = timed_ratings(600)
    check_folds(PartitionedIncidence(LocalParts(split(ratings, 5))), ratings, kind)


def test_given_ratings_that_are_in_training_too_are_counted() -> None:
    ratings, other = timed_ratings(600), timed_ratings(300, 70, 80)
    there, given = (PartitionedIncidence(LocalParts(split(of, 3))) for of in (ratings, other))
    n = n_shared(ratings, other)
    assert n > 0
    assert n_shared_in_parts(there, given) == n


def test_folds_of_parts_that_cannot_be_are_refused() -> None:
    ratings = timed_ratings(600)
    whole = PartitionedIncidence(LocalParts(split(ratings, 5)))
    with pytest.raises(OptionError, match="`split` random or user, not time"):
        crossval(whole, split="time")
    with pytest.raises(OptionError, match="`folds` must be from 2"):
        crossval(whole, folds=1)
    four = PartitionedIncidence(LocalParts(split(timed_ratings(4, 2, 2), 2)))
    with pytest.raises(DataError, match="50 folds leave none of 4 ratings in one of them"):
        crossval(four, folds=50)


@pytest.mark.parametrize("noise", ["one", "user"])
@pytest.mark.parametrize("most", [0, 3_000_000])
@pytest.mark.parametrize("sample", [100, 1 << 17])
def test_leave_one_out_is_as_in_memory(
    noise: Noise, most: int, sample: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "_MOST_RATINGS", most)  # by an expansion, or exactly
    monkeypatch.setattr(left_out_scale, "_MOST", sample)
    ratings = timed_ratings(3_000).by_pair()
    whole = PartitionedIncidence(LocalParts(split(ratings, 5)))
    check_leave_one_out(whole, ratings, noise)


def test_what_a_model_is_scored_by_is_as_in_memory() -> None:
    ratings = timed_ratings()
    # Another half of the users, so that some are unknown.
    fitted = fit(ratings.select(ratings.user % 2 == 0), "exact", noise="user")
    assert fitted.uncertainty is not None
    assert fitted.uncertainty.user_noise is not None
    whole = PartitionedIncidence(LocalParts(split(ratings, 5)))
    check_evaluation(whole, ratings, fitted)
    assert whole.rounds == 3


def test_a_hold_out_without_times_or_of_nothing_is_refused(make_ratings: MakeRatings) -> None:
    whole = PartitionedIncidence(LocalParts(split(make_ratings(), 2)))
    with pytest.raises(DataError, match="the times of the ratings are missing"):
        sides_in_parts(whole, Holdout("time", 0.1))
    with pytest.raises(DataError, match="the times of the ratings are missing"):
        sides_in_parts(whole, Holdout("user", 1))
    with pytest.raises(DataError, match="on one side there are no ratings"):
        sides_in_parts(whole, Holdout("random", 1e-9))
    timed = PartitionedIncidence(LocalParts(split(timed_ratings(), 2)))
    for holdout in (Holdout("time", 1e-9), Holdout("time", start=1e12)):
        with pytest.raises(DataError, match="on one side there are no ratings"):
            sides_in_parts(timed, holdout)


def test_times_in_other_units_are_no_times() -> None:
    seconds = Ratings.from_ids([1, 2], [1, 2], [3, 4], [1.2e9, 1.3e9])
    parts = [Part.of(seconds.select(seconds.user == k), unit) for k, unit in ((0, "s"), (1, "ms"))]
    whole = PartitionedIncidence(LocalParts(parts))
    with pytest.raises(DataError, match="cannot be used: some look like ms, others like s"):
        sides_in_parts(whole, Holdout("user", 1))


def test_reml_takes_at_most_sixty_rounds(
    monkeypatch: pytest.MonkeyPatch, make_ratings: MakeRatings
) -> None:
    # As on ratings that are too many for an exact inverse.
    monkeypatch.setattr(pairs, "_MOST_RATINGS", 0)
    ratings = make_ratings(30_000, 1_000, 300)
    incidence = PartitionedIncidence(LocalParts(split(ratings, 3)))
    learned, before = learn(incidence), incidence.rounds
    assert learned.check.n_probes > 0
    assert before <= 60
    in_memory = learn(BlockIncidence(ratings))
    assert learned.penalty.user == pytest.approx(in_memory.penalty.user, rel=1e-6)
    assert learned.penalty.item == pytest.approx(in_memory.penalty.item, rel=1e-6)
    found = fit(incidence, "exact", lambda_=5)
    # One for the equations and one to look ahead, and one for the certificate ...
    assert incidence.rounds - before <= found.history[-1].epoch + 12  # ... and for error bars


@pytest.mark.parametrize("noise", ["one", "user"])
def test_few_ratings_are_brought_here_once_to_learn_from(
    noise: Literal["one", "user"], make_ratings: MakeRatings
) -> None:
    ratings = make_ratings(3_000, 300, 200, stars=False)
    incidence = PartitionedIncidence(LocalParts(split(ratings, 3)))
    there, here = (fit(each, "exact", noise=noise) for each in (incidence, ratings))
    # One for the statistics, one for all ratings, and those of the equations and the certificate.
    assert incidence.rounds <= 2 + there.history[-1].epoch + 12
    assert there.learned is not None
    assert here.learned is not None
    assert there.learned.by == here.learned.by != "probes"
    assert there.learned.penalty.user == pytest.approx(here.learned.penalty.user, rel=1e-9)
    assert there.learned.penalty.item == pytest.approx(here.learned.penalty.item, rel=1e-9)


def test_ratings_come_back_as_they_were(make_ratings: MakeRatings) -> None:
    ratings = make_ratings(3_000, 60, 40).by_pair()
    found = PartitionedIncidence(LocalParts(split(ratings, 3))).ratings()
    for column in ("user", "item", "value", "user_ids", "item_ids"):
        np.testing.assert_array_equal(getattr(found, column), getattr(ratings, column))


def test_learned_noises_of_users_are_those_in_memory(make_ratings: MakeRatings) -> None:
    ratings = make_ratings(3_000, 40, 30)
    incidence = PartitionedIncidence(LocalParts(split(ratings, 3)))
    there = fit(incidence, "exact", noise="user")
    here = fit(ratings, "exact", noise="user")
    np.testing.assert_allclose(there.user_bias, here.user_bias, atol=1e-9)
    assert there.uncertainty is not None
    assert here.uncertainty is not None
    bars = there.uncertainty.user_stderr, here.uncertainty.user_stderr
    np.testing.assert_allclose(*bars, rtol=1e-9)


@pytest.mark.parametrize(("found", "said"), [(None, "there is none"), (11, "found Java 11")])
def test_a_java_that_spark_cannot_run_on_is_named(
    found: int | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "find_java", lambda: found)
    with pytest.raises(DataError, match=f"Spark needs Java 17 or 21, and {said}"):
        session.check_java()


def test_a_python_of_another_version_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho 2.7\n")
    other.chmod(0o755)
    monkeypatch.setenv("PYSPARK_PYTHON", str(other))
    with pytest.raises(DataError, match=r"which is Python 2\.7, and mlbias runs on 3"):
        session.check_python()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--engine", "dusk"], "`engine` is local or spark, not 'dusk'"),
        (["--master", "local"], "`master` goes with --engine spark"),
        (
            ["--engine", "spark", "--skip-bad-rows", "--memory-limit", "4G"],
            "^`skip_bad_rows` and `memory_limit` do not go with --engine spark; .* only `user_",
        ),
        (["--engine", "spark", "--no-cache"], "^`no_cache` does not go with --engine spark"),
        (["--engine", "spark", "--threads", "2"], "^`threads` does not go with --engine spark"),
        (["--engine", "spark", "--encoding", "latin-1"], "^`encoding` does not go with"),
    ],
)
def test_an_engine_that_does_not_exist_is_a_usage_error(options: list[str], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        app(["train", "--data", "table:ratings", "--no-save", *options], standalone_mode=False)


def test_of_pairs_spark_takes_columns_alone() -> None:
    command = ["predict", "pairs.parquet", "--engine", "spark", "--separator", ";"]
    with pytest.raises(OptionError, match=r"^`separator` does not go.* `user_col` and `item_col`"):
        app(command, standalone_mode=False)


def test_a_limit_in_the_environment_is_for_other_commands_and_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLBIAS_MEMORY_LIMIT", "4G")
    monkeypatch.setenv("MLBIAS_THREADS", "2")
    command = ["train", "--engine", "spark", "--data", "no such file.csv", "--no-save"]
    with pytest.raises(DataError, match="no such file"):
        app(command, standalone_mode=False)


class WeighedParts(LocalParts):
    """Parts that keep the bytes of the last round, to the parts and back."""

    bytes_of_round = (0, 0)

    def map(
        self, call: Call[Argument, Result], requests: Sequence[Request[Argument]]
    ) -> list[Result | None]:
        answers = super().map(call, requests)
        to, back = (sum(len(pickle.dumps(each)) for each in every) for every in (requests, answers))
        self.bytes_of_round = to, back
        return answers


def test_a_round_sends_the_bytes_that_the_page_says(make_ratings: MakeRatings) -> None:
    parts = WeighedParts(split(make_ratings(20_000, 4_000, 1_500), 4))
    incidence = PartitionedIncidence(parts)
    n_users, n_items = len(incidence.user_ids), len(incidence.item_ids)
    items_of_parts = sum(len(items) for _, items in incidence.places)
    both_ways = 8 * (items_of_parts + n_users)
    incidence.both(np.ones(n_items), weights=np.ones(n_users))
    assert parts.bytes_of_round == pytest.approx((both_ways, both_ways), rel=0.03)
    incidence.both(np.ones(n_items), np.ones(n_users), np.ones(n_users))
    assert parts.bytes_of_round == pytest.approx((both_ways + 8 * n_users, both_ways), rel=0.03)
