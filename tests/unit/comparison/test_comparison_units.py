"""Which rows are drawn together: pairing, shared unit spaces, rows beside the test set, flags."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from run_folders import Language, Task

import harness.compare
from harness.comparison.drawing import draw_systems
from harness.comparison.merging import known_ids, merge_cells
from harness.comparison.systems import read_systems
from harness.progress import Progress
from harness.records import NO_GOLD, Cell
from harness.results.comparison import Effect

compare = harness.compare.compare
ROWS = 60


def scores(seed, share=0.6, n=ROWS):
    return (np.random.default_rng(seed).random((1, n)) < share).astype(float)


def drawn(paths, **options):
    return draw_systems(read_systems(paths), seed=0, resamples=400, progress=Progress(), **options)


@pytest.mark.parametrize(
    ("german", "pairing", "flagged"),
    [
        (True, "parallel", False),
        ([str(row) if row < 45 else f"own {row}" for row in range(ROWS)], "partial", False),
        ([str(row) if row < 15 else f"own {row}" for row in range(ROWS)], "partial", True),
        (None, "independent", True),
    ],
)
def test_pairing_is_read_off_the_units(run, german, pairing, flagged):
    def tasks(seed):
        english = Language(scores(seed), parallel=True)
        return {"t": Task({"en": english, "de": Language(scores(seed + 1), parallel=german)}, source="en")}

    task = compare(run("a", tasks(1)), [run("b", tasks(5))], resamples=199).comparisons[0].tasks["t"]
    assert task.pairing == pairing
    assert ("level" in task.languages["de"].flags) == flagged
    assert "level" not in task.languages["en"].flags


def test_tasks_of_one_unit_space_are_drawn_jointly(run):
    """As XQuAD and LAReQA, on the same articles: whoever is hard in one is hard in the other."""
    articles = [f"article {row // 5}" for row in range(ROWS)]
    hard = np.repeat(np.random.default_rng(3).random(ROWS // 5), 5)[None] < 0.5

    def tasks(seed, space):
        language = Language((hard ^ (scores(seed, 0.05) > 0)), parallel=True, clusters=articles)
        return {name: Task({"en": language}, space=space) for name in ("qa", "retrieval")}

    correlation = {}
    for space in ("articles", None):
        a, b = run(f"a {space}", tasks(1, space)), run(f"b {space}", tasks(2, space))
        sides = drawn([a, b]).sides
        one, other = (sides[1, name, "en", "accuracy"][0] for name in ("qa", "retrieval"))
        assert one.units == ROWS // 5
        correlation[space] = np.corrcoef(one.draws[0], other.draws[0])[0, 1]
    assert correlation["articles"] == pytest.approx(1.0)
    assert abs(correlation[None]) < 0.2


def test_a_gap_reduction_is_the_difference_of_differences_in_every_draw(run, system):
    found = drawn([run("a", system(1)), run("b", system(2, gain=0.1))]).sides

    def difference(code):
        baseline, candidate = found[1, "nli", code, "accuracy"]
        return candidate.draws[0] - baseline.draws[0]

    gaps = [
        found[1, "nli", "en", "accuracy"][side].draws[0] - found[1, "nli", "sw", "accuracy"][side].draws[0]
        for side in (0, 1)
    ]
    np.testing.assert_allclose(gaps[0] - gaps[1], difference("sw") - difference("en"), atol=1e-9)


def test_influences_are_added_by_unit_as_the_draws_are(run, system):
    found = drawn([run("a", system(1)), run("b", system(2, gain=0.1))], influence=True).influences

    def units(task, code):
        baseline, candidate = found[1, task, code, "accuracy"]
        assert baseline.units.tolist() == candidate.units.tolist()
        return set(baseline.units.tolist())

    assert units("nli", "en") == units("nli", "de") == units("nli", "sw")
    apart = [units("nli", "en"), units("bitext", "fr"), units("bitext", "th")]
    assert len(set.union(*apart)) == 3 * ROWS


def test_knowledge_of_one_candidate_does_not_reach_the_comparison_of_another(run, unadjusted):
    """A third run that knows of articles widens its own intervals and nobody else's."""
    articles = [f"article {row // 6}" for row in range(ROWS)]

    def tasks(seed, clusters=None):
        return {"qa": Task({"en": Language(scores(seed), clusters=clusters)})}

    a, b, c = run("a", tasks(1)), run("b", tasks(2)), run("c", tasks(3, articles))
    alone = compare(a, [b], resamples=299).comparisons[0]
    both = compare(a, [b, c], resamples=299).comparisons
    assert unadjusted(both[0]) == unadjusted(alone)
    assert both[0].tasks["qa"].languages["en"].difference.units == ROWS
    assert both[1].tasks["qa"].languages["en"].difference.units == ROWS // 6
    # Whichever side knows it, it holds for both.
    turned = compare(c, [a], resamples=299).comparisons[0].tasks["qa"].languages["en"].difference
    forth = both[1].tasks["qa"].languages["en"].difference
    assert (turned.value, turned.low, turned.units) == (-forth.value, -forth.high, forth.units)


