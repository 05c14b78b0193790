"""Labels in the scatter plot are readable for fifty languages."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from harness.languages import LANGUAGES
from harness.results.comparison_labels import place_labels


def test_fifty_labels_on_few_distances_do_not_cover_each_other() -> None:
    rng = np.random.default_rng(3)
    codes = list(LANGUAGES)[:50]
    points = {code: (0.25 * float(rng.integers(0, 5)), float(rng.normal(0, 2))) for code in codes}
    figure = Figure(figsize=(6.8, 5.1))
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(*zip(*points.values(), strict=True), "o", markersize=5)
    axes.margins(x=0.08, y=0.1)
    canvas.draw()
    place_labels(axes, points)
    canvas.draw()
    assert {text.get_text() for text in axes.texts} == set(codes)
    # The letters themselves, a little smaller than the box around them.
    boxes = [text.get_window_extent().shrunk(0.85, 0.7) for text in axes.texts]
    assert sum(first.overlaps(second) for first, second in combinations(boxes, 2)) == 0
    frame = axes.get_window_extent()
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)
