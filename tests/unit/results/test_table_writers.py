"""Every writer of a table: layout, alignment, and names that try to break out."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results.table import Column, Number, Row, Table, Text, aligned, isolate, one_line
from harness.results.table_writers import (
    csv_lines,
    latex_text,
    print_tables,
    to_csv,
    to_html,
    to_latex,
    to_markdown,
)

HOSTILE = [
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x","y")',
    "+1",
    "-1",
    "@sum",
    "\t=1+1",
    "a|b",
    r"&_%$#{}~^\[]",
    "two\nlines",
    "\x1b[31mred\x07",
    "\u202egnirts desrever",
    "[link](javascript:alert(1))",
    "`code` *bold*",
    "שלום",
]


def make_table(name: str = "German", title: str = "Scores") -> Table:
    return Table(
        title,
        (Column("language", "left"), Column("n"), Column("accuracy")),
        (
            Row((Text(name), Number(1000, digits=0), Number(100.0, 99.5, 100.0))),
            Row((Text("Chinese"), Number(500, digits=0), Number(4.0, 2.25, 5.75))),
            Row((Text("Thai"), Number(None), Number(None))),
            Row((Text("average", "strong"), Text(""), Number(52.0, emphasis="strong")), rule=True),
        ),
        ("A note.",),
    )


def printed(*tables: Table) -> str:
    stream = io.StringIO()
    print_tables(tables, file=stream)
    return stream.getvalue()


def test_points_are_in_line() -> None:
    assert aligned(make_table(), 2, pad=" ") == [
        "100.0 [99.5, 100.0]",
        "  4.0 [ 2.2,   5.8]",
        "    —              ",
        " 52.0              ",
    ]


def test_terminal() -> None:
    lines = printed(make_table()).splitlines()
    assert lines[0] == "Scores"
    assert lines[2].split() == ["language", "n", "accuracy"]
    assert lines[4] == " German     1000   100.0 [99.5, 100.0]"
    assert lines[5] == " Chinese     500     4.0 [ 2.2,   5.8]"
    assert lines[-2] == "A note."
    assert all(line == line.rstrip() for line in lines)


def test_pipe_is_not_cut_at_eighty_columns() -> None:
    wide = "x" * 200
    assert wide in printed(make_table(name=wide))


@pytest.mark.parametrize("width", [20, 30, 34, 36, 40, 80])
def test_no_number_is_cut_in_a_narrow_terminal(width: int) -> None:
    stream = io.StringIO()
    print_tables([make_table()], file=stream, width=width)
    text = stream.getvalue()
    words = set(text.split())
    assert {"1000", "500", "100.0", "4.0", "52.0", "German", "Chinese"} <= words
    for interval in ("[99.5, 100.0]", "[ 2.2,   5.8]"):
        assert interval in text
    rows = [line for line in text.splitlines() if "100.0 [" in line]
    # There is room for value and interval side by side, or the interval stands below.
    assert (len(rows) == 1) == (width >= 36)
    if width >= 33:
        assert all(len(line) <= width for line in text.splitlines())


def test_markdown() -> None:
    lines = to_markdown(make_table()).splitlines()
    assert lines[0] == "## Scores"
    assert [part.strip() for part in lines[2].split("|")] == ["", "language", "n", "accuracy", ""]
    assert lines[3].endswith("-: |")
    assert "100.0 [99.5, 100.0] |" in lines[4]
    assert "**average**" in lines[7]
    assert "**52.0**" in lines[7]
    assert len({line.count("|") for line in lines[2:8]}) == 1
    assert lines[-1] == "A note."


def test_csv() -> None:
    assert to_csv(make_table()).splitlines() == [
        "language,n,accuracy,accuracy low,accuracy high",
        "German,1000,100,99.5,100",
        "Chinese,500,4,2.25,5.75",
        "Thai,,,,",
        "average,,52,,",
    ]


def test_csv_numbers_keep_their_sign_and_precision() -> None:
    assert csv_lines([["a", -1.5, 3, None, 1 / 3]]) == "a,-1.5,3,,0.333333\n"


def test_latex() -> None:
    text = to_latex(make_table(), label="tab:x")
    assert r"\begin{tabular}{@{}lrr@{}}" in text
    assert r"German & 1000 & 100.0 {[}99.5, 100.0{]} \\" in text
    assert r"Chinese & \phantom{0}500 & \phantom{0}\phantom{0}4.0 {[}\phantom{0}2.2" in text
    assert r"\textbf{average}" in text
    assert text.index(r"\midrule") < text.index(r"\textbf{average}") < text.index(r"\bottomrule")
    assert r"\label{tab:x}" in text


def test_html() -> None:
    text = to_html(make_table())
    assert "<caption><span>Scores</span></caption>" in text
    assert '<th scope="row"><bdi>German</bdi></th>' in text
    assert '<td class="num">100.0 [99.5, 100.0]</td>' in text
    assert '<tr class="rule">\n<th scope="row" class="strong"><bdi>average</bdi></th>' in text
    assert '<p class="note">A note.</p>' in text


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    plain, hostile = make_table("x", "x"), make_table(name, name)
    tags, safe = Tags(), Tags()
    tags.feed(to_html(hostile))
    safe.feed(to_html(plain))
    assert tags.seen == safe.seen
    assert one_line(name) in tags.text
    rows = list(csv.reader(io.StringIO(to_csv(hostile))))
    assert [len(row) for row in rows] == [5] * 5
    assert not rows[1][0].lstrip().startswith(("=", "+", "-", "@"))
    assert len(to_markdown(hostile).splitlines()) == len(to_markdown(plain).splitlines())
    out = printed(hostile)
    assert len(out.splitlines()) == len(printed(plain).splitlines())
    assert "\x1b" not in out
    assert "\u202e" not in out + to_html(hostile) + to_markdown(hostile) + to_csv(hostile)


def test_markdown_specials_are_escaped() -> None:
    text = to_markdown(make_table("a|b <b> [x](y) *z* `c`"))
    assert r"a\|b \<b\> \[x\](y) \*z\* \`c\`" in text


def test_latex_specials_are_escaped() -> None:
    assert latex_text("&_%$#{}") == r"\&\_\%\$\#\{\}"
    assert latex_text("~^\\") == r"\textasciitilde{}\textasciicircum{}\textbackslash{}"
    assert latex_text("[x]") == "{[}x{]}"


@given(st.text(max_size=30))
def test_one_line_is_one_line(text: str) -> None:
    cleaned = one_line(text)
    assert len(cleaned.splitlines()) <= 1
    assert one_line(cleaned) == cleaned


def test_right_to_left_text_is_isolated() -> None:
    assert isolate("German") == "German"
    assert isolate("שלום") == "\u2068שלום\u2069"


def test_writers_are_deterministic() -> None:
    for write in (to_markdown, to_csv, to_latex, to_html):
        assert write(make_table()) == write(make_table())


def test_latex_compiles(tmp_path: Path) -> None:
    compiler = shutil.which("pdflatex")
    if compiler is None:
        pytest.skip("pdflatex is not installed")
    names = [n for n in HOSTILE if n.isascii()]
    body = "".join(to_latex(make_table(name, name)) for name in names)
    document = (
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\begin{document}"
        f"{body}\\end{{document}}"
    )
    (tmp_path / "t.tex").write_text(document.replace("\ufffd", "?").replace("—", "--"), encoding="utf-8")
    done = subprocess.run(
        [compiler, "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]
