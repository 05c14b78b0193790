"""A whole XTREME-R comparison against `scipy.stats.bootstrap` per language.

    python benchmarks/significance.py [--scale 1.0] [--peer-languages 1]

Writes two generated run folders (10 tasks, their languages and rows), compares them with
`harness.compare` in a process of its own (wall time and peak memory are its own: reading, drawing,
contrasts, families, flags), and then tests single languages with `scipy.stats.bootstrap` (paired,
vectorised, percentile, the same B, on the sums of each unit). The peer tests the difference only: no gap
reduction, no average, no suite. All its languages would take too long: it is timed on the first
`--peer-languages` of each task, and its time for a task is that time per unit, times the units of all
languages. Standard errors of the languages that it tested must agree with ours.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from generated_runs import write_runs

from harness.results.examples import read_examples
from harness.results.folder import RunFolder
from harness.specfiles.catalog import load_suite, load_task
from harness.stats.units import join_units

RESAMPLES = 10_000


def compare_in_this_process(folders: list[str], out: Path) -> None:
    """Compare, and write time, peak memory and what the check needs."""
    began, busy = time.perf_counter(), time.process_time()
    import harness

    found = harness.compare(folders[0], folders[1:], resamples=RESAMPLES)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    effects = {
        f"{task}/{code}": [
            cell.difference.low,
            cell.difference.high,
            cell.difference.n,
            cell.difference.units,
        ]
        for task, entry in found.comparisons[0].tasks.items()
        for code, cell in entry.languages.items()
    }
    text = json.dumps({"seconds": seconds, "busy": busy, "peak": peak, "effects": effects})
    out.write_text(text, encoding="utf-8")


def peer(folders: tuple[Path, Path], task: str, code: str) -> tuple[float, float, float, int]:
    """Return scipy's standard error of the difference of the main metric, wall and CPU seconds, and units."""
    from scipy.stats import bootstrap

    spec = load_task(task).spec
    metric = spec.main_metric
    cells = [read_examples(RunFolder(f).examples(task, code), task=task, language=code) for f in folders]
    of_row = join_units(cells[:1]).of[0]
    columns = [
        np.bincount(of_row, weights=column)
        for cell in cells
        for column in (cell.statistics[metric][0, :, 0], _below(cell.statistics[metric][0]))
    ]

    def difference(*sums: np.ndarray, axis: int) -> np.ndarray:
        above, below, of_candidate, below_candidate = (x.sum(axis=axis) for x in sums)
        scale = 200 if cells[0].statistics[metric].shape[2] == 3 else 100
        return scale * (of_candidate / below_candidate - above / below)

    began, busy = time.perf_counter(), time.process_time()
    found = bootstrap(
        columns,
        difference,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        method="percentile",
        # What fits into the cache; its own choice, all at once, takes five times as long and 3 GB.
        batch=max(1, 200_000 // len(columns[0])),
        rng=np.random.default_rng(0),
    )
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    return float(found.standard_error), seconds, busy, len(columns[0])


def _below(statistics: np.ndarray) -> np.ndarray:
    """What a score is divided by: predicted and gold chunks, or rows."""
    return statistics[:, 1] + statistics[:, 2] if statistics.shape[1] == 3 else statistics[:, 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--peer-languages", type=int, default=1)
    parser.add_argument("--compare", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compare:
        compare_in_this_process(options.compare[:2], Path(options.compare[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = write_runs(folder, scale=options.scale)
        load = os.getloadavg()[0]
        command = [
            sys.executable,
            str(Path(__file__)),
            "--compare",
            *map(str, runs),
            str(folder / "ours.json"),
        ]
        subprocess.run(command, check=True)
        ours = json.loads((folder / "ours.json").read_text(encoding="utf-8"))
        total, busy, worst = 0.0, 0.0, 0.0
        units = {key: effect[3] for key, effect in ours["effects"].items()}
        for task, chosen in load_suite("xtreme-r").spec.tasks.items():
            codes = chosen.languages[: options.peer_languages]
            tried = [peer(runs, task, code) for code in codes]
            for code, (error, *_) in zip(codes, tried, strict=True):
                worst = max(worst, abs(_ratio(error, ours["effects"][f"{task}/{code}"]) - 1))
            counted = sum(t[3] for t in tried)
            of_task = sum(units[f"{task}/{code}"] for code in chosen.languages)
            total += sum(t[1] for t in tried) * of_task / counted
            busy += sum(t[2] for t in tried) * of_task / counted
            print(f"{task}: scipy {sum(t[1] for t in tried):.1f} s for {counted:,} of {of_task:,} units")
    print(
        f"{len(units)} tests of single languages on {sum(units.values()):,} units, B = {RESAMPLES:,}, "
        f"{os.cpu_count()} processors, load {load:.1f} before\n"
        f"standard errors agree to {100 * worst:.1f}%\n"
        f"xharness compare, everything: {ours['seconds']:.1f} s ({ours['busy']:.1f} s of CPU time), "
        f"peak {ours['peak']:.0f} MB\n"
        f"scipy.stats.bootstrap, differences alone, extrapolated: {total:.0f} s ({busy:.0f} s of CPU time), "
        f"{total / ours['seconds']:.1f} times as long"
    )


def _ratio(error: float, effect: list[float]) -> float:
    """Return scipy's standard error over ours, without V0 and with the factor U/(U - 1) of ours."""
    from scipy.special import stdtrit

    low, high, rows, units = effect
    total = ((high - low) / 2 / stdtrit(units - 1, 0.975)) ** 2
    return error * math.sqrt(units / (units - 1)) / math.sqrt(total - 2 * (100 / rows) ** 2)


if __name__ == "__main__":
    main()
