"""What a mixture comes to: its tasks with their languages, and the heads that they train."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.data.intermediate import with_labels
from harness.data.places import Places
from harness.errors import HarnessError, SpecError, raise_all
from harness.kinds.base import Head
from harness.kinds.table import head_for
from harness.metrics.table import metric_named
from harness.mixture.choosing import resolve_languages
from harness.records import canonical_json
from harness.specfiles.catalog import Loaded, load_intermediates
from harness.specfiles.joins import expand_joins
from harness.specs.intermediate import IntermediateSpec, TrainingLanguage
from harness.specs.mixture import Languages, MaskedText, Mixture
from harness.specs.settings import KindSettings
from harness.specs.task import LocalSource, Source

FILES = "files"


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One task of a mixture.

    `read` are the specs whose examples it is made of: its own, or those it joins. `head` is the number
    of the head that it trains. `examples`: over all languages; None takes every one.
    """

    task: Loaded[IntermediateSpec]
    read: tuple[IntermediateSpec, ...]
    languages: tuple[str, ...]
    examples: int | None
    settings: KindSettings
    head: int

    @property
    def name(self) -> str:
        """The name of the task."""
        return self.task.spec.name


@dataclass(frozen=True, slots=True)
class NamedHead:
    """A head, called after the first task that trains it."""

    name: str
    kind: str
    head: Head


@dataclass(frozen=True, slots=True)
class MixturePlan:
    """A mixture with everything looked up. Masked text, where there is any, is the last ingredient."""

    mixture: Mixture
    ingredients: tuple[Ingredient, ...]
    heads: tuple[NamedHead, ...]


def plan_mixture(mixture: Mixture, places: Places) -> MixturePlan:
    """Look up the tasks of a mixture, choose their languages, and give each its head.

    `places` are asked for the labels of tasks that keep them in a file of their data.

    Raises:
        SpecError: unknown tasks, languages that a task lacks, settings that it does not take, labels that
            contradict each other; all problems together.
        RequestError: there is no such distance to choose languages by.
    """
    loaded = load_intermediates([part.task for part in mixture.on])
    problems: list[str] = []
    entries: list[tuple[Loaded[IntermediateSpec], Languages, int | None, int | None]] = [
        (task, part.languages, part.examples, part.max_length)
        for task, part in zip(loaded, mixture.on, strict=True)
    ]
    if mixture.mlm is not None:
        text = _masked_text(mixture.mlm)
        if text.spec.kind != "masked_lm":
            problems.append(
                f"mlm: task {text.spec.name!r} is of kind {text.spec.kind!r}, not text (masked_lm)"
            )
        entries.append((text, mixture.mlm.languages, mixture.mlm.examples, mixture.mlm.max_length))
    ingredients: list[Ingredient] = []
    heads: list[NamedHead] = []
    for task, languages, examples, max_length in entries:
        try:
            spec = with_labels(task.spec, places)
            read = (spec,) if not spec.joins else tuple(m.spec for m in expand_joins(task))
            tags = {code: language.tag for code, language in spec.languages.items()}
            codes = resolve_languages(languages, tags, where=f"task {spec.name!r}")
            settings = spec.settings_with({} if max_length is None else {"max_length": max_length})
            problems += _problems_of_metrics(spec)
            if mixture.selection is not None and not spec.metrics and any(part.dev for part in read):
                problems.append(
                    f"task {spec.name!r}: joins tasks with development sets, but has no metrics to select "
                    "checkpoints by; give it `metrics`, or remove `selection`"
                )
        except (HarnessError, ValueError) as error:
            problems.append(str(error))
            continue
        number = _head_of(spec, heads, shared=mixture.share_heads)
        ingredients.append(Ingredient(replace(task, spec=spec), read, codes, examples, settings, number))
    raise_all(SpecError, [*problems, *_named_twice(ingredients)])
    return MixturePlan(mixture, tuple(ingredients), tuple(heads))


def resolved(plan: MixturePlan) -> Mixture:
    """Return the mixture with every choice of languages replaced by what it came to."""
    count = len(plan.mixture.on)
    on = tuple(
        part.model_copy(update={"languages": ingredient.languages})
        for part, ingredient in zip(plan.mixture.on, plan.ingredients[:count], strict=True)
    )
    mlm = plan.mixture.mlm
    if mlm is not None:
        mlm = mlm.model_copy(update={"languages": plan.ingredients[-1].languages})
    return plan.mixture.model_copy(update={"on": on, "mlm": mlm})


def _head_of(spec: IntermediateSpec, heads: list[NamedHead], *, shared: bool) -> int:
    """Return the number of the head that a task trains, a new one unless an earlier one is shared."""
    if shared:
        for number, known in enumerate(heads):
            if known.kind == spec.kind and set(known.head.labels) == set(spec.labels):
                return number
    heads.append(NamedHead(spec.name, spec.kind, head_for(spec.kind, spec)))
    return len(heads) - 1


def _masked_text(mlm: MaskedText) -> Loaded[IntermediateSpec]:
    if mlm.task is not None:
        return load_intermediates([mlm.task])[0]
    from harness.specfiles.language_tables import known_languages

    known = known_languages()
    spec = IntermediateSpec(
        name=FILES,
        version="1",
        kind="masked_lm",
        title="the user's own text",
        licence="the user's own",
        citation="none",
        languages={
            code: TrainingLanguage(tag=known[code].tag if code in known else code, values={"file": file})
            for code, file in mlm.files.items()
        },
        train=Source(local=LocalSource(reader="text_lines", files={"text": ("{file}",)})),
    )
    digest = hashlib.sha256(canonical_json(mlm.files).encode("utf-8")).hexdigest()
    return Loaded(spec, Path(FILES), digest)


def _problems_of_metrics(spec: IntermediateSpec) -> list[str]:
    problems = []
    for entry in spec.metrics:
        try:
            metric_named(entry.computes)
        except SpecError as error:
            problems.append(f"task {spec.name!r}, metric {entry.name!r}: {error}")
    return problems


def _named_twice(ingredients: Sequence[Ingredient]) -> list[str]:
    names = [ingredient.name for ingredient in ingredients]
    return [
        f"task {name!r} is in the mixture twice; give it once, with all its languages"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
