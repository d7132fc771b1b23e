"""What a model was trained on, and what was held out: a record that goes into the model's file."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mlbias.datasets.options import ReadOptions
from mlbias.datasets.sources import Source
from mlbias.evaluation.holdout import Holdout
from mlbias.saved_model.content import number, whole

_SPLITS, _PICKS = ("random", "user", "time", "given"), ("last", "random")


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a model was trained on: where it is, how it is read, how to know it again.

    Args:
        source: where all the ratings are, those held out included.
        options: how they were read.
        n_ratings: of the source, those held out included.
        fingerprint: of the same ratings; see datasets/fingerprint.py.
        holdout: what was held out, None if nothing was.
    """

    source: Source
    options: ReadOptions
    n_ratings: int
    fingerprint: str
    holdout: Holdout | None

    def has_seen(self, source: str, holdout: Holdout | None) -> bool | None:
        """Whether the model was trained on some of these ratings; None where this does not tell.

        Args:
            source: fingerprint of the source whose ratings the model is scored on.
            holdout: the part of them that it is scored on, None for all.
        """
        if self.fingerprint == source:
            return holdout is None or not _is_same(self.holdout, holdout)
        tested = self.holdout and self.holdout.fingerprint
        given = holdout and holdout.fingerprint
        if tested is not None and tested in (source, given):
            return False
        return True if given is not None and given == self.fingerprint else None


def _is_same(one: Holdout | None, other: Holdout) -> bool:
    """Whether the same ratings are held out, whatever the name of their file."""
    return one is not None and replace(one, source=None) == replace(other, source=None)


def described_data(data: TrainingData) -> dict[str, Any]:
    """As plain JSON values."""
    holdout = data.holdout and asdict(data.holdout) | {
        "source": data.holdout.source and _described_source(data.holdout.source)
    }
    return _described_source(data.source) | {
        "options": asdict(data.options),
        "n_ratings": data.n_ratings,
        "fingerprint": data.fingerprint,
        "holdout": holdout,
    }


def rebuilt_data(data: dict[str, Any]) -> TrainingData:
    """The record behind plain JSON values.

    Raises:
        KeyError, TypeError, ValueError: they are not such a record's.
    """
    return TrainingData(
        source=_source(data),
        options=_options(data["options"]),
        n_ratings=whole(data["n_ratings"], 1),
        fingerprint=_text(data["fingerprint"]),
        holdout=_holdout(data["holdout"]),
    )


def _options(described: dict[str, Any]) -> ReadOptions:
    for name, value in described.items():
        if not isinstance(value, str | int | float | None):
            raise TypeError(f"{name} is not a plain value")
    return ReadOptions.from_record(described)


def _described_source(source: Source) -> dict[str, Any]:
    path = str(source.path.resolve()) if source.path else None
    return {"label": source.label, "path": path, "member": source.member}


def _source(described: dict[str, Any]) -> Source:
    label, path, member = (described[name] for name in ("label", "path", "member"))
    return Source(
        _text(label),
        None if path is None else Path(_text(path)),
        None if member is None else _text(member),
    )


def _holdout(described: dict[str, Any] | None) -> Holdout | None:
    if described is None:
        return None
    # Files of format 1 know the random split alone.
    known = {"split": "random"} | described
    source = known.get("source")
    holdout = Holdout(**known | {"source": source and _source(source)})
    _check_holdout(holdout)
    return holdout


def _check_holdout(holdout: Holdout) -> None:
    if holdout.split not in _SPLITS or holdout.pick not in _PICKS:
        raise ValueError("an unknown kind of hold-out")
    whole(holdout.seed, -math.inf)
    if holdout.split == "given":
        if holdout.source is None:
            raise ValueError("a hold-out without its file")
        _text(holdout.fingerprint)
    elif holdout.split == "time" and holdout.test_size is None:
        number(holdout.start)
    else:
        size = number(holdout.test_size)
        is_per_user = holdout.split == "user" and size >= 1 and size % 1 == 0
        if not (0 < size < 1 or is_per_user):
            raise ValueError("a hold-out of no such size")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value
