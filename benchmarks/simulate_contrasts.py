"""Do the intervals of `xharness compare` hold the truth as often as they say?

    python benchmarks/simulate_contrasts.py [RUN ..] [--quick] [--processes N] [--out docs] [--rows FILE]

Simulates comparisons of two systems on generated data, and on samples drawn from the outputs that run
folders hold (tatoeba, udpos, xquad, lareqa), and counts how often each interval holds the true
difference d and the true gap reduction r. First the closed form that stands in for draws is compared with
the engine. Writes OUT/statistics-coverage.md and OUT/figures/*.svg. `--rows FILE` keeps every setting as a
line of JSON once it is done; what the file holds is not simulated anew. `--quick`: 1,000 comparisons
per setting instead of 10,000.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from agreement import agreement_rows, pairing_rows
from coverage_page import write_page
from settings import Row, contrast_jobs, contrast_row, family_jobs, family_row, score_jobs, score_row

Job = tuple[str, Callable[..., Row | list[Row] | None], object]


def simulate(jobs: Sequence[Job], *, processes: int, kept: Path | None) -> dict[str, list[Row]]:
    """Run all jobs that are not kept; return the rows by part of the page."""
    done: dict[str, Row | list[Row] | None] = {}
    if kept and kept.is_file():
        lines = kept.read_text(encoding="utf-8").splitlines()
        done = {entry["job"]: entry["rows"] for entry in map(json.loads, lines)}
    due = [job for job in jobs if _name(job) not in done]
    began = time.perf_counter()
    with ProcessPoolExecutor(processes) as pool:
        waiting = {
            pool.submit(function, given): _name((part, function, given)) for part, function, given in due
        }
        for number, future in enumerate(as_completed(waiting), 1):
            done[waiting[future]] = future.result()
            if kept:
                with kept.open("a", encoding="utf-8") as stream:
                    line = {"job": waiting[future], "rows": done[waiting[future]]}
                    stream.write(json.dumps(line, default=_plain) + "\n")
            print(
                f"{number} of {len(due)}, {time.perf_counter() - began:.0f} s: {waiting[future]}", flush=True
            )
    found: dict[str, list[Row]] = {}
    for job in jobs:
        rows = done[_name(job)]
        found.setdefault(job[0], []).extend(rows if isinstance(rows, list) else [rows] if rows else [])
    return found


def _name(job: Job) -> str:
    return f"{job[0]}: {job[2]}"


def _plain(value: Any) -> Any:
    """numpy's numbers as Python's."""
    return value.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--rows", type=Path)
    options = parser.parse_args()
    began = time.perf_counter()
    comparisons, folders = 1_000 if options.quick else 10_000, tuple(options.runs)
    jobs: list[Job] = [
        *(("contrasts", contrast_row, job) for job in contrast_jobs(comparisons, folders)),
        *(("families", family_row, job) for job in family_jobs(comparisons)),
        *(("scores", score_row, job) for job in score_jobs(comparisons, folders)),
        ("agreement", agreement_rows, folders),
        ("pairing", pairing_rows, comparisons),
    ]
    found = simulate(jobs, processes=options.processes, kept=options.rows)
    missed = write_page(found, options.out, comparisons=comparisons)
    print(f"{time.perf_counter() - began:.0f} s; settings outside their limits: {missed}")


if __name__ == "__main__":
    main()
