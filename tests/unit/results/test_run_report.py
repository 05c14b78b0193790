"""The report: what its tables say, and a page that needs nothing and runs nothing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.results.figures import STEPS, contrast, heat_colours, heat_step, interval_bar
from harness.results.findings import CONFIDENCE_NOTE, Findings, closing_notes
from harness.results.folder import RunFolder
from harness.results.record import RunRecord
from harness.results.report import WRITERS, print_report, report_tables, to_report_csv, write_report
from harness.results.summary import matrix_table, summary_table, task_table
from harness.results.table import Number, Table, Text
from harness.results.webpage import headlines, to_webpage


def shown(table: Table) -> list[list[str]]:
    return [[c.text if isinstance(c, Text) else c.parts()[0] for c in row.cells] for row in table.rows]


def test_task_table_with_average(findings: Findings) -> None:
    table = task_table(findings, "tatoeba")
    assert [c.header for c in table.columns] == ["language", "code", "n", "accuracy", "accuracy_to_en"]
    assert shown(table) == [
        ["Chinese", "zh", "1000", "4.0", "5.0"],
        ["German", "de", "1000", "63.2", "61.0"],
        ["average", "", "1000", "33.6", "33.0"],
    ]
    assert table.rows[1].cells[3] == Number(63.2, 60.1, 66.2)


def test_task_table_names_what_was_averaged_instead(findings: Findings) -> None:
    table = task_table(findings, "xquad")
    assert shown(table) == [
        ["English", "en", "1", "88.0", "70.0"],
        ["German", "de", "1000", "20.0", "12.0"],
        ["mean of de, en", "", "2000", "54.0", "41.0"],
    ]
    assert "English (en) is the source language." in table.notes
    assert any("not scored (ar)" in note for note in table.notes)


def test_without_a_partial_mean_there_is_a_dash(findings: Findings) -> None:
    table = task_table(replace(findings, partial={}), "xquad")
    assert shown(table)[-1] == ["average", "", "—", "—", "—"]


def test_matrix_tells_missing_from_not_tested(findings: Findings) -> None:
    rows = {row[1]: row for row in shown(matrix_table(findings))}
    assert rows["zh"] == ["Chinese", "zh", "4.0", ""]
    assert rows["en"] == ["English", "en", "", "88.0"]
    assert "ar" not in rows  # scored nowhere: named in the notes of its task


def test_summary_has_groups_overall_and_what_lacks(findings: Findings) -> None:
    table = summary_table(findings)
    rows = shown(table)
    assert ["tatoeba", "accuracy", "33.6", "2 languages"] in rows
    assert ["xquad", "f1", "54.0", "de, en only, 1 missing"] in rows
    assert ["mlqa", "", "—", "not scored"] in rows
    assert ["group retrieval", "", "33.6", ""] in rows
    assert ["overall", "", "—", "a member is missing"] in rows
    assert table.notes == ("In groups and overall xquad counts as the mean of exact_match and f1.",)


def test_stamps_are_in_every_title_and_in_the_notes(
    findings: Findings, make_record: Callable[..., RunRecord]
) -> None:
    stamped = replace(findings, record=make_record(limit=100))
    assert all(t.title.startswith("[SMOKE, LIMIT 100: not comparable] ") for t in report_tables(stamped))
    assert any(note.startswith("NOT COMPARABLE") for note in closing_notes(stamped))
    for write in (WRITERS["md"], WRITERS["tex"]):
        assert "LIMIT 100: not comparable" in write(stamped)
    assert "Limit 100: not comparable" in to_webpage(stamped)
    clean = replace(findings, record=make_record(smoke=False))
    assert not any("comparable" in t.title for t in report_tables(clean))
    assert "Not comparable" not in to_webpage(clean)


def test_notes_end_with_the_signature(findings: Findings) -> None:
    notes = closing_notes(findings)
    assert "over 2 training seeds" in notes[0]
    one_run = replace(findings, record=findings.record.model_copy(update={"seeds": (1,)}))
    assert closing_notes(one_run)[0] == CONFIDENCE_NOTE
    assert "Repaired in the files read: tatoeba bom (de 1)." in notes
    assert "Failed: xquad/ar: out of memory" in notes
    assert notes[-1] == f"Signature: {findings.record.signature}"


def test_printed_report(findings: Findings) -> None:
    stream = io.StringIO()
    print_report(findings, file=stream)
    text = stream.getvalue()
    assert " German     de     1000   63.2 [60.1, 66.2]   61.0 [57.9, 64.0]\n" in text
    assert text.rstrip().endswith(findings.record.signature)


def test_csv_is_tidy_and_complete(findings: Findings) -> None:
    rows = list(csv.DictReader(io.StringIO(to_report_csv(findings))))
    assert list(rows[0]) == ["task", "metric", "language", "value", "low", "high", "n", "stamp"]
    cells = {(r["task"], r["metric"], r["language"]): r for r in rows}
    assert cells["tatoeba", "accuracy", "de"]["low"] == "60.1"
    assert cells["tatoeba", "accuracy", "average"]["value"] == "33.6"
    assert cells["xquad", "f1", "en"]["low"] == ""
    assert ("xquad", "f1", "average") not in cells
    assert cells["group retrieval", "", "average"]["value"] == "33.6"
    assert len(rows) == 2 * 3 + 2 * 2 + 1


def test_headlines_say_what_was_measured(findings: Findings) -> None:
    first, tatoeba, xquad = headlines(findings)
    assert first == (
        "models/minilm was tested on Tatoeba and XQuAD in 3 languages; "
        "it was fine-tuned by recipe smoke on seeds 1 and 2."
    )
    assert tatoeba == (
        "Tatoeba: accuracy averages 33.6 (95% interval 30.5 to 36.6) over 2 languages, "
        "from 4.0 in Chinese to 63.2 in German."
    )
    assert "over the 2 languages tested (not the benchmark's average, which needs them all)" in xquad


def test_files_are_written_and_the_same_each_time(tmp_path: Path, findings: Findings) -> None:
    for name in ("one", "two"):
        write_report(RunFolder(tmp_path / name), findings)
    names = {p.name for p in (tmp_path / "one").iterdir()}
    assert names == {"report.md", "report.csv", "report.tex", "report.html"}
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


class Page(HTMLParser):
    """Collects tags and attributes, and checks that what is opened is closed."""

    VOID = frozenset({"meta", "br", "link", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read_page(findings: Findings) -> Page:
    page = Page()
    page.feed(to_webpage(findings))
    assert page.open == []
    return page


def test_page_stands_alone(findings: Findings) -> None:
    text, page = to_webpage(findings), read_page(findings)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form"}
    assert not any(
        a in attributes for _, attributes in page.tags for a in ("src", "href", "onclick", "style")
    )
    assert "http" not in text.replace('http-equiv="', "")
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "prefers-color-scheme:dark" in text
    assert 'name="viewport"' in text


def test_page_shows_scores_gaps_and_provenance(findings: Findings) -> None:
    text = to_webpage(findings)
    assert re.search(r'<td class="h6"><span>63\.2</span></td>', text)
    assert '<span class="src">source</span>' in text
    assert "Failed: xquad/ar: out of memory" in text
    assert findings.record.signature in text
    assert findings.record.model is not None
    assert findings.record.model.weights_sha256 in text
    assert "tatoeba/tatoeba.deu-eng.deu" in text
    assert "bom 1" in text


def test_missing_cell_is_hatched(findings: Findings) -> None:
    gaps = findings.scores.model_copy(update={"missing": {"xquad": ["ar", "zh"]}})
    text = to_webpage(replace(findings, scores=gaps))
    assert '<td class="missing"><span>missing</span></td>' in text
    assert '<td class="missing">' not in to_webpage(findings)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}"])
def test_hostile_names_do_not_change_the_page(
    findings: Findings, make_record: Callable[..., RunRecord], name: str
) -> None:
    record = make_record()
    assert record.model is not None
    spec = record.specs[0]
    hostile = make_record(
        model=record.model.model_copy(update={"id": name, "adapter_reason": name}),
        specs=(spec.model_copy(update={"content": {**spec.content, "title": name}}), *record.specs[1:]),
        failures=(record.failures[0].model_copy(update={"message": name}),),
    )
    before = [tag for tag, _ in read_page(findings).tags]
    after = [tag for tag, _ in read_page(replace(findings, record=hostile)).tags]
    assert after == before
    assert "49" not in headlines(replace(findings, record=hostile))[0]


def test_empty_run_has_a_report(findings: Findings) -> None:
    empty = findings.scores.model_copy(update={"tasks": {}, "groups": {}})
    nothing = replace(findings, scores=empty, partial={})
    read_page(nothing)
    for write in WRITERS.values():
        assert write(nothing)


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_can_be_read_on_every_colour(dark: bool) -> None:
    colours = heat_colours(dark=dark)
    assert len(colours) == STEPS
    assert all(contrast(background, ink) >= 4.5 for background, ink in colours)
    light = [contrast(background, (0, 0, 0)) for background, _ in colours]
    assert light == sorted(light, reverse=not dark)  # one direction: readable without any hue


def test_contrast_of_black_and_white_is_the_standards_maximum() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21.0)


@pytest.mark.parametrize(("value", "step"), [(0, 0), (4.9, 0), (5.1, 1), (50, 5), (100, 10)])
def test_heat_steps(value: float, step: int) -> None:
    assert heat_step(value) == step


def test_interval_bar_without_interval_is_a_dot() -> None:
    assert "whisker" not in interval_bar(50, None, None)
    bar = interval_bar(50, 40, 60, mean=55)
    assert 'x1="40.00%" x2="60.00%"' in bar
    assert 'class="mean" x1="55.00%"' in bar
    assert 'cx="50.00%"' in bar


def test_constant_predictions_stand_in_every_report(findings: Findings) -> None:
    flagged = replace(findings, constant={"xquad": ("de",)})
    for text in (WRITERS[suffix](flagged) for suffix in ("md", "tex", "html")):
        assert "one and the same answer" in " ".join(text.split())
    assert "one and the same answer" not in WRITERS["md"](findings)
