"""Predictions on Spark: each side's biases joined to the pairs, which stay where they are."""

import re
from typing import Any

from mlbias.columns.find import find_pair_columns
from mlbias.core.vectors import FloatArray
from mlbias.errors import DataError
from mlbias.ids import Ids, TextIds
from mlbias.model import BiasModel
from mlbias.printable import shortened

try:
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F  # noqa: N812
except ImportError as error:
    raise ImportError("predictions on Spark need PySpark 4: pip install 'mlbias[spark]'") from error

# Columns that the joins add on the way.
_ON_THE_WAY = r"_(id|bias|variance|noise)[01]"
_KNOWN = ("none", "user", "item", "both")
_INTEGERS = ("tinyint", "smallint", "int", "bigint")
# As Spark begins the names of types that hold text, or nothing at all.
_TEXTS = ("string", "varchar", "char", "binary", "void")


def predict(
    model: BiasModel, frame: DataFrame, *, user: str | None = None, item: str | None = None
) -> DataFrame:
    """The rows of a Spark frame with ``prediction``, ``std_error`` where known, and ``known``.

    Args:
        model: whose predictions.
        frame: with a row for each pair.
        user: name of the users' column, where it has no usual one such as user_id.
        item: of the items', likewise.

    Raises:
        DataError: a column is missing, holds no ids, or has the name of one that is added.
    """
    asked = {"user": user, "item": item}
    places = find_pair_columns(frame.columns, asked, "the frame").places
    names = [frame.columns[places[role]] for role in ("user", "item")]
    _check_types(frame, names)
    added = ["prediction", *([] if model.uncertainty is None else ["std_error"]), "known"]
    # In any case, as Spark takes names and its Parquet writes them.
    for name in frame.columns:
        if name.lower() in added or re.fullmatch(_ON_THE_WAY, name.lower()):
            raise DataError(f"the frame has a column {shortened(name)} already.", "Rename it.")
    joined, columns = frame, frame.columns
    tables = _user_table(model), _item_table(model)
    for side, (name, (ids, numbers)) in enumerate(zip(names, tables, strict=True)):
        joined = _joined(joined, name, side, ids, numbers)
    bias = [F.coalesce(F.col(f"_bias{side}"), F.lit(0.0)) for side in range(2)]
    known = F.col("_bias0").isNotNull().cast("int") + 2 * F.col("_bias1").isNotNull().cast("int")
    found = {
        "prediction": F.lit(model.alpha) + bias[0] + bias[1],
        "std_error": _std_error(model),
        "known": F.element_at(F.array(*map(F.lit, _KNOWN)), known + 1),
    }
    return joined.select(
        *(F.col(f"`{name}`") for name in columns), *(found[name].alias(name) for name in added)
    )


def _check_types(frame: DataFrame, names: list[str]) -> None:
    """See that ids are integers or text: as text, 1.0 would be an unknown id and not the id 1.

    Raises:
        DataError: they are something else.
    """
    types = dict(frame.dtypes)
    for role, name in zip(("user", "item"), names, strict=True):
        if types[name] not in _INTEGERS and not types[name].startswith(_TEXTS):
            raise DataError(
                f"the frame: column {shortened(name)} for the {role} holds {types[name]}; "
                "expected integers or text.",
                "Cast it to bigint or string.",
            )


def _user_table(model: BiasModel) -> tuple[Ids, dict[str, FloatArray]]:
    numbers = {"bias": model.user_bias}
    if model.uncertainty is not None:
        _, users, _ = model.uncertainty.variances()
        numbers |= {"variance": users[:-1], "noise": model.uncertainty.noise()[:-1]}
    return model.user_ids, numbers


def _item_table(model: BiasModel) -> tuple[Ids, dict[str, FloatArray]]:
    numbers = {"bias": model.item_bias}
    if model.uncertainty is not None:
        _, _, items = model.uncertainty.variances()
        numbers |= {"variance": items[:-1]}
    return model.item_ids, numbers


def _joined(
    frame: DataFrame, name: str, side: int, ids: Ids, numbers: dict[str, FloatArray]
) -> DataFrame:
    """The frame with what is known of one side; nulls where an id is unknown."""
    is_text = isinstance(ids, TextIds)
    column = ids.series.to_arrow() if isinstance(ids, TextIds) else pa.array(ids)
    table = pa.table({f"_id{side}": column} | {f"_{of}{side}": v for of, v in numbers.items()})
    known = frame.sparkSession.createDataFrame(table)
    # An integer and the same digits as text are the same id.
    of_frame, of_model = F.col(f"`{name}`"), F.col(f"_id{side}")
    if is_text or dict(frame.dtypes)[name] not in _INTEGERS:
        of_frame, of_model = of_frame.cast("string"), of_model.cast("string")
    missing = F.raise_error(F.lit(f"column {name}: an id is missing"))
    of_frame = F.when(of_frame.isNull() | (of_frame.cast("string") == ""), missing).otherwise(
        of_frame
    )
    return frame.join(known, of_frame == of_model, "left").drop(f"_id{side}")


def _std_error(model: BiasModel) -> Any:
    """Of a rating around its prediction; see Uncertainty.of_ratings."""
    if model.uncertainty is None:
        return F.lit(None)
    alpha, users, items = model.uncertainty.variances()
    sides = (("_variance0", users), ("_variance1", items), ("_noise0", model.uncertainty.noise()))
    user, item, noise = (F.coalesce(F.col(at), F.lit(float(of[-1]))) for at, of in sides)
    return F.sqrt(noise + F.greatest(F.lit(float(alpha)) + user + item, F.lit(0.0)))


def known_counts(predicted: DataFrame) -> dict[str, int]:
    """How many rows have a known user and item, one of them, or neither."""
    counts = {
        row["known"]: int(row["count"]) for row in predicted.groupBy("known").count().collect()
    }
    return {name: counts.get(name, 0) for name in _KNOWN}
