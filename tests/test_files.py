"""Files that are whole or not there, where no file may be written, and what is swept."""

import errno
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlbias.datasets.generated.file import Format, check_place, truth_path, write_generated
from mlbias.datasets.generated.generator import Generator
from mlbias.datasets.generated.shapes import SAMPLE
from mlbias.errors import DataError
from mlbias.files import obstacle, sweep, temporary_folder, temporary_name, written_whole
from mlbias.permissions import permissions_of
from tests.conftest import age
from tests.downloads import ARCHIVE
from tests.test_cli import environment


def write(path: Path, content: bytes) -> None:
    with written_whole(path) as file:
        file.write(content)


@pytest.mark.parametrize("error", [RuntimeError("full"), KeyboardInterrupt(), MemoryError()])
def test_a_file_that_could_not_be_finished_leaves_nothing_and_what_was_there(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail_half_way() -> None:
        with written_whole(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        fail_half_way()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_last_of_two_writers_wins_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    with written_whole(path) as first:
        first.write(b"first")
        write(path, b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert list(path.parent.iterdir()) == [path]


def test_only_our_own_old_temporaries_of_the_same_file_are_swept(tmp_path: Path) -> None:
    def left(name: str, *, old: bool = True) -> str:
        (tmp_path / name).write_text(name)
        if old:
            age(tmp_path / name)
        return name

    gone = left(".r.csv.0badc0de.part")
    kept = {
        left(".r.csv.0badc0df.part", old=False),
        left(".other.csv.0badc0de.part"),
        left("r.csv.part"),
        left(".r.csv.notours!.part"),
        left(".r.csv.0badc0de.part.txt"),
    }
    (tmp_path / ".r.csv.0badc0d0.part").symlink_to(tmp_path / ".other.csv.0badc0de.part")
    write(tmp_path / "r.csv", b"")
    found = {path.name for path in tmp_path.iterdir()}
    assert found == kept | {"r.csv", ".r.csv.0badc0d0.part"}
    assert gone not in found


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_a_temporary_of_a_process_that_has_ended_is_swept_at_once(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from mlbias.files import temporary_name\n"
    code += "path = temporary_name(Path(sys.argv[1])); path.touch(); print(path)"
    ended = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "r.csv"], capture_output=True, text=True, check=True
    )
    gone = Path(ended.stdout.strip())
    here, process, random = gone.name.split(".")[3].split("-")
    running = temporary_name(tmp_path / "r.csv")
    elsewhere = gone.with_name(f".r.csv.{'0' * 8}-{process}-{random}.part")
    for path in (running, elsewhere):
        path.touch()
    assert running.name.startswith(f".r.csv.{here}-{os.getpid():x}-")
    sweep(tmp_path, "r.csv")
    assert set(tmp_path.iterdir()) == {running, elsewhere}


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)
def test_what_belongs_to_another_user_is_not_swept(tmp_path: Path) -> None:
    other = tmp_path / ".r.csv.0badc0de.part"
    other.write_text("")
    age(other)
    os.chown(other, 12345, -1)
    sweep(tmp_path, "r.csv")
    assert other.exists()


def test_temporary_folders_are_gone_at_the_end_and_swept_when_nothing_in_them_changes(
    tmp_path: Path,
) -> None:
    left, used = tmp_path / ".set.0badc0de.part", tmp_path / ".set.0badc0da.part"
    for folder in (left, used):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "file").write_text("x")
        age(folder)
    with (used / "deep" / "file").open("a") as file:
        file.write("still growing")
    with temporary_folder(tmp_path / "set") as one, temporary_folder(tmp_path / "set") as other:
        (one / "file").write_text("x")
        assert one != other
        assert not left.exists()
        assert used.exists()
    assert not one.exists()
    assert not other.exists()


def test_of_a_symbolic_link_the_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    target, link = tmp_path / "deep" / "target", tmp_path / "link"
    target.write_bytes(b"before")
    link.symlink_to("deep/target")
    write(link, b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"
    assert list(target.parent.iterdir()) == [target]
    target.unlink()
    write(link, b"again")
    assert target.read_bytes() == b"again"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o444])
