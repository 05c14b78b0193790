"""The generated world as files in the original release formats, so that the real readers read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.demo.world import LANGUAGES, SOURCE, Meaning, ToyLanguage, World, text_of

BITEXT_PAIRS = 200
TAGGED = {"train": 400, "test": 100}
ARTICLES = {"train": 60, "test": 30}
SENTENCES_PER_ARTICLE = 3
CHOICES = {"train": 400, "test": 100}


def write_world(root: Path, *, seed: int = 0) -> None:
    """Write every data file of the `demo` suite under `root`."""
    world = World(seed)
    _write_bitext(world, root / "demo-bitext")
    _write_tagging(world, root / "demo-tagging")
    _write_articles(world, root / "demo-qa")
    _write_choices(world, root / "demo-choice")


def sentences(seed: int = 1, count: int = 400) -> list[str]:
    """Return sentences of all languages, for a tokenizer to be trained on."""
    world = World(0)
    world.rng = _generator(seed)
    meanings = world.meanings(count)
    return [_text(world, m, language) for language in LANGUAGES for m in meanings]


def _generator(seed: int) -> Any:
    import numpy as np

    return np.random.default_rng(seed)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _text(world: World, meaning: Meaning, language: ToyLanguage) -> str:
    return text_of([word for word, _ in world.sentence(meaning, language)])


def _write_bitext(world: World, folder: Path) -> None:
    meanings = world.meanings(BITEXT_PAIRS)
    for language in LANGUAGES[1:]:
        pair = f"demo.{language.code}-{SOURCE.code}"
        for side in (SOURCE, language):
            lines = [_text(world, m, side) for m in meanings]
            _write(folder / f"{pair}.{side.code}", "\n".join(lines) + "\n")


def _write_tagging(world: World, folder: Path) -> None:
    for split, count in TAGGED.items():
        meanings = world.meanings(count)
        for language in LANGUAGES if split == "test" else (SOURCE,):
            blocks = []
            for number, meaning in enumerate(meanings):
                rows = [f"# sent_id = n{number:05d}"]
                for index, (word, tag) in enumerate(world.sentence(meaning, language), 1):
                    head = 0 if index == 1 else 1
                    relation = "root" if index == 1 else "dep"
                    rows.append("\t".join([str(index), word, word, tag, *"__", str(head), relation, *"__"]))
                blocks.append("\n".join(rows) + "\n\n")
            name = f"{language.code}_pud-ud-{split}.conllu"
            _write(folder / f"UD_Demo_{language.code}" / name, "".join(blocks))


def _write_articles(world: World, folder: Path) -> None:
    for split, count in ARTICLES.items():
        drawn = world.meanings(count * SENTENCES_PER_ARTICLE)
        for language in LANGUAGES if split == "test" else (SOURCE,):
            articles = [
                _article(
                    world,
                    language,
                    f"{split}-{i}",
                    drawn[i * SENTENCES_PER_ARTICLE :][:SENTENCES_PER_ARTICLE],
                )
                for i in range(count)
            ]
            text = json.dumps({"version": "demo", "data": articles}, ensure_ascii=False)
            _write(folder / f"{split}.{language.code}.json", text + "\n")


def _article(world: World, language: ToyLanguage, title: str, meanings: list[Meaning]) -> dict[str, Any]:
    parts = [_text(world, m, language) for m in meanings]
    breaks, questions, start = [], [], 0
    for number, (part, meaning) in enumerate(zip(parts, meanings, strict=True)):
        answer = text_of([word for word, _ in world.subject(meaning, language)])
        questions.append(
            {
                "id": f"{title}-{number}",
                "question": text_of([*world.who(meaning, language), "?"]),
                "answers": [{"text": answer, "answer_start": start + part.index(answer)}],
            }
        )
        breaks.append([start, start + len(part)])
        start += len(part) + 1
    paragraph = {"context": " ".join(parts), "qas": questions, "sentence_breaks": breaks, "sentences": parts}
    return {"title": title, "paragraphs": [paragraph]}


def _write_choices(world: World, folder: Path) -> None:
    for split, count in CHOICES.items():
        meanings, others = world.meanings(count), world.meanings(count)
        labels = world.rng.integers(2, size=count)
        for language in LANGUAGES if split == "test" else (SOURCE,):
            lines = []
            for index, (meaning, other, label) in enumerate(zip(meanings, others, labels, strict=True)):
                right = text_of([word for word, _ in world.subject(meaning, language)])
                wrong = text_of([word for word, _ in world.subject(other, language)])
                choices = [right, wrong] if label == 0 else [wrong, right]
                row = {
                    "premise": _text(world, meaning, language),
                    "choice1": choices[0],
                    "choice2": choices[1],
                    "question": "cause",
                    "label": int(label),
                    "idx": index,
                    "changed": False,
                }
                lines.append(json.dumps(row, ensure_ascii=False))
            _write(folder / language.code / f"{split}.{language.code}.jsonl", "\n".join(lines) + "\n")
