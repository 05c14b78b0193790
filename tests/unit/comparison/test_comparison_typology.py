from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from harness.comparison.drawing import Drawn
from harness.comparison.systems import System
from harness.comparison.typology import add_typology
from harness.errors import RequestError
from harness.languages import LANGUAGES
from harness.records import Cell
from harness.results.comparison import Comparison, Comparisons, encode_comparisons
from harness.stats.contrasts import contrast, t_test
from harness.stats.estimate import combine, draw_cells, mean_of
from harness.stats.slopes import family_slope
from harness.typology import distances_from, distances_from_nearest

MANY = ("en", "de", "fr", "hi", "ru", "ar", "he", "tr", "fi", "ja", "ko", "zh", "sw", "th")
ROWS = 60


def task(name, source="en"):
    return SimpleNamespace(
        name=name, main_metric="m", score_metrics=("m",), source_language=source, pivot_language="en"
    )


def cell(name, language, right):
    ids = tuple(map(str, range(len(right[0]))))
    rows = np.asarray(right, dtype=np.float64)
    return Cell(
        task=name,
        language=language,
        seeds=(0,),
        example_ids=ids,
        parallel_ids=ids,
        cluster_ids=(None,) * len(ids),
        golds=("gold",) * len(ids),
        statistics={
            f"{side}:m": np.stack([own, np.ones_like(own)], axis=1)[None] for side, own in enumerate(rows)
        },
    )


class World:
    """Systems with made-up answers: `better` is how many answers of a language a candidate gains."""

    def __init__(self, tasks, codes, better, *, candidates=1, trained=None, tuned=()):
        rng = np.random.default_rng(0)
        self.drawn = Drawn()
        self.tasks = {t.name: t for t in tasks}
        for t in tasks:
            cells = []
            for code in codes[t.name]:
                base = rng.random(ROWS) < 0.5
                sides = [base]
                for _ in range(candidates):
                    cand = base.copy()
                    cand[np.flatnonzero(~base)[: better(t.name, code)]] = True
                    sides.append(cand)
                cells.append(cell(t.name, code, sides))
            values = {
                t.name: {f"{i}:m": lambda s: 100 * s[..., 0] / s[..., 1] for i in range(candidates + 1)}
            }
            found = draw_cells(cells, space=t.name, values=values, seed=0, resamples=300)
            for (name, code, label), number in found.items():
                side = int(label.partition(":")[0])
                if side:
                    self.drawn.sides[side, name, code, "m"] = (found[name, code, "0:m"], number)
        runs = {
            name: (SimpleNamespace(data={f"set/{code}": None for code in own}),)
            for name, own in (trained or {}).items()
        }
        record = SimpleNamespace(
            training=runs,
            tasks={t.name: SimpleNamespace(settings={}, seen={}) for t in tasks},
            model=None,
            seeds=(0,),
            selected_on=lambda name: (),
            settings_chosen_on=lambda name: False,
        )
        for t in tasks:
            t.settings = {"threshold": "test"} if t.name in tuned else {}
        held = {t.name: tuple(codes[t.name]) for t in tasks}
        self.systems = [System(f"s{i}", None, record, self.tasks, held) for i in range(candidates + 1)]
        self.found = Comparisons(
            alpha=0.05,
            resamples=300,
            seed=0,
            correction="holm",
            interval="t",
            comparisons=tuple(
                Comparison(
                    baseline="s0",
                    candidate=f"s{i}",
                    scope="checkpoints",
                    left_out={},
                    tasks={},
                    suite=None,
                )
                for i in range(1, candidates + 1)
            ),
        )

    def typology(self, **options):
        found = add_typology(self.found, self.systems, self.drawn, **options)
        return [comparison.typology for comparison in found.comparisons]

    def sides(self, name, code):
        return self.drawn.sides[1, name, code, "m"]


def steep(_, code):
    return round(1 + 10 * distances_from("en", [code]).get(code, 0))


def one(codes=MANY, **options):
    return World([task("t")], {"t": codes}, steep, **options)


def test_the_slope_of_reductions_is_that_of_differences_in_value_interval_and_p():
    world = one()
    tree = world.typology()[0].tasks["t"]
    points = tree.languages
    assert set(points) == set(MANY) - {"en"}
    x = np.array([p.distances["table"] for p in points.values()])
    for y in ([p.reduction for p in points.values()], [p.difference for p in points.values()]):
        slope = np.polyfit(x, y, 1)[0]
        assert tree.slopes["table"].these_languages.value == pytest.approx(slope, abs=1e-8)
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    sides = [
        combine(
            [combine([world.sides("t", code)[i], world.sides("t", "en")[i]], [1.0, -1.0]) for code in points],
            weights.tolist(),
        )
        for i in (1, 0)
    ]
    by_hand = contrast(*sides, scope="checkpoints")
    test = t_test(by_hand, alpha=0.05)
    seen = tree.slopes["table"].these_languages
    assert (seen.low, seen.high, seen.p) == pytest.approx((test.low, test.high, test.p), abs=1e-8)
    assert seen.languages == 13
    assert seen.p < 0.05


