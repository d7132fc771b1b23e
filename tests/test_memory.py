"""Available memory: the least of what the machine, the container and the system's limits allow."""

import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlbias import memory
from mlbias.cli.app import _unforeseen
from mlbias.errors import DataError, OptionError
from mlbias.evaluation import folds as folds_of_ratings
from mlbias.evaluation.crossval import crossval
from mlbias.memory import (
    available_memory,
    check_room,
    memory_limit,
    part_size,
    threads_within,
)
from mlbias.ratings import Ratings
from tests.test_cli import COMMAND, FOUR, environment, fails

MIB = 1 << 20


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


VERSION_2 = {"proc/self/cgroup": "0::/user.slice/job.scope\n"}
VERSION_1 = {"proc/self/cgroup": "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/ignored\n"}
INSIDE = {"proc/self/cgroup": "0::/\n"}


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        (VERSION_2 | {"sys/fs/cgroup/user.slice/job.scope/memory.max": f"{400 * MIB}\n"}, 400),
        # A group above it is stricter.
        (
            VERSION_2
            | {
                "sys/fs/cgroup/user.slice/job.scope/memory.max": "max\n",
                "sys/fs/cgroup/user.slice/memory.max": f"{300 * MIB}\n",
            },
            300,
        ),
        (INSIDE | {"sys/fs/cgroup/memory.max": f"{200 * MIB}\n"}, 200),
        (
            VERSION_1 | {"sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": f"{100 * MIB}\n"},
            100,
        ),
        # The path is the host's, and only the container's own group is seen.
        (VERSION_1 | {"sys/fs/cgroup/memory/memory.limit_in_bytes": f"{150 * MIB}\n"}, 150),
    ],
)
def test_the_container_is_asked(tmp_path: Path, files: dict[str, str], limit: int) -> None:
    assert available_memory(lay_out(tmp_path, files)) == limit * MIB


def test_what_is_used_already_is_not_available(tmp_path: Path) -> None:
    page = resource.getpagesize()
    used = {"proc/self/statm": f"9999999 {100 * MIB // page} 0 0 0 0 0\n"}
    limit = {"sys/fs/cgroup/memory.max": f"{400 * MIB}\n"}
    assert available_memory(lay_out(tmp_path, INSIDE | limit | used)) == 300 * MIB
    lay_out(tmp_path, {"sys/fs/cgroup/memory.max": f"{50 * MIB}\n"})
    assert available_memory(tmp_path) == 0


def test_without_limits_it_is_the_machines(tmp_path: Path) -> None:
    unlimited = {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}
    machine = resource.getpagesize() * int(
        subprocess.check_output(["getconf", "_PHYS_PAGES"], text=True)
    )
    assert available_memory(lay_out(tmp_path, VERSION_1 | unlimited)) == machine
    assert available_memory(lay_out(tmp_path, VERSION_2)) == machine
    assert available_memory(tmp_path / "nowhere") == machine


def test_the_limit_on_the_address_space_counts(tmp_path: Path) -> None:
    code = (
        "import resource; from mlbias.memory import available_memory; from pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_AS, (700 << 20, resource.RLIM_INFINITY))\n"
        f"print(available_memory(Path({str(tmp_path)!r})))"
    )
    assert int(subprocess.check_output([sys.executable, "-c", code])) == 700 * MIB


@pytest.mark.parametrize(("mib", "folds"), [(0, 1), (100, 1), (400, 3), (10_000, 81)])
def test_so_many_folds_at_once_fit_into_half_of_it(
    monkeypatch: pytest.MonkeyPatch, mib: int, folds: int
) -> None:
    monkeypatch.setattr(folds_of_ratings, "available_memory", lambda: mib * MIB)
    assert folds_of_ratings._number_in_memory(1_000_000) == folds


def run_limited(tmp_path: Path, limit: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run mlbias under a limit that ``ulimit`` sets."""
    return subprocess.run(
        ["bash", "-c", f'ulimit -c 0 {limit}; exec "$@"', "bash", *COMMAND, *arguments],
        cwd=tmp_path, env=environment(), capture_output=True, encoding="utf-8", timeout=60,
        check=False,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="Linux enforces RLIMIT_AS")
@pytest.mark.parametrize("mib", [300, 600, 900, 1200])
def test_too_little_address_space_is_a_sentence_with_what_is_needed(
    tmp_path: Path, mib: int
) -> None:
    (tmp_path / "r.csv").write_text(FOUR)
    for arguments in (("baseline", "--data", "r.csv"), ("generate",)):
        limited = run_limited(tmp_path, f"-v {mib * 1024}", *arguments)
        said = fails(limited, 1, r"^error: 1,\d+ MiB of address space are needed, and this proc")
        assert len(said.splitlines()) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]


def test_a_file_that_cannot_fit_into_memory_goes_to_disk_and_is_not_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 1 << 30)
    check_room(100 << 30)
    check_room(100 << 30, limit=memory_limit("700M"))
    with pytest.raises(DataError, match=r"about 1,308 MiB of memory are needed.* take 1,024 MiB"):
        check_room(2 << 30, limit=memory_limit("4G"))


@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        (1 << 30, 1 << 30),
        ("4G", 4 << 30),
        ("4g", 4 << 30),
        ("300 MiB", 300 << 20),
        ("1.5GiB", 3 << 29),
        ("2GB", 2_000_000_000),
        ("1T", 1 << 40),
        ("268435456", 1 << 28),
    ],
)
def test_sizes(asked: int | str, limit: int) -> None:
    assert memory_limit(asked) == limit


@pytest.mark.parametrize("asked", ["", "G", "4 apples", "-4G", "nan", "4G4G", "1e9", -1])
def test_what_is_no_size(asked: int | str) -> None:
    with pytest.raises(OptionError, match="`memory_limit` is a size such as 4G or 500M, not "):
        memory_limit(asked)


def test_a_limit_that_holds_no_ratings() -> None:
    with pytest.raises(OptionError, match=r"at least 256 MiB, not '?100M"):
        memory_limit("100M")


def test_the_limit_is_half_of_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 8 << 30)
    assert memory_limit() == 4 << 30


def test_crossval_says_so_where_not_even_one_fold_fits(
    four: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 255)
    with pytest.raises(DataError, match="of memory are needed"):
        crossval(four, folds=2, lambda_=[1])


def test_threads_that_cannot_be_started_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def limited(thread: threading.Thread) -> None:
        if len(started) == 3:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with pytest.raises(DataError, match=r"12 threads are needed, and the system .* start 3\."):
        check_room(0, 1)
    assert not any(thread.is_alive() for thread in started)


@pytest.mark.parametrize("words", ["can't start new thread", "OS can't spawn worker thread"])
def test_a_thread_that_is_missing_later_is_the_systems_fault(words: str) -> None:
    assert str(_unforeseen(RuntimeError(words))).startswith("the system lets this process start no")


def test_a_small_limit_is_for_small_parts_and_few_threads() -> None:
    small, large = 256 << 20, 64 << 30
    assert (threads_within(small, 64), threads_within(large, 64)) == (4, 64)
    assert threads_within(small, 1) == threads_within(1, 64) == 1
    assert part_size(small, 2) == 1 << 20
    assert part_size(large, 2) >= 8 << 20
