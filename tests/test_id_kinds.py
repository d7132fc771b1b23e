"""Ids of every kind give the answers of plain integers, bit for bit, wherever ids are matched.

Each kind spells the integers 0, 1, 2, ... in an order that is that of the numbers, so that codes,
and with them every sum, are the same. Random splits depend on a hash of the text of each id: here
the hash is that of the integer which an id stands for, so that all kinds have the same splits.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlbias.core.methods.exact import Exact
from mlbias.core.model import PenaltyScale
from mlbias.core.regularisation import Regularisation
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.reading.read import read_ratings
from mlbias.datasets.sources import Source
from mlbias.evaluation import hashing
from mlbias.evaluation.blake2b import Words
from mlbias.evaluation.compare import compare
from mlbias.evaluation.crossval import CrossValidation
from mlbias.evaluation.evaluate import evaluate
from mlbias.evaluation.folds import CutFolds
from mlbias.evaluation.means import MEANS
from mlbias.evaluation.splits import n_shared, random_split, time_split, user_split
from mlbias.evaluation.unmatched import unmatched_ids
from mlbias.fitting.fit import fit
from mlbias.fitting.record import Settings
from mlbias.id_columns import column_of_ids
from mlbias.ids import Ids, TextIds, distinct, positions
from mlbias.ratings import Ratings
from mlbias.saved_model.file import SavedModel, load_model, write_model
from mlbias.saved_model.record import TrainingData, described_data

N_USERS, N_ITEMS = 40, 30
Spell = Callable[[int], object]
KINDS: dict[str, Spell] = {
    "integers beyond 32 bits": lambda k: 2**40 + 3 * k,
    "negative integers": lambda k: -(2**62) + k,
    "1 byte": lambda k: chr(ord("0") + k),
    "15 bytes": lambda k: f"u{k:014d}",
    "16 bytes": lambda k: f"u{k:015d}",
    "17 bytes": lambda k: f"u{k:016d}",
    "40 bytes": lambda k: f"u{k:039d}",
    "300 bytes": lambda k: f"u{k:0299d}",
    "accents": lambda k: f"é{k:03d}{'ñ' * 8}",
    "emoji": lambda k: f"🎬🎬🎬{chr(0x1F600 + k)}🎬",
    "mixed lengths": lambda k: "ab" * (k + 1),
    "digits with zeros": lambda k: f"{k:020d}",
}


def plain(value: object) -> object:
    """Any result as numbers and lists of them, to be compared bit for bit."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "__dict__"):
        return {name: plain(one) for name, one in vars(value).items()}
    return value


def table(spell: Spell, seed: int, n: int = 700) -> Ratings:
    """Ratings whose users and items are spelled so."""
    rng = np.random.default_rng(seed)
    users, items = rng.integers(N_USERS, size=n), rng.integers(N_ITEMS, size=n)
    values = rng.integers(1, 11, size=n) / 2
    return Ratings.from_ids(
        [spell(int(k)) for k in users],
        [spell(int(k)) for k in items],
        values,
        rng.integers(10**9, 2 * 10**9, size=n),
    ).by_user()


def partly(ratings: Ratings) -> Ratings:
    """Without some users and items, which a model trained on it then does not know."""
    return ratings.select((ratings.user % 5 != 0) & (ratings.item % 7 != 0))


