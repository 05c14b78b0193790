from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.specfiles import yaml_loader
from harness.specfiles.yaml_loader import key_text, read_yaml, resolve_scalar


def load(folder: Path, text: str | bytes) -> Any:
    document, problems = read_yaml(written(folder, text))
    assert problems == []
    assert document is not None
    return document.root.plain()


def complaints(folder: Path, text: str | bytes) -> list[str]:
    document, problems = read_yaml(written(folder, text))
    assert document is None
    return [p.removeprefix(f"{folder / 'x.yaml'}") for p in problems]


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "x.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture(params=["c", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers of PyYAML must lead to the same values and complaints."""
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("this PyYAML was built without libyaml")
    return str(request.param)


@pytest.mark.parametrize("word", ["no", "No", "NO", "yes", "on", "off", "y", "n", "Off"])
def test_yaml_1_1_booleans_are_text(word: str, tmp_path: Path) -> None:
    assert load(tmp_path, f"{word}: [{word}]") == {word: [word]}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("2e-5", 2e-5),
        ("2E+3", 2000.0),
        ("1.10", 1.1),
        (".5", 0.5),
        ("1.", 1.0),
    ],
)
def test_plain_scalars_that_have_a_type(written: str, value: object) -> None:
    found = resolve_scalar(written)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-01",
        "2020-01-01T10:00:00Z",
        "12:30",
        "0123",
        "00.5",
        "0o17",
        "0x1F",
        "1_000",
        ".inf",
        "-.inf",
        ".nan",
        "nan",
        "1e999",
        "1.2.3",
        "1234567890123456789012345678901234567890",
        "12345e6789012345678901234567890123456789",
        "+",
        ".",
        "e5",
        "١٢",
    ],
)
def test_what_only_looks_like_a_number_stays_text(text: str) -> None:
    assert resolve_scalar(text) == text


def test_quoted_scalars_are_text(tmp_path: Path) -> None:
    assert load(tmp_path, "a: '1'\nb: \"true\"\nc: ''\nd: 'null'\n") == {
        "a": "1",
        "b": "true",
        "c": "",
        "d": "null",
    }


def test_keys_are_text_as_written(tmp_path: Path) -> None:
    assert load(tmp_path, "12: a\n1.10: b\ntrue: c\n") == {"12": "a", "1.10": "b", "true": "c"}


def test_a_number_keeps_its_spelling(tmp_path: Path) -> None:
    document, _ = read_yaml(written(tmp_path, "version: 1.10\nrate: 1.10\n"))
    assert document is not None
    assert document.root.plain(frozenset({("version",)})) == {"version": "1.10", "rate": 1.1}


def test_lines_of_keys_items_and_what_is_missing(tmp_path: Path) -> None:
    document, _ = read_yaml(written(tmp_path, "# c\na:\n  b:\n    - 1\n    - c: 2\n"))
    assert document is not None
    assert document.line_of(("a",)) == 2
    assert document.line_of(("a", "b")) == 3
    assert document.line_of(("a", "b", 0)) == 4
    assert document.line_of(("a", "b", 1, "c")) == 5
    assert document.line_of(("a", "b", 1, "absent")) == 5
    assert document.line_of(("absent",)) == 2


def test_key_text() -> None:
    assert key_text(("metrics", 0, "name")) == "metrics[0].name"


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbfa: 1\n") == {"a": 1}


