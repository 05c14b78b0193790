"""The figures of a comparison, drawn with matplotlib (the extra `plots`).

Per task: gaps before and after (dumbbell), gap reductions with intervals (forest), and reductions
against distance (scatter). A task without gaps shows scores and differences instead. Light
background, colours of Okabe and Ito that stay apart for every kind of colour blindness, and a shape
of its own for every verdict, so that grey print keeps them too.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.results.comparison_findings import Pair
from harness.results.comparison_labels import place_labels
from harness.results.comparison_lines import Line, average_line, language_lines, verdict
from harness.results.comparison_notes import begun
from harness.results.comparison_typology import slope_sentences
from harness.results.table import isolate, one_line
from harness.results.typology_tree import Slopes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MISSING_NOTE = "No figures: they need matplotlib, pip install 'xharness[plots]'."
_INK, _SOFT, _PALE, _GRID = "#17202a", "#6b7680", "#9aa5ae", "#e1e6ea"
_BLUE, _RED, _GREEN, _ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
# Verdict -> colour, marker, whether it is filled.
_STYLES: Mapping[str, tuple[str, str, bool]] = {
    "closed": (_BLUE, "o", True),
    "narrowed": (_GREEN, "D", True),
    "source loss": (_ORANGE, "s", True),
    "widened": (_RED, "v", True),
    "better": (_BLUE, "o", True),
    "worse": (_RED, "v", True),
    "not significant": (_PALE, "o", False),
    "no p": (_PALE, "x", True),
}
_SETTINGS = {
    "svg.fonttype": "none",
    # Ids in an SVG come from it: the same numbers give the same bytes.
    "svg.hashsalt": "xharness",
    # A dollar sign in a name begins no formula.
    "text.parse_math": False,
    "font.size": 9.0,
    "font.family": "sans-serif",
    "axes.edgecolor": _SOFT,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": _INK,
    "xtick.color": _SOFT,
    "xtick.labelcolor": _INK,
    "ytick.color": _SOFT,
    "ytick.labelcolor": _INK,
}
_WIDTH, _ROW, _FRAME = 6.8, 0.19, 1.35  # inches: width, per language, title and axis
_DOTS = 150  # per inch, of PNG files


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished figure: `name` is part of its file name, `files` its bytes by suffix, svg or png."""

    name: str
    caption: str
    files: Mapping[str, bytes]


_Sketch = tuple["Figure", str, str]  # with name and caption


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def draw_task(pair: Pair, task: str, suffixes: Sequence[str]) -> list[Drawing]:
    """Return the figures of a task; the scatter only where distances are known (`typology`)."""
    with _drawing():
        sketches = [draw(pair, task) for draw in (_dumbbell, _forest, _scatter)]
        return [_finish(sketch, suffixes) for sketch in sketches if sketch is not None]


# --- the three figures -------------------------------------------------------------------------


def _dumbbell(pair: Pair, task: str) -> _Sketch:
    lines = language_lines(pair, task)
    gaps = any(line.gaps for line in lines.values())
    ends = {code: line.gaps if gaps else line.scores for code, line in lines.items()}
    rows = sorted(((code, end) for code, end in ends.items() if end), key=lambda row: row[1][0])
    figure, axes = _begin(pair, len(rows))
    for place, (code, (before, after)) in enumerate(rows):
        colour, _, _ = _STYLES[_word(pair, lines[code])]
        axes.plot([before, after], [place] * 2, color=colour, linewidth=2.6, solid_capstyle="butt", zorder=2)
        axes.plot([before], [place], "o", color="white", markeredgecolor=_INK, markersize=5.5, zorder=3)
        axes.plot([after], [place], "o", color=_INK, markersize=5.5, zorder=3)
    _name_rows(axes, pair, task, [code for code, _ in rows])
    axes.set_xlabel("gap to the source language, points" if gaps else "score, points")
    if gaps and min(min(end) for _, end in rows) < 0:
        axes.axvline(0, color=_SOFT, linewidth=0.8, zorder=1)
    words = {_word(pair, lines[code]) for code, _ in rows}
    keys: list[tuple[str, dict[str, Any]]] = [
        ("base", {"marker": "o", "color": "white", "markeredgecolor": _INK, "linestyle": ""}),
        ("cand", {"marker": "o", "color": _INK, "linestyle": ""}),
        *((word, {"color": style[0], "linewidth": 2.6}) for word, style in _STYLES.items() if word in words),
    ]
    _legend(axes, keys)
    _title(figure, pair, f"{task}: {'gap' if gaps else 'score'} per language, base and cand")
    caption = (
        f"{'Gap' if gaps else 'Score'} of every language in the baseline (open) and in the candidate "
        "(filled). Colours are the verdicts of the table, from adjusted p."
    )
    return figure, "gaps" if gaps else "scores", caption


def _forest(pair: Pair, task: str) -> _Sketch:
    lines = language_lines(pair, task)
    gaps = any(line.reduction is not None for line in lines.values())
    rows = sorted(
        ((code, line) for code, line in lines.items() if line.reduction is not None or not gaps),
        key=lambda row: row[1].tested.value,
    )
    mean = average_line(pair, task)
    figure, axes = _begin(pair, len(rows) + 1)
    axes.axvline(0, color=_INK, linewidth=0.9, zorder=1)
    for place, (_, line) in enumerate(rows, 1):
        _point(
            axes,
            line.tested.value,
            place,
            _word(pair, line),
            (line.tested.low, line.tested.high),
            sideways=True,
        )
    low, high = mean.tested.low, mean.tested.high
    if low is not None and high is not None:
        axes.plot([low, high], [0, 0], color=_INK, linewidth=2.2, zorder=2)
    axes.plot([mean.tested.value], [0], "D", color=_INK, markersize=6, zorder=3)
    _name_rows(axes, pair, task, [code for code, _ in rows], first="mean")
    what = "gap reduction" if gaps else "difference"
    axes.set_xlabel(f"{what}, points (right of 0: {'the gap shrank' if gaps else 'the candidate is better'})")
    _legend(axes, _verdict_keys([_word(pair, line) for _, line in rows]))
    _title(figure, pair, f"{task}: {what} with {100 * (1 - pair.settings.alpha):g}% intervals")
    caption = (
        f"{what.capitalize()} of every language with its interval, per cell and not adjusted for their "
        "number; colour and shape are the verdicts of the table, from adjusted p. The diamond is the mean."
    )
    return figure, "reductions" if gaps else "differences", caption


