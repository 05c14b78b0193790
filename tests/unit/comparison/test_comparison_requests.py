"""What is refused, what is left out, and which scope a comparison has."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from run_folders import Language, Task

import harness.compare
from harness.comparison.systems import read_systems
from harness.errors import RequestError, ResultError
from harness.results.folder import RunFolder
from harness.results.record import DataRecord, read_record, write_record

compare = harness.compare.compare


def correct(n=40, share=0.5, runs=1, seed=0):
    return (np.random.default_rng(seed).random((runs, n)) < share).astype(float)


def one(languages="en de", **changes):
    return {
        "nli": Task(
            {code: Language(correct(seed=i), parallel=True) for i, code in enumerate(languages.split())},
            source="en",
            **changes,
        )
    }


def test_scope_follows_the_runs_of_both_sides(run, system):
    single, three = run("a", system(1)), run("b", system(2, runs=3), seeds=(1, 2, 3))
    other = run("c", system(3, runs=2), seeds=(7, 9))

    def scope(base, cand, **options):
        return compare(base, [cand], resamples=199, **options).comparisons[0].scope

    assert scope(single, three) == scope(three, single) == "checkpoints"
    assert scope(three, other) == "recipes"
    assert scope(three, other, scope="checkpoints") == "checkpoints"
    with pytest.raises(RequestError, match=r"at least two runs .* of a there are 1 and of b 3"):
        scope(single, three, scope="recipes")


def test_each_candidate_has_its_own_scope(run, system):
    base, single, three = (
        run("a", system(1, runs=3), seeds=(1, 2, 3)),
        run("b", system(2)),
        run("c", system(3, runs=3), seeds=(1, 2, 3)),
    )
    found = compare(base, [single, three], resamples=199).comparisons
    assert [c.scope for c in found] == ["checkpoints", "recipes"]


def test_seeds_of_a_run_that_trains_nothing_are_one_run(run):
    folders = [
        run(name, {"bitext": Task({"de": Language(correct(seed=i))}, trained=False)}, seeds=(1, 2, 3))
        for i, name in enumerate("ab")
    ]
    assert compare(folders[0], folders[1:], resamples=199).comparisons[0].scope == "checkpoints"
    with pytest.raises(RequestError, match="trains nothing has one"):
        compare(folders[0], folders[1:], resamples=199, scope="recipes")
    assert compare(folders[0], folders[1:], resamples=199, interval="percentile", check=True)


def test_recipes_add_the_spread_of_runs_and_what_trains_nothing_has_none(run, effects):
    def tasks(seed):
        # Runs that differ by ten points: far more than sampling the rows can.
        trained = np.concatenate([correct(200, share, seed=seed) for share in (0.5, 0.6, 0.7)])
        return {
            "nli": Task({"en": Language(trained, parallel=True)}),
            "bitext": Task({"de": Language(correct(200, seed=seed + 50))}, trained=False),
        }

    a, b = (run(name, tasks(i), seeds=(1, 2, 3)) for i, name in enumerate("ab"))
    recipes, checkpoints = (
        effects(compare(a, [b], resamples=499, scope=scope).comparisons[0])
        for scope in ("recipes", "checkpoints")
    )
    width = {
        place: (e.high - e.low, checkpoints[place].high - checkpoints[place].low)
        for place, e in recipes.items()
    }
    assert {place: e.value for place, e in recipes.items()} == {p: e.value for p, e in checkpoints.items()}
    assert width["bitext", "de", "difference"][0] == pytest.approx(width["bitext", "de", "difference"][1])
    for place in (("nli", "en", "difference"), ("", "", "difference")):
        assert width[place][0] > 1.3 * width[place][1]


@pytest.mark.parametrize("options", [{"interval": "percentile"}, {"interval": "bca"}, {"check": True}])
def test_several_runs_are_refused_where_one_is_needed(run, system, options):
    a, b = run("a", system(1)), run("b", system(2, runs=2), seeds=(1, 2))
    named = options.get("interval", "--check")
    with pytest.raises(RequestError, match=rf"{named}.* of a there are 1 and of b 2"):
        compare(a, [b], resamples=999, **options)


@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_a_family_too_large_for_the_draws_is_refused_with_the_number_needed(run, interval):
    codes = "en de fr es it"
    a, b = run("a", one(codes)), run("b", one(codes))
    message = r"family of 5 tests at alpha 0.05; that takes at least --resamples 199"
    with pytest.raises(RequestError, match=message):
        compare(a, [b], resamples=198, interval=interval)
    assert compare(a, [b], resamples=199, interval=interval)
    assert compare(a, [b], resamples=198, interval="t")


def test_what_one_run_lacks_is_named_and_left_out_on_both_sides(run):
    full = one("en de fr") | {"other": one("en")["nli"], "third": one("fr de")["nli"]}
    a = run("a", full)
    b = run("b", one("de en sw") | {"other": one("de")["nli"], "third": one("fr de")["nli"]})
    found = compare(a, [b], resamples=199).comparisons[0]
    assert found.left_out == {"nli": ("fr", "sw"), "other": ("de", "en")}
    assert list(found.tasks) == ["nli", "third"]
    assert list(found.tasks["nli"].languages) == ["en", "de"]
    assert found.tasks["nli"].average.difference.n == 80


def test_only_one_language_shared_has_an_average_and_no_gap(run):
    a, b = run("a", one("en de")), run("b", one("de fr"))
    task = compare(a, [b], resamples=199).comparisons[0].tasks["nli"]
    assert task.average.gap_reduction is None
    assert task.languages["de"].gap is None
    assert task.average.difference == task.languages["de"].difference
    c = run("c", one("en"))
    source = compare(a, [c], resamples=199).comparisons[0].tasks["nli"]
    assert source.average.gap_reduction is None
    assert source.languages["en"].gap is None


def test_nothing_in_common_is_refused(run):
    with pytest.raises(ResultError, match="no language of any task in common"):
        compare(run("a", one("en")), [run("b", one("de"))], resamples=199)


def test_different_data_under_one_name_are_refused(run):
    a = run("a", one())
    tasks = one()
    german = replace(tasks["nli"].languages["de"], golds=["yes"] * 40)
    b = run("b", {"nli": replace(tasks["nli"], languages=tasks["nli"].languages | {"de": german})})
    with pytest.raises(
        ResultError, match=r"task 'nli', language 'de': tested on different data.*fingerprints"
    ):
        compare(a, [b], resamples=199)


def test_rows_that_differ_although_the_record_says_otherwise_are_refused(run):
    a, b = run("a", one()), run("b", one())
    c = run("c", {"nli": Task({"de": Language(correct(30), parallel=True)})})
    target = RunFolder(b).examples("nli", "de")
    shutil.copy(RunFolder(c).examples("nli", "de"), target)
    with pytest.raises(
        ResultError, match=r"'de': the runs hold different examples \(40 rows in a, 30 in b\)"
    ):
        compare(a, [b], resamples=199)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "2"}, 'task \'nli\', version: it was "1", now "2"'),
        ({"space": "texts"}, 'unit_space: it was null, now "texts"'),
        ({"qa": True}, "kind: it was"),
    ],
)
def test_another_version_of_a_task_is_refused(run, changes, message):
    with pytest.raises(ResultError, match=message):
        compare(run("a", one()), [run("b", one(**changes))], resamples=199)


def test_limited_unfinished_and_empty_folders_are_refused_all_at_once(run, tmp_path):
    a = run("a", one())
    limited, unfinished = run("b", one(), limit=40), run("c", one(), finished=False)
    bare = run("d", one())
    shutil.rmtree(bare / "examples")
    with pytest.raises(ResultError) as error:
        compare(a, [limited, unfinished, bare, tmp_path / "nothing"], resamples=199)
    text = str(error.value)
    for part in ("4 problems", "--limit 40", "was not finished", "example files of task 'nli' are missing"):
        assert part in text
    assert "(en, de)" in text and "there is no such folder" in text


def test_cells_that_failed_are_left_out(run):
    a, b = run("a", one("en de fr")), run("b", one("en de fr"), failed=["nli"])
    RunFolder(b).examples("nli", "fr").unlink()
    found = compare(a, [b], resamples=199).comparisons[0]
    assert found.left_out == {"nli": ("fr",)}


def test_seeds_that_do_not_belong_to_the_record_are_refused(run, system):
    a, b = run("a", system(1, runs=2), seeds=(1, 2)), run("b", system(2, runs=2), seeds=(1, 3))
    shutil.copy(RunFolder(b).examples("nli", "de"), RunFolder(a).examples("nli", "de"))
    with pytest.raises(ResultError, match=r"holds the seeds \[1, 3\], and by run.json \[1, 2\] are due"):
        compare(a, [b], resamples=199)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0.0}, "--alpha 0.0"),
        ({"alpha": 1.5}, "--alpha 1.5"),
        ({"resamples": 99}, "--resamples 99: from 100 to 1,000,000"),
        ({"seed": -1}, "--seed -1"),
        ({"interval": "normal"}, "--interval normal: one of t, percentile, bca"),
        ({"correction": "x"}, "--correction x: one of holm, bh, none"),
        ({"scope": "all"}, "--scope all: one of auto, checkpoints, recipes"),
    ],
)
def test_options_out_of_their_range_are_refused(run, options, message):
    with pytest.raises(RequestError, match=message):
        compare(run("a", one()), [run("b", one())], **options)


def test_a_comparison_needs_a_candidate(run):
    with pytest.raises(RequestError, match="at least one run"):
        compare(run("a", one()), [])


def test_names_are_as_short_as_they_can_be_told_apart(run):
    paths = [run(name, one()) for name in ("x/large", "y/large", "base")]
    assert [s.name for s in read_systems(paths)] == ["x/large", "y/large", "base"]


def test_tuned_tasks_have_no_p_and_are_in_no_suite(run, system):
    def tuned(seed):
        tasks = system(seed)
        mined = Task({c: Language(correct(seed=seed)) for c in ("de", "fr")}, settings={"threshold": "test"})
        return tasks | {"mined": replace(mined, trained=False)}

    found = compare(run("a", tuned(1)), [run("b", tuned(2))], resamples=999, check=True).comparisons[0]
    task = found.tasks["mined"]
    for effect in (task.languages["de"].difference, task.average.difference):
        assert (effect.p, effect.p_adjusted, effect.check) == (None, None, None)
        assert effect.low < effect.value < effect.high
    assert task.languages["de"].difference.family == 0
    assert "tuned" in task.languages["de"].flags
    assert found.tasks["nli"].average.difference.family == 2
    rest = [found.tasks[name].average.difference.value for name in ("nli", "bitext")]
    assert found.suite.difference.value == pytest.approx(np.mean(rest))


def test_other_pools_of_candidates_are_refused(run):
    def searched(name, **digests):
        folder = run(name, one(kind="passage_retrieval"))
        path = RunFolder(folder).run_json
        record = read_record(path)
        pool = {code: DataRecord(fingerprint=2 * digest, examples=9) for code, digest in digests.items()}
        write_record(path, record.model_copy(update={"beside": {"nli": pool} if pool else {}}))
        return folder

    a, b = searched("a", en="ab", de="cd"), searched("b", en="ab", de="ef")
    with pytest.raises(ResultError, match=r"a and b searched different pools .*\(the candidates of de\)"):
        compare(a, [b], resamples=199)
    assert compare(a, [searched("c", en="ab", de="cd")], resamples=199)
    # A submission does not tell what was searched.
    assert compare(a, [searched("d")], resamples=199)
