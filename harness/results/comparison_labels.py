"""Labels beside the points of a scatter plot, so that they cover neither points nor each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = 7.5  # points
_DIRECTIONS = tuple(math.pi * k / 8 for k in range(16))
_REACHES = (9, 14, 20, 28, 38, 50)  # points
_Box = tuple[float, float, float, float]  # left, bottom, right, top


def place_labels(axes: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Write each label next to its point, farther off with a thin line where there is no room.

    Greedy and without chance: in the order of the points from the top down, each label takes the
    first place that covers the least of points, labels and the frame. Positions are those of the axes
    as laid out, which must have been drawn once.
    """
    per_point = axes.figure.dpi / 72
    where = {name: tuple(axes.transData.transform(place)) for name, place in points.items()}
    frame = axes.get_window_extent()
    bounds = (frame.x0, frame.y0, frame.x1, frame.y1)
    taken: list[_Box] = [_around(x, y, 3 * per_point, 3 * per_point) for x, y in where.values()]
    for name in sorted(where, key=lambda label: (-where[label][1], where[label][0], label)):
        x, y = where[name]
        half = 0.33 * _SIZE * per_point * len(name), 0.55 * _SIZE * per_point
        best = min(
            (_cost(box, taken, bounds, reach), order, dx, dy, reach)
            for order, (dx, dy, reach) in enumerate(_places())
            for box in [_around(x + dx * per_point, y + dy * per_point, *half)]
        )
        _, _, dx, dy, reach = best
        taken.append(_around(x + dx * per_point, y + dy * per_point, *half))
        axes.annotate(
            name,
            points[name],
            xytext=(dx, dy),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=_SIZE,
            zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 0.4},
            arrowprops={"arrowstyle": "-", "color": "#9aa5ae", "linewidth": 0.5, "shrinkB": 2, "shrinkA": 0}
            if reach > _REACHES[0]
            else None,
        )


def _places() -> Iterator[tuple[float, float, float]]:
    """Yield offsets in points with their distance, the nearest and most usual first."""
    for reach in _REACHES:
        for angle in _DIRECTIONS:
            yield reach * math.cos(angle), 0.8 * reach * math.sin(angle), reach


def _cost(box: _Box, taken: list[_Box], bounds: _Box, reach: float) -> float:
    covered = sum(_overlap(box, other) for other in taken)
    area = (box[2] - box[0]) * (box[3] - box[1])
    outside = area - _overlap(box, bounds)
    return round(covered + 4 * outside, 6) + 0.02 * area * (reach - _REACHES[0]) / _REACHES[0]


def _overlap(first: _Box, second: _Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)


def _around(x: float, y: float, half_width: float, half_height: float) -> _Box:
    return x - half_width, y - half_height, x + half_width, y + half_height
