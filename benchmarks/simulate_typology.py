"""How often a slope on distance is found significant that is not there, when languages are related.

    python benchmarks/simulate_typology.py [--simulations 10000] [--seed 0]

Simulated phylogenies: languages belong to families; within a family both the distance from the source
and the reduction evolve along one tree (Brownian motion: a common part of the family, one of each of its
branches, and a language's own), and independently of each other, so that the true slope is 0. `share`
is the part of the variance that languages of one family have in common, half of it at the root and half
on branches of up to four languages (0: no phylogeny at all). Beside "for languages like these" (one
point per family, least squares, t with families - 2 df, the larger of the classical and the HC2 standard
error) stand the same with the classical error alone, and the regression that treats languages as
independent.

The families have equal sizes, or those of the 49 target languages of the table (22 Indo-European); at
last the distances are not simulated but those of the table from English.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.languages import LANGUAGES
from harness.typology import distances_from

ALPHA = 0.05
BRANCH = 4  # languages on one branch of a family
SIZES: dict[str, tuple[int, ...]] = {
    "5 x 4": (4,) * 5,
    "8 x 6": (6,) * 8,
    "15 x 3": (3,) * 15,
    "benchmark": tuple(
        sorted(Counter(row.family for code, row in LANGUAGES.items() if code != "en").values())
    ),
}


@dataclass(frozen=True)
class Rates:
    """The shares of simulations that are significant at 5%."""

    families: float
    classical: float
    languages: float


def false_positives(
    sizes: Sequence[int],
    *,
    share: float,
    simulations: int,
    seed: int,
    distances: np.ndarray | None = None,
) -> Rates:
    """Simulate slope 0 and test it; `distances`, one per language, are simulated where not given."""
    rng = np.random.default_rng(seed)
    y = evolve(sizes, share, simulations, rng)
    x = evolve(sizes, share, simulations, rng) if distances is None else np.broadcast_to(distances, y.shape)
    means = [family_means(values, sizes) for values in (x, y)]
    return Rates(
        float(np.mean(p_values(*means) <= ALPHA)),
        float(np.mean(p_values(*means, classical=True) <= ALPHA)),
        float(np.mean(p_values(x, y, classical=True) <= ALPHA)),
    )


def family_means(values: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Return the means of consecutive languages, float64 [simulations, families]."""
    starts = np.cumsum([0, *sizes[:-1]])
    return np.add.reduceat(values, starts, axis=1) / np.asarray(sizes)


def evolve(sizes: Sequence[int], share: float, simulations: int, rng: np.random.Generator) -> np.ndarray:
    """Return a property of all languages, of variance 1, float64 [simulations, languages]."""
    parts = []
    for size in sizes:
        root = rng.standard_normal((simulations, 1))
        branches = rng.standard_normal((simulations, -(-size // BRANCH)))
        own = rng.standard_normal((simulations, size))
        common = np.sqrt(share / 2) * (root + np.repeat(branches, BRANCH, axis=1)[:, :size])
        parts.append(common + np.sqrt(1 - share) * own)
    return np.concatenate(parts, axis=1)


def p_values(x: np.ndarray, y: np.ndarray, *, classical: bool = False) -> np.ndarray:
    """Return p of the slope of y on x, row by row: `family_slope` of points, for all rows at once."""
    x, y = (values - values.mean(axis=1, keepdims=True) for values in (x, y))
    points = x.shape[1]
    sxx = (x * x).sum(axis=1)
    slope = (x * y).sum(axis=1) / sxx
    squares = (y - slope[:, None] * x) ** 2
    variance = squares.sum(axis=1) / (points - 2) / sxx
    if not classical:
        free = 1 - 1 / points - x * x / sxx[:, None]
        variance = np.maximum(variance, (x * x * squares / free).sum(axis=1) / sxx**2)
    return 2 * stats.t.sf(np.abs(slope) / np.sqrt(variance), points - 2)


def table_distances() -> tuple[tuple[int, ...], np.ndarray]:
    """Return the family sizes of the table's languages, and their distances from English, in one order."""
    codes = [code for code in LANGUAGES if code != "en"]
    families = Counter(LANGUAGES[code].family for code in codes)
    codes.sort(key=lambda code: LANGUAGES[code].family)
    found = distances_from("en", codes)
    return tuple(families[name] for name in sorted(families)), np.array([found[code] for code in codes])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"slope 0, significant at {ALPHA:.0%} in per cent of {options.simulations:,} simulations")
    heads = ("one per family", "classical", "every language")
    print(f"{'families':<12}{'languages':>10}{'share':>8}" + "".join(f"{head:>17}" for head in heads))
    settings: dict[str, tuple[tuple[int, ...], np.ndarray | None]] = {
        name: (sizes, None) for name, sizes in SIZES.items()
    }
    settings["table"] = table_distances()
    for name, (sizes, distances) in settings.items():
        for share in (0.0, 0.3, 0.6, 0.9):
            rates = false_positives(
                sizes,
                share=share,
                simulations=options.simulations,
                seed=options.seed,
                distances=distances,
            )
            row = (rates.families, rates.classical, rates.languages)
            print(f"{name:<12}{sum(sizes):>10}{share:>8}" + "".join(f"{100 * rate:>17.1f}" for rate in row))


if __name__ == "__main__":
    main()