def test_a_file_keeps_its_permissions_when_it_is_replaced(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    path.chmod(mode)
    write(path, b"after")
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    ("mode", "same_group", "other_group"),
    [
        (0o640, 0o640, 0o600),  # the new group is not the one that may read
        (0o644, 0o644, 0o644),
        (0o604, 0o604, 0o600),  # members of the old group would be among the others
        (0o664, 0o664, 0o644),
        (0o600, 0o600, 0o600),
    ],
)
def test_a_new_file_lets_nobody_in_whom_the_old_one_kept_out(
    tmp_path: Path, mode: int, same_group: int, other_group: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    path.chmod(mode)
    known = path.stat()
    assert permissions_of(known, known.st_gid) == same_group
    assert permissions_of(known, known.st_gid + 1) == other_group


@pytest.mark.parametrize(
    ("sources", "before", "after"),
    [
        ([0o600], None, 0o600),
        ([0o644, 0o640], None, 0o640),
        ([0o666], None, 0o644),  # what the umask takes
        ([0o444], None, 0o644),  # a source that its owner protects from himself
        ([0o600], 0o644, 0o600),
        ([0o644], 0o600, 0o600),
    ],
)
def test_a_file_is_open_to_nobody_who_cannot_open_what_it_is_made_from(
    tmp_path: Path, sources: list[int], before: int | None, after: int
) -> None:
    made_from = [tmp_path / str(number) for number in range(len(sources))]
    for path, mode in zip(made_from, sources, strict=True):
        path.write_bytes(b"")
        path.chmod(mode)
    made = tmp_path / "made"
    if before is not None:
        made.write_bytes(b"before")
        made.chmod(before)
    old_umask = os.umask(0o022)
    try:
        with written_whole(made, [*made_from, tmp_path / "gone"]) as file:
            file.write(b"after")
    finally:
        os.umask(old_umask)
    assert made.read_bytes() == b"after"
    assert made.stat().st_mode & 0o777 == after


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_link_to_null(path: Path) -> None:
    path.symlink_to(os.devnull)


SPECIAL: list[tuple[Callable[[Path], object], str]] = [
    (Path.mkdir, "it is a folder, not a regular file"),
    (os.mkfifo, "it is a pipe, not a regular file"),
    (make_socket, "it is a socket, not a regular file"),
    (make_loop, "Too many levels of symbolic links"),
    (make_link_to_null, "it is a device, not a regular file"),
]


@pytest.mark.parametrize(("make", "reason"), SPECIAL)
def test_what_is_no_regular_file_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], object], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    path = Path("special")
    make(path)
    before = path.lstat()
    assert obstacle(path) == reason
    with pytest.raises(OSError, match=reason):
        write(path, b"")
    assert os.path.samestat(path.lstat(), before)
    assert [entry.name for entry in tmp_path.iterdir()] == ["special"]


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/1"])
def test_streams_are_refused_even_where_they_lead_to_a_regular_file(name: str) -> None:
    assert obstacle(Path(name)) == "it is a stream of a process, not a regular file"
    assert obstacle(Path("/dev/null")) == "it is a device, not a regular file"


def test_other_places_are_told_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert obstacle(tmp_path / "file") == ""
    assert obstacle(tmp_path / "new" / "er" / "file") == ""
    under_file = tmp_path / "file" / "model"
    assert obstacle(under_file) == f"{tmp_path / 'file'} is not a folder that you can write to"
    assert obstacle(tmp_path / ("x" * 300)) == "File name too long"


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(SAMPLE.resized(100))


def test_generated_ratings_replace_generated_ratings_and_nothing_else(
    tmp_path: Path, generator: Generator
) -> None:
    path = tmp_path / "r.csv"
    check_place(path)
    write_generated(generator, path, Format.CSV)
    check_place(path)
    write_generated(generator, path, Format.PARQUET)
    check_place(path)
    future = time.time() + 10
    os.utime(path, (future, future))  # changed since
    with pytest.raises(DataError, match="is not known to be generated, so it is not replaced"):
        check_place(path)
    check_place(path, force=True)
    truth_path(path).write_bytes(b"something else")
    with pytest.raises(DataError, match="is not known to be generated"):
        check_place(path)
    check_place(path, force=True)
    path.unlink()
    with pytest.raises(DataError, match="is not the truth of generated ratings"):
        check_place(path)


