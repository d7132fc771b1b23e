"""Options from Python of the wrong type: one sentence each, and never an error of Python's own."""

import inspect
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
import pytest

import mlbias
from mlbias import DataError, MlbiasError, OptionError, Ratings, fit

FOUR = Ratings.from_ids([1, 1, 2, 2], [10, 20, 10, 20], [5, 3, 4, 2])
PAIRS = pl.DataFrame({"user": [1], "item": [10]})
MODEL = fit(FOUR)

# What each function needs, so that what is wrong is the option.
CALLS: dict[str, tuple[Callable[..., object], dict[str, object]]] = {
    "compare": (mlbias.compare, {"training": FOUR, "held_out": FOUR}),
    "crossval": (mlbias.crossval, {"ratings": FOUR}),
    "describe": (mlbias.describe, {}),
    "download_ratings": (mlbias.download_ratings, {}),
    "evaluate": (mlbias.evaluate, {"model": MODEL, "ratings": FOUR}),
    "fit": (mlbias.fit, {"ratings": FOUR}),
    "generate": (mlbias.generate, {}),
    "judge": (mlbias.judge, {"model": MODEL, "predictions": {}}),
    "load_model": (mlbias.load_model, {"path": "none"}),
    "load_ratings": (mlbias.load_ratings, {"data": "sample"}),
    "random_split": (mlbias.random_split, {"ratings": FOUR, "test_size": 0.5}),
    "report": (mlbias.report, {"ratings": FOUR}),
    "save_model": (mlbias.save_model, {"fit": MODEL, "path": "m.npz"}),
    "time_split": (mlbias.time_split, {"ratings": FOUR, "test_size": 0.5}),
    "user_split": (mlbias.user_split, {"ratings": FOUR, "test_size": 0.5}),
    "predict_frame": (MODEL.model.predict_frame, {"frame": PAIRS}),
    "fold_in": (MODEL.model.fold_in, {"ratings": FOUR}),
    "biases": (MODEL.model.biases, {}),
    "probability_at_least": (
        MODEL.model.probability_at_least,
        {"users": [1], "items": [10], "value": 1.0},
    ),
    "Adam": (mlbias.Adam, {}),
    "Exact": (mlbias.Exact, {}),
    "GradientDescent": (mlbias.GradientDescent, {}),
}
# Several wrong values, so that each type has some that it is not.
WRONG: tuple[object, ...] = ("no such thing", object(), [object()], {1: 2}, b"x", 1j)
# Files and frames have messages of their own, and a name may be anything that is text.
TEXTS = {"data", "path", "out", "data_dir", "name", "url", "format"}


def cases() -> Iterator[tuple[str, str, object]]:
    for called, (function, _) in CALLS.items():
        for option, parameter in inspect.signature(function).parameters.items():
            if parameter.kind is not parameter.VAR_KEYWORD:
                for wrong in WRONG:
                    if not (isinstance(wrong, str) and option in TEXTS):
                        yield called, option, wrong


@pytest.mark.parametrize(("called", "option", "wrong"), list(cases()))
def test_each_option_of_a_wrong_type_is_refused_in_a_sentence(
    called: str, option: str, wrong: object
) -> None:
    function, needed = CALLS[called]
    with pytest.raises(MlbiasError) as caught:
        function(**needed | {option: wrong})
    assert "\n" not in str(caught.value)
    if isinstance(caught.value, OptionError) and not isinstance(wrong, str):
        assert f"`{option}`" in str(caught.value)


