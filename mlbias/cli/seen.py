"""Whether a model was trained on the ratings that it is scored on, and what to say of it."""

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlbias.saved_model.record import Holdout, TrainingData


def has_seen(model: "TrainingData", source: str, holdout: "Holdout | None") -> bool | None:
    """Whether a model was trained on some of these ratings; None where its record does not tell.

    Args:
        model: its record.
        source: fingerprint of the source whose ratings it is scored on.
        holdout: the part of them that it is scored on, None for all.
    """
    if model.fingerprint == source:
        return holdout is None or not _is_same(model.holdout, holdout)
    tested = model.holdout and model.holdout.fingerprint
    given = holdout and holdout.fingerprint
    if tested is not None and tested in (source, given):
        return False
    return True if given is not None and given == model.fingerprint else None


def told(seen: bool | None, who: str) -> str:
    """A sentence about a model that is not known to be fresh to the ratings; empty else."""
    if seen is None:
        return f"{who} was trained on other data; whether these ratings were in them is not known"
    return f"{who} was trained on some or all of these ratings" if seen else ""


def _is_same(one: "Holdout | None", other: "Holdout") -> bool:
    """Whether the same ratings are held out, by whatever name their file goes."""
    return one is not None and replace(one, source=None) == replace(other, source=None)
