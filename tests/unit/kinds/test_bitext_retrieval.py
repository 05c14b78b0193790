from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.backends import encoder as encoder_module
from harness.data.places import Places
from harness.data.sources import load_test
from harness.kinds.base import Work
from harness.kinds.bitext_retrieval import BitextRetrieval
from harness.progress import Progress
from harness.records import DataSet
from harness.specs.task import TaskSpec

TASK = TaskSpec.model_validate(
    {
        "name": "pairs",
        "version": "1",
        "kind": "bitext_retrieval",
        "title": "t",
        "licence": "l",
        "citation": "c",
        "source_language": None,
        "languages": {"de": {"tag": "de"}, "fr": {"tag": "fr"}},
        "data": {
            "local": {
                "reader": "aligned_lines",
                "files": {"source": ["{code}.en"], "target": ["{code}.{code}"]},
            }
        },
        "metrics": [{"name": "accuracy", "computes": "accuracy"}],
        "main_metric": "accuracy",
        "recipes": {"none": {"source": "s"}},
        "settings": {"max_length": 7},
    }
)


class Letters:
    """An encoder that counts letters: equal bags of letters have equal vectors."""

    def __init__(self) -> None:
        self.calls: list[tuple[Sequence[str], str, int | None]] = []

    def encode(self, texts: Sequence[str], *, role: str, max_length: int | None, advance: Any) -> Any:
        self.calls.append((list(texts), role, max_length))
        advance(len(texts))
        counts = np.array(
            [[t.lower().count(chr(97 + i)) for i in range(26)] for t in texts], dtype=np.float32
        )
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    fake = Letters()
    monkeypatch.setattr(encoder_module, "open_encoder", lambda model, **options: fake)
    return fake


def work(data: dict[str, DataSet], model: Any, languages: tuple[str, ...]) -> Work:
    return Work(
        task=TASK,
        settings=TASK.settings_for(TASK.recipes["none"]),
        data=data,
        languages=languages,
        model=model,
        search="exact",
        progress=Progress(quiet=True),
    )


def read(folder: Path, code: str, english: str, foreign: str) -> DataSet:
    (folder / f"{code}.en").write_text(english, encoding="utf-8")
    (folder / f"{code}.{code}").write_text(foreign, encoding="utf-8")
    return load_test(TASK, code, Places(folder))


def test_both_directions_give_line_numbers_in_the_order_of_the_examples(
    tmp_path: Path, letters: Letters, tiny_model: Callable[..., Any]
) -> None:
    # English in file order: zebra, apple, moon; the examples come sorted: apple, moon, zebra.
    data = {"de": read(tmp_path, "de", "zebra\napple\nmoon\n", "arbez\nnoom\nelppa\n")}
    kind = BitextRetrieval()
    [(language, outputs)] = list(kind.predict(work(data, tiny_model(), ("de",))))
    assert language == "de"
    assert [e.gold for e in data["de"].examples] == ["1", "2", "0"]
    assert outputs["prediction"] == [2, 1, 0]  # where the letters are, not where the pair is
    assert outputs["to_en"] == [2, 1, 0]
    assert set(outputs) == set(kind.formats)
    assert all(role == "symmetric" and length == 7 for _, role, length in letters.calls)


def test_ties_go_to_the_lowest_line(tmp_path: Path, letters: Letters, tiny_model: Callable[..., Any]) -> None:
    data = {"de": read(tmp_path, "de", "ab\nba\ncd\n", "xx\nab\nba\n")}
    [(_, outputs)] = list(BitextRetrieval().predict(work(data, tiny_model(), ("de",))))
    assert outputs["prediction"] == [1, 1, 0]
    assert outputs["to_en"] == [0, 0, 0]


def test_a_limit_cuts_queries_and_not_the_pool(
    tmp_path: Path, letters: Letters, tiny_model: Callable[..., Any]
) -> None:
    from harness.data.sources import apply_limit

    data = {"de": apply_limit(read(tmp_path, "de", "zebra\napple\nmoon\n", "arbez\nnoom\nelppa\n"), 1)}
    [(_, outputs)] = list(BitextRetrieval().predict(work(data, tiny_model(), ("de",))))
    assert outputs == {"prediction": [2], "to_en": [2]}
    assert sorted(len(texts) for texts, _, _ in letters.calls) == [3, 3]


def test_languages_are_independent_and_only_those_due_are_done(
    tmp_path: Path, letters: Letters, tiny_model: Callable[..., Any]
) -> None:
    data = {
        "de": read(tmp_path, "de", "ab\ncd\n", "ab\ncd\n"),
        "fr": read(tmp_path, "fr", "ab\nef\n", "fe\nba\n"),
    }
    both = dict(BitextRetrieval().predict(work(data, tiny_model(), ("de", "fr"))))
    letters.calls.clear()
    one = dict(BitextRetrieval().predict(work(data, tiny_model(), ("fr",))))
    assert one == {"fr": both["fr"]}
    assert len(letters.calls) == 2
    assert list(BitextRetrieval().predict(work(data, tiny_model(), ()))) == []


def test_gold_and_head() -> None:
    assert BitextRetrieval().decode_gold("12") == "12"
    assert BitextRetrieval().head(TASK) is None