def _scatter(pair: Pair, task: str) -> _Sketch | None:
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
    figure, axes = _begin(pair, 20)
    axes.axhline(0, color=_INK, linewidth=0.9, zorder=1)
    for apart, line in points.values():
        _point(
            axes,
            line.tested.value,
            apart,
            _word(pair, line),
            (line.tested.low, line.tested.high),
            sideways=False,
        )
    slopes = found.slopes.get(named)
    _draw_slope(axes, [(apart, line.tested.value) for apart, line in points.values()], slopes)
    source = typology.source.get(task, "")
    what = "gap reduction" if gaps else "difference"
    axes.set_xlabel(f"distance from {source} ({named})")
    axes.set_ylabel(f"{what}, points")
    axes.margins(x=0.08, y=0.1)
    _legend(axes, _verdict_keys([_word(pair, line) for _, line in points.values()]))
    _title(figure, pair, f"{task}: {what} against distance")
    figure.draw_without_rendering()
    place_labels(axes, {code: (apart, line.tested.value) for code, (apart, line) in points.items()})
    caption = (
        f"{what.capitalize()} of every language, with its interval, against its distance from {source} "
        f"({named}, named in advance)."
    )
    if slopes is not None:
        caption += f" Slope, dashed. {slope_sentences(slopes, pair.settings.alpha)}"
    return figure, "distance", caption


def _draw_slope(axes: Axes, points: Sequence[tuple[float, float]], slopes: Slopes | None) -> None:
    if slopes is None or slopes.these_languages is None:
        return
    xs = [x for x, _ in points]
    slope = slopes.these_languages.value
    intercept = sum(y - slope * x for x, y in points) / len(points)
    ends = [min(xs), max(xs)]
    axes.plot(
        ends, [intercept + slope * x for x in ends], color=_SOFT, linewidth=1.2, linestyle="--", zorder=1
    )


# --- parts -------------------------------------------------------------------------------------


@contextmanager
def _drawing() -> Iterator[None]:
    import matplotlib as mpl

    with mpl.rc_context():
        # A figure must not depend on whose machine it is drawn on.
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def _begin(pair: Pair, rows: int) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _FRAME + _ROW * max(rows, 6)), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.grid(axis="x", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _name_rows(axes: Axes, pair: Pair, task: str, codes: Sequence[str], *, first: str | None = None) -> None:
    names = [f"{isolate(one_line(pair.language_name(task, code)))} {code}" for code in codes]
    names = ([first] if first else []) + names
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.8, len(names) - 0.2)
    axes.spines["left"].set_visible(False)
    if first:
        axes.axhline(0.5, color=_GRID, linewidth=0.8)


def _word(pair: Pair, line: Line) -> str:
    word = verdict(pair, line)
    return "not significant" if word.startswith("n.s.") else word


def _point(
    axes: Axes,
    value: float,
    place: float,
    word: str,
    interval: tuple[float | None, float | None],
    *,
    sideways: bool,
) -> None:
    colour, marker, filled = _STYLES[word]
    low, high = interval
    if low is not None and high is not None:
        ends, stays = [low, high], [place, place]
        xs, ys = (ends, stays) if sideways else (stays, ends)
        axes.plot(xs, ys, color=colour, linewidth=1.3, alpha=1.0 if sideways else 0.35, zorder=2)
    x, y = (value, place) if sideways else (place, value)
    face = colour if filled else "white"
    axes.plot([x], [y], marker, color=colour, markerfacecolor=face, markersize=5, zorder=3)


def _verdict_keys(words: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    keys = []
    for word, (colour, marker, filled) in _STYLES.items():
        if word in words:
            face = colour if filled else "white"
            keys.append((word, {"marker": marker, "color": colour, "markerfacecolor": face, "linestyle": ""}))
    return keys


def _legend(axes: Axes, keys: Sequence[tuple[str, dict[str, Any]]]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=label, markersize=5, **style) for label, style in keys]
    axes.figure.legend(
        handles=handles, loc="outside lower left", ncols=7, frameon=False, fontsize=8, handletextpad=0.5
    )


def _title(figure: Figure, pair: Pair, text: str) -> None:
    sides = one_line(f"{pair.comparison.candidate} (cand) against {pair.comparison.baseline} (base)")
    figure.suptitle(f"{text}\n{begun(pair.scope)}: {sides}", x=0.01, ha="left", fontsize=9.5)


def _finish(sketch: _Sketch, suffixes: Sequence[str]) -> Drawing:
    figure, name, caption = sketch
    files = {}
    for suffix in suffixes:
        # An SVG would hold the time it was made at.
        options = {"metadata": {"Date": None}} if suffix == "svg" else {"dpi": _DOTS}
        stream = io.BytesIO()
        figure.savefig(stream, format=suffix, **options)
        files[suffix] = stream.getvalue()
    return Drawing(name, caption, files)
