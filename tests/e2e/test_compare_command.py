"""`xharness compare` on generated run folders: what it prints and what it writes."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from compare_runs import compare, write_runs

import harness
from harness.results import comparison_figures, comparison_page, comparison_report
from harness.results.comparison import encode_comparisons

ENDS = ("value", "low", "high")
FORMATS = ("rich", "md", "tex", "csv", "html")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders by name; tests must not change them."""
    return write_runs(tmp_path_factory.mktemp("runs"))


def tables_of(text: str) -> list[str]:
    """Split what is printed in a terminal into tables, each with its title and notes."""
    return [block for block in re.split(r"\n\n(?=\S.*: \S+ \(cand\)|The recipes|These check)", text) if block]


# --- what is printed ---------------------------------------------------------------------------


def test_every_table_says_what_it_speaks_of_and_how_it_was_tested(runs: Path) -> None:
    result = compare(runs, "base", "cand")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    titles = re.findall(r"^.*\(cand\) against .*\(base\).*$", result.stdout, re.MULTILINE)
    assert titles == [
        "These checkpoints: cand (cand) against base (base), nli (accuracy)",
        "These checkpoints: cand (cand) against base (base), bitext (accuracy)",
        "These checkpoints: cand (cand) against base (base), all tasks",
        "These checkpoints: cand (cand) against base (base), nli by typology",
        "These checkpoints: cand (cand) against base (base), slopes on distance",
        "These checkpoints: cand (cand) against base (base), spread over languages",
    ]
    nli = tables_of(result.stdout)[0]
    for said in (
        "says nothing about a retrained model",
        "t, its variance from 499 joint draws of units (seed 0)",
        "Intervals: 95%, per cell",
        "200 rows in 200 units; the same units in every language",
        "adjusted by Holm, family sizes 4 (differences), 3 (reductions)",
        "alpha 0.05",
        "difference over these 4 languages, gap and reduction over the 3 other than en",
    ):
        assert said in nli, said


def test_rows_hold_scores_gaps_and_verdicts(runs: Path) -> None:
    nli = tables_of(compare(runs, "base", "cand").stdout)[0]
    rows = {line.split()[0]: line for line in nli.splitlines() if line}
    assert "closed" in rows["de"] and rows["de"].count("*") == 2
    # French did not change: its gap shrank because English lost.
    assert "source loss" in rows["fr"] and rows["fr"].count("*") == 1
    assert "worse" in rows["en"]
    found = harness.compare(runs / "base", [runs / "cand"], resamples=499).comparisons[0].tasks["nli"]
    german = found.languages["de"]
    assert german.gap is not None
    for number in (german.baseline, german.candidate, german.gap.baseline, german.gap.candidate):
        assert f" {number:.1f} " in rows["de"]
    assert f"+{german.gap.reduction.value:.1f}*" in rows["de"]
    assert "the reduction is bought by the source's loss" in nli


def test_rows_fit_into_a_terminal_of_100_columns(runs: Path) -> None:
    result = compare(runs, "base", "cand")
    rows = [line for line in result.stdout.splitlines() if re.match(r"\S+ +-?\d+\.\d ", line)]
    assert len(rows) > 8
    assert max(map(len, rows)) <= 100


def test_not_significant_stands_beside_what_would_be_found(runs: Path) -> None:
    found = harness.compare(runs / "base", [runs / "other"], resamples=499).comparisons[0].tasks["nli"]
    gap = found.languages["fr"].gap
    assert gap is not None and gap.reduction.p_adjusted is not None and gap.reduction.p_adjusted > 0.05
    row = next(
        line for line in compare(runs, "base", "other").stdout.splitlines() if line.split()[:1] == ["fr"]
    )
    assert f"n.s. ({gap.reduction.detectable:.1f})" in row
    assert "*" not in row
    assert "80% at the first step of Holm's correction" in compare(runs, "base", "other").stdout


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_goes_to_stdout_alone_with_scope_and_source_loss(runs: Path, form: str) -> None:
    result = compare(runs, "base", "cand", "--format", form)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    text = result.stdout
    assert "source loss" in text
    assert ("checkpoints" if form == "csv" else "These checkpoints") in text
    assert "closed" in text


