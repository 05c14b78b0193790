"""`xharness mine` on 20,000 x 20,000 vectors of 384 numbers, half of them translations of each other.

    python benchmarks/mining_20k.py [--search exact|faiss-flat] [--threads N]

Makes two matrices in a temporary folder: 10,000 pairs (a common vector, and noise of its own on either
side) and 10,000 rows alone on either side, in shuffled order. Runs the command in a process of its
own, as a user would, and prints its wall time, and precision, recall and F1 with no threshold and with
the best one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from harness.retrieval.mining import best_threshold

ROWS, PAIRS, WIDTH = 20_000, 10_000, 384
NOISE = 1.6  # of a side's own, against 1 in common: cosines of pairs around 0.28, of others 0 +- 0.05
SHARED = 0.5  # what all rows have in common, as sentence vectors have


def make(folder: Path) -> np.ndarray:
    """Write source.npy and target.npy; return the target row of each source row, -1 for none."""
    rng = np.random.default_rng(0)
    everywhere = SHARED * rng.standard_normal(WIDTH)
    common = rng.standard_normal((PAIRS, WIDTH))
    orders = [rng.permutation(ROWS) for _ in range(2)]
    for name, order in zip(("source", "target"), orders, strict=True):
        rows = NOISE * rng.standard_normal((ROWS, WIDTH)) + everywhere
        rows[:PAIRS] += common
        placed = np.empty((ROWS, WIDTH), dtype=np.float32)
        placed[order] = rows
        np.save(folder / f"{name}.npy", placed)
    gold = np.full(ROWS, -1)
    gold[orders[0][:PAIRS]] = orders[1][:PAIRS]
    return gold


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--search", default="exact")
    parser.add_argument("--threads", default="2")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gold = make(folder)
        command = [sys.executable, "-m", "harness", "mine", "--out", str(folder / "pairs.tsv")]
        command += ["--source", str(folder / "source.npy"), "--target", str(folder / "target.npy")]
        command += ["--search", options.search, "--threads", options.threads]
        began = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - began
        mined = np.loadtxt(folder / "pairs.tsv", delimiter="\t")
    scores, correct = mined[:, 0], gold[mined[:, 1].astype(int)] == mined[:, 2].astype(int)
    threshold, _ = best_threshold(scores, correct, PAIRS)
    print(f"{ROWS:,} x {ROWS:,} x {WIDTH}, {options.search}, {options.threads} threads: {seconds:.1f} s")
    for what, kept in (("all mined pairs", scores > 0), (f"score >= {threshold:.4f}", scores >= threshold)):
        found = int(correct[kept].sum())
        precision, recall = found / kept.sum(), found / PAIRS
        f1 = 2 * precision * recall / (precision + recall)
        print(
            f"{what}: {kept.sum():,} pairs, precision {100 * precision:.2f}, recall {100 * recall:.2f}, "
            f"F1 {100 * f1:.2f}"
        )


if __name__ == "__main__":
    main()
