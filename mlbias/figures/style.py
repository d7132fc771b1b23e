"""The style of figures, and how they become files.

Colours are those of Okabe and Ito, Color Universal Design, 2008, which the colour-blind can tell
apart. Every line also has a dash and a marker of its own, for print.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlbias.errors import DataError, MlbiasError, OptionError
from mlbias.files import obstacle, written_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, YELLOW, GREY = "#56B4E9", "#E69F00", "#6B6B6B"

_LOOKS = (
    (BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PINK, ":", "D"),
    (YELLOW, "-", "v"), (SKY, "--", "P"), (GREY, "-.", "X"),
)  # fmt: skip
_FORMATS = {".png": "png", ".svg": "svg", ".pdf": "pdf"}
# What each format says of who wrote the file, and of the time, which would change its bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": "mlbias"},
    "svg": {"Creator": "mlbias", "Date": None},
    "pdf": {"Creator": "mlbias", "CreationDate": None},
}
_MARKS = (b"Software\0mlbias", b"<dc:title>mlbias</dc:title>", b"/Creator (mlbias)")
_DOTS_PER_INCH = 200
_STYLE = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.0,
    # Text stays text, and names within the file do not change by chance.
    "svg.fonttype": "none",
    "svg.hashsalt": "mlbias",
    "pdf.fonttype": 42,
}


def check_figure_path(path: Path) -> None:
    """See, before any work, that a figure can be drawn and saved here.

    Raises:
        OptionError: the name ends in no format of figures.
        MlbiasError: matplotlib is not installed.
        DataError: no file can be written there, or one would be replaced that is not our figure.
    """
    if path.suffix.lower() not in _FORMATS:
        raise OptionError(f"a figure ends in .png, .svg or .pdf, and {path.name!r} does not.")
    if reason := obstacle(path):
        raise DataError(f"no figure can be saved as {path}: {reason}.")
    if path.exists() and not any(mark in path.read_bytes() for mark in _MARKS):
        raise DataError(
            f"{path} exists and is not a figure of mlbias, so it is not replaced.",
            "Delete it, or name another file.",
        )
    import_matplotlib()


def import_matplotlib() -> None:
    """Load matplotlib.

    Raises:
        MlbiasError: it is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ModuleNotFoundError as error:
        raise MlbiasError(
            "figures are drawn by matplotlib, which is not installed.",
            'Install it with `pip install "mlbias[plot]"`.',
        ) from error


def save_figure(figure: "Figure", path: str | Path) -> None:
    """Save a figure as PNG, SVG or PDF, as the name ends; nothing half-written is left.

    Raises:
        OptionError: the name ends otherwise.
        DataError: no file can be written there.

    Example:
        >>> from mlbias import fit, load_ratings
        >>> from mlbias.figures import learning_curves, save_figure
        >>> fitted = fit(load_ratings("sample"), "gd")
        >>> save_figure(learning_curves(fitted), "curves.svg")
    """
    path = Path(path)
    check_figure_path(path)
    named = _FORMATS[path.suffix.lower()]
    import matplotlib as mpl

    with written_whole(path) as file, mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        figure.savefig(file, format=named, dpi=_DOTS_PER_INCH, metadata=_METADATA[named])


def svg_of(figure: "Figure") -> str:
    """A figure as an svg element for a page, whose colours of text and lines are the page's."""
    import matplotlib as mpl

    with StringIO() as file, mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        figure.savefig(file, format="svg", transparent=True, metadata=_METADATA["svg"])
        text = file.getvalue()
    # On a dark page black would not be seen; the rest is chosen for both.
    text = text[text.index("<svg") :].replace("stroke: #000000", "stroke: currentColor")
    return text.replace("stroke: #dddddd", "stroke: currentColor; stroke-opacity: 0.15")


@contextmanager
def panels(
    n: int = 1, *, width: float = 5.4, height: float = 3.0
) -> Iterator[tuple["Figure", list["Axes"]]]:
    """A figure with panels side by side, in the style of all figures, sizes in inches.

    Raises:
        MlbiasError: matplotlib is not installed.
    """
    import_matplotlib()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(3.4 * n if n > 1 else width, height), layout="constrained")
        yield figure, list(figure.subplots(1, n, squeeze=False)[0])


def look(number: int, n_points: int) -> dict[str, Any]:
    """Colour, dash and marker of the line of this number, as arguments of ``Axes.plot``."""
    colour, dash, marker = _LOOKS[number % len(_LOOKS)]
    every = max(1, math.ceil(n_points / 12))
    return {"color": colour, "linestyle": dash, "marker": marker, "markevery": every}
