"""Which ratings a saved model is scored on, and whether it was trained on them."""

from dataclasses import dataclass

from mlbias.cli.reading import Reader, held_out_of
from mlbias.cli.show.console import Output
from mlbias.datasets.dataset import Dataset
from mlbias.datasets.sources import Source
from mlbias.engines.addresses import is_sparks_own
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.errors import DataError
from mlbias.evaluation.holdout import Holdout
from mlbias.ratings import Ratings
from mlbias.saved_model.file import SavedModel
from mlbias.saved_model.record import TrainingData


@dataclass(frozen=True, slots=True)
class Scored:
    """Ratings to score a model on.

    Attributes:
        source: where they are.
        dataset: all that was read.
        ratings: those that are scored.
        part: all ratings, hold-out or training ratings.
        changed: whether the data changed since the model was trained; None for other data.
        holdout: what the model held out, where that is scored; None otherwise.
        fingerprint: of the source that the hold-out belongs to.
    """

    source: Source
    dataset: Dataset
    ratings: Ratings | PartitionedIncidence
    part: str
    changed: bool | None
    holdout: Holdout | None
    fingerprint: str

    def seen_by(self, saved: SavedModel) -> bool | None:
        """Whether a model was trained on some of these ratings; None where that is not known."""
        if self.changed or saved.data is None:
            return None
        return saved.data.has_seen(self.fingerprint, self.holdout)


def read_scored(output: Output, reader: Reader, saved: SavedModel, data: str | None) -> Scored:
    """The ratings of --data or, without it, those that the model held out or was trained on.

    Raises:
        DataError: they cannot be read.
    """
    if data is not None:
        source = reader.source(data)
        dataset = reader.read(source)
        return Scored(
            source,
            dataset,
            held_out_of(dataset, None),
            "all ratings",
            None,
            None,
            dataset.fingerprint,
        )
    trained = saved.data
    if trained is None:
        raise DataError(
            "the model does not say what it was trained on.", "Give the ratings with --data."
        )
    holdout = trained.holdout
    given = holdout.source if holdout else None
    source = given or trained.source
    if not reader.on_spark:
        _check_readable(source)
    times = holdout is not None and holdout.needs_times
    dataset = reader.read(source, trained.options, times=times)
    changed = _has_changed(output, trained, dataset)
    ratings = held_out_of(dataset, None if given else holdout)
    fingerprint = trained.fingerprint if given and not changed else dataset.fingerprint
    part = "hold-out" if holdout else "training ratings"
    return Scored(source, dataset, ratings, part, changed, holdout, fingerprint)


def _check_readable(source: Source) -> None:
    """Check that what a model was trained on can be read again.

    Raises:
        DataError: it cannot.
    """
    if is_sparks_own(source.label):
        raise DataError(
            f"the model was trained on {source.label}, which Spark reads.", "Add --engine spark."
        )
    if source.is_standard_input:
        raise DataError(
            "the model was trained on standard input, which cannot be read again.",
            "Give the ratings with --data.",
        )
    if source.path is not None and not source.path.exists():
        raise DataError(
            f"the ratings that the model was trained on are gone: there is no {source.path}.",
            "Give other ratings with --data.",
        )


def _has_changed(output: Output, data: TrainingData, dataset: Dataset) -> bool:
    """Whether the ratings that a model knows have changed; says so."""
    given = data.holdout if data.holdout and data.holdout.source else None
    known = given.fingerprint if given else data.fingerprint
    if dataset.fingerprint == known:
        return False
    sizes = f"{data.n_ratings:,} ratings then, {dataset.n_ratings:,} now"
    if given or data.n_ratings == dataset.n_ratings:
        sizes = "as many ratings, but others" if not given else "its ratings are others"
    label = (given.source if given and given.source else data.source).label
    output.notice(f"{label} has changed since the model was trained on it: {sizes}")
    return True