def test_candidates_that_know_the_same_share_the_draws_of_the_baseline(run, system):
    found = drawn([run("a", system(1)), run("b", system(2)), run("c", system(3))]).sides
    key = ("nli", "de", "accuracy")
    assert found[1, *key][0].draws is found[2, *key][0].draws


def cell(ids, clusters, golds, statistics, parallel=None):
    return Cell(
        task="mined",
        language="de",
        seeds=(1,),
        example_ids=tuple(ids),
        parallel_ids=tuple(parallel or [None] * len(ids)),
        cluster_ids=tuple(clusters),
        golds=tuple(golds),
        statistics={"f1": np.asarray(statistics, dtype=np.float64)[None]},
    )


def test_rows_beside_the_test_set_count_nothing_for_the_others():
    one = cell("ab", "xy", ["g", "g"], [[1, 1, 1], [0, 0, 1]])
    other = cell("abzq", "xyxw", ["g", "g", NO_GOLD, NO_GOLD], [[0, 0, 1], [1, 1, 1], [0, 1, 0], [0, 1, 0]])
    merged = merge_cells({0: one, 1: other}, known_ids([(one, other)])[0])
    assert merged.example_ids == ("a", "b", "q", "z")
    assert merged.cluster_ids == ("x", "y", "w", "x")
    assert merged.golds == ("g", "g", NO_GOLD, NO_GOLD)
    assert merged.tested == 2
    np.testing.assert_array_equal(merged.statistics["0:f1"][0, 2:], 0)
    np.testing.assert_array_equal(merged.statistics["1:f1"][0], [[0, 0, 1], [1, 1, 1], [0, 1, 0], [0, 1, 0]])


def test_ids_are_those_of_the_system_that_knows_more_in_every_language():
    golds, zeros = ["g"] * 3, np.zeros((3, 3))
    # In the second language both know equally much; one vocabulary must serve both languages.
    told = [cell("abc", ["A", "A", "B"], golds, zeros), cell("abc", ["A", "A", "B"], golds, zeros)]
    poor = [cell("abc", ["1", None, None], golds, zeros), cell("abc", ["1", "1", "2"], golds, zeros)]
    for pairs in (list(zip(told, poor, strict=True)), list(zip(poor, told, strict=True))):
        assert [clusters for _, clusters in known_ids(pairs)] == [("A", "A", "B")] * 2
    half = cell("abc", [None, "x", None], golds, zeros)
    other = cell("abc", ["y", None, None], golds, zeros)
    assert known_ids([(half, other)]) == known_ids([(other, half)])
    assert known_ids([(half, other)])[0][1] == ("y", "x", None)
    # Both name every row: the larger units are the safer ones, and of equally many the ids decide.
    fine, coarse = cell("abc", ["1", "2", "3"], golds, zeros), cell("abc", ["B", "B", "C"], golds, zeros)
    crossed = cell("abc", ["A", "C", "C"], golds, zeros)
    for one, two, expected in ((fine, coarse, ("B", "B", "C")), (coarse, crossed, ("A", "C", "C"))):
        for pair in ((one, two), (two, one)):
            assert known_ids([pair])[0][1] == expected


