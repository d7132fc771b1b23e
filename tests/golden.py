"""RMSE and alpha after some epochs, as independent programs computed them.

REAL (golden.json) has every row of the lecture page's own loops, for adam of PyTorch in float64, on
MovieLens' published files. SAMPLE_ADAM is torch.optim.Adam of PyTorch 2.13 in float64 on
``--data sample``.
"""

import json
from pathlib import Path

Rows = dict[int, tuple[float, float]]

REAL: dict[tuple[str, str], Rows] = {
    (data, method): {epoch: (rmse, alpha) for epoch, (rmse, alpha) in enumerate(rows)}
    for data, methods in json.loads(Path(__file__).with_suffix(".json").read_text()).items()
    for method, rows in methods.items()
}

SAMPLE_ADAM: Rows = {
    0: (1.0297689179495562, 3.364525),
    1: (0.8953757842490014, 3.3645249990892703),
    2: (0.8720813832289447, 3.141284159982406),
    5: (0.8658771331079991, 3.2805281604890713),
    10: (0.840795418051338, 3.3032544279866425),
    15: (0.8258496142971394, 3.25983431798603),
    20: (0.8205283180012296, 3.229245554175409),
}

# By dense solves: (λ_user, λ_item) on the scale of sums to (RMSE, α) of the optimum.
EXACT: dict[str, dict[tuple[float, float], tuple[float, float]]] = {
    "ml-100k": {
        (0.001, 0.001): (0.91326809553625, 3.254529766636307),
        (15.0, 10.0): (0.9220979732108396, 3.349661222239243),
        (5.0, 2.0): (0.9148218794283781, 3.2954010389628),
    },
    "ml-latest-small": {
        (0.001, 0.001): (0.7856274282128367, 3.4324008731521714),
        (15.0, 10.0): (0.8360430511716003, 3.4783151436930875),
        (5.0, 2.0): (0.8034576480027207, 3.4384707512159842),
    },
}
