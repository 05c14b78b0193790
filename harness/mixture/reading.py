"""The examples of a mixture, with everything that is missing said before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.data.fingerprint import content_digest
from harness.data.intermediate import (
    dev_places,
    load_dev_part,
    load_training_part,
    part_problems,
    training_places,
)
from harness.data.places import Places
from harness.data.wanted import fetch_or_warn, intermediate_parts
from harness.errors import DataError, raise_all
from harness.mixture.planning import Ingredient, MixturePlan
from harness.progress import Progress
from harness.records import DataSet
from harness.training.schedule import pick_examples


@dataclass(frozen=True, slots=True)
class Ingredients:
    """The data of one ingredient: what is trained on, by language, and what selects checkpoints."""

    train: Mapping[str, DataSet]
    dev: Mapping[str, DataSet]

    @property
    def digests(self) -> dict[str, str]:
        """The hash of what a model sees of each language's training data."""
        return {code: content_digest(data) for code, data in self.train.items()}


def fetch_mixture(plan: MixturePlan, places: Places, progress: Progress) -> None:
    """Fetch from the hub what the data folder lacks, where the hub's copy is pinned.

    What cannot be had is warned of; `check_mixture` then says all that is missing.
    """
    with_dev = plan.mixture.selection is not None
    groups = [
        intermediate_parts(spec, ingredient.languages, with_dev=with_dev)
        for ingredient in plan.ingredients
        for spec in ingredient.read
    ]
    fetch_or_warn(groups, places, progress)


def check_mixture(plan: MixturePlan, places: Places) -> None:
    """Refuse a mixture whose files are not all there; nothing is read yet.

    Raises:
        DataError: every missing file, with what to do.
    """
    selects = plan.mixture.selection is not None
    problems: list[str] = []
    for ingredient in plan.ingredients:
        for spec in ingredient.read:
            problems += part_problems(spec, ingredient.languages, places, with_dev=selects)
    if selects and not any(spec.dev for ingredient in plan.ingredients for spec in ingredient.read):
        names = ", ".join(ingredient.name for ingredient in plan.ingredients)
        problems.append(
            f"selection: none of {names} has a development set to select checkpoints on; remove `selection`, "
            "and the last checkpoint is kept"
        )
    raise_all(DataError, list(dict.fromkeys(problems)))


def read_mixture(
    plan: MixturePlan, places: Places, *, seed: int, progress: Progress
) -> tuple[Ingredients, ...]:
    """Read the data of every ingredient; where a number of examples is asked for, draw them by the seed.

    Raises:
        DataError: a file is malformed, or a language has fewer examples than its part of what is asked for.
    """
    found = []
    for ingredient in plan.ingredients:
        selects = plan.mixture.selection is not None
        train, dev = {}, {}
        # One copy of the data for all languages of a part, so that no two releases are mixed.
        sides = [
            (
                spec,
                training_places(spec, ingredient.languages, places),
                dev_places(spec, ingredient.languages, places),
            )
            for spec in ingredient.read
        ]
        with progress.phase(f"reading {ingredient.name}", len(ingredient.languages), "languages") as advance:
            for code in ingredient.languages:
                train[code] = _joined(
                    ingredient, code, [load_training_part(spec, code, there) for spec, there, _ in sides]
                )
                parts = [load_dev_part(spec, code, there) for spec, _, there in sides] if selects else []
                held = [part for part in parts if part is not None]
                if held:
                    dev[code] = _joined(ingredient, code, held)
                advance(1)
        found.append(Ingredients(_picked(ingredient, train, seed), dev))
    return tuple(found)


def _joined(ingredient: Ingredient, code: str, parts: Sequence[DataSet]) -> DataSet:
    """Return the examples of all parts under the task's own name; ids say which part they are of."""
    if len(parts) == 1:
        return replace(parts[0], task=ingredient.name)
    examples = tuple(
        replace(example, example_id=f"{part.task}/{example.example_id}")
        for part in parts
        for example in part.examples
    )
    sources = tuple(source for part in parts for source in part.sources)
    return replace(parts[0], task=ingredient.name, language=code, examples=examples, sources=sources)


def _picked(ingredient: Ingredient, train: Mapping[str, DataSet], seed: int) -> dict[str, DataSet]:
    if ingredient.examples is None:
        return dict(train)
    sizes = {code: len(data.examples) for code, data in train.items()}
    try:
        picked = pick_examples(sizes, ingredient.examples, task=ingredient.name, seed=seed)
    except ValueError as error:
        raise DataError(
            f"task {ingredient.name!r}: {error}. Ask for fewer examples, or leave such languages out"
        ) from None
    return {
        code: replace(data, examples=tuple(data.examples[i] for i in np.asarray(picked[code]).tolist()))
        for code, data in train.items()
    }