def test_the_mean_of_tasks_names_what_it_averages(runs: Path) -> None:
    suite = tables_of(compare(runs, "base", "cand").stdout)[2]
    assert "mean of 2: nli (accuracy), bitext (accuracy); its reduction: nli (accuracy)." in suite
    assert "Source loss: the source language became worse in nli" in suite


def test_a_system_is_compared_with_itself_in_one_line(runs: Path) -> None:
    result = compare(runs, "base", "base", "--json", "-")
    assert result.exit_code == 0
    tree = json.loads(result.stdout)["comparisons"][0]
    effects = [
        language["difference"] for task in tree["tasks"].values() for language in task["languages"].values()
    ]
    assert {effect["value"] for effect in effects} == {0.0}
    assert {effect["p"] for effect in effects} == {1.0}
    printed = compare(runs, "base", "base").stdout
    said = "base is compared with itself: the predictions are identical, so every difference is 0 and p = 1."
    assert said in printed


def test_languages_that_did_not_change_are_named(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "cand", tmp_path / "mixed")
    kept = "examples/nli/sw.parquet"
    shutil.copy(runs / "base" / kept, tmp_path / "mixed" / kept)
    nli = tables_of(compare(runs, "base", str(tmp_path / "mixed")).stdout)[0]
    assert "Scored the same in every example, so difference 0 and p = 1: fr, sw." in nli


def test_recipes_say_how_many_runs_a_side(runs: Path) -> None:
    result = compare(runs, "base3", "cand3")
    assert result.stdout.startswith("The recipes (3 runs a side): cand3 (cand) against base3 (base), nli")
    bitext = tables_of(result.stdout)[1]
    assert "Nothing was trained for this task" in bitext
    assert compare(runs, "base3", "cand2").stdout.startswith("The recipes (3 and 2 runs): ")
    fixed = compare(runs, "base3", "cand3", "--scope", "checkpoints").stdout
    assert fixed.startswith("These checkpoints: ")
    assert "means over the runs given (3 and 3)" in fixed
    assert compare(runs, "base", "cand3").stdout.startswith("These checkpoints: ")


