"""Data sets as the hub's repositories hold them: the real column names and label names, few rows."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from typing import Any


def parquet(rows: Sequence[dict[str, Any]], **features: Any) -> bytes:
    """Return a Parquet file as `datasets` writes it; a list of names makes class labels of a column."""
    from datasets import ClassLabel, Dataset, List

    dataset = Dataset.from_list(list(rows))
    kinds = dataset.features.copy()
    for column, names in features.items():
        label = ClassLabel(names=list(names))
        kinds[column] = List(label) if isinstance(rows[0][column], list) else label
    buffer = io.BytesIO()
    dataset.cast(kinds).to_parquet(buffer)
    return buffer.getvalue()


def json_lines(rows: Sequence[dict[str, Any]], *, packed: bool = False) -> bytes:
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    return gzip.compress(data, mtime=0) if packed else data


def card(configs: dict[str, dict[str, str]]) -> bytes:
    """Return a repository's card; `configs` maps configuration -> split -> path."""
    lines = ["---", "license: other", "configs:"]
    for name, splits in configs.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        for split, path in splits.items():
            lines += [f"  - split: {split}", f"    path: {json.dumps(path)}"]
    return "\n".join([*lines, "---", "# A data set", ""]).encode()


def xnli(
    language: str, rows: int = 6, names: Sequence[str] = ("entailment", "neutral", "contradiction")
) -> bytes:
    return parquet(
        [
            {"premise": f"{language} premise {i}", "hypothesis": f"{language} hypothesis {i}", "label": i % 3}
            for i in range(rows)
        ],
        label=names,
    )


def xcopa(language: str, rows: int = 4, *, question: str | None = None) -> bytes:
    return parquet(
        [
            {
                "premise": f"{language} premise {i}",
                "choice1": f"{language} one {i}",
                "choice2": f"{language} two {i}",
                "question": question or ("cause", "effect")[i % 2],
                "label": i % 2,
                "idx": i,
                "changed": False,
            }
            for i in range(rows)
        ]
    )


def xquad(language: str, *, stripped: bool = True) -> bytes:
    """Two questions over one context whose offsets are those before it was stripped."""
    context = f"  {language}: the Answer stands here, and the Answer again."
    start = context.index("Answer")
    text = context.strip() if stripped else context
    return parquet(
        [
            {
                "id": f"q{i}",
                "context": text,
                "question": f"{language} what {i}?",
                "answers": {"text": ["Answer"], "answer_start": [start]},
            }
            for i in range(2)
        ]
    )


def tatoeba(language: str, rows: int = 4) -> bytes:
    # English in another order than the code points'.
    return json_lines(
        [
            {"sentence1": f"{language} {i} \n", "sentence2": f"sentence {(i * 3) % rows}\n"}
            for i in range(rows)
        ],
        packed=True,
    )


def bucc(language: str) -> bytes:
    return json_lines(
        [
            {
                "sentence1": [f"{language} {i}" for i in range(1, 7)],
                "sentence2": [f"en {i}" for i in range(1, 9)],
                "gold": [[2, 3], [5, 1]],
            }
        ],
        packed=True,
    )


def panx(language: str, rows: int = 3) -> bytes:
    names = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    return parquet(
        [
            {
                "tokens": [language, "New", "York"],
                "ner_tags": [0, 5, 6],
                "langs": [language] * 3,
                "spans": ["LOC: New York"],
            }
            for _ in range(rows)
        ],
        ner_tags=names,
    )
