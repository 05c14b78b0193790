"""The card of a checkpoint, for programs (xharness.json) and for people (README.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.backends.model import Model
from harness.data.fingerprint import content_digest
from harness.mixture.planning import MixturePlan, resolved
from harness.mixture.reading import Ingredients
from harness.records import DataSet, canonical_json
from harness.results.card import Card, HeadRecord, ParentRecord, TrainedLanguage, TrainedTask
from harness.results.provenance import read_clock, read_versions
from harness.results.record import short_path


def describe(
    plan: MixturePlan, data: Sequence[Ingredients], *, model: Model, parent: Card | None, seed: int
) -> Card:
    """Return the card of a training that is about to begin; `steps` is 0, there are no heads yet.

    `parent` is the card of the checkpoint that training begins from, where it has one.
    """
    tasks = tuple(
        TrainedTask(
            name=ingredient.name,
            version=ingredient.task.spec.version,
            sha256=ingredient.task.sha256,
            kind=ingredient.task.spec.kind,
            head=plan.heads[ingredient.head].name,
            languages=_languages(ingredient.task.spec.languages, found.train),
            dev=_languages(ingredient.task.spec.languages, found.dev),
            overlaps=tuple(
                dict.fromkeys(
                    overlap for spec in (ingredient.task.spec, *ingredient.read) for overlap in spec.overlaps
                )
            ),
        )
        for ingredient, found in zip(plan.ingredients, data, strict=True)
    )
    mixture = _named(plan)
    content = {
        "parent": [model.weights_sha256, model.settings_sha256],
        "mixture": mixture,
        "tasks": [task.model_dump(mode="json") for task in tasks],
        "dtype": model.dtype,
        "seed": seed,
    }
    return Card(
        key=hashlib.sha256(canonical_json(content).encode("utf-8")).hexdigest()[:16],
        parent=ParentRecord(
            id=model.model_id if model.revision else short_path(model.model_id),
            revision=model.revision,
            weights_sha256=model.weights_sha256,
            settings_sha256=model.settings_sha256,
            adapter=model.adapter.name,
        ),
        mixture=mixture,
        seed=seed,
        tasks=tasks,
        steps=0,
        dtype=model.dtype,
        versions=read_versions(),
        # Each phase once: a parent's own card holds those before it as well.
        earlier=tuple(phase.model_copy(update={"earlier": ()}) for phase in parent.phases)
        if parent is not None
        else (),
    )


def complete(
    card: Card, plan: MixturePlan, *, files: Mapping[int, str], steps: int, best_step: int | None
) -> Card:
    """Return the card of a training that is over; `files` says where each head that is kept lies."""
    return card.model_copy(
        update={
            "heads": tuple(
                HeadRecord(
                    name=plan.heads[number].name,
                    auto_class=plan.heads[number].head.auto_class,
                    labels=plan.heads[number].head.labels,
                    file=file,
                )
                for number, file in sorted(files.items())
            ),
            "steps": steps,
            "best_step": best_step,
            "finished": read_clock(),
        }
    )


def write_for_people(card: Card) -> str:
    """Return the card as the README of a model repository: front matter, then what was done, in tables."""
    base = f"base_model: {card.parent.id}\n" if card.parent.revision else ""
    codes = sorted({language.tag.partition("-")[0] for t in card.tasks for language in t.languages.values()})
    lines = [
        "---",
        f"{base}language: {json.dumps(codes)}",
        "library_name: transformers",
        "tags: [xharness, intermediate-training]",
        "---",
        "",
        f"# {card.parent.id} after an intermediate phase",
        "",
        f"Trained by `xharness train` from `{_at(card.parent)}` (weights {card.parent.weights_sha256[:16]}), "
        f"seed {card.seed}, {card.steps:,} updates in {card.dtype}"
        + (
            f"; the checkpoint of update {card.best_step:,} was the best on development data"
            if card.best_step
            else ""
        )
        + f". Training `{card.key}`; all details in `xharness.json`.",
        "",
        "| task | languages | examples | head |",
        "| --- | --- | --- | --- |",
    ]
    for task in card.tasks:
        each = ", ".join(f"{code} {language.examples:,}" for code, language in task.languages.items())
        total = sum(language.examples for language in task.languages.values())
        lines.append(f"| {task.name} {task.version} | {each} | {total:,} | {task.head} |")
    lines += ["", "Heads: " + ("; ".join(map(_head, card.heads)) or "none") + ".", ""]
    mixture = card.mixture
    keys = (
        "epochs",
        "max_steps",
        "learning_rate",
        "batch_size",
        "warmup_ratio",
        "warmup_steps",
        "weight_decay",
    )
    lines += [
        "| hyper-parameter | value |",
        "| --- | --- |",
        *(f"| {key} | {mixture[key]} |" for key in keys if mixture.get(key) is not None),
        f"| source | {mixture['source']} |",
        "",
    ]
    spoiled = [
        f"- {overlap.target} ({'its training languages' if overlap.languages == 'same' else 'all languages'}"
        f"{'' if overlap.part == 'train' else ', where checkpoints were selected'}): {overlap.why}"
        for task in card.tasks
        for overlap in task.overlaps
        if overlap.part == "train" or task.dev
    ]
    if spoiled:
        lines += ["No longer unseen, so not zero-shot:", "", *dict.fromkeys(spoiled), ""]
    return "\n".join(lines)


def _named(plan: MixturePlan) -> dict[str, Any]:
    """Return the mixture with its languages as picked and its tasks by name: paths are nobody's business."""
    mixture: dict[str, Any] = resolved(plan).model_dump(mode="json")
    for part, ingredient in zip(mixture["on"], plan.ingredients, strict=False):
        part["task"] = ingredient.name
    if plan.mixture.mlm is not None and plan.mixture.mlm.task is not None:
        mixture["mlm"]["task"] = plan.ingredients[-1].name
    return mixture


def _head(head: HeadRecord) -> str:
    what = head.auto_class.removeprefix("AutoModelFor")
    return f"{head.name} ({what}, {len(head.labels)} labels)" if head.labels else f"{head.name} ({what})"


def _at(parent: ParentRecord) -> str:
    return f"{parent.id}@{parent.revision}" if parent.revision else parent.id


def _languages(specs: Mapping[str, object], sets: Mapping[str, DataSet]) -> dict[str, TrainedLanguage]:
    return {
        code: TrainedLanguage(
            tag=str(getattr(specs[code], "tag", code)),
            examples=len(data.examples),
            fingerprint=content_digest(data),
        )
        for code, data in sets.items()
    }
