"""Draw docs/rooms.svg from the import contract: `python -m docs.make_rooms_picture`."""

import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

PICTURE = Path(__file__).parent / "rooms.svg"
_CONTRACT = Path(__file__).parent.parent / "pyproject.toml"

# What each room is for.
ROOMS = {
    "cli": "parses options, calls, draws",
    "reporting": "one page about ratings and their baseline",
    "figures": "matplotlib, an extra",
    "use": "predictions, fold-in, tables of biases",
    "saved_model": "models on disk",
    "estimator": "for scikit-learn",
    "download": "data sets from the web",
    "evaluation": "hold-outs, scores, crossval, compare",
    "fitting": "the one pipeline: fit → Fit",
    "engines": "ratings in parts: threads, Dask, Spark",
    "datasets": "any file → ratings; prepared copies",
    "files": "files whole or not there",
    "permissions": "who may read what is written",
    "memory": "how much there is",
    "npy": "arrays on disk",
    "model": "biases with their ids",
    "fitted": "what a model and a fit can be asked",
    "ratings": "ratings with their ids",
    "id_columns": "ids as Python gives them",
    "number_columns": "ratings and times as Python gives them",
    "ids": "integers and text",
    "texts": "text in Arrow files, mapped",
    "times": "moments",
    "columns": "which column is what",
    "core": "the mathematics, on codes: statistics, methods, equations, reml",
    "arguments": "options from Python, by their types",
    "errors": "every error",
    "printable": "text from outside, made safe to show",
}

_WIDTH, _HEIGHT, _GAP = 720, 46, 14
_STYLE = """\
<style>
rect { fill: #f3f6fa; stroke: #5b7083; }
text { font: 13px sans-serif; fill: #1b2733; text-anchor: middle; }
.name { font-weight: bold; }
line { stroke: #5b7083; marker-end: url(#head); }
</style>
<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
 orient="auto">
<path d="M0 0 L8 4 L0 8 z" fill="#5b7083"/>
</marker>"""


def layers() -> list[list[str]]:
    """The rooms of each layer, from above, as import-linter checks them."""
    content = tomllib.loads(_CONTRACT.read_text(encoding="utf-8"))
    names = content["tool"]["importlinter"]["contracts"][0]["layers"]
    return [
        [room.strip() for room in layer.split(":")]
        for layer in names
        if layer != "__main__" and not layer.startswith("(")
    ]


def rooms_picture() -> str:
    """The picture: a row for each layer, arrows in the direction of imports."""
    rows = layers()
    height = len(rows) * (_HEIGHT + _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' width="{_WIDTH}" height="{height}">',
        "<title>The rooms of mlbias; each imports from those below it only</title>",
        _STYLE,
        f'<rect width="{_WIDTH}" height="{height}" style="fill: #fff; stroke: none"/>',
    ]
    for number, row in enumerate(rows):
        top = _GAP + number * (_HEIGHT + _GAP)
        width = (_WIDTH - _GAP) / len(row) - _GAP
        for place, room in enumerate(row):
            left = _GAP + place * (width + _GAP)
            parts += _box(room, left, top, width)
        if number + 1 < len(rows):
            x, y = _WIDTH / 2, top + _HEIGHT
            parts.append(f'<line x1="{x:g}" y1="{y}" x2="{x:g}" y2="{y + _GAP}"/>')
    return "\n".join([*parts, "</svg>\n"])


def _box(room: str, left: float, top: float, width: float) -> list[str]:
    middle = left + width / 2
    return [
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_HEIGHT}" rx="6"/>',
        f'<text class="name" x="{middle:.1f}" y="{top + 19}">{room}</text>',
        f'<text x="{middle:.1f}" y="{top + 36}">{escape(ROOMS[room])}</text>',
    ]


if __name__ == "__main__":
    PICTURE.write_text(rooms_picture(), encoding="utf-8")
