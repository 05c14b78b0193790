"""The page of measured coverage: tables in Markdown and figures in SVG, from rows of simulations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

Row = dict[str, Any]

# Limits of design: coverage from, to; false positives from, to, in percent.
MANY = (94.0, 96.5, 3.5, 6.0)
FEW = (93.0, 97.5, 2.5, 7.0)
ENOUGH_CHANGED, FEW_CHANGED_MOST = 50, 6.0
FAMILY_MOST = 6.0
SCORE = (93.0, 99.0)
_ONE_RUN_HEAD = (
    "sampled from|score|units|rows|changed|cover d|wrong d|wrong r|limits|no V0: wrong d|"
    "percentile: cover d|wrong d|wrong r"
).split("|")
_RECIPES_HEAD = (
    "sampled from|units|changed|runs|seed sd|cover d|wrong d|wrong r|limits|items only: wrong d|wrong r|"
    "percentile: wrong d|two-level: wrong d|wrong r"
).split("|")
WHAT = ("d0", "d+", "r0", "r+")


def write_page(found: dict[str, list[Row]], out: Path, *, comparisons: int) -> int:
    """Write the page and its figures; return how many settings are outside their limits."""
    rows = found["contrasts"]
    one = [row for row in rows if row["runs"] == 1]
    several = [row for row in rows if row["runs"] > 1]
    verdicts = {id(row): verdict(row) for row in rows}
    missed = [row for row in rows if verdicts[id(row)]]
    families = [row for row in found["families"] if max(row["d"], row["r"]) > FAMILY_MOST]
    scores = [row for row in found["scores"] if not SCORE[0] <= row["coverage"] <= SCORE[1]]
    counts = {"comparisons": comparisons, "some": comparisons // 5, "fewer": comparisons // 10}
    errors = {f"{name}_error": 100 * (0.05 * 0.95 / count) ** 0.5 for name, count in counts.items()}
    parts = [_INTRODUCTION.format(**counts, **errors)]
    parts.append(
        _wrapped(
            f"{len(missed)} of {len(rows)} settings of contrasts, {len(families)} of "
            f"{len(found['families'])} families and {len(scores)} of {len(found['scores'])} scores are "
            f"outside their limits. {_kinds(missed)}"
        )
    )
    parts += ["## One run of either system", _ONE_RUN, _contrasts(one, verdicts), _variant(one)]
    parts += ["## Recipes: three and five runs of either system", _RECIPES, _recipes(several, verdicts)]
    parts += ["## Families", _FAMILIES, _families(found["families"])]
    parts += ["## Scores", _SCORES, _scores(found["scores"])]
    parts += ["## Joint and independent draws", _PAIRING, _pairing(found["pairing"])]
    parts += ["## The closed form and the engine", _AGREEMENT, _agreement(found["agreement"])]
    figures = out / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    page = "\n\n".join(parts) + "\n"
    (out / "statistics-coverage.md").write_text(page, encoding="utf-8")
    from coverage_figures import draw_figures

    draw_figures(found, figures)
    return len(missed) + len(families) + len(scores)


def verdict(row: Row) -> str:
    """Say in which direction a setting is outside its limits; empty where it is not."""
    wrong = false_positives(row)
    if row["changed"] < ENOUGH_CHANGED:
        return "false positives" if max(wrong) > FEW_CHANGED_MOST else ""
    low, high, least, most = MANY if row["units"] >= 100 and row["runs"] == 1 else FEW
    if row["ours d+"] < low or max(wrong) > most:
        return "too narrow"
    return "too wide" if row["ours d+"] > high or min(wrong) < least else ""


def false_positives(row: Row) -> tuple[float, float]:
    """Of d where d = 0, and of r where r = 0 but d is not."""
    return 100 - row["ours d0"], 100 - row["ours r+"]


def _kinds(missed: Sequence[Row]) -> str:
    narrow = [row for row in missed if verdict(row) != "too wide"]
    wide = [row for row in missed if verdict(row) == "too wide"]
    return (
        f"Of the contrasts, {len(narrow)} are too narrow (coverage below the limit, or wrong significances "
        f"above it), and {len(wide)} too wide (they find less than they could, and claim nothing that is not "
        "there)."
    )


def _contrasts(rows: Sequence[Row], verdicts: dict[int, str]) -> str:
    return _table(
        _ONE_RUN_HEAD,
        rows,
        lambda row: [
            row["population"],
            row["metric"],
            f"{row['units']:,}",
            f"{row['rows']:,}",
            f"{row['changed']:.0f}",
            f"{row['ours d+']:.1f}",
            *(f"{x:.1f}" for x in false_positives(row)),
            verdicts[id(row)] or "met",
            f"{100 - row['plain d0']:.1f}",
            f"{row['percentile d+']:.1f}",
            f"{100 - row['percentile d0']:.1f}",
            f"{100 - row['percentile r+']:.1f}",
        ],
        text=2,
    )


def _variant(rows: Sequence[Row]) -> str:
    """Say what another V0 would do: two whole pseudo-rows, whatever the score."""

    def outside(method: str) -> int:
        renamed = [{**row, **{f"ours {what}": row[f"{method} {what}"] for what in WHAT}} for row in rows]
        return sum(bool(verdict(row)) for row in renamed)

    graded = [row for row in rows if row["metric"] != "accuracy"]
    few = [row for row in graded if row["changed"] < ENOUGH_CHANGED]
    return _wrapped(
        "V0 counts two pseudo-rows of the size of the changes seen. Were they two whole rows in every score, "
        f"intervals would cover {_range(few, 'whole d+')} in the {len(few)} settings of scores other than "
        f"accuracy with fewer than {ENOUGH_CHANGED} changed rows (ours: {_range(few, 'ours d+')}), and "
        f"{outside('whole')} instead of {outside('ours')} of these {len(rows)} settings would be outside "
        "their limits, too wide."
    )


def _wrapped(text: str) -> str:
    return "\n".join(wrap(text, 110))


def _range(rows: Sequence[Row], key: str) -> str:
    return f"{min(row[key] for row in rows):.1f} to {max(row[key] for row in rows):.1f}%"


def _recipes(rows: Sequence[Row], verdicts: dict[int, str]) -> str:
    return _table(
        _RECIPES_HEAD,
        rows,
        lambda row: [
            row["population"],
            f"{row['units']:,}",
            f"{row['changed']:.0f}",
            str(row["runs"]),
            f"{row['seed_errors']:g}",
            f"{row['ours d+']:.1f}",
            *(f"{x:.1f}" for x in false_positives(row)),
            verdicts[id(row)] or "met",
            f"{100 - row['items d0']:.1f}",
            f"{100 - row['items r+']:.1f}",
            f"{100 - row['percentile d0']:.1f}",
            f"{100 - row['two-level d0']:.1f}",
            f"{100 - row['two-level r+']:.1f}",
        ],
        text=1,
    )


def _families(rows: Sequence[Row]) -> str:
    return _table(
        ["test", "languages", "with an effect", "units", "runs", "d", "r", "d unadjusted", "r unadjusted"],
        rows,
        lambda row: [
            f"{row['kind']}, {'parallel' if row['parallel'] else 'independent'}",
            str(row["languages"]),
            str(row["affected"]),
            f"{row['units']:,}",
            str(row["runs"]),
            *(f"{row[key]:.1f}" for key in ("d", "r", "d unadjusted", "r unadjusted")),
        ],
        text=1,
    )


def _scores(rows: Sequence[Row]) -> str:
    return _table(
        ["sampled from", "score", "units", "rows", "true score", "coverage", "limits"],
        rows,
        lambda row: [
            row["population"],
            row["metric"],
            f"{row['units']:,}",
            f"{row['rows']:,}",
            f"{row['score']:.1f}",
            f"{row['coverage']:.1f}",
            "met" if SCORE[0] <= row["coverage"] <= SCORE[1] else "not met",
        ],
        text=2,
    )


def _pairing(rows: Sequence[Row]) -> str:
    return _table(
        ["number", "true sd", "joint: error / sd", "coverage", "independent: error / sd", "coverage"],
        rows,
        lambda row: [
            row["number"],
            f"{row['sd']:.2f}",
            f"{row['joint']:.2f}",
            f"{row['joint coverage']:.1f}",
            f"{row['apart']:.2f}",
            f"{row['apart coverage']:.1f}",
        ],
        text=1,
    )


def _agreement(rows: Sequence[Row]) -> str:
    return _table(
        ["sampled from", "units", "runs", "engine V / closed V, mean", "least", "most", "mean change of p"],
        rows,
        lambda row: [
            row["population"],
            f"{row['units']:,}",
            str(row["runs"]),
            *(f"{row[key]:.3f}" for key in ("mean", "least", "most")),
            f"{row['p']:.4f}",
        ],
        text=1,
    )


def _table(
    head: Sequence[str], rows: Sequence[Row], cells: Callable[[Row], Sequence[str]], *, text: int
) -> str:
    rule = ["---"] * text + ["---:"] * (len(head) - text)
    lines = [head, rule, *(cells(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_INTRODUCTION = """# Measured coverage

