"""Ten epochs of closed-form in DuckDB's SQL, which is what a data person would write instead.

Run by benchmarks/passes.py in an environment that has DuckDB.
"""

import json
import sys
import time

import duckdb

EPOCHS, LAMBDA = 10, 0.001


def main() -> None:
    """Read a CSV file into a table, and alternate between α, users and items."""
    started = time.perf_counter()
    database = duckdb.connect()
    database.execute("SET threads = 2")
    database.execute(
        "CREATE TABLE ratings AS SELECT userId AS u, movieId AS i, rating::FLOAT AS r "
        "FROM read_csv(?)", [sys.argv[1]],
    )  # fmt: skip
    for side, key in (("users", "u"), ("items", "i")):
        database.execute(
            f"CREATE TABLE {side} AS SELECT DISTINCT {key}, 0.0::DOUBLE AS b FROM ratings"
        )
    read, joined = (
        time.perf_counter() - started,
        "ratings JOIN users USING (u) JOIN items USING (i)",
    )
    started = time.perf_counter()
    for _ in range(EPOCHS):
        (alpha,) = _row(database, f"SELECT avg(r - users.b - items.b) FROM {joined}")
        for side, key, other in (("users", "u", "items"), ("items", "i", "users")):
            database.execute(
                f"CREATE OR REPLACE TABLE {side} AS "
                f"SELECT {key}, sum(r - $alpha - {other}.b) / (count(*) + {LAMBDA}) AS b "
                f"FROM ratings JOIN {other} USING ({other[0]}) GROUP BY {key}",
                {"alpha": alpha},
            )
    (mse,) = _row(database, f"SELECT avg((r - {alpha} - users.b - items.b)^2) FROM {joined}")
    epochs = time.perf_counter() - started
    print(json.dumps({"rmse": mse**0.5, "seconds": {"read": read, "epochs": epochs}}))


def _row(database: duckdb.DuckDBPyConnection, query: str) -> tuple[float, ...]:
    row: tuple[float, ...] | None = database.execute(query).fetchone()
    assert row is not None
    return row


if __name__ == "__main__":
    main()
