"""Users and items that came after training: their biases are those of a refit of them alone."""

import io
import math
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlbias import BiasModel, DataError, Fit, Ratings, fit, load_model, save_model
from mlbias.core import folding
from mlbias.core.equations.conjugate_gradients import conjugate_gradients
from mlbias.core.model import Penalty
from mlbias.ids import positions
from tests.test_cli import Run, fails, run, succeeds

__all__ = ["run"]

Draw = Callable[..., Ratings]


def refit(model: BiasModel, ratings: Ratings, users: list[int], items: list[int]) -> BiasModel:
    """The minimum of J over the biases of these ids alone, by dense normal equations."""
    assert model.penalty is not None
    user, item = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    known = [
        dict(zip(ids.tolist(), bias.tolist(), strict=True))
        for ids, bias in ((model.user_ids, model.user_bias), (model.item_ids, model.item_bias))
    ]
    free = [("user", u) for u in users] + [("item", i) for i in items]
    place = {key: k for k, key in enumerate(free)}
    matrix = np.diag([model.penalty.user] * len(users) + [model.penalty.item] * len(items))
    right = np.zeros(len(free))
    for u, i, r in zip(user.tolist(), item.tolist(), ratings.value.tolist(), strict=True):
        at = [place[key] for key in (("user", u), ("item", i)) if key in place]
        rest = r - model.alpha
        rest -= 0 if ("user", u) in place else known[0].get(u, 0.0)
        rest -= 0 if ("item", i) in place else known[1].get(i, 0.0)
        for row in at:
            right[row] += rest
            matrix[row, at] += 1
    solution = np.linalg.solve(matrix, right)
    for (side, id_), bias in zip(free, solution.tolist(), strict=True):
        known[side == "item"][id_] = bias
    ids = [np.array(sorted(side)) for side in known]
    biases = [np.array([side[id_] for id_ in sorted(side)]) for side in known]
    return replace(
        model, user_ids=ids[0], item_ids=ids[1], user_bias=biases[0], item_bias=biases[1]
    )


def is_like(found: BiasModel, expected: BiasModel) -> None:
    assert found.user_ids.tolist() == expected.user_ids.tolist()
    assert found.item_ids.tolist() == expected.item_ids.tolist()
    assert found.user_bias == pytest.approx(expected.user_bias, abs=1e-12, rel=1e-12)
    assert found.item_bias == pytest.approx(expected.item_bias, abs=1e-12, rel=1e-12)
    assert found.alpha == expected.alpha


def test_by_hand() -> None:
    four = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])
    model = replace(fit(four, epochs=50, lambda_=0).model, penalty=Penalty(2.0, 3.0))
    # α 3.5, items +1 and -1: user 3 is off by 0.5 and 0.5, so that the bias is 1/(2 + 2).
    found = model.fold_in(Ratings.from_ids([3, 3], [10, 20], [5, 3]))
    assert found.user_bias[2] == pytest.approx(0.25, abs=1e-12)
    assert found.trained_on is not None
    assert found.trained_on.user_counts.tolist() == [2, 2, 2]
    assert found.trained_on.item_counts.tolist() == [2, 2]


@pytest.mark.parametrize(
    "made",
    [
        lambda ratings: fit(ratings, "exact"),
        lambda ratings: fit(ratings, "exact", lambda_=0.7),
        lambda ratings: fit(ratings, "closed-form", lambda_user=3, lambda_item=0.5),
        lambda ratings: fit(ratings, "gd", lambda_user=0.02, lambda_item=0.01),
    ],
)
def test_it_is_a_refit_with_all_else_held_fixed(
    made: Callable[[Ratings], Fit], make_ratings: Draw, tmp_path: Path
) -> None:
    fitted = made(make_ratings(400))
    late = make_ratings(300, n_users=28, n_items=37, seed=1)
    users = [int(u) for u in late.user_ids if u not in fitted.user_ids]
    items = [int(i) for i in late.item_ids if i not in fitted.item_ids]
    assert users
    assert items
    found = fitted.fold_in(late)
    is_like(found, refit(fitted.model, late, users, items))
    # The saved model knows its λ's too, on the scale of the counts.
    save_model(fitted, tmp_path / "m.npz")
    is_like(load_model(tmp_path / "m.npz").fold_in(late), found)


