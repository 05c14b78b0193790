"""Do the intervals of `xharness compare` hold the truth as often as they say?

    python benchmarks/simulate_contrasts.py [RUN ..] [--quick] [--processes N] [--out docs] [--rows FILE]

Simulates comparisons of two systems on generated data, and on samples drawn from the outputs that run
folders hold (tatoeba, udpos, xquad, lareqa), and counts how often each interval holds the true
difference d and the true gap reduction r. First the closed form that stands in for draws is compared with
the engine. Writes OUT/statistics-coverage.md and OUT/figures/*.svg. `--rows FILE` keeps what was
simulated as JSON; if the file is there, nothing is simulated anew. `--quick`: 1,000 comparisons per
setting instead of 10,000.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from agreement import agreement_rows, pairing_rows
from coverage_page import write_page
from settings import Row, contrast_jobs, contrast_row, family_jobs, family_row, score_jobs, score_row


def simulate(folders: tuple[Path, ...], *, comparisons: int, processes: int) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    with ProcessPoolExecutor(processes) as pool:

        def run(name: str, function: Callable[..., Row | None], jobs: Sequence[object]) -> None:
            began, rows = time.perf_counter(), []
            for number, row in enumerate(pool.map(function, jobs), 1):
                print(f"\r{name}: {number} of {len(jobs)}", end="", flush=True)
                if row is not None:
                    rows.append(row)
            found[name] = rows
            print(f", {time.perf_counter() - began:.0f} s")

        agreement = pool.submit(agreement_rows, folders)
        pairing = pool.submit(pairing_rows, comparisons)
        run("contrasts", contrast_row, contrast_jobs(comparisons, folders))
        run("families", family_row, family_jobs(comparisons))
        run("scores", score_row, score_jobs(comparisons, folders))
        found["agreement"], found["pairing"] = agreement.result(), pairing.result()
    found["made"] = [{"comparisons": comparisons, "recorded": bool(folders)}]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--rows", type=Path)
    options = parser.parse_args()
    began = time.perf_counter()
    if options.rows and options.rows.is_file():
        rows = json.loads(options.rows.read_text(encoding="utf-8"))
    else:
        comparisons = 1_000 if options.quick else 10_000
        rows = simulate(tuple(options.runs), comparisons=comparisons, processes=options.processes)
        if options.rows:
            options.rows.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    missed = write_page(rows, options.out)
    print(f"{time.perf_counter() - began:.0f} s; settings outside their limits: {missed}")


if __name__ == "__main__":
    main()
