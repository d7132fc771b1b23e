"""A Spark session for the command line, and what it needs of this machine."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from mlbias.errors import DataError

_JAVA = (17, 21)


def spark_session(master: str | None) -> Any:
    """The session that is there already, or one that is made here.

    Args:
        master: of a session that is made; by default what Spark is configured for, or all cores.

    Raises:
        DataError: there is no Java, or the workers' Python is not this one's version.
    """
    check_java()
    check_python()
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        return session
    # Without these, Spark draws its own progress bars and says much on standard error.
    quiet = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
    builder = SparkSession.builder.appName("mlbias").config(map=quiet)
    builder = builder if master is None else builder.master(master)
    with _standard_error_elsewhere() as log:
        try:
            return builder.getOrCreate()
        except Exception as error:
            raise DataError(f"Spark did not start: {_last_said(log, error)}") from error


@contextmanager
def _standard_error_elsewhere() -> Iterator[BinaryIO]:
    """Let what is started meanwhile say on a file what it says on standard error.

    So does Java for as long as it lives: a dozen lines on its way up, and pages for each error that
    is told in a sentence here.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield log
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _last_said(log: BinaryIO, error: Exception) -> str:
    """The exception that Java ended with, or else the one of Python."""
    log.seek(0)
    lines = log.read().decode(errors="replace").splitlines()
    raised = [line for line in lines if "Exception: " in line]
    said = raised[-1].rpartition("Exception: ")[2] if raised else str(error).partition("\n")[0]
    return said[:300].replace("`", "'").removesuffix(".") + "."


def find_java() -> int | None:
    """The version of the Java that Spark would start; None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if java is None:
        return None
    run = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', run.stderr)
    return int(found[1]) if found else None


def check_java() -> None:
    """See that there is a Java on which Spark runs.

    Raises:
        DataError: there is none.
    """
    version = find_java()
    if version not in _JAVA:
        found = "there is none" if version is None else f"found Java {version}"
        raise DataError(
            f"Spark needs Java 17 or 21, and {found}.",
            "Install one, and let JAVA_HOME name its folder where it is not on the PATH.",
        )


def check_python() -> None:
    """See that workers have this Python's version; without a choice they get this Python.

    Raises:
        DataError: PYSPARK_PYTHON names another version.
    """
    chosen = os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    found = shutil.which(chosen)
    if found is None or Path(found) == Path(sys.executable):
        return  # one that only the workers have is checked by Spark
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    run = subprocess.run([found, "-c", ask], capture_output=True, text=True, check=False)
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if run.stdout.strip() not in ("", own):
        raise DataError(
            f"PYSPARK_PYTHON is {chosen}, which is Python {run.stdout.strip()}, and mlbias runs on "
            f"{own}: Spark needs the same version on both sides.",
            f"Set PYSPARK_PYTHON to {sys.executable}.",
        )
