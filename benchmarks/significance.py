"""A whole XTREME-R comparison against `scipy.stats.bootstrap` per language.

    python benchmarks/significance.py [--scale 1.0] [--peer-languages 1]

Writes two generated run folders (10 tasks, their languages and rows), compares them with
`harness.compare` in a process of its own (wall time and peak memory are its own: reading, drawing,
contrasts, families, flags, typology), and then tests single languages with `scipy.stats.bootstrap` (paired,
vectorised, percentile, the same B, on the sums of each unit): the difference of the main metric and, where
the task has gaps, the gap reduction. The peer makes no interval of a score or gap, no average and no suite,
which ours do. All its languages would take too long: it is timed on the first `--peer-languages` of each
task, and its time for a task is that time per unit, times the units of all languages (of a language and the
source together, for gap reductions). Standard errors of what it tested must agree with ours.
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
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from generated_runs import write_runs

from harness.metrics.table import metric_named
from harness.results.examples import read_examples
from harness.results.folder import RunFolder
from harness.specfiles.catalog import load_suite, load_task
from harness.stats.influence import size_of_changes
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
        f"{task}/{code}/{name}": [effect.low, effect.high, effect.units]
        for task, entry in found.comparisons[0].tasks.items()
        for code, cell in entry.languages.items()
        for name, effect in (("difference", cell.difference), ("reduction", cell.gap and cell.gap.reduction))
        if effect
    }
    text = json.dumps({"seconds": seconds, "busy": busy, "peak": peak, "effects": effects})
    out.write_text(text, encoding="utf-8")


class Peer:
    """The tests of one task by scipy; `units` are those of each language's rows."""

    def __init__(self, folders: tuple[Path, Path], task: str, codes: Sequence[str]) -> None:
        self.spec = load_task(task).spec
        self.cells = {
            code: [
                read_examples(RunFolder(f).examples(task, code), task=task, language=code) for f in folders
            ]
            for code in codes
        }
        of = join_units([cells[0] for cells in self.cells.values()]).of
        self.units = dict(zip(self.cells, of, strict=True))

    def joint_units(self, codes: Sequence[str]) -> int:
        """Return how many units languages have together."""
        return len(np.unique(np.concatenate([self.units[code] for code in codes])))

    def pseudo_rows(self, codes: Sequence[str]) -> float:
        """Return V0 of a difference, or of a difference of two: in our variance, and not in scipy's."""
        metric = next(m for m in self.spec.metrics if m.name == self.spec.main_metric)
        added = 0.0
        for code in codes:
            old, new = (cell.statistics[metric.name] for cell in self.cells[code])
            n, value = len(self.units[code]), metric_named(metric.computes).value
            added += 2 * size_of_changes(old, new, self.units[code], value, rows=n) * (100 / n) ** 2
        return added

    def test(self, codes: Sequence[str]) -> tuple[float, float, float]:
        """Test the difference of a language, less that of a second one if there is one.

        Returns scipy's standard error, and wall and CPU seconds.
        """
        from scipy.stats import bootstrap

        joint, place = np.unique(np.concatenate([self.units[code] for code in codes]), return_inverse=True)
        ends = np.cumsum([len(self.units[code]) for code in codes])
        places = np.split(place, ends[:-1])
        apart = len(codes) > 1 and len(joint) == sum(len(np.unique(own)) for own in places)
        if apart:
            places = [np.unique(own, return_inverse=True)[1] for own in places]
        columns = [
            self._columns(code, own, None if apart else len(joint))
            for code, own in zip(codes, places, strict=True)
        ]
        chunks = self.cells[codes[0]][0].statistics[self.spec.main_metric].shape[2] == 3
        scale = 200 if chunks else 100

        def contrast(*sums: np.ndarray) -> np.ndarray:
            scores = [above / below for above, below in zip(sums[::2], sums[1::2], strict=True)]
            differences = [scale * (new - old) for old, new in zip(scores[::2], scores[1::2], strict=True)]
            return np.asarray(differences[0] - differences[1] if len(differences) > 1 else differences[0])

        def of_columns(*drawn: np.ndarray, axis: int) -> np.ndarray:
            return contrast(*(column.sum(axis=axis) for column in drawn))

        def of_rows(*drawn: np.ndarray, axis: int) -> np.ndarray:
            return contrast(
                *(
                    column[rows].sum(axis=axis)
                    for own, rows in zip(columns, drawn, strict=True)
                    for column in own
                )
            )

        began, busy = time.perf_counter(), time.process_time()
        found = bootstrap(
            # Languages without common units are drawn each by itself, by the numbers of their units.
            [np.arange(len(own[0])) for own in columns] if apart else list(chain(*columns)),
            of_rows if apart else of_columns,
            paired=not apart,
            vectorized=True,
            n_resamples=RESAMPLES,
            method="percentile",
            # What fits into the cache; its own choice, all at once, takes five times as long and 3 GB.
            batch=max(1, 200_000 // len(joint)),
            rng=np.random.default_rng(0),
        )
        return float(found.standard_error), time.perf_counter() - began, time.process_time() - busy

    def _columns(self, code: str, place: np.ndarray, units: int | None) -> list[np.ndarray]:
        """Return what the scores of both systems are quotients of, summed over each unit's rows."""
        return [
            np.bincount(place, weights=column, minlength=units or 0)
            for cell in self.cells[code]
            for statistics in [cell.statistics[self.spec.main_metric][0]]
            for column in (statistics[:, 0], _below(statistics))
        ]


@dataclass
class Tally:
    """Seconds of the peer for all languages, and how far its standard errors are from ours."""

    seconds: float = 0.0
    busy: float = 0.0
    tests: int = 0
    units: int = 0
    worst: float = 0.0

    def add(
        self,
        peer: Peer,
        name: str,
        tested: Sequence[list[str]],
        due: Sequence[list[str]],
        ours: dict[str, list[float]],
    ) -> None:
        """Test some languages, and count their time for all that are due."""
        counted, wall, cpu = 0, 0.0, 0.0
        for codes in tested:
            error, seconds, busy = peer.test(codes)
            counted, wall, cpu = counted + peer.joint_units(codes), wall + seconds, cpu + busy
            effect = ours[f"{peer.spec.name}/{codes[0]}/{name}"]
            ratio = _ratio(error, effect, peer.pseudo_rows(codes), peer.joint_units(codes))
            self.worst = max(self.worst, abs(ratio - 1))
        units = sum(peer.joint_units(codes) for codes in due)
        self.seconds += wall * units / counted
        self.busy += cpu * units / counted
        self.tests += len(due)
        self.units += units
        print(f"{peer.spec.name}, {name}: scipy {wall:.1f} s for {counted:,} of {units:,} units", flush=True)


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
        tallies = {"difference": Tally(), "reduction": Tally()}
        for task, chosen in load_suite("xtreme-r").spec.tasks.items():
            codes = chosen.languages or ()
            peer = Peer(runs, task, codes)
            source = peer.spec.source_language
            due = {"difference": [[code] for code in codes], "reduction": []}
            if source in codes:
                due["reduction"] = [[code, source] for code in codes if code != source]
            for name, tests in due.items():
                if tests:
                    tallies[name].add(peer, name, tests[: options.peer_languages], tests, ours["effects"])
    print(
        f"B = {RESAMPLES:,}, {os.cpu_count()} processors, load {load:.1f} before\n"
        f"xharness compare, everything: {ours['seconds']:.1f} s ({ours['busy']:.1f} s of CPU time), "
        f"peak {ours['peak']:.0f} MB"
    )
    for name, tally in tallies.items():
        print(
            f"scipy.stats.bootstrap, {tally.tests} tests of a {name} on {tally.units:,} units, extrapolated: "
            f"{tally.seconds:.0f} s ({tally.busy:.0f} s of CPU time); standard errors agree to "
            f"{100 * tally.worst:.1f}%"
        )
    both, busy = (sum(getattr(t, what) for t in tallies.values()) for what in ("seconds", "busy"))
    print(
        f"both: {both:.0f} s ({busy:.0f} s of CPU time), {both / ours['seconds']:.1f} times as long as ours "
        f"({busy / ours['busy']:.1f} times the CPU time)"
    )


def _ratio(error: float, effect: list[float], added: float, joint: int) -> float:
    """Return scipy's standard error over ours, without V0 (`added`) and with the factor U/(U - 1) of ours."""
    from scipy.special import stdtrit

    low, high, units = effect
    total = ((high - low) / 2 / stdtrit(units - 1, 0.975)) ** 2
    return error * math.sqrt(joint / (joint - 1)) / math.sqrt(total - added)


if __name__ == "__main__":
    main()
