"""Ratings on Spark equal those in memory, also where executors die and sources change."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlbias.cli.app import app
from mlbias.core.vectors import FloatArray
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.parts import PER_ITEM, Call, Part
from mlbias.engines.session import find_java
from mlbias.errors import DataError, OptionError
from mlbias.fitting.fit import fit
from mlbias.ratings import Ratings
from mlbias.saved_model.file import read_model, save_model
from tests.engines import assert_close, check_leave_one_out, check_products, timed_ratings

pytest.importorskip("pyspark", reason="tests of Spark are left out: they need mlbias[spark]")
if find_java() is None:
    pytest.skip("tests of Spark are left out: they need Java 17 or 21", allow_module_level=True)

pytestmark = [
    pytest.mark.xdist_group("spark"),  # one session at a time
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

# For JVMs that live for seconds: what the optimising compiler would gain, it costs.
_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_LEAN = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.extraJavaOptions": _JVM,
    "spark.executor.extraJavaOptions": _JVM,
}

MASTERS = ("local[2]", "local-cluster[2,1,1024]")


everywhere = pytest.mark.parametrize("spark", MASTERS, indirect=True, scope="module")
on_a_cluster = pytest.mark.parametrize("spark", MASTERS[1:], indirect=True, scope="module")


@pytest.fixture(scope="module")
def spark(request: pytest.FixtureRequest) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    # Workers import this module for the call that kills.
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
    session = SparkSession.builder.master(request.param).config(map=_LEAN).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def frame(spark: Any) -> Callable[[Ratings], Any]:
    def make(ratings: Ratings) -> Any:
        import pyarrow as pa

        return spark.createDataFrame(pa.table({
            "user_id": ratings.user_ids[ratings.user].tolist(),
            "item_id": ratings.item_ids[ratings.item].tolist(),
            "rating": ratings.value.astype(float),
        }))  # fmt: skip

    return make


def on_spark(frame: Any, **options: Any) -> PartitionedIncidence:
    from mlbias.engines.spark import incidence

    return incidence(frame, parts=3, **options)


def lines_of(ratings: Ratings) -> list[str]:
    users, items = ratings.user_ids[ratings.user], ratings.item_ids[ratings.item]
    columns = {"userId": users, "movieId": items, "rating": ratings.value}
    columns |= {} if ratings.timestamp is None else {"timestamp": ratings.timestamp}
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [",".join(columns), *(",".join(map(str, row)) for row in rows)]


@everywhere
def test_every_product_and_every_method_equal_those_in_memory(
    frame: Callable[[Ratings], Any], make_ratings: Callable[..., Ratings]
) -> None:
    # Half stars, whose sums are exact: Adam divides by no more than its ε what sums are off by.
    ratings = make_ratings(2_000, 60, 40)
    incidence = on_spark(frame(ratings))
    check_products(incidence, ratings)
    check_leave_one_out(incidence, ratings, "one")
    for method, options in (
        ("gd", {"epochs": 3}), ("adam", {"epochs": 3}), ("closed-form", {"epochs": 2}),
        ("exact", {"lambda_": 3.0}),
    ):  # fmt: skip
        there, here = fit(incidence, method, **options), fit(ratings, method, **options)
        np.testing.assert_allclose(there.user_bias, here.user_bias, atol=1e-9)
        np.testing.assert_allclose(there.item_bias, here.item_bias, atol=1e-9)
        assert there.history[-1].rmse == pytest.approx(here.history[-1].rmse, abs=1e-9)


@on_a_cluster
def test_text_ids_and_large_requests(
    frame: Callable[[Ratings], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlbias.engines import spark as module

    ratings = Ratings.from_ids(["b", "a", "é", "a"], ["y", "x", "x", "z"], [1, 2, 3, 4])
    incidence = on_spark(frame(ratings))
    assert list(incidence.user_ids) == ["a", "b", "é"]
    item_bias = np.array([1.0, 10, 100])
    small = incidence.per_user(item_bias)
    monkeypatch.setattr(module, "_SMALL", 0)
    assert incidence.per_user(item_bias).tolist() == small.tolist() == [101, 10, 1]
    # What fits this machine comes over as it is.
    assert Ratings.from_frame(frame(ratings)).by_pair().value.tolist() == [2, 4, 1, 3]


def _per_item_once_killed(part: Part, given: tuple[FloatArray, str]) -> FloatArray:
    """A product in whose middle the first that comes here kills its executor."""
    user_bias, flag = given
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return PER_ITEM.function(part, user_bias)
    executor = _executor_of(os.getpid())
    os.kill(executor, signal.SIGKILL)
    return PER_ITEM.function(part, user_bias)


def _executor_of(pid: int) -> int:
    """The JVM above a Python worker."""
    while b"CoarseGrainedExecutorBackend" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
    return pid


@on_a_cluster
def test_an_executor_that_is_killed_in_the_middle_of_a_product_changes_no_bit(
    frame: Callable[[Ratings], Any], make_ratings: Callable[..., Ratings], tmp_path: Path
) -> None:
    incidence = on_spark(frame(make_ratings(2_000, 60, 40, stars=False)))
    user_bias = np.random.default_rng(0).normal(size=60)
    before, flag = incidence.per_item(user_bias), tmp_path / "killed"
    kills = Call(_per_item_once_killed)
    given = [(user_bias[at], str(flag)) for at in incidence._users]
    sums = incidence.ask(kills, given)
    after = incidence._added(sums)
    assert flag.exists()
    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(before, incidence.per_item(user_bias))


@on_a_cluster
def test_a_source_that_has_changed_is_an_error(
    spark: Any, make_ratings: Callable[..., Ratings], tmp_path: Path
) -> None:
    lines = lines_of(make_ratings(300, 20, 10))
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(lines) + "\n")
    incidence = on_spark(spark.read.csv(str(path), header=True))
    lines[5] = lines[5].rpartition(",")[0] + ",9.9"
    path.write_text("\n".join(lines) + "\n")
    incidence.parts._encoded.unpersist(blocking=True)  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="the ratings have changed since they were read"):
        incidence.per_user(np.zeros(10))


@on_a_cluster
def test_a_bad_row_is_named_with_its_file(spark: Any, tmp_path: Path) -> None:
    for name, rating in (("a", "4"), ("b", "four")):
        (tmp_path / f"{name}.csv").write_text(f"userId,movieId,rating\n1,10,3\n2,20,{rating}\n")
    with pytest.raises(DataError) as raised:
        on_spark(spark.read.csv(str(tmp_path), header=True))
    assert str(raised.value) == (
        f"{tmp_path}/b.csv: column 'rating': rating 'four' is not a number (user 2, item 20)."
    )


@on_a_cluster
def test_lines_and_files_that_differ_in_their_columns_are_refused(
    spark: Any,  # noqa: ARG001  the session that is found
    tmp_path: Path,
) -> None:
    from mlbias.datasets.options import ReadOptions
    from mlbias.engines.sources import source_of, spark_dataset

    header, rows = "user,item,rating\n", "1,10,3\n2,10,4\n2,20,5\n"

    def read(path: str) -> PartitionedIncidence:
        return spark_dataset(source_of(path, tmp_path), None, ReadOptions()).incidence  # type: ignore[return-value]

    bad = tmp_path / "bad.csv"
    for more, found in (("5,50,3,5", "5,50,3,5"), ("5,50", "5,50")):
        bad.write_text(f"{header}{rows}{more}\n")
        with pytest.raises(DataError) as raised:
            read(str(bad))
        assert str(raised.value) == f"{bad}: expected 3 fields, found: {found}."
    bad.write_bytes(f"{header}{rows}José,20,4\n".encode("latin-1"))
    with pytest.raises(DataError) as raised:
        read(str(bad))
    assert str(raised.value) == f"{bad}: a field is not valid UTF-8."
    # A separator at the end, and an index without a name, as pandas writes it.
    bad.write_text(header + rows.replace("\n", ",\n"))
    assert len(read(str(bad))) == 3
    bad.write_text(",user,item,rating\n0,1,10,3\n")
    assert read(str(bad)).item_ids.tolist() == [10]
    (tmp_path / "a.csv").write_text(header + rows)
    (tmp_path / "a2.csv").write_text("item,user,rating\n7,10,1\n")
    with pytest.raises(DataError, match="files of one source differ in their columns"):
        read(str(tmp_path / "a*.csv"))


@on_a_cluster
def test_columns_that_differ_in_case_alone_and_names_with_backticks(spark: Any) -> None:
    frame = spark.createDataFrame([(1, 10, 3.0, 7)], "u long, item long, rating double, x long")
    for names in (("user", "item", "rating", "USER"), ("u`s", "item", "rating", "u.s")):
        found = on_spark(frame.toDF(*names), user=names[0], item="item", rating="rating")
        assert found.user_ids.tolist() == [1]


@on_a_cluster
def test_a_frame_without_the_columns_or_the_ratings(spark: Any) -> None:
    with pytest.raises(DataError, match="no column for the item"):
        on_spark(spark.createDataFrame([(1, 2.0)], "user_id long, rating double"))
    with pytest.raises(DataError, match="there are no ratings"):
        on_spark(spark.createDataFrame([], "user_id long, item_id long, rating double"))


def document_of(capsys: pytest.CaptureFixture[str], *command: str) -> dict[str, Any]:
    """What a command prints with --json."""
    app([*command, "--json"], standalone_mode=False)
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@on_a_cluster
def test_train_on_spark_saves_the_model_that_this_machine_would(
    make_ratings: Callable[..., Ratings],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spark: Any,  # noqa: ARG001  the session that the command finds
) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(lines_of(make_ratings(300, 20, 10))) + "\n")
    models = [tmp_path / "there.npz", tmp_path / "here.npz"]
    command = ["train", "--data", str(path), "--lambda", "2"]
    documents = [
        document_of(capsys, *command, "--engine", engine, "--model", str(model))
        for model, engine in zip(models, ("spark", "local"), strict=True)
    ]
    # One for the statistics, one that brings so few ratings here for leave-one-out, and one for the
    # fingerprint in the model's file.
    assert documents[0]["rounds"] == documents[0]["epochs"] + 3
    assert documents[0]["rmse"] == pytest.approx(documents[1]["rmse"], abs=1e-9)
    left_out = [document["exact_leave_one_out"] for document in documents]
    assert_close(*left_out)
    there, here = map(read_model, models)
    assert there.data is not None
    assert here.data is not None
    assert there.data.fingerprint == here.data.fingerprint
    np.testing.assert_allclose(there.fit.user_bias, here.fit.user_bias, atol=1e-9)


@on_a_cluster
def test_cross_validation_on_spark_is_the_one_of_this_machine(
    make_ratings: Callable[..., Ratings],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spark: Any,
) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(lines_of(make_ratings(300, 20, 10))) + "\n")

    def n_kept() -> int:
        return int(spark._jsc.sc().getPersistentRDDs().size())

    n_before = n_kept()
    command = ["crossval", "--data", str(path), "--folds", "2", "--split", "user"]
    command += ["--method", "closed-form"]
    documents = [document_of(capsys, *command, "--engine", engine) for engine in ("spark", "local")]
    (there,), (here,) = (document.pop("settings") for document in documents)
    assert there["rmse"] == pytest.approx(here["rmse"], abs=1e-9)
    assert documents[0] == pytest.approx(documents[1])
    # Of the folds nothing is left in Spark's cache, only the ratings themselves.
    assert n_kept() <= n_before + 1
    for options in (["--split", "time"], ["--folds-from", "u[1-5].base"]):
        with pytest.raises(OptionError, match="does not go with --engine spark"):
            app(["crossval", "--engine", "spark", *options], standalone_mode=False)


@on_a_cluster
def test_a_file_of_held_out_ratings_is_scored_on_spark(
    make_ratings: Callable[..., Ratings],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spark: Any,  # noqa: ARG001  the session that the commands find
) -> None:
    lines = lines_of(make_ratings(300, 20, 10))
    files = {"training.csv": lines[:250], "test.csv": [lines[0], *lines[240:]]}
    for name, of in files.items():
        (tmp_path / name).write_text("\n".join(of) + "\n")
    names = ["--train", str(tmp_path / "training.csv"), "--test", str(tmp_path / "test.csv")]
    documents = []
    for engine in ("spark", "local"):
        model = ["--model", str(tmp_path / f"{engine}.npz")]
        app(["train", *names, "--engine", engine, "--json", *model], standalone_mode=False)
        said = capsys.readouterr()
        assert "ratings held out are of pairs that are in training too" in said.err
        documents.append(json.loads(said.out)["holdout"])
        documents.append(document_of(capsys, "evaluate", "--engine", engine, *model))
    for there, here in zip(documents[:2], documents[2:], strict=True):
        assert there["n_ratings"] == here["n_ratings"]
        assert there["rmse"] == pytest.approx(here["rmse"], abs=1e-9)


@on_a_cluster
@pytest.mark.parametrize("as_text", [False, True])
def test_predictions_are_those_of_this_machine(
    spark: Any, as_text: bool, make_ratings: Callable[..., Ratings]
) -> None:
    import pyarrow as pa

    from mlbias.engines.joins import predict

    fitted = fit(make_ratings(300, 20, 10), "exact", lambda_=2)
    users, items = [1, 1, 2, 99, 99], [3, 77, 5, 4, 88]
    of_frame = [str(user) for user in users] if as_text else users
    columns = {"user": of_frame, "item": items, "other": ["a", "b", "c", "d", "e"]}
    frame = spark.createDataFrame(pa.table(columns))
    found = predict(fitted.model, frame).orderBy("other").toArrow().to_pydict()
    predicted, errors = fitted.predict(users, items, return_std=True)
    assert list(found) == ["user", "item", "other", "prediction", "std_error", "known"]
    assert found["user"] == of_frame
    np.testing.assert_array_equal(found["prediction"], predicted)
    np.testing.assert_allclose(found["std_error"], errors, rtol=1e-12)
    assert found["known"] == ["both", "user", "both", "item", "none"]


@on_a_cluster
def test_predict_on_spark_takes_parquet_and_writes_parquet(
    make_ratings: Callable[..., Ratings],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spark: Any,
) -> None:
    model, pairs, out = (tmp_path / name for name in ("m.npz", "pairs.parquet", "out.parquet"))
    save_model(fit(make_ratings(300, 20, 10), lambda_=2), model)
    spark.createDataFrame([(1, 3), (1, 77)], "user long, item long").write.parquet(str(pairs))
    command = ["predict", str(pairs), "--engine", "spark", "--json", "--model", str(model)]
    app([*command, "--out", str(out)], standalone_mode=False)
    document = json.loads(capsys.readouterr().out)
    assert document["known"] == {"none": 0, "user": 1, "item": 0, "both": 1}
    assert spark.read.parquet(str(out)).count() == 2
    with pytest.raises(DataError, match="already exists"):
        app([*command, "--out", str(out)], standalone_mode=False)


@on_a_cluster
@pytest.mark.parametrize("split", ["random", "time"])
def test_a_hold_out_on_spark_is_the_one_of_this_machine(
    split: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    spark: Any,  # noqa: ARG001  the session that the commands find
) -> None:
    from mlbias.engines.spark import SparkParts

    path = tmp_path / "ratings.csv"
    path.write_text("\n".join(lines_of(timed_ratings(600, 20, 10))) + "\n")
    asked: list[int] = []
    ask = SparkParts.map

    def counted(parts: SparkParts, *given: Any) -> Any:
        asked.append(1)
        return ask(parts, *given)

    monkeypatch.setattr(SparkParts, "map", counted)

    def documents(*command: str) -> list[dict[str, Any]]:
        found = []
        for engine in ("spark", "local"):
            model = ["--model", str(tmp_path / f"{engine}.npz")]
            app([*command, "--engine", engine, "--json", *model], standalone_mode=False)
            found.append(json.loads(capsys.readouterr().out))
            if "rounds" in found[-1]:  # those over the hold-out included
                assert found[-1]["rounds"] == len(asked)
        return found

    train = "train", "--data", str(path), "--lambda", "2", "--epochs", "2"
    for there, here in (
        documents(*train, "--test-size", "0.2", "--seed", "4", "--split", split),
        documents("evaluate"),
        documents("evaluate", "--data", str(path)),
    ):
        there, here = there.get("holdout", there), here.get("holdout", here)
        for name in ("n_ratings", "n_users", "unknown_users", "data_changed"):
            assert there.get(name) == here.get(name)
        for name in ("rmse", "rmse_stderr", "mae", "baseline_rmse"):
            assert there[name] == pytest.approx(here[name], abs=1e-9)


def test_what_a_worker_lacks_is_said_in_a_sentence() -> None:
    from mlbias.engines.spark_failures import told

    error = told(
        Exception(
            "An exception was thrown from the Python worker. Please see the stack trace below.\n"
            "Traceback (most recent call last):\n  ...\n"
            "ModuleNotFoundError: No module named 'mlbias'\n\tat org.apache.spark.api.python\n"
        )
    )
    assert str(error) == "Spark failed: ModuleNotFoundError: No module named 'mlbias'."
    assert "PYSPARK_PYTHON" in error.advice


@on_a_cluster
@pytest.mark.parametrize("kind", ["double", "decimal(10,2)", "boolean"])
def test_predictions_of_ids_that_are_no_ids_are_refused(spark: Any, kind: str) -> None:
    from mlbias.engines.joins import predict

    # As text, 1.0 would be an unknown user, in silence.
    frame = spark.range(1).selectExpr(f"CAST(1 AS {kind}) AS user", "id AS item")
    model = fit(Ratings.from_ids([1, 2], [0, 0], [1, 2]), lambda_=2).model
    with pytest.raises(DataError, match=r"column 'user' for the user holds .*; expected integers"):
        predict(model, frame)


@on_a_cluster
def test_predictions_take_no_empty_id_and_no_name_that_spark_takes_for_theirs(spark: Any) -> None:
    from mlbias.engines.joins import predict

    model = fit(Ratings.from_ids([1, 2], [0, 0], [1, 2]), lambda_=2).model
    empty = spark.createDataFrame([("", 0)], "user string, item long")
    with pytest.raises(Exception, match="column user: an id is missing"):
        predict(model, empty).collect()
    with pytest.raises(DataError, match="has a column 'Prediction' already"):
        predict(model, spark.createDataFrame([(1, 0, 3)], "user long, item long, Prediction long"))
    with pytest.raises(DataError, match="has a column '_Bias0' already"):
        predict(model, spark.createDataFrame([(1, 0, 3)], "user long, item long, _Bias0 long"))


@on_a_cluster
def test_ids_that_are_text_stay_text_as_in_memory(spark: Any) -> None:
    table = spark.createDataFrame(
        [("7", "1", "3"), ("10", "1", "4"), ("10", "2", "5")],
        "user string, item string, rating string",
    )
    there, here = on_spark(table), Ratings.from_frame(table)
    assert list(there.user_ids) == list(here.user_ids) == ["10", "7"]
    assert list(there.item_ids) == list(here.item_ids) == ["1", "2"]


@on_a_cluster
def test_ids_that_are_no_text_and_no_parts_are_refused(spark: Any) -> None:
    from mlbias.engines.spark import incidence

    columns = "user_id binary, item_id long, rating double"
    frame = spark.createDataFrame([(b"\xff\xfe", 2, 3.0)], columns)
    with pytest.raises(DataError, match=r"^the frame cannot be read: invalid utf8"):
        on_spark(frame)
    for parts in (0, -1):
        with pytest.raises(OptionError, match=f"`parts` is {parts}; expected 1 or more"):
            incidence(frame, parts=parts)


@on_a_cluster
def test_ids_that_are_no_ids_are_refused(spark: Any) -> None:
    frame = spark.createDataFrame([(1.5, 2, 3.0)], "user_id double, item_id long, rating double")
    with pytest.raises(
        DataError, match="column 'user_id' for the user holds Float64; expected integers or text"
    ):
        on_spark(frame)


def test_a_store_without_its_jar_and_a_scheme_without_a_store_are_said_in_a_sentence() -> None:
    from mlbias.engines.spark_failures import told

    name = "org.apache.hadoop.fs.s3a.S3AFileSystem"
    error = told(Exception(f"An error occurred.\n: RuntimeException: Class {name} not found\n\tat"))
    assert str(error) == f"Spark failed: it has no jar for this store, as there is no class {name}."
    assert "hadoop-aws" in error.advice
    error = told(
        Exception('o31.text\n: UnsupportedFileSystemException: No FileSystem for scheme "x"')
    )
    assert str(error) == 'Spark failed: no file system for scheme "x".'


@on_a_cluster
def test_a_table_is_read_by_its_name(
    spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spark.createDataFrame(
        [(1, 10, 3.0), (2, 10, 4.0), (2, 20, 5.0)], "user long, item long, rating double"
    ).createOrReplaceTempView("ratings")
    train = ["train", "--engine", "spark", "--json", "--epochs", "1", "--no-save"]
    app([*train, "--data", "table:ratings"], standalone_mode=False)
    said = capsys.readouterr()
    assert json.loads(said.out)["n_ratings"] == 3
    fits = (
        "3 ratings fit into the memory of this machine, where everything takes less time: Ratings."
    )
    assert fits in said.err
    with pytest.raises(DataError, match="The table or view 'ratngs' cannot be found"):
        app([*train, "--data", "table:ratngs"], standalone_mode=False)
    # Text without a header: columns are named by their numbers.
    (tmp_path / "bad.csv").write_text("1,10,3\n2,20,four\n")
    with pytest.raises(DataError, match=r"bad\.csv: column '3': rating 'four' is not a number"):
        app([*train, "--data", str(tmp_path / "bad.csv")], standalone_mode=False)


def test_a_session_that_does_not_start_says_why_and_one_that_does_says_nothing() -> None:
    start = "from mlbias.engines.session import spark_session; spark_session({!r})"
    refused, started = (
        subprocess.run(
            [sys.executable, "-c", start.format(master)],
            capture_output=True, text=True, check=False, env=_lean_java(),
        )
        for master in ("spark//x", "local[1]")
    )  # fmt: skip
    said = "DataError: Spark did not start: Could not parse Master URL: 'spark//x'."
    assert refused.stderr.splitlines()[-1].endswith(said)
    assert (started.returncode, started.stderr) == (0, "")


_STOPPED = """
import numpy as np
from pyspark.sql import SparkSession
from mlbias.engines.spark import incidence
spark = SparkSession.builder.master("local[1]").getOrCreate()
frame = spark.createDataFrame([(1, 2, 3.0)], "user long, item long, rating double")
ratings = incidence(frame)
spark.stop()
for use in (lambda: ratings.per_user(np.zeros(1)), lambda: incidence(frame)):
    try:
        use()
    except Exception as error:
        print(error)
