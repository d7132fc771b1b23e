"""On a terminal no line is longer than it is wide, and no number is split."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlbias import load_ratings, random_split
from mlbias.cli.show.text import wrapped
from tests.test_cli import COMMAND, environment

# Cursor movements and colours; a bar is drawn anew over itself, each time after a return.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\n]*\r(?!\n)")
_NUMBER = re.compile(r"[+−-]?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")


def shown(folder: Path, columns: int, *arguments: str) -> list[str]:
    """The lines of a command on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    variables = environment(TERM="xterm-256color")
    variables.pop("COLUMNS", None)
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 1 << 16):
            said += part
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    process.wait(60)
    return _ESCAPES.sub("", said.decode().replace("\r\n", "\n")).split("\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and predictions of its hold-out under a long name."""
    place = tmp_path_factory.mktemp("terminal")
    options = ("--data", "sample", "--test-size", "0.1", "--method", "exact", "--quiet")
    subprocess.run(
        [*COMMAND, "train", *options], cwd=place, env=environment(), check=True, capture_output=True
    )
    held_out = random_split(load_ratings("sample"), 0.1)[1]
    users, items = held_out.user_ids[held_out.user], held_out.item_ids[held_out.item]
    rows = [f"{u},{i},{3 + u % 2}" for u, i in zip(users, items, strict=True)]
    (place / "a-system-with-a-long-name.csv").write_text("\n".join(["user,item,prediction", *rows]))
    return place


SAMPLE = ("--data", "sample")
COMMANDS = {
    "train": ("train", *SAMPLE, "--test-size", "0.1", "--method", "exact", "--no-save"),
    "train gd": ("train", *SAMPLE, "--method", "gd", "--epochs", "3", "--no-save"),
    "evaluate": ("evaluate",),
    "judge": ("evaluate", "--predictions", "a-system-with-a-long-name.csv"),
    "compare": ("compare", *SAMPLE, "--methods", "mean,closed-form,exact"),
    "lecture": ("compare", *SAMPLE, "--as-lecture", "--test-size", "0.1"),
    "crossval": ("crossval", *SAMPLE, "--method", "gd", "--lambda", "0.001,0.5", "--folds", "2"),
    "baseline": ("baseline", *SAMPLE),
    "biases": ("biases", "items", "--top", "3"),
    "show": ("show",),
    "predict": ("predict", "--user", "1", "--item", "nothing", "--interval", "0.9"),
    "generate": ("generate", "--preset", "sample"),
    "download": ("download", "--list"),
    "error": (
        "train",
        "--data",
        "sample",
        "--lambda",
        "a number that is none, and too long for it",
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("columns", [80, 60])
def test_no_line_is_longer_than_the_terminal_is_wide(folder: Path, columns: int, name: str) -> None:
    lines = shown(folder, columns, *COMMANDS[name])
    assert any(lines)
    assert [line for line in lines if len(line) > columns] == []


@pytest.mark.parametrize("name", ["evaluate", "judge", "baseline", "show", "biases"])
def test_a_narrow_terminal_has_no_other_numbers_than_a_wide_one(folder: Path, name: str) -> None:
    wide = set(_NUMBER.findall("\n".join(shown(folder, 200, *COMMANDS[name]))))
    for line in shown(folder, 60, *COMMANDS[name]):
        assert set(_NUMBER.findall(line)) <= wide, line


WORDS = st.lists(
    st.text("abcé", min_size=1, max_size=9)
    | st.sampled_from(["·", "±", "0.8333", "12", "s", "x,"]),
    min_size=1,
    max_size=40,
).map(" ".join)


@given(WORDS, st.integers(30, 90))
def test_wrapping_keeps_every_word(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert " ".join(" ".join(lines).split()) == text
    alone = [line for line in lines if len(line) > width and " " in line.strip()]
    assert all("±" in line or re.search(r"\d s", line) for line in alone)


def test_a_line_ends_after_a_part_and_never_within_a_number() -> None:
    text = "hold-out: RMSE 0.861543 ± 0.0149, 17.3 % better than the mean · read 1.13 s"
    assert wrapped(text, 80) == [text]
    assert wrapped(text, 60) == [
        "hold-out: RMSE 0.861543 ± 0.0149,",
        "  17.3 % better than the mean · read 1.13 s",
    ]
    assert wrapped("read 1.13 s", 9) == ["read", "  1.13 s"]
    assert wrapped("σ 0.8 ± 0.1", 9) == ["σ", "  0.8 ± 0.1"]
    assert (
        wrapped(f"saved {'/folder' * 20}/model.npz", 30)[1].strip() == f"{'/folder' * 20}/model.npz"
    )
