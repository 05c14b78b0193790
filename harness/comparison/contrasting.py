"""From draws to effects: every quantity contrasted and tested, every family adjusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.comparison.drawing import Drawn
from harness.comparison.quantities import Family, Quantity, QuantityName, family_sizes
from harness.comparison.systems import System, shared_tasks
from harness.errors import RequestError
from harness.results.comparison import Effect, IntervalName, rounded
from harness.stats.contrasts import Contrast, Scope, Test, contrast, detectable, t_test
from harness.stats.estimate import Draws, combine
from harness.stats.families import Correction, adjust, family_size
from harness.stats.influence import Influence, add_influences
from harness.stats.resampling import bca_test, flip_test, percentile_test, resamples_needed

# Candidate (1, 2, ..), quantity, task ("" for the suite), language ("" for an average).
Place = tuple[int, QuantityName, str, str]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a call tests: see `harness.compare`."""

    alpha: float
    correction: Correction
    interval: IntervalName
    scope: Scope | None  # None: recipes where both sides have at least two runs
    check: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """What was found of every quantity.

    `alike` are the candidates that differ from the baseline in no draw of any quantity.
    """

    effects: Mapping[Place, Effect]
    alike: frozenset[int]


def choose_scopes(systems: Sequence[System], settings: Settings) -> tuple[Scope, ...]:
    """Return the scope of each candidate's comparison.

    Runs count where they could differ: a system that trains nothing has one, whatever its seeds. An
    intermediate phase that was run once is a checkpoint, whatever the number of fine-tuning seeds.

    Raises:
        RequestError: `recipes` is asked for and a side has one run or one intermediate phase, or an
            interval or check that takes one run is asked for and a side has several.
    """
    return tuple(_scope(systems[0], candidate, settings) for candidate in systems[1:])


def check_families(
    per_candidate: Sequence[Sequence[Quantity]], *, settings: Settings, resamples: int
) -> None:
    """Refuse intervals off the draws where no p value can be small enough for a family.

    Raises:
        RequestError: naming the family's size and the number of draws that it needs.
    """
    if settings.interval == "t":
        return
    largest = max(family_sizes(per_candidate).values(), default=1)
    needed = resamples_needed(alpha=settings.alpha, family=largest)
    if resamples < needed:
        raise RequestError(
            f"--interval {settings.interval} with --resamples {resamples}: no p value can be small "
            f"enough for a family of {largest} tests at alpha {settings.alpha:g}; that takes at least "
            f"--resamples {needed}"
        )


def contrast_systems(
    per_candidate: Sequence[Sequence[Quantity]],
    drawn: Drawn,
    *,
    scopes: Sequence[Scope],
    settings: Settings,
) -> Effects:
    """Contrast every further system with the first in all its quantities, and adjust all families."""
    contrasts: dict[Place, Contrast] = {}
    tests: dict[Place, Test] = {}
    checked: dict[Place, float | None] = {}
    families: dict[Family, list[Place]] = {}
    different: set[int] = set()
    for number, (quantities, scope) in enumerate(zip(per_candidate, scopes, strict=True), 1):
        for quantity in quantities:
            place = (number, quantity.name, quantity.task, quantity.language)
            base, cand = _sides(drawn.sides, number, quantity)
            found = contrast(cand, base, scope=scope)
            test = _test(found, drawn, number, quantity, settings=settings)
            if not found.identical:
                different.add(number)
            tests[place] = test if quantity.tested else replace(test, p=None)
            # The draws of all quantities together would take more memory than those of the scores.
            contrasts[place] = replace(found, draws=found.draws[:0])
            families.setdefault(quantity.family, []).append(place)
            if settings.check:
                checked[place] = _check(found, drawn, number, quantity)
    effects = {}
    for places in families.values():
        p_values = [tests[place].p for place in places]
        adjusted = adjust(p_values, correction=settings.correction)
        for place, p_adjusted in zip(places, adjusted, strict=True):
            effects[place] = _effect(
                contrasts[place],
                tests[place],
                p_adjusted,
                family=0 if tests[place].p is None else family_size(p_values),
                check=checked.get(place),
                alpha=settings.alpha,
            )
    alike = frozenset(range(1, len(per_candidate) + 1)) - different
    return Effects(effects, alike)


def _sides(
    numbers: Mapping[tuple[int, str, str, str], tuple[Draws, Draws]], number: int, quantity: Quantity
) -> tuple[Draws, Draws]:
    """Return the weighted sum that a quantity is, of baseline and candidate."""
    pairs = [numbers[number, *score] for score in quantity.terms]
    weights = list(quantity.terms.values())
    return combine([pair[0] for pair in pairs], weights), combine([pair[1] for pair in pairs], weights)


def _test(found: Contrast, drawn: Drawn, number: int, quantity: Quantity, *, settings: Settings) -> Test:
    if settings.interval == "t":
        return t_test(found, alpha=settings.alpha)
    if settings.interval == "percentile":
        return percentile_test(found, alpha=settings.alpha)
    parts: list[Influence] = []
    weights: list[float] = []
    for score, weight in quantity.terms.items():
        base, cand = drawn.influences[number, *score]
        parts += [cand, base]
        weights += [weight, -weight]
    return bca_test(found, add_influences(parts, weights).values, alpha=settings.alpha)


def _check(found: Contrast, drawn: Drawn, number: int, quantity: Quantity) -> float | None:
    if not quantity.tested or found.units < 2:
        return None
    base, cand = _sides(drawn.exchanged, number, quantity)
    return flip_test(cand.draws[0], base.draws[0], found.value)


def _effect(
    found: Contrast,
    test: Test,
    p_adjusted: float | None,
    *,
    family: int,
    check: float | None,
    alpha: float,
) -> Effect:
    # Without a test there is nothing that its first step would find.
    reach = detectable(found, alpha=alpha, family=family) if family else None
    return Effect(
        value=rounded(found.value),
        low=None if test.low is None else rounded(test.low),
        high=None if test.high is None else rounded(test.high),
        p=test.p,
        p_adjusted=p_adjusted,
        family=family,
        detectable=None if reach is None else rounded(reach),
        n=found.n,
        units=found.units,
        check=check,
    )


def _scope(baseline: System, candidate: System, settings: Settings) -> Scope:
    tasks = shared_tasks(baseline, candidate)
    runs = [system.runs(tasks) for system in (baseline, candidate)]
    counted = f"of {baseline.name} there are {runs[0]} and of {candidate.name} {runs[1]}"
    once = [system.name for system in (baseline, candidate) if system.record.phase_once]
    if settings.scope == "recipes" and once:
        raise RequestError(
            f"--scope recipes: the intermediate phase of {' and '.join(once)} was run once. Whatever the "
            "number of fine-tuning seeds, that is one checkpoint; run the phase once per seed, or ask about "
            "these checkpoints with --scope checkpoints"
        )
    if settings.scope == "recipes" and min(runs) < 2:
        raise RequestError(
            f"--scope recipes needs at least two runs (seeds) of both systems, and {counted} (a system that "
            "trains nothing has one, whatever its seeds): train them with --seeds 1,2,3, or ask about these "
            "checkpoints with --scope checkpoints"
        )
    if max(runs) > 1:
        if settings.interval != "t":
            raise RequestError(
                f"--interval {settings.interval} is for one run on either side, and {counted}; --interval t "
                "is for any number"
            )
        if settings.check:
            raise RequestError(
                f"--check exchanges one run with one run, unit by unit, and {counted}; compare single runs, "
                "or leave it out"
            )
    return settings.scope or ("recipes" if min(runs) > 1 and not once else "checkpoints")
