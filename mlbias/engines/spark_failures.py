"""What Spark raises, told in a sentence."""

import re

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from mlbias.errors import DataError

# The latter where Java fails on the way to a plan.
FAILURES = PySparkException, Py4JError


def told(error: Exception) -> DataError:
    """What Spark says, without its pages of Java and of Python's workers."""
    lines = [line.strip(": ") for line in str(error).splitlines() if line.strip(": ")]
    if len(lines) > 1 and lines[0].startswith("An error occurred while calling"):
        del lines[0]
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception): ", line)]
    said = (raised[-1] if "Python worker" in lines[0] and raised else lines[0]) if lines else ""
    advice = ""
    if "ModuleNotFoundError" in said or "PYTHON_VERSION_MISMATCH" in str(error):
        advice = (
            "Workers need the same Python with mlbias in it; PYSPARK_PYTHON names it, before Spark "
            "starts."
        )
    elif unread := re.search(r"Class (org\.apache\.hadoop\.fs\.\S+) not found", str(error)):
        said = f"it has no jar for this store, as there is no class {unread[1]}"
        advice = (
            "hadoop-aws has it for s3a, in the version of Spark's own Hadoop: --packages of "
            "spark-submit, or PYSPARK_SUBMIT_ARGS='--packages org.apache.hadoop:hadoop-aws:VERSION "
            "pyspark-shell', brings it."
        )
    elif raised_here := re.search(r"\[USER_RAISED_EXCEPTION\] (.*?) SQLSTATE", said):
        return DataError(f"{raised_here[1].removeprefix('file://')}.")
    elif "CSV header does not conform" in str(error):
        said = "files of one source differ in their columns, or in the order of these"
    elif unread := re.search(r"No FileSystem for scheme \S+", str(error)):
        said = unread[0].lower().replace("filesystem", "file system")
    # A name in backticks would be taken for an option.
    said = (said or type(error).__name__).replace("`", "'")
    return DataError(f"Spark failed: {said[:300].removesuffix('.')}.", advice)
