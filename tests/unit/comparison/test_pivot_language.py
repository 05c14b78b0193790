"""Where a task tests no source language, distances are from the language that it pairs all others with."""

from __future__ import annotations

from harness.comparison.cuts import source_of, task_cut
from harness.specfiles.catalog import load_tasks


def test_distances_of_paired_languages() -> None:
    tatoeba, generated = (loaded.spec for loaded in load_tasks(["tatoeba", "wt-bitext"]))
    assert source_of(tatoeba) == "en" and source_of(generated) == "qsa"
    cut = task_cut(generated, ["qla", "qle", "qlh"], (), distances=["table"], near=(), tested=True)
    assert cut.distances == {"table": {"qla": 0.0, "qle": 0.5, "qlh": 1.0}}
    assert cut.left_out == {} and cut.reductions == {}
