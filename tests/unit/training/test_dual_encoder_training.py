from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.backends.model import Model
from harness.errors import SpecError
from harness.kinds.base import Head
from harness.kinds.dual_encoder import DualEncoderHead
from harness.kinds.multiple_choice import ChoiceHead
from harness.progress import Progress
from harness.records import ChoiceInputs, DataSet, Example, Inputs, QueryPassageInputs
from harness.specfiles.catalog import load_task
from harness.specs.recipe import CountBySize, Phase
from harness.specs.settings import ChoiceSettings, EntityRetrievalSettings, KindSettings
from harness.training.finetune import fine_tune

WORDS = "the quick Fox 12 over lazy Dog cats sleep 1990 Schweiz 2004 See 7 where".split()
TEXTS = [" ".join(WORDS[i : i + 4]) for i in range(12)]
PAIRS = [QueryPassageInputs(f"{text[:3]}: {{ {text} }}", text) for text in TEXTS]


def train(
    model: Model,
    out: Path,
    *,
    inputs: list[Inputs] | None = None,
    head: Head | None = None,
    settings: KindSettings | None = None,
    **phase: Any,
) -> dict[str, Any]:
    """Train one phase and return what its record says."""
    examples = [Example(str(i), given, "0") for i, given in enumerate(inputs or PAIRS)]
    given = {"training_set": "wikipedia_pairs", "epochs": 8, "learning_rate": 1e-3, "batch_size": 12} | phase
    fine_tune(
        phase=Phase(**given),
        task=load_task("mewslix").spec,
        head=head or DualEncoderHead(),
        settings=settings or EntityRetrievalSettings(max_length=16),
        decode_gold=json.loads,
        model=model,
        examples=DataSet("mewslix", "en", tuple(examples)).examples,
        dev=None,
        fingerprint="f" * 64,
        out=out,
        fresh=True,
        seed=1,
        progress=Progress(quiet=True),
    )
    told: dict[str, Any] = json.loads((out / "training.json").read_text(encoding="utf-8"))
    return told


def test_a_recipe_says_how_many_pairs_are_compared(tiny_model: Callable[..., Model], tmp_path: Path) -> None:
    sizes = {"batch_size": CountBySize(base=12, large=32), "micro_batch": CountBySize(base=6, large=8)}
    told = train(tiny_model("xlm-roberta"), tmp_path / "out", **sizes)
    assert (told["plan"]["micro_batch"], told["plan"]["accumulation"], told["plan"]["steps"]) == (6, 2, 8)
    assert told["losses"][-1][1] < told["losses"][0][1]


def test_the_head_says_it_where_the_recipe_does_not(tiny_model: Callable[..., Model], tmp_path: Path) -> None:
    plan = train(tiny_model("xlm-roberta"), tmp_path / "out", epochs=1)["plan"]
    assert (plan["micro_batch"], plan["accumulation"]) == (4, 3)


def test_numbers_that_do_not_fit_are_refused(tiny_model: Callable[..., Model], tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="batch_size 12 is not a multiple of 5"):
        train(tiny_model("xlm-roberta"), tmp_path / "out", micro_batch=5)
    with pytest.raises(SpecError, match="micro_batch is for kinds whose loss compares"):
        train(
            tiny_model("xlm-roberta"),
            tmp_path / "out",
            inputs=[ChoiceInputs("the Fox", ("12", "cats"))] * 4,
            head=ChoiceHead(),
            settings=ChoiceSettings(max_length=16),
            batch_size=4,
            micro_batch=4,
        )
