from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from harness.backends import encoder as encoder_module
from harness.kinds.base import Work
from harness.kinds.passage_retrieval import PassageRetrieval
from harness.progress import Progress
from harness.records import Candidate, DataSet, Example, QueryInputs
from harness.specs.task import TaskSpec

TASK = TaskSpec.model_validate(
    {
        "name": "passages",
        "version": "1",
        "kind": "passage_retrieval",
        "title": "t",
        "licence": "l",
        "citation": "c",
        "source_language": "en",
        "languages": {"en": {"tag": "en"}, "de": {"tag": "de"}},
        "data": {"local": {"reader": "squad_sentences", "files": {"articles": ["{code}.json"]}}},
        "metrics": [{"name": "map@20", "computes": "average_precision@20"}],
        "main_metric": "map@20",
        "recipes": {
            "none": {"source": "s"},
            "xtreme": {"source": "s", "settings": {"representation": "pooler"}},
        },
        "settings": {"top_k": 3},
    }
)
# As the benchmark lists its languages: not in the order of their codes.
POOL = {
    "en": (Candidate("en_1", "aa"), Candidate("en_2", "bb")),
    "de": (Candidate("de_1", "aa"), Candidate("de_2", "cc")),
}


class Letters:
    def __init__(self) -> None:
        self.calls: list[tuple[Sequence[str], str, int | None]] = []
        self.representation = ""

    def encode(self, texts: Sequence[str], *, role: str, max_length: int | None, advance: Any) -> Any:
        self.calls.append((list(texts), role, max_length))
        advance(len(texts))
        return np.array([[t.count(c) for c in "abc"] for t in texts], dtype=np.float32)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    fake = Letters()

    def opened(model: Any, *, representation: str, say: Any) -> Letters:
        fake.representation = representation
        return fake

    monkeypatch.setattr(encoder_module, "open_encoder", opened)
    return fake


def questions(language: str, *texts: str) -> DataSet:
    examples = tuple(Example(f"q{i}", QueryInputs(text), gold='["de_1"]') for i, text in enumerate(texts))
    return DataSet(task="passages", language=language, examples=examples, candidates=POOL[language])


def work(languages: tuple[str, ...], model: Any, recipe: str = "none") -> Work:
    data = {"en": questions("en", "a", "bc"), "de": questions("de", "c")}
    return Work(
        task=TASK,
        settings=TASK.settings_for(TASK.recipes[recipe]),
        data={code: data[code] for code in languages},
        languages=languages,
        model=model,
        search="exact",
        progress=Progress(quiet=True),
        pool=POOL,
    )


def test_the_pool_is_all_languages_by_code_and_ties_go_by_it(
    letters: Letters, tiny_model: Callable[..., Any]
) -> None:
    found = dict(PassageRetrieval().predict(work(("en", "de"), tiny_model())))
    # Rows: de_1, de_2, en_1, en_2. What scores equally comes in that order.
    assert found["en"]["prediction"] == [["de_1", "en_1", "de_2"], ["de_2", "en_2", "de_1"]]
    assert found["de"]["prediction"] == [["de_2", "de_1", "en_1"]]
    assert letters.representation == "adapter"


def test_rankings_do_not_depend_on_the_languages_asked_for(
    letters: Letters, tiny_model: Callable[..., Any]
) -> None:
    both = dict(PassageRetrieval().predict(work(("en", "de"), tiny_model())))
    one = dict(PassageRetrieval().predict(work(("de",), tiny_model())))
    assert one == {"de": both["de"]}


def test_each_language_is_embedded_by_itself_at_its_lengths(
    letters: Letters, tiny_model: Callable[..., Any]
) -> None:
    dict(PassageRetrieval().predict(work(("en",), tiny_model())))
    assert letters.calls == [
        (["aa", "cc"], "passage", 256),
        (["aa", "bb"], "passage", 256),
        (["a", "bc"], "query", 96),
    ]


def test_the_official_recipe_reads_the_pooler(letters: Letters, tiny_model: Callable[..., Any]) -> None:
    dict(PassageRetrieval().predict(work(("de",), tiny_model(), "xtreme")))
    assert letters.representation == "pooler"


def test_nothing_due_opens_nothing(letters: Letters, tiny_model: Callable[..., Any]) -> None:
    assert list(PassageRetrieval().predict(work((), tiny_model()))) == []
    assert letters.representation == ""


def test_gold_is_a_list_of_ids() -> None:
    assert PassageRetrieval().decode_gold('["de_1","en_1"]') == ["de_1", "en_1"]
