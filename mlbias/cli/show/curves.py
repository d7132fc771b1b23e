"""Curves and bars of text: learning curves, on one line or as a chart, and histogram bars."""

import math
from collections.abc import Mapping, Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEVELS = "▁▂▃▄▅▆▇█"
_HEIGHT = 12
_LOWEST = -12.0


def learning_curve(values: Sequence[float], most: int) -> str:
    """Values as blocks of eight heights, the lowest flat; at most so many, evenly chosen."""
    if len(values) > most:
        values = [values[round(k * (len(values) - 1) / (most - 1))] for k in range(most)]
    lowest, highest = min(values), max(values)
    span = highest - lowest or 1.0
    return "".join(_LEVELS[round((value - lowest) / span * 7)] for value in values)


def bar(share: float, width: int) -> str:
    """A horizontal bar, in eighths of a column; a share above 0 shows."""
    eighths = max(math.ceil(share * width * 8), 1 if share > 0 else 0)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def chart(curves: Mapping[str, Sequence[float]], width: int) -> list[str]:
    """Lines of text: each curve by its name's first letter, its values (from epoch 0 on) above 0.

    Args:
        curves: name to a value for each epoch; those at or below 1e-12 lie on the lowest line.
        width: of the whole, in columns.
    """
    heights = {name: [_log10(value) for value in values] for name, values in curves.items()}
    highest = math.ceil(max(max(logs) for logs in heights.values()))
    lowest = math.floor(min(min(logs) for logs in heights.values()))
    lowest = min(lowest, highest - 1)
    most = max(len(logs) for logs in heights.values()) - 1
    columns = max(width - 9, 2)
    grid = [[" "] * columns for _ in range(_HEIGHT + 1)]
    for name, logs in heights.items():
        for column in range(columns):
            epoch = math.expm1(math.log1p(most) * column / (columns - 1))
            if epoch <= len(logs) - 1 + 1e-9:
                value = _between(logs, epoch)
                row = round((highest - value) / (highest - lowest) * _HEIGHT)
                grid[row][column] = name[0]
    lines = []
    for row, cells in enumerate(grid):
        exponent = highest - row * (highest - lowest) / _HEIGHT
        is_whole = abs(exponent - round(exponent)) < 1e-9
        label = f"1e{round(exponent):+03d}" if is_whole else ""
        lines.append(f" {label:>6} {''.join(cells)}".rstrip())
    return [*lines, _epoch_axis(most, columns)]


def _log10(value: float) -> float:
    return max(math.log10(value), _LOWEST) if value > 0 else _LOWEST


def _between(logs: Sequence[float], epoch: float) -> float:
    """Linear between the epochs on both sides."""
    before = min(int(epoch), len(logs) - 1)
    after = min(before + 1, len(logs) - 1)
    share = epoch - before
    return (1 - share) * logs[before] + share * logs[after]


def _epoch_axis(most: int, columns: int) -> str:
    axis = [" "] * (columns + 8)
    for epoch in sorted({0, 1, 2, 5, 10, 20, 50, most}):
        label = str(epoch)
        place = round(math.log1p(epoch) / math.log1p(max(most, 1)) * (columns - 1))
        place = min(place, columns - len(label))
        is_free = all(cell == " " for cell in axis[max(place - 1, 0) : place + len(label) + 1])
        if epoch <= most and is_free:
            axis[place : place + len(label)] = label
    return (" epoch  " + "".join(axis)).rstrip()