def test_the_truth_is_beside_the_file_that_a_link_leads_to(
    tmp_path: Path, generator: Generator
) -> None:
    link, path = tmp_path / "link.csv", tmp_path / "elsewhere" / "r.csv"
    path.parent.mkdir()
    link.symlink_to(path)
    write_generated(generator, link, Format.CSV)
    check_place(link)
    check_place(path)
    assert sorted(path.parent.iterdir()) == [path, truth_path(path)]
    assert truth_path(link) == truth_path(path)
    assert link.is_symlink()


@pytest.mark.parametrize("name", [".", "..", "/", "folder", "pipe", "/dev/null"])
def test_generated_ratings_go_into_regular_files(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    os.mkfifo("pipe")
    for force in (False, True):
        with pytest.raises(DataError, match=r"cannot be written: it is a .*, not a regular file"):
            check_place(Path(name), force=force)


# What Windows lacks: modules, functions, constants; and no process is in /proc there.
WITHOUT_POSIX = """
import builtins, os, pathlib, sys
real, real_open = builtins.__import__, pathlib.Path.read_text
def without(name, *rest, **more):
    if name in ("fcntl", "resource", "pwd", "grp", "termios"):
        raise ImportError(f"no {name} here")
    return real(name, *rest, **more)
def no_proc(path, *rest, **more):
    if path.is_relative_to("/proc") or path.is_relative_to("/sys"):
        raise FileNotFoundError(path)
    return real_open(path, *rest, **more)
builtins.__import__, pathlib.Path.read_text = without, no_proc
for name in (
    "geteuid", "getuid", "getegid", "getgid", "sysconf", "sched_getaffinity", "O_NOFOLLOW",
    "O_DIRECTORY", "O_NONBLOCK", "mkfifo", "chown", "lchown", "fchown", "killpg", "getpgid", "fork",
    "forkpty", "nice", "getpriority", "posix_fadvise", "posix_fallocate", "openpty", "setsid",
):
    delattr(os, name)
sys.argv = ["mlbias", *sys.argv[1:]]
from mlbias.__main__ import main
main()
"""


def test_every_command_works_without_what_only_posix_has(tmp_path: Path) -> None:
    """Windows, simulated: none of the modules and functions that it lacks is needed."""
    archive = tmp_path / "ml-latest.zip"
    archive.write_bytes(ARCHIVE)
    large = ("--preset", "sample", "--ratings", "900000", "--out", "large.csv")
    for arguments, said in (
        (("generate",), "generated sample"),
        (("train", "--data", "generated-sample", "--test-size", "0.1"), "saved data"),
        (("train", "--data", "generated-sample", "--test-size", "0.1"), "saved data"),
        (("evaluate",), "RMSE"),
        (("crossval", "--data", "sample", "--folds", "2"), "RMSE"),
        (("compare", "--data", "sample"), "exact"),
        (("generate", *large), "generated sample"),
        (("baseline", "--data", "large.csv"), "left a prepared copy"),
        (("baseline", "--data", "large.csv"), "took the prepared copy"),
        (("cache", "--data", "large.csv"), "ready"),
        (("cache", "clear", "--data", "large.csv"), "removed 1 prepared copy"),
        (("download", "ml-latest", "--url", str(archive)), "2,400 ratings"),
    ):
        finished = subprocess.run(
            [sys.executable, "-c", WITHOUT_POSIX, *arguments], cwd=tmp_path, env=environment(),
            capture_output=True, encoding="utf-8", check=False, timeout=60,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stderr
        assert said in finished.stdout + finished.stderr


def test_a_signal_while_a_temporary_folder_is_removed_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, calls = shutil.rmtree, []

    def interrupted(path: Path, ignore_errors: bool) -> None:
        calls.append(path)
        if len(calls) == 1:
            raise KeyboardInterrupt
        remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt), temporary_folder(tmp_path / "set") as folder:
        (folder / "file").write_text("half")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "as Python says it"),
        OSError("No space left on device (os error 28)"),
        RuntimeError("out of specification: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_names_the_file_whatever_library_wrote_it(
    tmp_path: Path, error: Exception
) -> None:
    made = tmp_path / "made"
    with pytest.raises(OSError, match="No space left") as raised, written_whole(made):
        raise error
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(made))
    assert list(tmp_path.iterdir()) == []
