"""What is held out: from the options to a plan, and from the plan to two sides."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mlbias.cli.show.console import Output
from mlbias.cli.show.tables import counted
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.datasets.dataset import Dataset
    from mlbias.datasets.sources import Source
    from mlbias.ratings import Ratings
    from mlbias.saved_model.record import Holdout

SPLITS = ("random", "user", "time")
_PICKS = ("last", "random")


def plan_holdout(
    split: str | None,
    test_size: float | None,
    test_from: str | None,
    pick: str | None,
    seed: int | None,
) -> "Holdout | None":
    """What to hold out, None for nothing.

    Raises:
        OptionError: an option is out of range, or does not go with the others.
    """
    from mlbias.saved_model.record import Holdout

    kind = split or ("random" if test_from is None else "time")
    if kind not in SPLITS:
        raise OptionError(f"--split is {', '.join(SPLITS[:-1])} or {SPLITS[-1]}, not {kind!r}.")
    if test_from is not None and kind != "time":
        raise OptionError(f"--test-from cuts by time, and not with --split {kind}.")
    if test_from is not None and test_size is not None:
        raise OptionError("--test-from and --test-size both say what is held out; give one.")
    if pick is not None and (kind != "user" or pick not in _PICKS):
        raise OptionError("--pick is last or random, and goes with --split user.")
    if test_size is None and test_from is None:
        if split is not None:
            raise OptionError("--split goes with --test-size, which says how much is held out.")
        if seed is not None:
            raise OptionError("--seed goes with --test-size: it chooses what is held out.")
        return None
    if test_size is not None:
        _check_size(kind, test_size)
    start = None
    if test_from is not None:
        from mlbias.times import moment

        start = moment(test_from)
    return Holdout(kind, test_size, seed or 0, pick or "last", start)


def given_training(
    data: str | None, train: str | None, test: str | None, split: tuple[object, ...]
) -> str | None:
    """What to train on: --train where there is one, else --data.

    Raises:
        OptionError: --train, --test, --data and the options of a split do not go together.
    """
    if train is not None and test is None:
        raise OptionError("--train goes with --test; without a hold-out of its own it is --data.")
    if train is not None and data is not None:
        raise OptionError("--train takes the place of --data; give one of them.")
    if test is not None and any(option is not None for option in split):
        raise OptionError(
            "--test is the hold-out; it goes without the options that choose one: --split, "
            "--test-size, --test-from, --pick and --seed."
        )
    if test == "-" and train == "-":
        raise OptionError("--train and --test cannot both be standard input.")
    return data if train is None else train


def given_holdout(source: "Source", dataset: "Dataset") -> "Holdout":
    """Ratings of another file."""
    from mlbias.saved_model.record import Holdout

    return Holdout("given", source=source, fingerprint=dataset.fingerprint)


def warn_of_overlap(output: Output, training: "Ratings", held_out: "Ratings") -> None:
    """Say how many of given ratings are of pairs that are in training too."""
    from mlbias.evaluation.splits import n_shared

    n = n_shared(training, held_out)
    if n:
        output.notice(f"{counted(n, 'rating')} held out are of pairs that are in training too")


def document_holdout(holdout: "Holdout") -> dict[str, Any]:
    """How ratings were held out, under the names that it has in JSON."""
    return asdict(holdout) | {"source": holdout.source and holdout.source.label}


def needs_time(holdout: "Holdout | None") -> bool:
    """Whether timestamps have to be read."""
    if holdout is None:
        return False
    return holdout.split == "time" or (holdout.split == "user" and holdout.pick == "last")


def split_as(holdout: "Holdout", ratings: "Ratings") -> tuple["Ratings", "Ratings"]:
    """Training ratings and hold-out of one source.

    Raises:
        DataError: one side would be empty, or there are no timestamps.
    """
    from mlbias.evaluation.splits import random_split, time_split, user_split

    size, seed = holdout.test_size, holdout.seed
    if holdout.split == "time":
        return time_split(ratings, size, start=holdout.start, seed=seed)
    assert size is not None
    if holdout.split == "user":
        return user_split(ratings, size, random=holdout.pick == "random", seed=seed)
    return random_split(ratings, size, seed)


def _check_size(kind: str, test_size: float) -> None:
    if kind == "user" and test_size >= 1 and test_size % 1 == 0:
        return
    if not 0 < test_size < 1:
        more = ", or a whole number of each user's" if kind == "user" else ""
        raise OptionError(f"--test-size must be above 0 and below 1{more}, not {test_size:g}.")
