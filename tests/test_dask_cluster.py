"""Ratings on a Dask cluster of two processes, one of which dies, and whose source changes."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlbias.core.vectors import FloatArray
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.errors import DataError
from mlbias.fitting.fit import fit
from mlbias.ratings import Ratings

dask = pytest.importorskip("dask", reason="tests of Dask are left out: they need mlbias[dask]")
dd = pytest.importorskip("dask.dataframe", reason="tests of Dask are left out")
pd = pytest.importorskip("pandas", reason="tests of Dask are left out")
distributed = pytest.importorskip("distributed", reason="tests of Dask's clusters are left out")

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def _kill(worker: Any) -> None:
    os.kill(worker.pid, signal.SIGKILL)


def _bits(incidence: PartitionedIncidence) -> list[FloatArray]:
    """What parts give, up to a fit."""
    rng = np.random.default_rng(5)
    fitted = fit(incidence, "exact", lambda_=3)
    return [
        incidence.per_user(rng.normal(size=len(incidence.item_ids))),
        incidence.per_item(rng.normal(size=len(incidence.user_ids))),
        fitted.user_bias,
        fitted.item_bias,
    ]


def test_a_cluster_gives_the_bits_of_threads_and_so_does_one_that_lost_a_worker(
    make_ratings: Callable[..., Ratings], tmp_path: Path
) -> None:
    from mlbias.engines.dask import incidence

    ratings = make_ratings(2_000, 60, 40, stars=False)
    frame = pd.DataFrame({
        "user_id": [f"u{user}" for user in ratings.user], "item_id": ratings.item,
        "rating": ratings.value,
    })  # fmt: skip
    path = tmp_path / "ratings.csv"
    frame.to_csv(path, index=False)

    def in_parts() -> PartitionedIncidence:
        return incidence(dd.read_csv(str(path), blocksize=15_000), parts=3)

    with dask.config.set(scheduler="threads"):
        expected = _bits(in_parts())
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1"}
    with (
        distributed.LocalCluster(**options, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster),
    ):
        parts = in_parts()
        np.testing.assert_equal(_bits(parts), expected)
        first, second = cluster.workers.values()
        _kill(first)
        np.testing.assert_equal(_bits(parts), expected)
        frame.loc[5, "rating"] += 1
        frame.to_csv(path, index=False)
        _kill(second)
        with pytest.raises(DataError, match="the ratings have changed since they were read"):
            _bits(parts)
        parts.release()