This page is written by `benchmarks/simulate_contrasts.py` and by nothing else. What is tested, and how, is
in [statistics.md](statistics.md). Every line is {comparisons:,} simulated comparisons of two systems
(standard error {comparisons_error:.2f} points at 95%); percentile and two-level columns are {some:,} of them
with at most 300 units and {fewer:,} above (standard error {some_error:.1f} and {fewer_error:.1f} points),
with 999 draws.

- *cover d*: how often the 95% interval of the difference holds the true difference, which is not 0.
- *wrong d*: how often a difference is significant at 0.05 though both systems are alike.
- *wrong r*: how often a gap reduction is significant though both languages gained the same (r = 0, d not).
- *changed*: rows of a language in which two runs differ, on average.

`accuracy`, `chunks`, `queries` and `articles` are generated; `tatoeba`, `udpos`, `xquad` and `lareqa` are
rows, or whole articles, drawn with replacement from real outputs of all-MiniLM-L6-v2 (an English encoder:
scores are low), fine-tuned with the recipe `smoke` for udpos and xquad. Which two outcomes a row may have,
and how systems are made of them, is said in `benchmarks/populations.py`.

Limits. One run, at least 100 units and 50 changed rows: coverage 94 to 96.5%, wrong 3.5 to 6%. From 20 to
99 units, or recipes: 93 to 97.5%, 2.5 to 7%. Fewer changed rows: wrong at most 6%. Families at most
6%. Scores 93 to 99%. *Too wide* means more coverage, or fewer false positives, than these limits; *too
narrow* the opposite."""

_ONE_RUN = """![Wrong significances by changed rows](figures/one-run.svg)

*no V0* is our test without the two pseudo-rows. With at most 300 units V* comes from 999 draws, above
from the closed form."""

_RECIPES = """![Wrong significances by the spread between runs](figures/recipes.svg)

*seed sd* is the standard deviation of a run's score in item standard errors of a difference; half of its
variance is common to all languages. *Items only*: the same interval without the variance between runs.
*Percentile*: items drawn, the mean over runs taken as given. *Two-level*: runs and items drawn."""

_FAMILIES = """How often at least one of the languages without effect is significant, in percent, after
Holm and without adjustment. For r the effect is that of the source language, which has none."""

_SCORES = """How often the interval of a single score (one run) holds the true score."""

_PAIRING = """![Standard errors of joint and of independent draws](figures/pairing.svg)

Ten parallel languages of 1,000 items; 70% of an item's difficulty is common to all languages, and so is
in which items the candidate is better. Drawing every language on its own takes translations for
independent: gaps and gap reductions come out too wide, averages too narrow."""

_AGREEMENT = """V (with V0, and with the variance between runs for recipes) of `harness.stats` with 10,000
draws over that of the closed form, on the same 30 simulated comparisons, d and r each. The variance of
10,000 draws has a standard error of 1.4% itself."""
