"""Draw docs/terminal.svg from the real command line: `python -m docs.make_terminal_picture`."""

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).parent / "terminal.svg"
COMMAND = "mlbias train --data sample --method closed-form --test-size 0.1 --epochs 5"
_WIDTH = 78


def terminal_output() -> str:
    """What the command prints, with its colours."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "FORCE_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    # With FORCE_COLOR a width that is not given would be the terminal's.
    environment["COLUMNS"] = str(_WIDTH)
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(
            COMMAND.split(), env=environment, cwd=folder,
            capture_output=True, encoding="utf-8", check=True,
        )  # fmt: skip
    return result.stdout


def draw(output: str) -> str:
    """The picture of a terminal with the command and its output."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), color_system="256")
    console.print(Text(f"$ {COMMAND}", style="bold"))
    console.print(Text.from_ansi(output))
    return console.export_svg(title="mlbias", theme=MONOKAI, unique_id="mlbias")


if __name__ == "__main__":
    PICTURE.write_text(draw(terminal_output()), encoding="utf-8")
