"""The figures of a comparison, drawn with matplotlib (the extra `plots`).

Per task: gaps before and after (dumbbell), gap reductions with intervals (forest), reductions against
distance (scatter), and reductions against the gap of the baseline, which says why nothing follows from
it. A task without gaps shows scores and differences instead, and not the last. Light background,
colours of Okabe and Ito that stay apart for every kind of colour blindness, and a shape of its own for
every verdict, so that grey print keeps them too.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.results.comparison_figure_parts import (
    INK,
    SOFT,
    STYLES,
    Drawing,
    Sketch,
    add_legend,
    add_title,
    begin,
    draw_point,
    drawing,
    finish,
    name_rows,
    verdict_keys,
    word_of,
)
from harness.results.comparison_findings import Pair
from harness.results.comparison_labels import place_labels
from harness.results.comparison_lines import Line, average_line, language_lines
from harness.results.comparison_typology import slope_sentences
from harness.results.typology_tree import Slopes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MISSING_NOTE = "No figures: they need matplotlib, pip install 'xharness[plots]'."


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def draw_task(pair: Pair, task: str, suffixes: Sequence[str]) -> list[Drawing]:
    """Return the figures of a task; scatters only where distances, or gaps, are known."""
    with drawing():
        sketches = [draw(pair, task) for draw in (_dumbbell, _forest, _scatter, _against_gap)]
        return [finish(sketch, suffixes) for sketch in sketches if sketch is not None]


# --- the figures -------------------------------------------------------------------------------


def _dumbbell(pair: Pair, task: str) -> Sketch:
    lines = language_lines(pair, task)
    gaps = any(line.gaps for line in lines.values())
    ends = {code: line.gaps if gaps else line.scores for code, line in lines.items()}
    rows = sorted(((code, end) for code, end in ends.items() if end), key=lambda row: row[1][0])
    figure, axes = begin(len(rows))
    for place, (code, (before, after)) in enumerate(rows):
        colour, _, _ = STYLES[word_of(pair, lines[code])]
        axes.plot([before, after], [place] * 2, color=colour, linewidth=2.6, solid_capstyle="butt", zorder=2)
        axes.plot([before], [place], "o", color="white", markeredgecolor=INK, markersize=5.5, zorder=3)
        axes.plot([after], [place], "o", color=INK, markersize=5.5, zorder=3)
    name_rows(axes, pair, task, [code for code, _ in rows])
    axes.set_xlabel("gap to the source language, points" if gaps else "score, points")
    if gaps and min(min(end) for _, end in rows) < 0:
        axes.axvline(0, color=SOFT, linewidth=0.8, zorder=1)
    words = {word_of(pair, lines[code]) for code, _ in rows}
    keys: list[tuple[str, dict[str, Any]]] = [
        ("base", {"marker": "o", "color": "white", "markeredgecolor": INK, "linestyle": ""}),
        ("cand", {"marker": "o", "color": INK, "linestyle": ""}),
        *((word, {"color": style[0], "linewidth": 2.6}) for word, style in STYLES.items() if word in words),
    ]
    add_legend(axes, keys)
    add_title(figure, pair, f"{task}: {'gap' if gaps else 'score'} per language, base and cand")
    caption = (
        f"{'Gap' if gaps else 'Score'} of every language in the baseline (open) and in the candidate "
        "(filled). Colours are the verdicts of the table, from adjusted p."
    )
    return figure, "gaps" if gaps else "scores", caption


def _forest(pair: Pair, task: str) -> Sketch:
    lines = language_lines(pair, task)
    gaps = any(line.reduction is not None for line in lines.values())
    rows = sorted(
        ((code, line) for code, line in lines.items() if line.reduction is not None or not gaps),
        key=lambda row: row[1].tested.value,
    )
    mean = average_line(pair, task)
    figure, axes = begin(len(rows) + 1)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    for place, (_, line) in enumerate(rows, 1):
        draw_point(
            axes,
            line.tested.value,
            place,
            word_of(pair, line),
            (line.tested.low, line.tested.high),
            sideways=True,
        )
    low, high = mean.tested.low, mean.tested.high
    if low is not None and high is not None:
        axes.plot([low, high], [0, 0], color=INK, linewidth=2.2, zorder=2)
    axes.plot([mean.tested.value], [0], "D", color=INK, markersize=6, zorder=3)
    name_rows(axes, pair, task, [code for code, _ in rows], first="mean")
    what = "gap reduction" if gaps else "difference"
    axes.set_xlabel(f"{what}, points (right of 0: {'the gap shrank' if gaps else 'the candidate is better'})")
    add_legend(axes, verdict_keys([word_of(pair, line) for _, line in rows]))
    add_title(figure, pair, f"{task}: {what} with {100 * (1 - pair.settings.alpha):g}% intervals")
    caption = (
        f"{what.capitalize()} of every language with its interval, per cell and not adjusted for their "
        "number; colour and shape are the verdicts of the table, from adjusted p. The diamond is the mean."
    )
    return figure, "reductions" if gaps else "differences", caption


def _scatter(pair: Pair, task: str) -> Sketch | None:
    typology = pair.comparison.typology
    found = typology.tasks.get(task) if typology else None
    if typology is None or found is None:
        return None
    named = typology.distance
    lines = language_lines(pair, task)
    points = {
        code: (point.distances[named], lines[code])
        for code, point in found.languages.items()
        if named in point.distances and code in lines
    }
    if len(points) < 2:
        return None
    gaps = any(line.reduction is not None for _, line in points.values())
    what = "gap reduction" if gaps else "difference"
    source = typology.source.get(task, "")
    beside = _side_by_side(points)
    figure, axes = _cloud(pair, beside, f"distance from {source} ({named})", f"{what}, points")
    slopes = found.slopes.get(named)
    _draw_slope(axes, [(apart, line.tested.value) for apart, line in points.values()], slopes)
    add_title(figure, pair, f"{task}: {what} against distance")
    _name_points(figure, axes, beside)
    caption = (
        f"{what.capitalize()} of every language, with its interval, against its distance from {source} "
        f"({named}, named in advance)."
    )
    if beside != points:
        caption += " Languages at one and the same distance stand side by side."
    if slopes is not None:
        caption += f" Slope, dashed. {slope_sentences(slopes, pair.settings.alpha)}"
    return figure, "distance", caption


def _against_gap(pair: Pair, task: str) -> Sketch | None:
    points = {
        code: (line.gaps[0], line)
        for code, line in language_lines(pair, task).items()
        if line.gaps and line.reduction is not None
    }
    if len(points) < 2:
        return None
    below = (
        "gap in base, points\n"
        "both axes contain base's score: noise in it alone makes points rise to the right"
    )
    figure, axes = _cloud(pair, points, below, "gap reduction, points")
    add_title(figure, pair, f"{task}: gap reduction against the gap in base")
    _name_points(figure, axes, points)
    caption = (
        "Gap reduction of every language, with its interval, against its gap in the baseline. Both contain "
        "the baseline's score (reduction = gap base less gap cand): where that came out low by chance, the "
        "gap is too large and so is the reduction, so that points rise to the right even if nothing changed. "
        "No line is fitted, and nothing is tested."
    )
    return figure, "baseline", caption


_Points = dict[str, tuple[float, Line]]  # code -> place on the x axis, and what is drawn there


def _side_by_side(points: _Points) -> _Points:
    """Spread points at one and the same x a little, in the order of their values."""
    places: dict[float, list[str]] = {}
    for code, (x, _) in sorted(points.items(), key=lambda item: (item[1][1].tested.value, item[0])):
        places.setdefault(round(x, 9), []).append(code)
    distinct = sorted(places)
    whole = distinct[-1] - distinct[0]
    # All at one place fit between it and the next, and few stay close together.
    room = min((b - a for a, b in itertools.pairwise(distinct)), default=0.0)
    most = max(map(len, places.values()))
    step = min(2 * room / 3, whole / 6) / (most - 1) if most > 1 else 0.0
    step = min(step, whole / 60)
    return {
        code: (points[code][0] + step * (place - (len(codes) - 1) / 2), points[code][1])
        for codes in places.values()
        for place, code in enumerate(codes)
    }


def _cloud(pair: Pair, points: _Points, below: str, beside: str) -> tuple[Figure, Axes]:
    """Begin a scatter plot of what is tested, with intervals."""
    figure, axes = begin(20)
    axes.axhline(0, color=INK, linewidth=0.9, zorder=1)
    for x, line in points.values():
        ends = (line.tested.low, line.tested.high)
        draw_point(axes, line.tested.value, x, word_of(pair, line), ends, sideways=False)
    axes.set_xlabel(below)
    axes.set_ylabel(beside)
    axes.margins(x=0.08, y=0.1)
    add_legend(axes, verdict_keys([word_of(pair, line) for _, line in points.values()]))
    return figure, axes


def _name_points(figure: Figure, axes: Axes, points: _Points) -> None:
    figure.draw_without_rendering()
    place_labels(axes, {code: (x, line.tested.value) for code, (x, line) in points.items()})


def _draw_slope(axes: Axes, points: Sequence[tuple[float, float]], slopes: Slopes | None) -> None:
    if slopes is None or slopes.these_languages is None:
        return
    xs = [x for x, _ in points]
    slope = slopes.these_languages.value
    intercept = sum(y - slope * x for x, y in points) / len(points)
    ends = [min(xs), max(xs)]
    axes.plot(
        ends, [intercept + slope * x for x in ends], color=SOFT, linewidth=1.2, linestyle="--", zorder=1
    )