def test_flags_near_chance_ceiling_and_few_units(run):
    half = np.tile([1.0, 0.0], ROWS // 2)[None]

    def tasks(first):
        return {"t": Task({"en": Language(first, parallel=True), "de": Language(scores(1, 0.95))})}

    found = compare(run("a", tasks(half)), [run("b", tasks(np.ones((1, ROWS))))], resamples=199)
    flags = {code: set(e.flags) for code, e in found.comparisons[0].tasks["t"].languages.items()}
    assert flags == {"en": {"near chance", "ceiling"}, "de": set()}
    few = {"t": Task({"en": Language(scores(2, n=12)[:, :12])})}
    found = compare(run("c", few), [run("d", few)], resamples=199).comparisons[0].tasks["t"]
    assert "few units" in found.languages["en"].flags


def test_one_answer_throughout_is_flagged(run):
    golds = ["yes", "no"] * (ROWS // 2)
    always = np.array([[gold == "yes" for gold in golds]], dtype=float)

    def write(name, hits, labels):
        folder = run(name, {"nli": Task({"en": Language(hits, golds=golds)}, source="en")})
        target = folder / "predictions" / "nli" / "test-en.tsv"
        target.parent.mkdir(parents=True)
        target.write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
        return folder

    constant = write("a", always, ["yes"] * ROWS)
    right = write("b", np.ones((1, ROWS)), golds)
    for pair in ((constant, right), (right, constant)):
        found = compare(pair[0], [pair[1]], resamples=199).comparisons[0]
        assert "constant" in found.tasks["nli"].languages["en"].flags
    found = compare(right, [right], resamples=199).comparisons[0]
    assert "constant" not in found.tasks["nli"].languages["en"].flags


def test_one_tag_throughout_is_flagged_although_sentences_differ_in_length(run):
    lengths = [1 + row % 4 for row in range(ROWS)]

    def write(name, tags):
        folder = run(name, {"ner": Task({"en": Language(scores(1))}, kind="tagging")})
        target = folder / "predictions" / "ner" / "test-en.tsv"
        target.parent.mkdir(parents=True)
        sentences = ("".join(f"{tags[i % len(tags)]}\n" for i in range(n)) for n in lengths)
        target.write_text("\n".join(sentences), encoding="utf-8")
        return folder

    constant, varied = write("a", ["yes"]), write("b", ["yes", "no"])
    flags = {
        name: compare(folder, [folder], resamples=199).comparisons[0].tasks["ner"].languages["en"].flags
        for name, folder in (("constant", constant), ("varied", varied))
    }
    assert {name: "constant" in found for name, found in flags.items()} == {"constant": True, "varied": False}


def test_claims_say_whether_a_gap_closed_or_the_source_was_lost(run):
    def tasks(english, german, swahili):
        n = 400
        languages = {
            code: Language((np.arange(n) * 7 % n < share * n)[None], parallel=True)
            for code, share in (("en", english), ("de", german), ("sw", swahili))
        }
        return {"t": Task(languages, source="en")}

    base = run("a", tasks(0.8, 0.5, 0.5))
    gained = compare(base, [run("b", tasks(0.8, 0.8, 0.5))], resamples=499).comparisons[0].tasks["t"]
    assert gained.languages["de"].gap.claim == "closed"
    assert gained.languages["sw"].gap.claim is None
    lost = compare(base, [run("c", tasks(0.6, 0.5, 0.5))], resamples=499).comparisons[0].tasks["t"]
    assert lost.languages["de"].gap.claim == "source loss"
    assert lost.languages["de"].difference.value == 0
    assert lost.languages["de"].gap.reduction.value == pytest.approx(20)


def test_a_claim_of_a_narrowed_gap_needs_no_gain_of_its_own():
    from harness.comparison.flags import claim_of

    def effect(value, p):
        return Effect(
            value=value, low=None, high=None, p=p, p_adjusted=p, family=1, detectable=None, n=9, units=9
        )

    found = {
        (loss, gain): claim_of(
            effect(5.0, 0.01), difference=effect(3.0, gain), of_source=effect(-2.0, loss), alpha=0.05
        )
        for loss in (0.01, 0.3)
        for gain in (0.01, 0.3)
    }
    assert found == {
        (0.01, 0.01): "closed",
        (0.3, 0.01): "closed",
        (0.01, 0.3): "source loss",
        (0.3, 0.3): "narrowed",
    }
    none = claim_of(effect(5.0, 0.2), difference=effect(3.0, 0.01), of_source=effect(-2.0, 0.01), alpha=0.05)
    assert none is None


def test_a_reduction_that_turns_on_the_scale_of_log_odds_is_flagged(run):
    def tasks(english, german):
        n = 1000
        return {
            "t": Task(
                {
                    code: Language((np.arange(n) < share * n)[None], parallel=True)
                    for code, share in (("en", english), ("de", german))
                },
                source="en",
            )
        }

    # 5 points more at the top are more log-odds than 6 in the middle.
    a, b = run("a", tasks(0.92, 0.5)), run("b", tasks(0.97, 0.56))
    assert "scale" in compare(a, [b], resamples=199).comparisons[0].tasks["t"].languages["de"].flags
    c = run("c", tasks(0.93, 0.6))
    assert "scale" not in compare(a, [c], resamples=199).comparisons[0].tasks["t"].languages["de"].flags


def test_only_the_metrics_that_are_compared_are_read(run):
    language = Language(scores(1), parallel=True, second=scores(2))
    single = {"qa": Task({"en": language}, qa=True)}
    a = run("a", single)
    cells = read_systems([a])[0].cell("qa", "en")
    assert set(cells.statistics) == {"f1", "exact_match"}
    plain = run("b", {"qa": replace(single["qa"], qa=False)})
    assert set(read_systems([plain])[0].cell("qa", "en").statistics) == {"accuracy"}
