"""The console examples of the pages: run, and shown anew by `python -m docs.console [PAGE ...]`."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ARCHIVES = ("ml-latest-small", "ml-100k")


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def examples(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a page, and what the page shows below it."""
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown


def archives_of(text: str) -> list[str]:
    """The MovieLens archives that a page's commands need in data/."""
    commands = " ".join(command for command, _ in examples(text))
    return [name for name in _ARCHIVES if re.search(rf"(?<!-)(?<!--preset ){name}\b", commands)]


def run(command: str, folder: Path) -> str:
    """What a command prints in a folder, both streams together."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-c", f"({command}) 2>&1"],
        cwd=folder, env=os.environ | {"PATH": path, "PYTHONIOENCODING": "utf-8"},
        capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    return result.stdout


def shown_anew(text: str, folder: Path) -> str:
    """The page with what its commands print now."""

    def block(found: re.Match[str]) -> str:
        printed = (f"$ {command}\n{run(command, folder)}" for command, _ in examples(found[0]))
        return f"```console\n{''.join(printed)}```"

    return _BLOCK.sub(block, text)


def _update(page: Path, real_data: Path) -> None:
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        data.mkdir()
        for name in archives_of(text):
            shutil.copy(real_data / f"{name}.zip", data)
        page.write_text(shown_anew(text, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    for each in map(Path, sys.argv[1:]) if sys.argv[1:] else pages():
        _update(each, Path(os.environ.get("MLBIAS_REAL_DATA", ROOT / "data")))