def test_the_second_statement_has_one_point_per_family():
    tree = one().typology()[0].tasks["t"]
    points = list(tree.languages.values())
    by_hand = family_slope(
        [p.distances["table"] for p in points],
        [p.reduction for p in points],
        [p.family for p in points],
        alpha=0.05,
    )
    seen = tree.slopes["table"].languages_like_these
    assert seen.families == len({p.family for p in points}) == 9
    assert (seen.value, seen.low, seen.high, seen.p) == pytest.approx(
        (by_hand.value, by_hand.low, by_hand.high, by_hand.p)
    )
    assert seen.note is None


def test_few_families_say_nothing_about_others():
    tree = one(("en", "de", "fr", "ru", "hi", "ar", "he", "fi")).typology()[0].tasks["t"]
    seen = tree.slopes["table"].languages_like_these
    assert (seen.families, seen.value, seen.p, seen.note) == (3, None, None, "too few families")
    assert tree.slopes["table"].these_languages is not None


def test_groups_are_means_with_intervals_and_without_p():
    world = one()
    tree = world.typology()[0].tasks["t"]
    group = tree.groups["script"]["Cyrl"]
    assert group.languages == ("ru",)
    latin = tree.groups["script"]["Latn"]
    assert set(latin.languages) == {"de", "fr", "tr", "fi", "sw"}
    sides = [mean_of([world.sides("t", code)[i] for code in latin.languages]) for i in (1, 0)]
    found = contrast(*sides, scope="checkpoints")
    assert latin.difference.value == pytest.approx(found.value)
    assert latin.difference.high == pytest.approx(t_test(found, alpha=0.05).high)
    english = [side.value.mean() for side in world.sides("t", "en")]
    assert latin.gap_baseline == pytest.approx(english[0] - sides[1].value.mean())
    assert latin.gap_baseline - latin.gap_candidate == pytest.approx(latin.reduction.value)
    assert not hasattr(latin.difference, "p")
    assert set(tree.groups["distance"]) <= {"near", "middle", "far"}
    placed = [code for group in tree.groups["distance"].values() for code in group.languages]
    assert sorted(placed) == sorted(tree.languages)


def test_equal_distances_are_in_one_tercile():
    tree = one().typology()[0].tasks["t"]
    home = {code: name for name, group in tree.groups["distance"].items() for code in group.languages}
    by_distance: dict[float, set[str]] = {}
    for code, point in tree.languages.items():
        by_distance.setdefault(point.distances["table"], set()).add(home[code])
    assert all(len(names) == 1 for names in by_distance.values())


def test_cells_that_were_trained_on_are_no_points():
    world = one(trained={"t": ("en", "de")})
    tree = world.typology(trained={"t": ("fr",), "other": ("ja",)})[0].tasks["t"]
    assert tree.left_out == {"en": "source", "de": "trained on", "fr": "trained on"}
    assert not {"de", "fr"} & set(tree.languages)
    assert all("de" not in g.languages for groups in tree.groups.values() for g in groups.values())


def test_languages_that_the_table_lacks_are_named():
    tree = one((*MANY, "qaa")).typology()[0].tasks["t"]
    assert tree.left_out == {"en": "source", "qaa": "not in the table"}


def test_intermediate_languages_give_a_distance_from_the_nearest():
    (found,) = one().typology(training_languages=("hi", "ja"))
    name = "table from nearest training language"
    assert (found.distance, found.others, found.training_languages) == ("table", (name,), ("hi", "ja"))
    nearest = distances_from_nearest(["en", "hi", "ja"], MANY)
    points = found.tasks["t"].languages
    assert {code: p.distances[name] for code, p in points.items()} == pytest.approx(
        {code: nearest[code] for code in points}
    )
    assert points["ja"].distances[name] == 0.0
    assert set(found.tasks["t"].slopes) == {"table", name}


def test_the_source_alone_gives_no_second_distance():
    (found,) = one(trained={"t": ("en",)}).typology()
    assert found.others == ()
    assert found.training_languages == ("en",)


def test_a_task_is_not_nearer_to_languages_that_only_another_was_trained_on():
    trained = {"a": ("en",), "b": ("en", "ja")}
    (found,) = World([task("a"), task("b")], {"a": MANY, "b": MANY}, steep, trained=trained).typology()
    name = "table from nearest training language"
    assert found.others == (name,)
    assert found.training_languages == ("en", "ja")
    assert set(found.tasks["a"].slopes) == {"table"}
    far, near = distances_from("en", MANY), distances_from_nearest(["en", "ja"], MANY)
    points = found.tasks["b"].languages
    assert {c: p.distances[name] for c, p in points.items()} == pytest.approx({c: near[c] for c in points})
    assert near["ko"] < far["ko"]
    assert found.suite.languages["ko"].distances[name] == pytest.approx((far["ko"] + near["ko"]) / 2)


