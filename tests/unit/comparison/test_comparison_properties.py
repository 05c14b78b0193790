"""What must hold of every whole comparison, by every interval."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from run_folders import Language, Task
from scipy import stats

import harness.compare
from harness.results.comparison import encode_comparisons

INTERVALS = ("t", "percentile", "bca")
compare = harness.compare.compare


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_p_is_at_most_alpha_exactly_where_the_interval_leaves_out_0(run, system, effects, interval, alpha):
    # Few rows: many draws tie, also at 0, where d(l) = d(e) up to rounding.
    a, b = run("a", system(1, n=25)), run("b", system(2, n=25, gain=0.1))
    found = effects(compare(a, [b], resamples=1999, alpha=alpha, interval=interval).comparisons[0])
    assert len(found) == 3 + 2 + 1 + 1 + 2 + 1 + 1 + 1
    found = {place: e for place, e in found.items() if e.low is not None}
    assert len(found) >= 10
    outside = {place: e.low > 0 or e.high < 0 for place, e in found.items()}
    assert outside == {place: e.p <= alpha for place, e in found.items()}
    assert any(outside.values()) and not all(outside.values())


@pytest.mark.parametrize("interval", INTERVALS)
def test_swapping_the_sides_flips_every_sign(run, system, effects, interval):
    a, b = run("a", system(1)), run("b", system(2, gain=0.1))
    options = {"resamples": 499, "interval": interval, "check": True}
    there, back = (effects(compare(x, [y], **options).comparisons[0]) for x, y in ((a, b), (b, a)))
    for place, one in there.items():
        other = back[place]
        assert one.value == -other.value
        assert (one.low, one.high) == (-other.high, -other.low)
        assert one.p == pytest.approx(other.p, rel=1e-12)
        assert (one.detectable, one.check, one.family) == (other.detectable, other.check, other.family)


def test_swapping_flips_signs_where_folders_list_languages_in_another_order(run, system, effects):
    tasks = system(2, gain=0.1)
    turned = {
        name: replace(task, languages=dict(reversed(task.languages.items())))
        for name, task in reversed(tasks.items())
    }
    a, b, c = run("a", system(1)), run("b", tasks), run("c", turned)
    straight = compare(a, [b], resamples=499).comparisons[0]
    crossed = compare(a, [c], resamples=499).comparisons[0]
    assert effects(straight) == effects(crossed)
    assert list(crossed.tasks["nli"].languages) == ["en", "de", "sw"]
    back = effects(compare(c, [a], resamples=499).comparisons[0])
    assert {place: -e.value for place, e in back.items()} == {
        p: e.value for p, e in effects(straight).items()
    }
    assert {place: e.p for place, e in back.items()} == {p: e.p for p, e in effects(straight).items()}


@pytest.mark.parametrize("interval", INTERVALS)
def test_another_language_task_or_candidate_changes_nothing_unadjusted(run, system, unadjusted, interval):
    options = {"resamples": 499, "interval": interval, "check": True}
    base, cand = system(1, languages="en de sw zh"), system(2, gain=0.1, languages="en de sw zh")
    third = system(3, languages="en de")

    def fewer(tasks):
        task = tasks["nli"]
        return {"nli": replace(task, languages={c: task.languages[c] for c in ("en", "de")})}

    small = compare(run("a", fewer(base)), [run("b", fewer(cand))], **options)
    large = compare(run("c", base), [run("d", third), run("e", cand)], **options)
    alone = unadjusted(small.comparisons[0])
    beside = unadjusted(large.comparisons[1])
    shared = [place for place in alone if place[1]]
    assert len(shared) == 3
    assert {place: alone[place] for place in shared} == {place: beside[place] for place in shared}
    # Averages do depend on the languages, but not on the other candidate.
    again = compare(run("f", base), [run("g", cand)], **options)
    assert unadjusted(again.comparisons[0]) == beside
    families = {e.difference.family for e in large.comparisons[0].tasks["nli"].languages.values()}
    assert families == {2 + 4}


def test_the_order_of_rows_changes_nothing(run, system, effects):
    order = np.random.default_rng(0).permutation(60)

    def turned(tasks):
        return {
            name: replace(
                task,
                languages={
                    code: replace(
                        language,
                        scores=language.scores[:, order],
                        ids=[str(row) for row in order],
                        parallel=language.parallel,
                        golds=[("yes", "no")[row % 2] for row in order],
                    )
                    for code, language in task.languages.items()
                },
            )
            for name, task in tasks.items()
        }

    pairs = [system(1, runs=2), system(2, runs=2, gain=0.1)]
    straight = compare(run("a", pairs[0], seeds=(1, 2)), [run("b", pairs[1], seeds=(1, 2))], resamples=499)
    mixed = compare(
        run("c", turned(pairs[0]), seeds=(1, 2)), [run("d", turned(pairs[1]), seeds=(1, 2))], resamples=499
    )
    assert effects(straight.comparisons[0]) == effects(mixed.comparisons[0])


@pytest.mark.parametrize("interval", INTERVALS)
def test_the_order_of_rows_changes_no_bit_of_fractions_in_clusters(run, effects, interval):
    rows = 90
    ids, articles = [f"q{row}" for row in range(rows)], [f"article {row // 7}" for row in range(rows)]

    def tasks(seed, turned):
        languages = {}
        for place, code in enumerate(("en", "de", "sw")):
            rng = np.random.default_rng([seed, place])
            order = np.random.default_rng(place).permutation(rows) if turned else np.arange(rows)
            languages[code] = Language(
                (rng.random((1, rows)) / 3)[:, order],
                second=(rng.random((1, rows)) / 7)[:, order],
                ids=[ids[row] for row in order],
                parallel=True if code != "sw" else None,
                clusters=[articles[row] for row in order],
                golds=[str(row) for row in order],
            )
        one = Task({"en": languages["en"]}, qa=True)
        return {"qa": Task(languages, source="en", qa=True), "one": one}

    options = {"resamples": 499, "interval": interval, "check": True}
    found = [
        effects(
            compare(
                run(f"a {turned}", tasks(1, turned)), [run(f"b {turned}", tasks(2, turned))], **options
            ).comparisons[0]
        )
        for turned in (False, True)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("runs", [1, 3])
def test_a_gap_reduction_is_the_difference_less_that_of_the_source(run, system, runs):
    seeds = tuple(range(runs))
    a = run("a", system(1, runs=runs), seeds=seeds)
    b = run("b", system(2, runs=runs, gain=0.1), seeds=seeds)
    task = compare(a, [b], resamples=499).comparisons[0].tasks["nli"]
    source = task.languages["en"]
    assert source.gap is None
    for code in ("de", "sw"):
        found = task.languages[code]
        reduction = found.gap.reduction
        assert reduction.value == pytest.approx(found.difference.value - source.difference.value)
        assert found.gap.baseline == pytest.approx(source.baseline - found.baseline)
        assert found.gap.candidate == pytest.approx(source.candidate - found.candidate)
        assert found.gap.baseline - found.gap.candidate == pytest.approx(reduction.value)
        assert found.gap.intervals.baseline[0] < found.gap.baseline < found.gap.intervals.baseline[1]
    values = [found.difference.value for found in task.languages.values()]
    assert task.average.difference.value == pytest.approx(np.mean(values))
    reductions = [found.gap.reduction.value for found in task.languages.values() if found.gap]
    assert task.average.gap_reduction.value == pytest.approx(np.mean(reductions))


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_system_against_itself_is_all_zero(run, system, effects, interval, capsys):
    a = run("a", system(1))
    found = compare(a, [a], resamples=499, interval=interval, check=True).comparisons[0]
    for effect in effects(found).values():
        assert (effect.value, effect.p, effect.p_adjusted, effect.check) == (0.0, 1.0, 1.0, 1.0)
        assert effect.low <= 0.0 <= effect.high
    assert capsys.readouterr().err.count("alike in every unit") == 1


def test_the_suite_averages_task_scores_of_the_tasks_that_have_the_number(run):
    def task(f1, match, *, source):
        languages = {
            code: Language(np.full((1, 30), f), parallel=True, second=np.full((1, 30), m))
            for code, f, m in zip(("en", "de"), f1, match, strict=True)
        }
        return Task(languages, source=source, qa=True)

    def nli(share):
        return Task({"fr": Language((np.arange(40) < 40 * share)[None])})

    a = run("a", {"qa": task((0.8, 0.5), (0.6, 0.3), source="en"), "nli": nli(0.5)})
    b = run("b", {"qa": task((0.8, 0.7), (0.7, 0.3), source="en"), "nli": nli(0.8)})
    found = compare(a, [b], resamples=199).comparisons[0]
    # The task's own average is of its main metric; the suite's is of the mean of both.
    assert found.tasks["qa"].average.difference.value == pytest.approx((0 + 20) / 2)
    qa_score = ((0 + 10) / 2 + (20 + 0) / 2) / 2
    assert found.suite.difference.value == pytest.approx((qa_score + 30) / 2)
    # Only one of the tasks has gaps: 20 by F1, -10 by exact match.
    assert found.tasks["qa"].average.gap_reduction.value == pytest.approx(20)
    assert found.suite.gap_reduction.value == pytest.approx((20 - 10) / 2)
    assert found.tasks["nli"].languages["fr"].gap is None
    assert found.tasks["nli"].source_language is None


def test_one_task_is_no_suite(run, system):
    a = run("a", {"nli": system(1)["nli"]})
    assert compare(a, [a], resamples=199).comparisons[0].suite is None


def test_families_are_one_quantity_over_languages_or_tasks_and_all_candidates(run, system):
    a, b, c = (run(name, system(i)) for i, name in enumerate("abc"))
    for found in compare(a, [b, c], resamples=199).comparisons:
        nli, bitext = found.tasks["nli"], found.tasks["bitext"]
        assert {e.difference.family for e in nli.languages.values()} == {3 * 2}
        assert {e.gap.reduction.family for e in nli.languages.values() if e.gap} == {2 * 2}
        assert {e.difference.family for e in bitext.languages.values()} == {2 * 2}
        assert nli.average.difference.family == bitext.average.difference.family == 2 * 2
        assert nli.average.gap_reduction.family == 1 * 2
        assert found.suite.difference.family == 2


def test_detectable_is_of_the_first_holm_step_of_the_family(run, system, effects):
    a, b, c = (run(name, system(i)) for i, name in enumerate("abc"))
    found = [effects(x) for x in compare(a, [b, c], resamples=199).comparisons]
    assert {e.family for one in found for e in one.values()} == {2, 4, 6}
    for effect in (e for one in found for e in one.values()):
        df = effect.units - 1
        error = (effect.high - effect.low) / 2 / stats.t.ppf(0.975, df)
        first, power = stats.t.ppf([1 - 0.05 / (2 * effect.family), 0.8], df)
        assert effect.detectable == pytest.approx((first + power) * error)


def test_holm_runs_over_the_candidates_of_the_call(run, system, effects):
    a, b, c = run("a", system(1)), run("b", system(2, gain=0.1)), run("c", system(3, gain=0.05))
    found = [effects(x) for x in compare(a, [b, c], resamples=199).comparisons]
    places = [(i, ("nli", code, "difference")) for i in (0, 1) for code in ("en", "de", "sw")]
    p_values = sorted((found[i][place].p, i, place) for i, place in places)
    highest = 0.0
    for rank, (p, i, place) in enumerate(p_values):
        highest = min(1.0, max(highest, (6 - rank) * p))
        assert found[i][place].p_adjusted == pytest.approx(highest)
    plain = compare(a, [b, c], resamples=199, correction="none").comparisons[0]
    assert {e.p_adjusted == e.p for e in effects(plain).values()} == {True}


def test_more_draws_begin_with_the_fewer_and_another_seed_gives_others(run, system, effects):
    a, b = run("a", system(1)), run("b", system(2, gain=0.1))
    few, more, other = (
        effects(compare(a, [b], resamples=n, seed=seed).comparisons[0])["nli", "sw", "difference"]
        for n, seed in ((1000, 0), (4000, 0), (1000, 1))
    )
    assert few.value == more.value == other.value
    assert len({few.low, more.low, other.low}) == 3
    assert few.low == pytest.approx(more.low, rel=0.15)


def test_the_check_is_written_only_where_it_was_asked_for(run, system):
    a, b = run("a", system(1)), run("b", system(2, gain=0.1))
    plain, checked = (compare(a, [b], resamples=999, check=check) for check in (False, True))
    keys = {"value", "low", "high", "p", "p_adjusted", "family", "detectable", "n", "units"}

    def effect(found):
        tree = json.loads(encode_comparisons(found))
        return tree["comparisons"][0]["tasks"]["nli"]["languages"]["sw"]["difference"]

    assert effect(plain).keys() == keys
    assert effect(checked).keys() == keys | {"check"}
    assert {k: v for k, v in effect(checked).items() if k != "check"} == effect(plain)
    # Both are p values of the same difference.
    assert effect(checked)["check"] == pytest.approx(effect(checked)["p"], abs=0.08)


def test_gaps_of_several_runs_speak_of_these_runs_where_the_table_does(run):
    """The first line of a table names one scope; the runs of the baseline are far apart."""
    items = np.random.default_rng(7).random(200)
    levels = np.array([[0.5], [0.7], [0.9]])

    def tasks(shift, runs):
        english = Language((items + shift < 0.8)[None].repeat(runs, axis=0), parallel=True)
        german = Language((items[::-1] + shift < levels[:runs]), parallel=True)
        return {"nli": Task({"en": english, "de": german}, source="en")}

    three, one = run("a", tasks(0.0, 3), seeds=(1, 2, 3)), run("b", tasks(0.1, 1), seeds=(1,))
    again = run("c", tasks(0.1, 3), seeds=(1, 2, 3))

    def width(candidate, **options):
        task = compare(three, [candidate], resamples=999, **options).comparisons[0].tasks["nli"]
        low, high = task.languages["de"].gap.intervals.baseline
        return high - low

    assert width(one) == width(again, scope="checkpoints")
    assert width(one) < 20 < 80 < width(again, scope="recipes")