def test_anchors_are_expanded(parser: str, tmp_path: Path) -> None:
    assert load(tmp_path, "a: &x {b: 1}\nc: [*x, *x]\n") == {"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}


def test_duplicate_keys_are_named_with_both_lines(parser: str, tmp_path: Path) -> None:
    assert complaints(tmp_path, "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 4\n") == [
        ":5: b.c: duplicate key, first written in line 3",
        ":6: a: duplicate key, first written in line 1",
    ]


@pytest.mark.parametrize("key", ["no", "NO"])
def test_keys_that_yaml_1_1_would_merge_stay_apart(key: str, tmp_path: Path) -> None:
    assert load(tmp_path, f"{key}: 1\nfalse: 2\noff: 3\n") == {key: 1, "false": 2, "off": 3}


def test_tags_are_refused_and_never_built(parser: str, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    text = f"a: !!python/object/apply:pathlib.Path.touch ['{witness}']\nb: !own 1\nc: !!str no\n"
    found = complaints(tmp_path, text)
    assert [f.partition(" is not allowed")[0] for f in found] == [
        ":1: a: tag '!!python/object/apply:pathlib.Path.touch'",
        ":2: b: tag '!own'",
        ":3: c: tag '!!str'",
    ]
    assert not witness.exists()


def test_an_alias_bomb_is_refused_at_once(parser: str, tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    assert complaints(tmp_path, "\n".join(lines)) == [":5: aliases expand to more than 50,000 values"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: &a [*a]\n", ":1: alias *a stands inside what it names"),
        ("a: *b\n", ":1: alias *b names an anchor that was not set before"),
        ("[" * 5000, ":1: nested more than 32 levels deep"),
        ("a: 1\n---\nb: 2\n", ":2: a second document; write one per file"),
        ("", ":1: the file is empty; a specification is a mapping of keys to values"),
        ("# nothing\n", ":1: the file is empty; a specification is a mapping of keys to values"),
        ("- 1\n", ":1: a specification is a mapping of keys to values, at the top level"),
        ("hello", ":1: a specification is a mapping of keys to values, at the top level"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", ":3: c.<<: merge keys are not supported; write the keys out"),
        ("? [a]\n: 1\n", ":1: a key must be a text that is not empty"),
        ("'': 1\n", ":1: a key must be a text that is not empty"),
        ('a: 1\nb: "\\ud800"\n', ":2: not valid YAML: found invalid Unicode character escape code"),
        ("a: 1\nb: \x01\n", ":2: a character that YAML does not allow (U+0001)"),
    ],
)
def test_what_is_refused(parser: str, text: str, complaint: str, tmp_path: Path) -> None:
    assert complaints(tmp_path, text) == [complaint]


@pytest.mark.parametrize("text", ["a: [1\nb: 2\n", "a:\n\tb: 1\n", "a: 'x\n", "a: b: c\n"])
def test_broken_syntax_is_put_in_a_line(parser: str, text: str, tmp_path: Path) -> None:
    (complaint,) = complaints(tmp_path, text)
    assert complaint[:2] in (":1", ":2", ":3")
    assert ": not valid YAML: " in complaint


def test_invalid_utf_8_is_put_in_a_line(tmp_path: Path) -> None:
    assert complaints(tmp_path, b"a: 1\nb: \xff\n") == [
        ":2: invalid UTF-8, byte 0xff at offset 8; save the file as UTF-8"
    ]


def test_a_file_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(yaml_loader, "MAX_BYTES", 10)
    assert complaints(tmp_path, "a: 12345678\n") == [": 12 bytes; a specification has at most 10"]


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_what_cannot_be_read(name: str, tmp_path: Path) -> None:
    _, (problem,) = read_yaml(tmp_path / name)
    assert "cannot be read" in problem


scalars = st.one_of(
    st.booleans(), st.integers(-(10**17), 10**17), st.floats(allow_nan=False, allow_infinity=False)
)
# PyYAML writes the text 0E0 without quotes, since it reads such as a text; here it is a number.
bare_exponent = re.compile(r"[-+]?[0-9_.]+[eE][-+]?[0-9]+")
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")), max_size=8).filter(
    lambda text: not bare_exponent.fullmatch(text)
)
trees = st.recursive(
    st.one_of(scalars, texts, st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(texts.filter(bool), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(tree=st.dictionaries(texts.filter(bool), trees, min_size=1, max_size=4))
def test_reads_back_what_pyyaml_writes(
    tree: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True)
    assume("<<" not in text)  # merge keys are refused
    document, problems = read_yaml(written(tmp_path_factory.mktemp("yaml"), text))
    assert problems == []
    assert document is not None
    assert document.root.plain() == tree


@pytest.mark.parametrize("kind", ["[*a{}]", "{{k: *a{}}}"])
def test_aliases_count_as_deep_as_what_they_name(parser: str, kind: str, tmp_path: Path) -> None:
    def chain(length: int) -> str:
        return "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} {kind.format(i - 1)}\n" for i in range(1, length))

    # The mapping around it and the text inside are levels too.
    assert load(tmp_path, chain(yaml_loader.MAX_DEPTH - 2))
    assert complaints(tmp_path, chain(300)) == [
        f":{yaml_loader.MAX_DEPTH - 1}: alias *a{yaml_loader.MAX_DEPTH - 3} nests more than 32 levels deep"
    ]