def test_named_slopes_are_adjusted_over_tasks_and_candidates_and_others_apart():
    world = World([task("a"), task("b")], {"a": MANY, "b": MANY}, steep, candidates=3)
    trees = world.typology(training_languages=("ja",))
    for tree in trees:
        for name in ("a", "b"):
            for size, slopes in zip((6, 6), tree.tasks[name].slopes.values(), strict=True):
                assert slopes.these_languages.family == size
                assert slopes.languages_like_these.family == size
                p, adjusted = slopes.these_languages.p, slopes.these_languages.p_adjusted
                assert p <= adjusted <= min(1.0, 6 * p) + 1e-12
        assert tree.suite.slopes["table"].these_languages.family == 3


def test_a_suite_averages_reductions_language_by_language():
    codes = {"a": MANY, "b": ("en", "de", "ja", "tr"), "c": ("de", "ja")}
    world = World(
        [task("a"), task("b"), task("c", None)],
        codes,
        lambda name, code: steep(name, code) // (1 + (name == "b")),
    )
    (found,) = world.typology()
    suite = found.suite
    assert suite.tasks == ("a", "b")
    assert found.source == {"a": "en", "b": "en", "c": "en"}
    for code in ("de", "ja"):
        both = [found.tasks[name].languages[code].reduction for name in ("a", "b")]
        assert suite.languages[code].reduction == pytest.approx(np.mean(both))
    assert suite.languages["fr"].reduction == found.tasks["a"].languages["fr"].reduction
    x = [p.distances["table"] for p in suite.languages.values()]
    y = [p.reduction for p in suite.languages.values()]
    assert suite.slopes["table"].these_languages.value == pytest.approx(np.polyfit(x, y, 1)[0])
    assert found.tasks["c"].languages["ja"].reduction is None
    assert found.tasks["c"].groups["script"]["Latn"].gap_baseline is None
    assert found.tasks["c"].slopes["table"].these_languages is None


def test_a_tuned_task_has_no_p_and_no_place_in_the_suite():
    world = World([task("a"), task("b")], {"a": MANY, "b": MANY}, steep, tuned=("b",))
    (found,) = world.typology()
    assert found.suite is None
    slopes = found.tasks["b"].slopes["table"]
    assert slopes.these_languages.p is slopes.languages_like_these.p is None
    assert slopes.these_languages.low is not None
    assert found.tasks["b"].spread.sd.p is None
    assert found.tasks["a"].slopes["table"].these_languages.family == 1


def test_spread_stands_beside_the_average_of_each_task():
    world = one()
    (found,) = world.typology()
    spread = found.tasks["t"].spread
    scores = np.array([[side.value.mean() for side in world.sides("t", code)] for code in MANY])
    assert spread.sd.baseline == pytest.approx(scores[:, 0].std(ddof=1))
    assert spread.sd.difference == pytest.approx(scores[:, 1].std(ddof=1) - scores[:, 0].std(ddof=1))
    worst = np.sort(scores, axis=0)[:4].mean(axis=0)
    assert spread.worst_quartile.candidate == pytest.approx(worst[1])
    assert spread.worst_quartile.difference == pytest.approx(worst[1] - worst[0])
    assert one(("en", "de", "fr")).typology()[0].tasks["t"].spread.worst_quartile is None


def test_a_system_that_changed_nothing_has_slope_0_and_p_1():
    world = World([task("t")], {"t": MANY}, lambda *_: 0)
    slopes = world.typology()[0].tasks["t"].slopes["table"]
    assert (slopes.these_languages.value, slopes.these_languages.p) == (0.0, 1.0)
    assert (slopes.languages_like_these.value, slopes.languages_like_these.p) == (0.0, 1.0)


def test_the_key_is_there_only_when_asked_for():
    world = one()
    assert b'"typology"' not in encode_comparisons(world.found)
    full = add_typology(world.found, world.systems, world.drawn)
    assert b'"typology"' in encode_comparisons(full)
    assert Comparisons.model_validate_json(encode_comparisons(full)) == full


def test_an_unknown_distance_is_refused_by_name():
    with pytest.raises(RequestError, match=r"tabel.*did you mean 'table'"):
        one().typology(distances=("tabel",))


def test_a_source_that_the_table_lacks_has_no_distances():
    world = World([task("t", "qaa")], {"t": ("qaa", "de", "fr", "ja")}, lambda *_: 3)
    tree = world.typology()[0].tasks["t"]
    assert "qaa" not in LANGUAGES
    assert tree.slopes["table"].these_languages is None
    assert tree.groups["distance"] == {}
    assert tree.groups["script"]["Latn"].languages == ("de", "fr")