ratings.release()
"""


def test_a_session_that_was_stopped_is_said_in_a_sentence() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _STOPPED],
        capture_output=True, text=True, check=False, env=_lean_java(),
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (0, "the Spark session was stopped.\n" * 2)


def _lean_java() -> dict[str, str]:
    """An environment whose Java is that of these tests."""
    return os.environ | {"JDK_JAVA_OPTIONS": _JVM, "PYSPARK_PYTHON": sys.executable}


def test_spark_connect_gives_what_memory_gives() -> None:
    pytest.importorskip("grpc_status", reason="Spark Connect is left out: needs pyspark[connect]")
    command = [sys.executable, "-m", "tests.on_connect"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=_lean_java())
    assert run.returncode == 0, run.stderr[-2_000:]


def test_pairs_that_are_no_parquet_are_refused_before_spark_starts(tmp_path: Path) -> None:
    model, pairs = tmp_path / "m.npz", tmp_path / "pairs.csv"
    save_model(fit(timed_ratings(), "exact"), model)
    pairs.write_text("user,item\n1,2\n")
    command = ["predict", str(pairs), "--engine", "spark", "--model", str(model)]
    with pytest.raises(DataError, match=r"pairs\.csv is no Parquet file"):
        app([*command, "--out", str(tmp_path / "out.parquet")], standalone_mode=False)