def test_several_candidates_share_their_families(runs: Path) -> None:
    result = compare(runs, "base", "cand", "other", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {row["candidate"] for row in rows} == {"cand", "other"}
    of_languages = [r for r in rows if r["task"] == "nli" and r["language"] != "average"]
    assert {r["family"] for r in of_languages if r["quantity"] == "difference"} == {"8"}
    assert {r["family"] for r in of_languages if r["quantity"] == "gap_reduction"} == {"6"}
    last = tables_of(compare(runs, "base", "cand", "other").stdout)[-1]
    assert last.startswith("These checkpoints: all candidates against base")
    assert "over all candidates" in last
    mixed = compare(runs, "base3", "cand3", "cand", "--format", "md").stdout
    assert "The recipes (3 runs a side) and these checkpoints: all candidates against base3" in mixed


def test_csv_holds_every_number(runs: Path) -> None:
    tree = json.loads(compare(runs, "base", "cand", "--check", "--json", "-").stdout)
    rows = list(
        csv.DictReader(io.StringIO(compare(runs, "base", "cand", "--check", "--format", "csv").stdout))
    )
    expected = []
    for task, found in tree["comparisons"][0]["tasks"].items():
        for code, language in found["languages"].items():
            expected.append((task, code, "difference", language["difference"]))
            if language["gap"]:
                expected.append((task, code, "gap_reduction", language["gap"]["reduction"]))
        expected.append((task, "average", "difference", found["average"]["difference"]))
        if found["average"]["gap_reduction"]:
            expected.append((task, "average", "gap_reduction", found["average"]["gap_reduction"]))
    suite = tree["comparisons"][0]["suite"]
    expected.append(("", "average", "difference", suite["difference"]))
    expected.append(("", "average", "gap_reduction", suite["gap_reduction"]))
    by_place = {(row["task"], row["language"], row["quantity"]): row for row in rows}
    assert len(rows) == len(by_place) == len(expected)
    for *place, effect in expected:
        row = by_place[tuple(place)]
        assert all(row[f"{side}_{what}"] for side in ("baseline", "candidate") for what in ENDS), place
        for name in ("value", "low", "high", "detectable", "p", "p_adjusted"):
            assert float(row[name]) == pytest.approx(effect[name], rel=1e-5, abs=1e-6), (place, name)
        assert float(row["p_check"]) == pytest.approx(effect["check"], rel=1e-5)
        assert [int(row[name]) for name in ("family", "n", "units")] == [
            effect[name] for name in ("family", "n", "units")
        ]
    assert {row["interval"] for row in rows} == {"t"}
    assert {row["resamples"] for row in rows} == {"499"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--interval", "percentile"], "Test: percentiles of 499 joint draws of units"),
        (["--interval", "bca"], "(BCa) of 499 joint draws"),
        (["--correction", "bh"], "p: adjusted by Benjamini-Hochberg"),
        (["--correction", "none"], "p: not adjusted (--correction none)"),
        (["--alpha", "0.01"], "Intervals: 99%, per cell"),
        (["--seed", "5"], "(seed 5)"),
        (["--check"], "p check: the signs of the units' contrasts flipped at random; not adjusted."),
    ],
)
def test_tables_say_what_was_asked_for(runs: Path, options: list[str], said: str) -> None:
    result = compare(runs, "base", "cand", *options)
    assert result.exit_code == 0, result.output
    assert said in tables_of(result.stdout)[0]


def test_the_check_has_a_column(runs: Path) -> None:
    with_check, without = (tables_of(compare(runs, "base", "cand", *o).stdout)[0] for o in (["--check"], []))
    assert re.search(r"p\s+check\s+verdict", with_check)
    assert re.search(r"p\s+verdict", without) and "p check" not in without


# --- json and --out ----------------------------------------------------------------------------


def test_json_alone_is_what_the_function_returns(runs: Path, tmp_path: Path) -> None:
    result = compare(runs, "base", "cand", "--json", "-")
    found = harness.compare(runs / "base", [runs / "cand"], resamples=499)
    assert result.stdout_bytes == encode_comparisons(found)
    file = tmp_path / "found.json"
    printed = compare(runs, "base", "cand", "--json", str(file))
    assert file.read_bytes() == result.stdout_bytes
    assert printed.stdout.startswith("These checkpoints")


def test_out_holds_every_format_and_can_be_written_again(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison_report, "can_draw", lambda: False)
    out = tmp_path / "new" / "report"
    result = compare(runs, "base", "cand", "--out", str(out), "--format", "csv")
    assert result.exit_code == 0, result.output
    assert f"in {out}" in result.stderr
    names = {path.name for path in out.iterdir()}
    assert {f"compare.{suffix}" for suffix in ("json", "md", "tex", "csv", "html")} <= names
    assert (out / "compare.csv").read_text(encoding="utf-8") == result.stdout
    assert (out / "compare.json").read_bytes() == compare(runs, "base", "cand", "--json", "-").stdout_bytes
    before = {path.name: path.read_bytes() for path in out.glob("compare.*")}
    again = compare(runs, "base", "cand", "--out", str(out), "--quiet")
    assert again.exit_code == 0 and again.stderr == ""
    assert {path.name: path.read_bytes() for path in out.glob("compare.*")} == before
    assert not list(out.rglob(".xharness-tmp-*"))


