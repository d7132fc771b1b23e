"""Available memory: the least of what the machine, the container and the system's limits allow."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from mlbias.evaluation import crossval
from mlbias.memory import available_memory

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
    monkeypatch.setattr(crossval, "available_memory", lambda: mib * MIB)
    assert crossval._folds_in_memory(1_000_000) == folds