def test_lambdas_are_those_of_the_cost_that_was_minimised(make_ratings: Draw) -> None:
    ratings = make_ratings(400)
    found = fit(ratings, "gd", lambda_user=0.02, lambda_item=0.01).model
    assert found.penalty == Penalty(0.02 * 400 / ratings.n_users, 0.01 * 400 / ratings.n_items)
    learned = fit(ratings, "exact")
    assert learned.learned is not None
    assert learned.model.penalty == learned.learned.penalty


def test_solutions_on_the_way_are_not_kept(
    make_ratings: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history of many new ids takes hundreds of steps."""
    solutions: list[weakref.ref[Any]] = []

    def seen(*system: Any) -> Iterator[Any]:
        for state in conjugate_gradients(*system):
            solutions.append(weakref.ref(state.x))
            assert sum(each() is not None for each in solutions) <= 3
            yield state

    monkeypatch.setattr(folding, "conjugate_gradients", seen)
    history = make_ratings(2_000, 200, 100)
    fit(Ratings.from_ids([-1], [-1], [3]), "exact", lambda_=1).fold_in(history)
    assert len(solutions) > 5


def test_known_ids_move_with_refresh_alone(make_ratings: Draw) -> None:
    ratings = make_ratings(400)
    model = fit(ratings, "exact", tol=1e-15).model
    late = make_ratings(60, seed=2)
    assert model.user_stderr is not None
    kept = model.fold_in(late)
    assert (kept.user_bias == model.user_bias).all()
    assert kept.user_stderr is not None
    assert kept.user_stderr.tolist() == model.user_stderr.tolist()
    moved = model.fold_in(late, refresh=True)
    both = Ratings.from_ids(
        [*ratings.user_ids[ratings.user], *late.user_ids[late.user]],
        [*ratings.item_ids[ratings.item], *late.item_ids[late.item]],
        [*ratings.value, *late.value],
    )
    for k, id_ in enumerate(model.user_ids.tolist()):
        expected = refit(model, both, [id_], []) if id_ in late.user_ids else model
        assert moved.user_bias[k] == pytest.approx(expected.user_bias[k], abs=1e-12)
    for k, id_ in enumerate(model.item_ids.tolist()):
        expected = refit(model, both, [], [id_]) if id_ in late.item_ids else model
        assert moved.item_bias[k] == pytest.approx(expected.item_bias[k], abs=1e-12)
    n = np.bincount(late.user, minlength=late.n_users)
    place = positions(late.user_ids, model.user_ids)
    assert model.user_stderr is not None
    assert moved.user_stderr is not None
    assert model.uncertainty is not None
    after = 1 / np.sqrt(model.user_stderr[place] ** -2.0 + n / model.uncertainty.sigma**2)
    assert moved.user_stderr[place] == pytest.approx(after, rel=1e-12)


def test_standard_errors_of_new_ids_are_those_of_their_closed_form(make_ratings: Draw) -> None:
    model = fit(make_ratings(400), "exact").model
    known = model.item_ids[:3].tolist()
    found = model.fold_in(Ratings.from_ids([99] * 3, known, [4, 5, 3]))
    assert found.uncertainty is not None
    assert found.penalty is not None
    expected = found.uncertainty.sigma / math.sqrt(3 + found.penalty.user)
    assert found.uncertainty.user_stderr[-1] == pytest.approx(expected, rel=1e-12)
    # A new user is better known after more ratings, and never worse than the prior.
    assert found.uncertainty.user_stderr[-1] < found.uncertainty.sigma_user


def test_errors_of_known_pairs_stay(make_ratings: Draw) -> None:
    model = fit(make_ratings(400), "exact").model
    found = model.fold_in(make_ratings(200, n_users=60, n_items=90, seed=3))
    pair = [model.user_ids[0]], [model.item_ids[0]]
    assert found.predict(*pair, return_std=True) == model.predict(*pair, return_std=True)


def test_ratings_of_noisy_users_count_less(make_ratings: Draw) -> None:
    model = fit(make_ratings(2000), "exact", noise="user").model
    known, penalty = model.uncertainty, model.penalty
    assert known is not None
    assert known.user_noise is not None
    assert penalty is not None
    users = model.user_ids[:3].tolist()
    found = model.fold_in(Ratings.from_ids([*users, 999], [777] * 4, [5, 1, 4, 2]))
    assert found.uncertainty is not None
    assert found.uncertainty.user_noise is not None
    assert found.uncertainty.user_noise[-1] == known.unknown_noise
    # The equations of the new item and the new user, each with the other's bias as found.
    weight = known.sigma**2 / np.append(known.user_noise[:3], known.unknown_noise or 0) ** 2
    off = np.array([5.0, 1, 4, 2]) - model.alpha
    b_user = np.append(model.user_bias[:3], found.user_bias[-1])
    expected = (weight * (off - b_user)).sum() / (weight.sum() + penalty.item)
    assert found.item_bias[-1] == pytest.approx(expected, rel=1e-12)
    expected = weight[3] * (off[3] - found.item_bias[-1]) / (weight[3] + penalty.user)
    assert found.user_bias[-1] == pytest.approx(expected, rel=1e-12)
    stderr = known.sigma / math.sqrt(weight[3] + penalty.user)
    assert found.uncertainty.user_stderr[-1] == pytest.approx(stderr, rel=1e-12)
    with pytest.raises(DataError, match="a noise for each user"):
        model.fold_in(Ratings.from_ids([1], [1], [4.0]), refresh=True)


def test_a_side_that_is_held_at_0_stays_there() -> None:
    model = fit(Ratings.from_ids([1, 2], [1, 1], [4.0, 2.0]), lambda_=1).model
    held = replace(model, user_bias=np.zeros(2), penalty=Penalty(math.inf, 1.0))
    found = held.fold_in(Ratings.from_ids([1, 3], [1, 2], [5.0, 5.0]), refresh=True)
    assert found.user_bias.tolist() == [0, 0, 0]
    assert found.item_bias[1] == pytest.approx((5 - held.alpha) / 2)


def test_ids_of_the_other_kind_are_the_same_ids() -> None:
    model = fit(Ratings.from_ids([7, 8], [1, 2], [5.0, 1.0])).model
    found = model.fold_in(Ratings.from_ids(["7", "ann"], ["1", "1"], [1.0, 4.0]))
    assert list(found.user_ids) == ["7", "8", "ann"]
    assert found.item_ids.tolist() == [1, 2]
    assert found.predict([7], [1]) == model.predict([7], [1])
    assert model.user_ids.tolist() == [7, 8]


def test_text_ids_of_the_model_are_left_as_they_are() -> None:
    model = fit(Ratings.from_ids(["b", "c"], [1, 2], [5.0, 1.0])).model
    assert list(model.fold_in(Ratings.from_ids(["a"], [1], [1.0])).user_ids) == ["a", "b", "c"]
    assert list(model.user_ids) == ["b", "c"]


def test_a_model_without_lambdas_or_counts_is_refused() -> None:
    late = Ratings.from_ids([3], [1], [4.0])
    model = fit(Ratings.from_ids([1, 2], [1, 1], [4.0, 2.0])).model
    with pytest.raises(DataError, match="does not say which lambda"):
        replace(model, penalty=None).fold_in(late)
    with pytest.raises(DataError, match="does not say how many ratings"):
        replace(model, trained_on=None).fold_in(late, refresh=True)


def test_predict_takes_a_history(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\n")
    (tmp_path / "late.csv").write_text("user,item,rating\n3,10,5\n1,20,5\n3,30,1\n")
    (tmp_path / "p.csv").write_text("user,item\n3,20\n1,30\n1,10\n4,40\n")
    succeeds(run("train", "--data", "r.csv", "--lambda", "1", "--model", "m.npz"))
    for refresh in (False, True):
        options = ("--history", "late.csv", *(["--refresh"] if refresh else []))
        said = succeeds(run("predict", "p.csv", "--model", "m.npz", *options))
        found = pl.read_csv(io.StringIO(said))
        late = Ratings.from_ids([3, 1, 3], [10, 20, 30], [5, 5, 1])
        expected = load_model(tmp_path / "m.npz").fold_in(late, refresh=refresh)
        assert (
            found["prediction"].to_list()
            == expected.predict([3, 1, 1, 4], [20, 30, 10, 40]).tolist()
        )
        assert found["known"].to_list() == ["both", "both", "both", "none"]
    fails(
        run("predict", "p.csv", "--model", "m.npz", "--history", "p.csv"),
        1,
        "expected user, item and rating",
    )


@pytest.fixture
def trained(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item,rating\n1,10,5\n1,20,3\n2,10,4\n2,20,2\n")
    (tmp_path / "p.csv").write_text("who|film\n3|20\n")
    succeeds(run("train", "--data", "r.csv", "--lambda", "1"))


NAMED = ("predict", "p.csv", "--user-col", "who", "--item-col", "film", "--separator", "|")


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("history", "options"),
    [
        ("who|film|rating\n3|10|5\n", ()),
        ("user,item,rating\n3,10,5\n", ()),
        ("user,item,rating,who\n7,10,5,3\n", ()),
        ("film,val,who\n10,5,3\n", ("--rating-col", "val")),
        ("3,10,5\n", ()),
        ("3;10;5\n", ()),
    ],
    ids=["theirs", "usual", "both", "its own ratings", "no header", "another separator"],
)
def test_a_historys_columns_are_those_of_the_options_where_it_has_them(
    run: Run, tmp_path: Path, history: str, options: tuple[str, ...]
) -> None:
    (tmp_path / "h.csv").write_text(history)
    found = succeeds(run(*NAMED, "--history", "h.csv", *options))
    expected = load_model(tmp_path / "data/model.npz").fold_in(Ratings.from_ids([3], [10], [5]))
    assert float(found.split()[-1].split(",")[-2]) == expected.predict([3], [20])[0]


@pytest.mark.usefixtures("trained")
def test_a_number_of_a_column_counts_where_the_history_has_no_usual_name(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "p.csv").write_text("20,3\n")
    numbered = ("predict", "p.csv", "--user-col", "2", "--item-col", "1", "-q", "--history")
    (tmp_path / "named.csv").write_text("user,item,rating\n3,10,5\n")
    (tmp_path / "plain.csv").write_text("10,3,5\n")
    assert succeeds(run(*numbered, "named.csv")) == succeeds(run(*numbered, "plain.csv"))


@pytest.mark.usefixtures("trained")
def test_a_historys_ratings_are_found_or_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("user,item,val\n3,10,5\n")
    lacks = "h.csv has no column for the rating"
    fails(run(*NAMED, "--history", "h.csv"), 1, lacks + ".*\\n.*Name it with --rating-col")
    fails(run(*NAMED, "--rating-col", "val"), 2, "--rating-col goes with --history")


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("refresh", [(), ("--refresh",)])
def test_what_a_model_was_trained_on_is_no_history(run: Run, refresh: tuple[str, ...]) -> None:
    result = run(*NAMED, "--history", "r.csv", *refresh)
    fails(result, 1, "r.csv is what the model was trained on.\\n.*came after")


@pytest.mark.usefixtures("trained")
def test_a_refresh_warns_of_a_history_that_holds_training_too(run: Run, tmp_path: Path) -> None:
    training = (tmp_path / "r.csv").read_text()
    said = "as many ratings in h.csv as in training, or more"
    for history, is_told in ((training + "3,10,5\n", True), ("user,item,rating\n3,10,5\n", False)):
        (tmp_path / "h.csv").write_text(history)
        result = run(*NAMED, "--history", "h.csv", "--refresh", "-q")
        assert (said in result.stderr) == is_told
        assert said not in run(*NAMED, "--history", "h.csv").stderr


@pytest.mark.usefixtures("trained")
def test_what_is_odd_of_training_ratings_is_not_said_of_a_history(run: Run, tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("user,item,rating\n3,10,5\n4,20,5\n")
    result = run(*NAMED, "--history", "h.csv")
    succeeds(result)
    assert "has one rating" not in result.stderr
