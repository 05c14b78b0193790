"""Figures of measured coverage, as small SVG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Row = dict[str, Any]
_OURS, _OTHER, _THIRD = "#1b6ca8", "#d1495b", "#8a8a8a"


def draw_figures(found: dict[str, list[Row]], folder: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    # The same rows give the same bytes.
    matplotlib.rcParams.update(
        {"svg.hashsalt": "xharness", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False}
    )
    matplotlib.rcParams["axes.spines.right"] = False
    _one_run([row for row in found["contrasts"] if row["runs"] == 1], folder / "one-run.svg")
    _recipes([row for row in found["contrasts"] if row["runs"] > 1], folder / "recipes.svg")
    _pairing(found["pairing"], folder / "pairing.svg")


def _one_run(rows: list[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    for axes, (what, label) in zip(
        figure.subplots(1, 2, sharey=True),
        (("d0", "difference, d = 0"), ("r+", "gap reduction, r = 0, d not")),
        strict=True,
    ):
        for shift, (method, colour, name) in zip(
            (0.88, 1.0, 1.14),
            (
                ("percentile", _OTHER, "percentile"),
                ("plain", _THIRD, "t without V0"),
                ("ours", _OURS, "ours"),
            ),
            strict=True,
        ):
            axes.plot(
                [shift * row["changed"] for row in rows],
                [100 - row[f"{method} {what}"] for row in rows],
                "o",
                color=colour,
                markersize=3,
                alpha=0.8,
                label=name,
            )
        axes.axhline(5, color="black", linewidth=0.6)
        axes.set(xscale="log", xlabel="changed rows", title=label)
        axes.set_xticks([5, 20, 200, 2000], ["5", "20", "200", "2,000"])
    figure.axes[0].set(ylabel="wrongly significant, %", ylim=(0, None))
    figure.axes[1].legend(frameon=False)
    _save(figure, path)


def _recipes(rows: list[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    errors = sorted({row["seed_errors"] for row in rows})
    for axes, runs in zip(figure.subplots(1, 2, sharey=True), (3, 5), strict=True):
        for shift, (method, colour, name) in zip(
            (-0.2, 0.0, 0.2),
            (
                ("items", _OTHER, "items only"),
                ("two-level", _THIRD, "two-level percentile"),
                ("ours", _OURS, "ours"),
            ),
            strict=True,
        ):
            own = [row for row in rows if row["runs"] == runs]
            axes.plot(
                [errors.index(row["seed_errors"]) + shift for row in own],
                [100 - row[f"{method} d0"] for row in own],
                "o",
                color=colour,
                markersize=3,
                alpha=0.8,
                label=name,
            )
        axes.axhline(5, color="black", linewidth=0.6)
        axes.set(title=f"{runs} runs", xlabel="seed sd in item standard errors")
        axes.set_xticks(range(len(errors)), [f"{error:g}" for error in errors])
    figure.axes[0].set(ylabel="wrongly significant, %", ylim=(0, None))
    figure.axes[0].legend(frameon=False)
    _save(figure, path)


def _pairing(rows: list[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 2.2), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows))
    for shift, (how, colour, label) in zip(
        (-0.18, 0.18), (("joint", _OURS, "joint draws"), ("apart", _OTHER, "independent draws")), strict=True
    ):
        axes.barh(
            [place + shift for place in places],
            [row[how] for row in rows],
            height=0.34,
            color=colour,
            label=label,
        )
    axes.axvline(1, color="black", linewidth=0.6)
    axes.set_yticks(places, [row["number"] for row in rows])
    axes.invert_yaxis()
    axes.set(xlabel="standard error over true standard deviation")
    axes.legend(frameon=False, loc="lower right")
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})
