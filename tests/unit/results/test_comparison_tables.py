"""What the tables of a comparison say, on trees made by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.results import typology_tree as tt
from harness.results.comparison import (
    Averages,
    Comparison,
    Comparisons,
    Effect,
    Gap,
    Intervals,
    LanguageComparison,
    Sides,
    TaskComparison,
)
from harness.results.comparison_findings import Pair, Side
from harness.results.comparison_lines import average_line, language_lines, suite_line, verdict
from harness.results.comparison_notes import FLAGS, p_text
from harness.results.comparison_sentences import sentences
from harness.results.comparison_tables import numbers_table, suite_table, task_table
from harness.results.comparison_typology import typology_tables
from harness.results.folder import RunFolder
from harness.results.record import RunRecord
from harness.results.table import Number, Table, Text

Make = Callable[..., Pair]


def effect(value: float, p: float | None = 0.5, **changes: Any) -> Effect:
    """An effect whose adjusted p is p itself unless given."""
    fields: dict[str, Any] = {
        "value": value,
        "low": value - 1,
        "high": value + 1,
        "p": p,
        "p_adjusted": p,
        "family": 2,
        "detectable": 1.64,
        "n": 1000,
        "units": 240,
    }
    return Effect(**fields | changes)


def language(difference: Effect, gap: Gap | None = None, *flags: Any) -> LanguageComparison:
    return LanguageComparison(
        **dict(sides(60.0, 60.0 + difference.value)), difference=difference, gap=gap, flags=flags
    )


def sides(baseline: float, candidate: float) -> Sides:
    ends = Intervals(baseline=(baseline - 2, baseline + 2), candidate=(candidate - 2, candidate + 2))
    return Sides(baseline=baseline, candidate=candidate, intervals=ends)


def means(difference: Effect, reduction: Effect | None = None) -> Averages:
    return Averages(
        score=sides(60.0, 60.0 + difference.value),
        difference=difference,
        gap=None if reduction is None else sides(20.0, 20.0 - reduction.value),
        gap_reduction=reduction,
    )


def gap(reduction: Effect, claim: Any = None, *, base: float = 20.0, low: float = 15.0) -> Gap:
    ends = Intervals(baseline=(low, 2 * base - low), candidate=(1.0, 2.0))
    return Gap(
        baseline=base, candidate=base - reduction.value, intervals=ends, reduction=reduction, claim=claim
    )


@pytest.fixture
def make_pair(make_record: Callable[..., RunRecord], tmp_path: Path) -> Make:
    """Return a factory of pairs of one task, xquad; keyword arguments replace fields of the task."""

    def make(
        languages: dict[str, LanguageComparison],
        average: Averages | None = None,
        *,
        alpha: float = 0.05,
        **comparison: Any,
    ) -> Pair:
        record = make_record(seeds=(1,), training={}, smoke=False)
        task = TaskComparison(
            metric="f1",
            source_language="en",
            pairing="parallel",
            languages=languages,
            average=average or means(effect(0.0)),
        )
        fields: dict[str, Any] = {
            "baseline": "a",
            "candidate": "b",
            "scope": "checkpoints",
            "left_out": {},
            "tasks": {"xquad": task},
            "suite": None,
        }
        found = Comparison(**fields | comparison)
        settings = Comparisons(
            alpha=alpha, resamples=999, seed=0, correction="holm", interval="t", comparisons=(found,)
        )
        held = frozenset(("xquad", code) for code in languages)
        sides = [Side(record, RunFolder(tmp_path / name), held) for name in "ab"]
        return Pair(settings, found, *sides, frozenset())

    return make


def texts(table: Table, row: str) -> dict[str, str]:
    """Return the cells of a row as text, by header."""
    cells = next(r.cells for r in table.rows if isinstance(r.cells[0], Text) and r.cells[0].text == row)
    shown = {}
    for column, cell in zip(table.columns, cells, strict=True):
        shown[column.header] = cell.text if isinstance(cell, Text) else cell.parts()[0] + cell.mark
    return shown


def test_marks_come_from_the_adjusted_p_alone(make_pair: Make) -> None:
    pair = make_pair(
        {
            "en": language(effect(0.0)),
            "de": language(effect(2.0, 0.001, p_adjusted=0.2), gap(effect(2.0, 0.04, p_adjusted=0.05))),
            "zh": language(effect(2.0, 0.04, p_adjusted=0.04), gap(effect(2.0, 0.001, p_adjusted=0.0501))),
        }
    )
    table = task_table(pair, "xquad")
    german, chinese = texts(table, "de"), texts(table, "zh")
    assert (german["difference"], german["reduction"]) == ("+2.0", "+2.0*")
    assert (chinese["difference"], chinese["reduction"]) == ("+2.0*", "+2.0")
    assert (german["p"], chinese["p"]) == ("0.050", "0.0501")
    assert chinese["verdict"] == "n.s. (1.6)"
    assert any("*: adjusted p <= alpha" in note for note in table.notes)


@pytest.mark.parametrize(
    ("reduction", "claim", "expected"),
    [
        (effect(3.0, 0.01), "closed", "closed"),
        (effect(3.0, 0.01), "narrowed", "narrowed"),
        (effect(3.0, 0.01), "source loss", "source loss"),
        (effect(-3.0, 0.01), None, "widened"),
        (effect(3.0, 0.2), None, "n.s. (1.6)"),
        (effect(3.0, 0.2, detectable=None), None, "n.s."),
        (effect(3.0, None), None, "no p"),
    ],
)
def test_verdicts(make_pair: Make, reduction: Effect, claim: Any, expected: str) -> None:
    pair = make_pair({"en": language(effect(0.0)), "de": language(effect(0.0), gap(reduction, claim))})
    line = language_lines(pair, "xquad")["de"]
    assert verdict(pair, line) == expected
    notes = " ".join(task_table(pair, "xquad").notes)
    if claim or expected == "widened":
        assert f"{expected}: gap" in notes


@pytest.mark.parametrize(
    ("difference", "source", "expected"),
    [
        (effect(1.0, 0.01), effect(-3.0, 0.01), "closed"),
        (effect(1.0, 0.2), effect(-3.0, 0.01, p_adjusted=0.9), "source loss"),
        (effect(1.0, 0.2), effect(-3.0, 0.2), "narrowed"),
        (effect(-1.0, 0.01), effect(3.0, 0.01), "narrowed"),
    ],
)
def test_the_mean_has_a_claim_by_the_same_rule(
    make_pair: Make, difference: Effect, source: Effect, expected: str
) -> None:
    pair = make_pair(
        {"en": language(source), "de": language(effect(0.0), gap(effect(2.0)))},
        means(difference, effect(2.0, 0.01)),
    )
    assert verdict(pair, average_line(pair, "xquad")) == expected
    assert ("Source loss: English" in " ".join(sentences(pair))) == (source.value < 0 and source.p == 0.01)


def test_a_share_stands_only_where_the_gap_is_one(make_pair: Make) -> None:
    pair = make_pair(
        {
            "en": language(effect(0.0)),
            "de": language(effect(0.0), gap(effect(5.0), base=20.0, low=0.1)),
            "zh": language(effect(0.0), gap(effect(5.0), base=20.0, low=-0.1)),
            "ar": language(effect(0.0), gap(effect(5.0), base=-20.0, low=-25.0)),
        },
        means(effect(0.0), effect(5.0)),
    )
    table = numbers_table(pair, "xquad")
    shares = {code: texts(table, code)["share of gap base, %"] for code in ("en", "de", "zh", "ar", "mean")}
    assert shares == {"en": "", "de": "25", "zh": "", "ar": "", "mean": ""}


def test_flags_are_letters_with_meanings_or_words(make_pair: Make) -> None:
    pair = make_pair(
        {
            "en": language(effect(0.0), None, "ceiling"),
            "de": language(effect(0.0), gap(effect(0.0)), "level", "scale"),
        }
    )
    narrow, spelled = task_table(pair, "xquad"), task_table(pair, "xquad", names=True, spelled=True)
    assert texts(narrow, "de")["flags"] == "l s"
    assert texts(spelled, "German (de)")["flags"] == "level, scale"
    note = next(note for note in narrow.notes if note.startswith("Flags"))
    assert re.findall(r"(\w), (level|scale|ceiling):", note) == [
        ("s", "scale"),
        ("c", "ceiling"),
        ("l", "level"),
    ]
    assert "near chance" not in note
    assert len({letter for letter, _ in FLAGS.values()}) == len(FLAGS)


def test_a_column_that_nothing_needs_is_not_there(make_pair: Make) -> None:
    plain = make_pair({"de": language(effect(1.0))})
    headers = [column.header for column in task_table(plain, "xquad").columns]
    assert headers == ["lang", "score\nbase", "score\ncand", "difference", "p", "verdict"]
    checked = make_pair({"de": language(effect(1.0, check=0.03))})
    assert texts(task_table(checked, "xquad"), "de")["p\ncheck"] == "0.030"


def test_the_source_language_comes_first_and_has_no_gap(make_pair: Make) -> None:
    pair = make_pair({"ar": language(effect(0.0), gap(effect(0.0))), "en": language(effect(-1.0, 0.01))})
    table = task_table(pair, "xquad")
    assert [row.cells[0].text for row in table.rows if isinstance(row.cells[0], Text)] == ["en", "ar", "mean"]
    english = texts(table, "en")
    assert (english["gap\nbase"], english["reduction"], english["verdict"]) == ("", "", "worse")


def test_the_suite_has_scores_only_of_the_metrics_it_averages(make_pair: Make) -> None:
    pair = make_pair({"en": language(effect(1.0)), "de": language(effect(1.0), gap(effect(0.0)))})
    task = pair.comparison.tasks["xquad"]
    plain = task.model_copy(update={"metric": "accuracy", "source_language": None})
    suite = means(effect(1.0))

    def mean_of(tasks: dict[str, TaskComparison]) -> Any:
        comparison = pair.comparison.model_copy(update={"tasks": tasks, "suite": suite})
        found = Pair(pair.settings, comparison, pair.baseline, pair.candidate, frozenset())
        table = suite_table(found)
        assert table is not None
        return suite_line(found), table

    # The benchmark counts XQuAD as the mean of F1 and exact match, of which the rows show one.
    line, table = mean_of({"xquad": task, "tatoeba": plain})
    assert line.scores is None
    assert any("xquad (exact_match and f1), tatoeba (accuracy)" in note for note in table.notes)
    line, _ = mean_of({"tatoeba": plain})
    assert line.scores == (60.0, 61.0)


def test_the_gap_of_one_task_is_no_mean_of_tasks(make_pair: Make) -> None:
    pair = make_pair({"en": language(effect(1.0)), "de": language(effect(1.0), gap(effect(0.0)))})
    with_gap = pair.comparison.tasks["xquad"].model_copy(update={"metric": "accuracy"})
    averages = with_gap.average.model_copy(update={"gap_reduction": effect(0.0)})
    with_gap = with_gap.model_copy(update={"average": averages})
    without = with_gap.model_copy(update={"average": means(effect(1.0))})
    without = without.model_copy(update={"languages": {"en": language(effect(1.0))}})

    def gaps(reduction: Effect | None) -> tuple[float, float] | None:
        suite = means(effect(1.0), reduction)
        tasks = {"one": with_gap, "two": without if reduction is None else with_gap}
        comparison = pair.comparison.model_copy(update={"tasks": tasks, "suite": suite})
        line = suite_line(Pair(pair.settings, comparison, pair.baseline, pair.candidate, frozenset()))
        assert line is not None
        assert line.scores is not None
        return line.gaps

    assert gaps(effect(0.0)) is not None
    assert gaps(None) is None


@pytest.mark.parametrize(
    ("p", "alpha", "expected"),
    [
        (None, 0.05, "—"),
        (0.0, 0.05, "<0.001"),
        (0.00099, 0.05, "<0.001"),
        (0.001, 0.05, "0.001"),
        (0.05, 0.05, "0.050"),
        (0.05001, 0.05, "0.05001"),
        (0.04999, 0.05, "0.050"),
        (0.0496, 0.0496, "0.0496"),
        (1.0, 0.05, "1.000"),
    ],
)
def test_p_never_rounds_across_alpha(p: float | None, alpha: float, expected: str) -> None:
    assert p_text(p, alpha) == expected


def test_numbers_that_round_to_zero_have_no_sign() -> None:
    assert Number(-0.04, -0.04, 0.04, signed=True).parts() == ("0.0", "0.0", "0.0")
    assert Number(0.04, signed=True).parts()[0] == "0.0"
    assert Number(0.06, signed=True).parts()[0] == "+0.1"
    assert Number(-0.06, signed=True).parts()[0] == "-0.1"


def test_typology_keeps_the_two_statements_apart(make_pair: Make) -> None:
    mean = tt.Mean(value=1.0, low=0.0, high=2.0)
    groups = {
        "family": {
            "Turkic": tt.Group(
                languages=("tr",), difference=mean, reduction=mean, gap_baseline=9.0, gap_candidate=8.0
            ),
            "Indo-European": tt.Group(
                languages=("de", "fr"), difference=mean, reduction=mean, gap_baseline=5.0, gap_candidate=4.0
            ),
        },
        "distance": {
            name: tt.Group(
                languages=(name,), difference=mean, reduction=mean, gap_baseline=5.0, gap_candidate=4.0
            )
            for name in ("far", "near", "middle")
        },
    }
    slopes = tt.Slopes(
        these_languages=tt.TheseLanguages(
            value=3.0,
            low=1.0,
            high=5.0,
            p=0.01,
            p_adjusted=0.01,
            family=1,
            detectable=2.0,
            n=9,
            units=9,
            languages=3,
        ),
        languages_like_these=tt.LanguagesLikeThese(
            families=2,
            value=None,
            low=None,
            high=None,
            p=None,
            p_adjusted=None,
            family=0,
            detectable=None,
            note="too few families",
        ),
    )
    point = tt.LanguagePoint(
        name="German",
        family="Indo-European",
        script="Latn",
        word_order=None,
        resources=5,
        distances={"table": 0.25},
        difference=1.0,
        reduction=1.0,
    )
    cut = tt.TypologyBreakdown(
        tasks=("xquad",),
        languages={"de": point},
        left_out={"en": "source", "hi": "trained on"},
        groups=groups,
        slopes={"table": slopes},
        spread=None,
    )
    typology = tt.Typology(
        distance="table",
        others=(),
        source={"xquad": "en"},
        training_languages=(),
        tasks={"xquad": cut},
        suite=None,
    )
    pair = make_pair({"de": language(effect(1.0))}, typology=typology)
    by_group, by_slope = typology_tables(pair)
    assert by_group.title.startswith("These checkpoints: ") and by_slope.title.startswith(
        "These checkpoints: "
    )
    order = [row.cells[1].text for row in by_group.rows if isinstance(row.cells[1], Text)]
    assert order == ["Indo-European", "Turkic", "near", "middle", "far"]
    assert "In no group: en (source); hi (trained on)." in by_group.notes
    (row,) = by_slope.rows
    assert [cell.text for cell in row.cells if isinstance(cell, Text)][-1] == "2: too few families"
    assert isinstance(row.cells[2], Number) and row.cells[2].parts()[0] == "+3.0" and row.cells[2].mark == "*"
    assert typology_tables(make_pair({"de": language(effect(1.0))})) == []
