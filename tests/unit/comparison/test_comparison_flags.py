"""Claims and flags at their borders, which whole comparisons hit by chance only."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from harness.comparison.answers import chance_of
from harness.comparison.drawing import CellFacts
from harness.comparison.flags import claim_of, flags_of
from harness.records import NO_GOLD
from harness.results.comparison import Effect
from harness.stats.estimate import Draws, estimate

ALPHA = 0.05
FACTS = CellFacts(shared_with_source=1.0, chance=None, constant=False)


def effect(value, p, p_adjusted):
    return Effect(
        value=value, low=None, high=None, p=p, p_adjusted=p_adjusted, family=9, detectable=None, n=9, units=9
    )


@pytest.mark.parametrize(
    ("reduction", "difference", "of_source", "claim"),
    [
        # What is claimed of a language holds after adjusting, up to alpha itself.
        ((5, 0.01, 0.05), (3, 0.01, 0.05), (-2, 0.3, 1.0), "closed"),
        ((5, 0.01, 0.06), (3, 0.01, 0.05), (-2, 0.01, 0.02), None),
        ((5, 0.01, 0.05), (3, 0.01, 0.06), (-2, 0.3, 1.0), "narrowed"),
        ((-5, 0.01, 0.05), (3, 0.01, 0.05), (-2, 0.3, 1.0), None),
        ((5, 0.01, 0.05), (-3, 0.01, 0.05), (-2, 0.3, 1.0), "narrowed"),
        # The source's loss is a warning: its own p is enough.
        ((5, 0.01, 0.05), (3, 0.01, 0.06), (-2, 0.05, 0.9), "source loss"),
        ((5, 0.01, 0.05), (3, 0.01, 0.06), (-2, 0.06, 0.06), "narrowed"),
        ((5, 0.01, 0.05), (3, 0.01, 0.06), (2, 0.01, 0.01), "narrowed"),
        ((5, None, None), (3, None, None), (-2, None, None), None),
    ],
)
def test_claims(reduction, difference, of_source, claim):
    found = claim_of(
        effect(*reduction), difference=effect(*difference), of_source=effect(*of_source), alpha=ALPHA
    )
    assert found == claim


def number(value, units=100, error=1.0):
    draws = value + error * np.random.default_rng(0).standard_normal((1, 2000))
    return Draws(np.array([value]), draws, units, {("t", "de"): units}, {("t", "de"): 1.0})


def flags(sides, of_source=None, facts=FACTS, **options):
    return set(flags_of(sides, of_source, facts, **{"tuned": False, "seen": False, "alpha": ALPHA} | options))


def test_guessing_gets_the_share_of_the_commonest_gold():
    def task(computes):
        return SimpleNamespace(
            main_metric="m",
            metrics=(
                SimpleNamespace(name="n", computes="accuracy"),
                SimpleNamespace(name="m", computes=computes),
            ),
        )

    cell = SimpleNamespace(golds=("yes", "yes", "yes", "no", NO_GOLD))
    assert chance_of(task("accuracy"), cell) == 75.0
    assert chance_of(task("squad_f1"), cell) is None
    assert chance_of(task("accuracy"), SimpleNamespace(golds=tuple(map(str, range(50))))) == 2.0


def test_near_chance_begins_where_the_lower_end_of_either_score_does():
    low, high = number(60.0), number(80.0)
    end = estimate(low, alpha=ALPHA).low
    for sides in ((low, high), (high, low)):
        assert flags(sides, facts=CellFacts(1.0, end, False)) == {"near chance"}
        assert flags(sides, facts=CellFacts(1.0, end - 1e-6, False)) == set()
    # Worse than guessing is no better.
    assert flags((number(20.0), high), facts=CellFacts(1.0, 50.0, False)) == {"near chance"}


def test_fewer_than_20_units_are_few():
    assert flags((number(60.0, units=20), number(80.0, units=20))) == set()
    assert flags((number(60.0, units=19), number(80.0, units=19))) == {"few units"}


def test_a_gap_is_of_languages_where_half_of_the_rows_are_translations():
    sides = number(60.0), number(80.0)
    for share, expected in ((0.5, set()), (0.49, {"level"})):
        assert flags(sides, sides, CellFacts(share, None, False)) == expected
        assert flags(sides, None, CellFacts(share, None, False)) == set()


def test_a_score_of_100_is_at_the_ceiling():
    full = Draws(np.array([100.0]), np.full((1, 2000), 100.0), 50, {("t", "de"): 50}, {("t", "de"): 1.0})
    assert flags((number(60.0), full)) == flags((full, number(60.0))) == {"ceiling"}
    # There is no sign on log-odds to compare with.
    assert flags((number(60.0), full), (number(70.0), number(75.0))) == {"ceiling"}


def test_what_is_said_of_the_systems_is_passed_on():
    sides = number(60.0), number(80.0)
    assert flags(sides, facts=CellFacts(1.0, None, True)) == {"constant"}
    assert flags(sides, tuned=True) == {"tuned"}
