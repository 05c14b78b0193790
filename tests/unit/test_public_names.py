"""`harness` offers the functions it names, whatever was imported before."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "code",
    [
        "import harness; f = harness.evaluate",
        "from harness import evaluate as f",
        "from harness.evaluate import Evaluation; import harness; f = harness.evaluate",
        "import harness.evaluate; f = harness.evaluate; assert f.Evaluation",
        "import harness; f = harness.score_run",
        "import harness; f = harness.compare",
        "from harness import compare as f",
        "import harness.compare; f = harness.compare; assert f.Comparisons",
        "import harness; f = harness.score_submission",
    ],
)
def test_public_functions_can_be_called(code: str) -> None:
    check = f"{code}\nassert callable(f), f\nassert harness.__version__ if 'harness' in dir() else True"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_unknown_names_are_attribute_errors() -> None:
    import harness

    with pytest.raises(AttributeError, match="nonsense"):
        _ = harness.nonsense
