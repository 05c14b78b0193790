"""What the figures of a comparison are made of: colours, axes, points, legends, files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.results.comparison_findings import Pair
from harness.results.comparison_lines import Line, verdict
from harness.results.comparison_notes import begun
from harness.results.table import isolate, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, _PALE, _GRID = "#17202a", "#6b7680", "#9aa5ae", "#e1e6ea"
_BLUE, _RED, _GREEN, _ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
# Verdict -> colour, marker, whether it is filled.
STYLES: Mapping[str, tuple[str, str, bool]] = {
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
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.color": SOFT,
    "ytick.labelcolor": INK,
}
_WIDTH, _ROW, _FRAME = 6.8, 0.19, 1.35  # inches: width, per language, title and axis
_DOTS = 150  # per inch, of PNG files


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished figure: `name` is part of its file name, `files` its bytes by suffix, svg or png."""

    name: str
    caption: str
    files: Mapping[str, bytes]


Sketch = tuple["Figure", str, str]  # with name and caption


@contextmanager
def drawing() -> Iterator[None]:
    """Draw with our settings, whatever the user's matplotlib has."""
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        # A name in a script that the font lacks: an SVG holds its text, a PNG shows boxes.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        # A figure must not depend on whose machine it is drawn on.
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def begin(rows: int) -> tuple[Figure, Axes]:
    """Return a figure of a height for so many rows, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _FRAME + _ROW * max(rows, 6)), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.grid(axis="x", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def name_rows(axes: Axes, pair: Pair, task: str, codes: Sequence[str], *, first: str | None = None) -> None:
    """Name the rows of the y axis by their languages, from the bottom up; `first` is below them all."""
    names = [f"{isolate(one_line(pair.language_name(task, code)))} {code}" for code in codes]
    names = ([first] if first else []) + names
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.8, len(names) - 0.2)
    axes.spines["left"].set_visible(False)
    if first:
        axes.axhline(0.5, color=_GRID, linewidth=0.8)


def word_of(pair: Pair, line: Line) -> str:
    """Return the verdict of a line, a key of `STYLES`."""
    word = verdict(pair, line)
    return "not significant" if word.startswith("n.s.") else word


def draw_point(
    axes: Axes,
    value: float,
    place: float,
    word: str,
    interval: tuple[float | None, float | None],
    *,
    sideways: bool,
) -> None:
    """Draw a value with its interval at a place of the other axis; `sideways`: the value is x."""
    colour, marker, filled = STYLES[word]
    low, high = interval
    if low is not None and high is not None:
        ends, stays = [low, high], [place, place]
        xs, ys = (ends, stays) if sideways else (stays, ends)
        axes.plot(xs, ys, color=colour, linewidth=1.3, alpha=1.0 if sideways else 0.35, zorder=2)
    x, y = (value, place) if sideways else (place, value)
    face = colour if filled else "white"
    axes.plot([x], [y], marker, color=colour, markerfacecolor=face, markersize=5, zorder=3)


def verdict_keys(words: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return what a legend shows of the verdicts that occur."""
    keys = []
    for word, (colour, marker, filled) in STYLES.items():
        if word in words:
            face = colour if filled else "white"
            keys.append((word, {"marker": marker, "color": colour, "markerfacecolor": face, "linestyle": ""}))
    return keys


def add_legend(axes: Axes, keys: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Write a legend below the axes."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=label, markersize=5, **style) for label, style in keys]
    axes.figure.legend(
        handles=handles, loc="outside lower left", ncols=7, frameon=False, fontsize=8, handletextpad=0.5
    )


def add_title(figure: Figure, pair: Pair, text: str) -> None:
    """Write a title, and below it the scope and the two sides."""
    sides = one_line(f"{pair.comparison.candidate} (cand) against {pair.comparison.baseline} (base)")
    figure.suptitle(f"{text}\n{begun(pair.scope)}: {sides}", x=0.01, ha="left", fontsize=9.5)


def finish(sketch: Sketch, suffixes: Sequence[str]) -> Drawing:
    """Return a figure as files."""
    figure, name, caption = sketch
    files = {}
    for suffix in suffixes:
        # An SVG would hold the time it was made at.
        options = {"metadata": {"Date": None}} if suffix == "svg" else {"dpi": _DOTS}
        stream = io.BytesIO()
        figure.savefig(stream, format=suffix, **options)
        files[suffix] = stream.getvalue()
    return Drawing(name, caption, files)