def test_the_table_has_every_public_function() -> None:
    named = {name for name in mlbias.__all__ if inspect.isfunction(getattr(mlbias, name))}
    assert named <= set(CALLS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit(FOUR, lambda_="foo"), "`lambda_` is a number or 'auto', not 'foo'."),  # type: ignore[arg-type]
        (lambda: fit(FOUR, lambda_user="auto"), "`lambda_user` is a number, not 'auto'."),  # type: ignore[arg-type]
        (lambda: fit(FOUR, epochs="3"), "`epochs` is an integer, not '3'."),  # type: ignore[arg-type]
        (lambda: fit(FOUR, epochs=True), "`epochs` is an integer, not True."),
        (
            lambda: mlbias.crossval(FOUR, lambda_=1),  # type: ignore[arg-type]
            "`lambda_` is a list of numbers or 'auto', or 'auto', not 1.",
        ),
        (
            lambda: mlbias.judge(MODEL, PAIRS, FOUR),  # type: ignore[arg-type]
            "`predictions` is a mapping such as a dict, not a DataFrame.",
        ),
        (lambda: mlbias.compare(FOUR, FOUR, "exact"), "`methods` is a list of text, not 'exact'."),
        (lambda: mlbias.compare(FOUR, FOUR, epochs=-1), "`epochs` must be 0 or more, not -1."),
        (lambda: fit(FOUR, threads=0), "`threads` is 1 or more, not 0."),
        (
            lambda: mlbias.crossval(FOUR, lambda_=[]),
            "`lambda_` is empty: it lists what to try, such as [1, 2, 5].",
        ),
        (lambda: mlbias.save_model(FOUR, "x"), "`fit` is a Fit, not a Ratings."),  # type: ignore[arg-type]
    ],
)
def test_the_sentences(call: Callable[[], object], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        call()
    assert str(caught.value) == message


def test_the_regressor_says_the_same() -> None:
    with pytest.raises(ValueError, match="`lambda_` is a number or 'auto', not 'foo'"):
        mlbias.BiasRegressor(lambda_="foo").fit([[1, 2], [2, 3]], [1, 2])  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers() -> None:
    seed, size, lambdas = np.int64(1), np.float32(0.5), np.array([1.0, 2.0])
    mlbias.random_split(FOUR, float(size), int(seed))
    mlbias.random_split(FOUR, size, seed)  # type: ignore[arg-type]
    tried = mlbias.crossval(FOUR, "closed-form", folds=2, lambda_=lambdas)  # type: ignore[arg-type]
    assert [trial.settings.regularisation.lambdas for trial in tried] == [(1, 1), (2, 2)]


def test_auto_may_be_among_the_lambdas() -> None:
    ratings = mlbias.load_ratings("sample")
    for method in ("exact", "closed-form"):
        tried = mlbias.crossval(ratings, method, folds=2, penalty="sum", lambda_=["auto", 5])
        assert [trial.settings.regularisation.lambdas for trial in tried] == [(5, 5), None]


def test_what_python_says_itself_it_still_says() -> None:
    with pytest.raises(TypeError, match=r"fit\(\) got an unexpected keyword argument 'epoch'"):
        fit(FOUR, epoch=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"missing 1 required positional argument"):
        mlbias.random_split(FOUR)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("call", "message", "advice"),
    [
        (
            lambda frame: Ratings.from_frame(frame),
            "the frame has no column for the user and the rating among 'who', 'item'.",
            "Call it user and rating, or name it with `user` and `rating`.",
        ),
        (
            MODEL.model.predict_frame,
            "the frame has no column for the user among 'who', 'item'.",
            "Call it user, or name it with `user`.",
        ),
        (
            lambda frame: mlbias.judge(MODEL, {"it": frame.rename({"who": "user"})}, FOUR),
            "the frame has no column for the prediction among 'user', 'item'.",
            "Call it prediction.",
        ),
        (
            lambda frame: MODEL.model.predict_frame(frame, user="x"),
            "the frame has no column 'x' for `user`; it has 'who', 'item'.",
            "",
        ),
    ],
)
def test_of_a_frame_only_that_is_said_which_can_be_done(
    call: Callable[[pl.DataFrame], object], message: str, advice: str
) -> None:
    with pytest.raises((DataError, OptionError)) as caught:
        call(pl.DataFrame({"who": [1], "item": [10]}))
    assert (str(caught.value), caught.value.advice) == (message, advice)


def test_a_missing_model_is_advised_on_without_an_option() -> None:
    with pytest.raises(MlbiasError) as caught:
        mlbias.load_model("none.npz")
    assert caught.value.advice == "Train one with mlbias train, or name another file."
