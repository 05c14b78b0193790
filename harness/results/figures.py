"""Drawings for the HTML report: intervals as dots with whiskers, and the colours of the heat map.

Plain SVG and CSS; positions are percentages, so a drawing takes the width it is given and its
text stays text.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

STEPS = 11
_Colour = tuple[int, int, int]
# One hue from pale to deep, so that order survives every kind of colour blindness and grey print.
_LIGHT: tuple[_Colour, ...] = ((241, 246, 251), (158, 197, 224), (49, 121, 181), (8, 44, 99))
# The same on a dark page: more light means more.
_DARK: tuple[_Colour, ...] = ((24, 33, 46), (25, 73, 118), (66, 146, 205), (204, 229, 247))


def heat_step(value: float) -> int:
    """Return the colour step 0 .. STEPS - 1 of a score in percent."""
    return min(STEPS - 1, max(0, round(value / 100 * (STEPS - 1))))


def heat_styles(*, dark: bool) -> Markup:
    """Return CSS rules `.h0` .. `.h10`: background, and the ink that reads best on it."""
    rules = []
    for step in range(STEPS):
        background = _blend(_DARK if dark else _LIGHT, step / (STEPS - 1))
        rules.append(f".h{step}{{background:{_hex(background)};color:{_hex(_ink(background))}}}")
    return Markup("".join(rules))


def contrast(first: _Colour, second: _Colour) -> float:
    """Return the contrast ratio of two colours, 1 to 21.

    Source: WCAG 2.2, definitions of relative luminance and contrast ratio.
    """
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def heat_colours(*, dark: bool) -> list[tuple[_Colour, _Colour]]:
    """Return (background, ink) of every step."""
    backgrounds = [_blend(_DARK if dark else _LIGHT, step / (STEPS - 1)) for step in range(STEPS)]
    return [(b, _ink(b)) for b in backgrounds]


def interval_bar(
    value: float, low: float | None, high: float | None, *, mean: float | None = None, source: bool = False
) -> Markup:
    """Return one row of a chart from 0 to 100: a whisker, a dot, grid lines, the mean dashed."""
    marks = [_line(x, x, "grid") for x in (0, 25, 50, 75, 100)]
    if mean is not None:
        marks.append(_line(mean, mean, "mean"))
    if low is not None and high is not None:
        marks.append(f'<line class="whisker" x1="{_percent(low)}" x2="{_percent(high)}" y1="50%" y2="50%"/>')
    dot = "dot source" if source else "dot"
    marks.append(f'<circle class="{dot}" cx="{_percent(value)}" cy="50%" r="4.5"/>')
    # The numbers stand beside the drawing as text, so a screen reader skips it.
    return Markup(f'<svg class="bar" aria-hidden="true" focusable="false">{"".join(marks)}</svg>')


def axis(ticks: Sequence[int] = (0, 25, 50, 75, 100)) -> Markup:
    """Return the labels of the axis, for the head of a chart."""
    anchors = {ticks[0]: "start", ticks[-1]: "end"}
    labels = [
        f'<text x="{tick}%" y="70%" text-anchor="{anchors.get(tick, "middle")}">{tick}</text>'
        for tick in ticks
    ]
    return Markup(f'<svg class="axis" aria-hidden="true" focusable="false">{"".join(labels)}</svg>')


def _line(x1: float, x2: float, name: str) -> str:
    return f'<line class="{name}" x1="{_percent(x1)}" x2="{_percent(x2)}" y1="0" y2="100%"/>'


def _percent(value: float) -> str:
    return f"{min(100.0, max(0.0, value)):.2f}%"


def _blend(stops: Sequence[_Colour], position: float) -> _Colour:
    place = position * (len(stops) - 1)
    left = min(int(place), len(stops) - 2)
    share = place - left
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(stops[left], stops[left + 1], strict=True))
    return red, green, blue


def _ink(background: _Colour) -> _Colour:
    # Pure black and white: between them every background reaches 4.5.
    inks: tuple[_Colour, ...] = ((0, 0, 0), (255, 255, 255))
    return max(inks, key=lambda ink: contrast(background, ink))


def _luminance(colour: _Colour) -> float:
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _hex(colour: _Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