def test_out_refuses_run_folders_and_what_is_not_its_own(runs: Path, tmp_path: Path) -> None:
    inside = runs / "base" / "reports"
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("x", encoding="utf-8")
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    for out, said in (
        (runs / "base", "is a run folder"),
        (inside, "lies inside a run folder"),
        (foreign, "holds no compare.json but thesis.tex"),
        (file, "is a file"),
    ):
        result = compare(runs, "base", "cand", "--out", str(out))
        assert result.exit_code == 2
        assert said in result.stderr and result.stdout == ""
    assert not inside.exists()
    assert [path.name for path in foreign.iterdir()] == ["thesis.tex"]


def test_figures_are_written_and_old_ones_removed(runs: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "report"
    stems = ("nli-gaps", "nli-reductions", "nli-distance", "nli-baseline")
    assert compare(runs, "part", "base", "cand", "--out", str(out)).exit_code == 0
    names = {path.name for path in (out / "figures").iterdir()}
    assert names == {f"{n}-{stem}.{suffix}" for n in (1, 2) for stem in stems for suffix in ("svg", "png")}
    assert all((out / "figures" / name).stat().st_size > 2000 for name in names)
    svg = (out / "figures" / "2-nli-gaps.svg").read_bytes()
    assert b"German de" in svg and b"These checkpoints" in svg and b"source loss" in svg
    # The warning goes with the picture wherever that is pasted.
    assert b"both axes contain base's score" in (out / "figures" / "2-nli-baseline.svg").read_bytes()
    assert compare(runs, "part", "cand", "--out", str(out)).exit_code == 0
    assert {path.stem for path in (out / "figures").iterdir()} == set(stems)
    assert (out / "figures" / "nli-gaps.svg").read_bytes() == svg


def test_without_matplotlib_the_page_says_so(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (comparison_report, comparison_page):
        monkeypatch.setattr(module, "can_draw", lambda: False)
    monkeypatch.setattr(comparison_figures, "draw_task", None)
    out = tmp_path / "report"
    assert compare(runs, "base", "cand", "--out", str(out)).exit_code == 0
    page = (out / "compare.html").read_text(encoding="utf-8")
    assert "pip install 'xharness[plots]'" in page.replace("&#39;", "'")
    assert "<svg" not in page and not (out / "figures").exists()


class _Page(HTMLParser):
    """Collects what would fetch something, and what is left open."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object"):
            self.fetched.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and not (value or "").startswith("#"):
                self.fetched.append(value or "")
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


def test_the_page_fetches_nothing_and_names_are_text(runs: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "<script>x & $y$ _z_ \u202e[1] %"
    shutil.copytree(runs / "cand", hostile)
    texts = {form: compare(runs, "part", str(hostile), "--format", form).stdout for form in FORMATS}
    assert texts["html"].count("<svg") == (4 if comparison_figures.can_draw() else 0)
    page = _Page()
    page.feed(texts["html"])
    assert page.open == [] and page.fetched == []
    assert "<script>" not in texts["html"] and "&lt;script&gt;x &amp; $y$" in texts["html"]
    assert r"\<script\>x \& $y$ \_z\_ \[1\]" in texts["md"]
    assert r"\textless{}script\textgreater{}x \& \$y\$ \_z\_ {[}1{]} \%" in texts["tex"]
    assert all("\u202e" not in text for text in texts.values())


def test_latex_names_test_and_compiles(runs: Path, tmp_path: Path) -> None:
    text = compare(runs, "base", "cand", "other", "--format", "tex").stdout
    caption = next(line for line in text.splitlines() if line.startswith(r"\caption"))
    assert "Test: t, 499 resamples, Holm over 6 gap reductions of nli; * at alpha 0.05; n = 200" in caption
    assert r"\toprule" in text and r"\bottomrule" in text
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("no pdflatex here")
    (tmp_path / "tables.tex").write_text(text, encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}"
        r"\usepackage[margin=2.5cm,a4paper]{geometry}\begin{document}\input{tables}\end{document}",
        encoding="utf-8",
    )
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    log = done.stdout.decode("utf-8", errors="replace")
    assert done.returncode == 0, log
    assert "Overfull" not in log
