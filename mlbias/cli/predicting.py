"""Predictions of a file of pairs or of one pair, written and said."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import polars as pl

from mlbias.cli.options.reading import PairOptions
from mlbias.cli.reading import Reader
from mlbias.cli.show.console import Output
from mlbias.cli.show.source import say_understood
from mlbias.cli.show.text import counted, percent
from mlbias.cli.signals import raise_on_signals
from mlbias.datasets.reading.pairs import PairReader
from mlbias.datasets.sources import Source
from mlbias.datasets.writing import (
    TableFormat,
    check_table_place,
    format_of,
    write_frames,
)
from mlbias.errors import OptionError
from mlbias.files import written_whole
from mlbias.ids import Ids, TextIds, positions
from mlbias.use.predict import KNOWN, Predictor

# Formats of files whose columns have no types of their own.
_TEXTS = ("text", "Netflix Prize")
_OTHER = {"user": "item", "item": "user"}


@dataclass(frozen=True, slots=True)
class PairsFile:
    """A file of pairs, how it is read, and where its predictions go, replacing a file or not."""

    name: str
    reading: PairOptions
    out: Path | None
    force: bool = False

    def checked_format(self, source: Source) -> TableFormat:
        """The format to write.

        Raises:
            DataError: nothing can be written there, or a file would be replaced without force.
            OptionError: the name says no format, or is that of the pairs.
        """
        if self.out is None:
            return TableFormat.CSV
        form = format_of(self.out)
        if self.out.exists() and any(self.out.samefile(file) for file in source.files):
            raise OptionError(f"`out` names the file of pairs itself, {self.out}.")
        check_table_place(self.out, force=self.force)
        assert form is not None
        return form


def predict_file(output: Output, predictor: Predictor, pairs: PairsFile, model: str) -> None:
    """Write the rows of a file of pairs with their predictions, and say how many were known."""
    raise_on_signals()  # Polars installed its own handler for Ctrl-C when it was imported
    reader = Reader(output, pairs.reading.reading())
    source = reader.source(pairs.name)
    form = pairs.checked_format(source)
    counts: Counter[str] = Counter()
    with output.progress("predicting", "bytes") as bar:
        rows = PairReader(
            source,
            reader.options,
            predictor.table,
            pairs.reading.reading().n_threads,
            bar.update,
        )
        frames = iter(rows)
        first = next(frames)  # without it nothing is known of the source
        of_texts = rows.understood.format in _TEXTS
        frames = _counted(chain([first], frames), counts)
        if pairs.out is None:
            _write_stdout(frames)
        else:
            with written_whole(pairs.out, (*source.files, Path(model))) as file:
                write_frames(frames, file, form, of_texts=of_texts)
    say_understood(output, rows.understood, with_times=False)
    report_known(output, source, counts, pairs.out, model)


def report_known(
    output: Output, source: Source, counts: Mapping[str, int], out: Path | None, model: str
) -> None:
    """How many rows were known, in words and as a document."""
    total = Counter(counts)
    _report(output, total)
    if out is not None:
        output.notice(f"saved {out}")
    output.document(
        {
            "data": source.label,
            "n_rows": total.total(),
            "known": {name: total[name] for name in KNOWN},
            "out": str(out),
            "model": model,
        }
    )


def predict_pair(output: Output, predictor: Predictor, user: str, item: str, model: str) -> None:
    """Show the prediction of one pair."""
    ids = (TextIds(pl.Series([id_])) for id_ in (user, item))
    found = predictor.columns(*ids).row(0, named=True)
    error = found.get("std_error")
    output.line(f"{found['prediction']:.6f}" + ("" if error is None else f" ± {error:.6f}"))
    if predictor.interval is not None:
        bounds = f"{found['low']:.6f} to {found['high']:.6f}"
        output.line(f"{percent(predictor.interval, 0)} interval {bounds}")
    if predictor.at_least is not None:
        output.line(f"at least {predictor.at_least:g}: {percent(found['at_least'])}")
    for name, probability in found.items():
        if name.startswith("p_"):
            output.line(f"{name[2:]:>6} {percent(probability):>7}")
    if found["known"] != "both":
        output.notice(_unknown(found["known"]))
    every = dict.fromkeys(("prediction", "std_error", "low", "high", "at_least")) | found
    model_ids = predictor.model.user_ids, predictor.model.item_ids
    pair = [_as_known(text, ids) for text, ids in zip((user, item), model_ids, strict=True)]
    output.document({"user": pair[0], "item": pair[1]} | every | {"model": model})


def _as_known(text: str, ids: Ids) -> int | str:
    """An id as the model has it, an integer or text; the text itself where it does not."""
    place = int(positions(TextIds(pl.Series([text])), ids)[0])
    if place < 0:
        return text
    return str(ids[place]) if isinstance(ids, TextIds) else int(ids[place])


def _write_stdout(frames: Iterable[pl.DataFrame]) -> None:
    try:
        # A buffer of our own: that of an unbuffered Python writes a part and drops the rest.
        with open(sys.stdout.fileno(), "wb", closefd=False) as file:
            write_frames(frames, file, TableFormat.CSV)
    except BrokenPipeError:
        # Without its number, by which Click would end with exit code 1 before main() sees it.
        raise BrokenPipeError from None


def _counted(frames: Iterable[pl.DataFrame], counts: Counter[str]) -> Iterator[pl.DataFrame]:
    for frame in frames:
        found = frame["known"].value_counts()
        counts.update(dict(found.iter_rows()))
        yield frame


def _report(output: Output, counts: Counter[str]) -> None:
    unknown = {side: counts[other] + counts["none"] for side, other in _OTHER.items()}
    told = [f"{counted(n, 'row')} with an unknown {side}" for side, n in unknown.items() if n]
    output.notice("; ".join([f"predicted {counted(counts.total(), 'row')}", *told]))
    if counts["none"] == counts.total():
        output.warning(
            "the model knows none of these users and items, so that every prediction is the same; "
            "ids are matched as they are written, and 1.0 is not 1"
        )


def _unknown(known: str) -> str:
    if known == "none":
        return "the model knows neither the user nor the item: both biases are 0"
    return f"the model does not know this {_OTHER[known]}: its bias is 0"
