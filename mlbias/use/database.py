"""A model as an SQLite database, so that the baseline can be joined where the data are."""

import sqlite3

import polars as pl

from mlbias.model import BiasModel
from mlbias.use.biases import biases

# Predicts the rows of a table of pairs; an unknown id contributes a bias of 0.
_PREDICT = """\
SELECT p.*, {alpha} + COALESCE(u.bias, 0) + COALESCE(i.bias, 0) AS prediction
FROM {pairs} p{model}
LEFT JOIN {users} u ON u."user" = p."user"
LEFT JOIN {items} i ON i.item = p.item"""
# In the database itself, or attached to another one under this name.
IN_SQLITE = _PREDICT.format(
    alpha="m.alpha", pairs="pairs", model=" CROSS JOIN model m", users="users", items="items"
)
_TYPES = {pl.Int64: "INTEGER", pl.Float64: "REAL", pl.String: "TEXT"}


def database(model: BiasModel) -> bytes:
    """The file: tables users, items, model and pairs, and a view of predictions of the pairs.

    ``model`` has one row: alpha, mean, and the scale low and high, null where it is not known.
    ``pairs`` is empty. What is put into it is predicted by ``predictions``, unknown ids too, since
    a view of SQLite takes no arguments.
    """
    known = model.trained_on
    about = {
        "alpha": model.alpha,
        "mean": model.mean,
        "low": None if known is None else known.low,
        "high": None if known is None else known.high,
    }
    with sqlite3.connect(":memory:") as connection:
        _write(connection, "users", biases(model, "users"))
        _write(connection, "items", biases(model, "items"))
        _write(connection, "model", pl.DataFrame([about], schema=dict.fromkeys(about, pl.Float64)))
        user, item = (_declared(biases(model, side)[side[:-1]]) for side in ("users", "items"))
        connection.execute(f"CREATE TABLE pairs ({user}, {item})")
        connection.execute(f"CREATE VIEW predictions AS\n{IN_SQLITE}")
        connection.commit()
        content = connection.serialize()
    connection.close()
    return content


def in_parquet(model: BiasModel, users: str, items: str) -> str:
    """The statement for DuckDB, which predicts pairs.parquet with these files of biases."""
    files = {"pairs": "pairs.parquet", "users": users, "items": items}
    quoted = {name: "'" + path.replace("'", "''") + "'" for name, path in files.items()}
    return _PREDICT.format(alpha=repr(float(model.alpha)), model="", **quoted)


def _declared(column: pl.Series) -> str:
    return f'"{column.name}" {_TYPES[column.dtype.base_type()]}'


def _write(connection: sqlite3.Connection, name: str, table: pl.DataFrame) -> None:
    columns = [_declared(column) for column in table.get_columns()]
    columns[0] += "" if name == "model" else " PRIMARY KEY"
    connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
    places = ", ".join("?" * table.width)
    connection.executemany(f"INSERT INTO {name} VALUES ({places})", table.iter_rows())