@pytest.fixture(params=KINDS)
def spell(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Spell:
    """A kind's spelling, with hashes of the integers behind the ids."""
    chosen = KINDS[request.param]
    number = {str(chosen(k)): k for k in range(max(N_USERS, N_ITEMS))}

    def digests(ids: Ids) -> Words:
        numbers = [number.get(str(one), one) for one in ids]
        return np.array([hashing._digest(str(one).encode()) for one in numbers], np.uint64)

    monkeypatch.setattr(hashing, "_digests", digests)
    return chosen


def both(spell: Spell, answer: Callable[[Spell], object]) -> None:
    """See that the answer is that of plain integers."""
    found = plain(answer(spell))
    assert found == plain(answer(lambda k: k))
    # A comparison that cannot fail is none: there are numbers in it.
    assert any(character.isdecimal() for character in repr(found))


def test_spelling_keeps_the_order() -> None:
    for spell in KINDS.values():
        ids, codes = distinct(column_of_ids([spell(k) for k in range(N_USERS)]))
        assert codes.tolist() == list(range(N_USERS))
        assert ids.tolist() == [spell(k) for k in range(N_USERS)]


def test_evaluation_on_other_data(spell: Spell) -> None:
    def answer(of: Spell) -> object:
        model = fit(partly(table(of, 1)), "exact", lambda_user=3.0, lambda_item=5.0)
        found = evaluate(model, table(of, 2))
        assert (found.unknown_users, found.unknown_items) == (8, 5)
        return found

    both(spell, answer)


@pytest.mark.parametrize(
    "split",
    [
        lambda ratings: random_split(ratings, 0.2, 3),
        lambda ratings: user_split(ratings, 2),
        lambda ratings: user_split(ratings, 0.2, random=True, seed=5),
        lambda ratings: time_split(ratings, 0.2),
        lambda ratings: time_split(ratings, start=1.7e9),
    ],
    ids=["random", "last of users", "random of users", "latest", "from a time"],
)
def test_hold_outs(spell: Spell, split: Callable[[Ratings], tuple[Ratings, Ratings]]) -> None:
    def answer(of: Spell) -> object:
        training, held_out = split(table(of, 1))
        model = fit(training, "closed-form", epochs=5)
        codes = [
            (side.user, side.item, side.value, side.timestamp) for side in (training, held_out)
        ]
        return codes, n_shared(training, held_out), evaluate(model, held_out)

    both(spell, answer)


def test_cross_validation(spell: Spell) -> None:
    def answer(of: Spell) -> object:
        settings = [
            Settings.of(Exact(), Regularisation(PenaltyScale.SUM, pair))
            for pair in ((1.0, 2.0), (9.0, 3.0))
        ]
        validation = CrossValidation(CutFolds.of(table(of, 1), 3, 4), settings)
        assert list(validation.run())
        return [(trial.folds, trial.rmse, trial.mae) for trial in validation.trials()]

    both(spell, answer)


def test_comparison(spell: Spell) -> None:
    def answer(of: Spell) -> object:
        training, held_out = random_split(table(of, 1), 0.3)
        names = [*MEANS, "closed-form", "gd"]
        results = compare(training, held_out, names, epochs=4, lambda_user=3.0, lambda_item=5.0)
        # Seconds differ from run to run.
        return [(r.name, r.training.rmse, r.held_out.rmse, r.held_out.mae, r.gaps) for r in results]

    both(spell, answer)


def test_predictions_by_id(spell: Spell) -> None:
    def answer(of: Spell) -> object:
        model = fit(partly(table(of, 1)), "exact", lambda_user=3.0, lambda_item=5.0)
        users, items = [of(k) for k in range(N_USERS)], [of(k % N_ITEMS) for k in range(N_USERS)]
        shuffled = np.random.default_rng(0).permutation(N_USERS)
        unordered = [users[k] for k in shuffled], [items[k] for k in shuffled]
        series = pl.Series(users), pl.Series(items)
        stranger = [*users[:-1], "somebody else"] if isinstance(users[0], str) else users
        return (
            model.predict(users, items, return_std=True),
            model.predict(*unordered),
            model.predict(*series),
            model.predict(stranger[:-1], items[:-1]),
        )

    both(spell, answer)


DATA = TrainingData(Source("x", Path("x.csv")), ReadOptions(), 1, "ab" * 16, None)


def test_models_that_were_saved_and_loaded(spell: Spell, tmp_path: Path) -> None:
    def answer(of: Spell) -> object:
        model = fit(partly(table(of, 1)), "exact", lambda_user=3.0, lambda_item=5.0)
        write_model(SavedModel(model, DATA), tmp_path / "m.npz")
        loaded = load_model(tmp_path / "m.npz")
        assert loaded.user_ids.tolist() == model.user_ids.tolist()
        return evaluate(loaded, table(of, 2))

    both(spell, answer)


def test_model_files_of_format_2(spell: Spell, tmp_path: Path) -> None:
    """Written here byte by byte as that format was, whatever the writer does today."""

    def arrays_of(name: str, ids: Sequence[object]) -> dict[str, np.ndarray]:
        if isinstance(ids[0], int):
            return {name: np.array(ids, dtype=np.int64)}
        packed = [str(one).encode() for one in ids]
        ends = np.cumsum([len(one) for one in packed], dtype=np.int64)
        return {name: np.frombuffer(b"".join(packed), np.uint8), f"{name}_ends": ends}

    def answer(of: Spell) -> object:
        model = fit(partly(table(of, 1)), "exact", lambda_user=3.0, lambda_item=5.0)
        about = {
            "format": "mlbias model", "version": 2, "alpha": model.alpha, "mean": model.mean,
            "sigmas": None, "scale": None,
            "training": {
                "method": "exact", "learning_rate": None, "epochs": 1, "penalty": "sum",
                "lambda_user": 3.0, "lambda_item": 5.0, "n_ratings": 700, "rmse": 0.9,
            },
            "data": described_data(DATA),
        }  # fmt: skip
        arrays = {
            "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
            "user_bias": model.user_bias,
            "item_bias": model.item_bias,
            **arrays_of("user_ids", model.user_ids.tolist()),
            **arrays_of("item_ids", model.item_ids.tolist()),
        }
        np.savez(tmp_path / "old.npz", **arrays)  # type: ignore[arg-type]
        return evaluate(load_model(tmp_path / "old.npz"), table(of, 2))

    both(spell, answer)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_ratings_that_were_read(spell: Spell, tmp_path: Path, form: str) -> None:
    def answer(of: Spell) -> object:
        rows = table(of, 1)
        users, items = rows.user_ids.tolist(), rows.item_ids.tolist()
        frame = pl.DataFrame(
            {
                "user": [users[k] for k in rows.user],
                "item": [items[k] for k in rows.item],
                "rating": rows.value,
            }
        )
        (frame.write_csv if form == "csv" else frame.write_parquet)(tmp_path / "r")
        found = read_ratings(Source("r", tmp_path / "r")).ratings
        assert found.user_ids.tolist() == users
        model = fit(partly(found), "closed-form", epochs=3)
        return found.user, found.item, found.value, evaluate(model, rows)

    both(spell, answer)


@pytest.mark.parametrize("length", [1, 8, 15, 16, 17, 40, 300])
def test_an_integer_and_its_digits_are_one_id(length: int) -> None:
    numbers = np.arange(10 ** min(length - 1, 17), 10 ** min(length - 1, 17) + 8)
    texts = column_of_ids([str(number) for number in numbers])
    assert isinstance(texts, TextIds)
    assert positions(numbers, texts).tolist() == positions(texts, numbers).tolist() == [*range(8)]
    assert positions(texts[::-1], texts).tolist() == [*range(7, -1, -1)]
    assert positions(column_of_ids([f"{t} " for t in texts]), texts).tolist() == [-1] * 8


def test_ids_that_are_only_written_differently_are_told() -> None:
    model = fit(table(lambda k: k, 1), "closed-form", epochs=1).model
    for other in (lambda k: f"{k:04d}", lambda k: f"{k}.0", lambda k: f'"{k}"'):
        written = table(other, 2)
        users, items = unmatched_ids(written, model.user_ids, model.item_ids)
        assert "users are unknown in training" in users
        # From the other side too: the advice names the id as training has it.
        users, items = unmatched_ids(table(lambda k: k, 2), written.user_ids, written.item_ids)
        first = written.item_ids[0]
        assert items.endswith(f"were written as {first!r}")
    assert unmatched_ids(table(lambda k: k, 2), model.user_ids, model.item_ids) == []
    unlike = table(lambda k: f"user {k}", 2)
    assert unmatched_ids(unlike, model.user_ids, model.item_ids) == []
