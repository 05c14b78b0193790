"""What the figures of `xharness compare` show, and what they warn of."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from compare_runs import compare, write_runs

from harness.results import comparison_figures


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders by name; tests must not change them."""
    return write_runs(tmp_path_factory.mktemp("runs"))


def test_the_plot_against_the_baseline_gap_says_that_both_contain_its_score(runs: Path) -> None:
    pytest.importorskip("matplotlib")
    captions = re.findall(
        r"<figcaption>(.*?)</figcaption>", compare(runs, "base", "cand", "--format", "html").stdout
    )
    kinds = ("in the baseline (open)", "with its interval, per cell", "against its distance from en")
    assert all(sum(kind in caption for caption in captions) >= 1 for kind in kinds)
    (said,) = [caption for caption in captions if "against its gap in the baseline" in caption]
    assert "Both contain the baseline&#39;s score" in said
    assert "rise to the right even if nothing changed" in said and "nothing is tested" in said
    # The second task is tested in no source language: it has no gaps.
    assert len(captions) == 4 + 3


def test_names_that_the_font_lacks_warn_of_nothing(
    runs: Path, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    pytest.importorskip("matplotlib")
    named = tmp_path / "模型"
    shutil.copytree(runs / "cand", named)
    result = compare(runs, "part", str(named), "--format", "html")
    assert result.exit_code == 0 and result.stderr == ""
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_languages_at_one_distance_stand_side_by_side(runs: Path) -> None:
    class Point:
        def __init__(self, value: float) -> None:
            self.tested = self
            self.value = value

    points = {"a": (0.25, Point(3)), "b": (0.25, Point(1)), "c": (0.25, Point(2)), "d": (1.0, Point(0))}
    spread = comparison_figures._side_by_side(points)  # type: ignore[arg-type]
    places = {code: x for code, (x, _) in spread.items()}
    assert places["b"] < places["c"] < places["a"]
    assert places["c"] == pytest.approx(0.25) and places["d"] == 1.0
    assert places["a"] - places["b"] == pytest.approx(2 * 0.75 / 60)
    crowd = {str(i): (0.25, Point(i)) for i in range(31)} | {"far": (1.0, Point(0))}
    spread = comparison_figures._side_by_side(crowd)  # type: ignore[arg-type]
    assert spread["30"][0] - spread["0"][0] == pytest.approx(0.75 / 6)
    alone = {"a": (0.5, Point(3)), "b": (0.5, Point(1))}
    assert {x for x, _ in comparison_figures._side_by_side(alone).values()} == {0.5}  # type: ignore[arg-type]
