"""A model as an SQLite database, so that the baseline can be joined where the data are."""

import sqlite3

import polars as pl

from mlbias.model import BiasModel
from mlbias.use.biases import biases

# Predicts the rows of a table `pairs`; an unknown id contributes a bias of 0.
PREDICT = """\
SELECT p.*, m.alpha + COALESCE(u.bias, 0) + COALESCE(i.bias, 0) AS prediction
FROM pairs p CROSS JOIN model m
LEFT JOIN users u ON u."user" = p."user"
LEFT JOIN items i ON i.item = p.item"""
_VIEW = """\
CREATE VIEW predictions AS
SELECT u."user", i.item, m.alpha + u.bias + i.bias AS prediction
FROM users u CROSS JOIN items i CROSS JOIN model m"""
_TYPES = {pl.Int64: "INTEGER", pl.Float64: "REAL", pl.String: "TEXT"}


def database(model: BiasModel) -> bytes:
    """The file: tables users, items and model, and a view predictions of all known pairs.

    ``model`` has one row: alpha, mean, and the scale low and high, null where it is not known.
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
        connection.execute(_VIEW)
        connection.commit()
        content = connection.serialize()
    connection.close()
    return content


def _write(connection: sqlite3.Connection, name: str, table: pl.DataFrame) -> None:
    columns = [f'"{column}" {_TYPES[dtype.base_type()]}' for column, dtype in table.schema.items()]
    columns[0] += "" if name == "model" else " PRIMARY KEY"
    connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
    places = ", ".join("?" * table.width)
    connection.executemany(f"INSERT INTO {name} VALUES ({places})", table.iter_rows())
