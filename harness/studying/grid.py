"""The graph of a study's steps: what is trained, what is evaluated, and the key that names each result."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.mixture.planning import MixturePlan
from harness.planning import DEFAULT_PROFILE, Job, Plan, choose_recipes
from harness.records import canonical_json
from harness.specs.mixture import Mixture
from harness.studying.ground import Parent, StudyRecord, adapter_of
from harness.studying.inventory import Inventory, Read, digest_of
from harness.studying.planning import Arm, StudyPlan

# System, target, seed.
Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class TrainStep:
    """The intermediate phase of an arm under one seed. `read` are its data files by their hashes."""

    key: str
    system: str
    seed: int
    parent: Parent
    mixture: Mixture
    tasks: tuple[str, ...]
    read: Read = field(repr=False)

    @property
    def label(self) -> str:
        """The step in words."""
        return f"train {self.system}, seed {self.seed} ({', '.join(self.tasks)})"

    @property
    def alike(self) -> str:
        """What steps of about the same length have in common."""
        return f"train {' + '.join(self.tasks)}"


@dataclass(frozen=True, slots=True)
class EvaluateStep:
    """One target of one model under one seed: a run folder of its own.

    `source` is the training that made the model; None: the parent as it is.
    """

    key: str
    system: str
    target: str
    seed: int
    parent: Parent
    source: TrainStep | None
    job: Job
    recipe: str
    read: Read = field(repr=False)

    @property
    def trains(self) -> bool:
        """Whether a head is trained, so that every seed has a run of its own."""
        return self.job.recipe.trains

    @property
    def label(self) -> str:
        """The step in words."""
        seed = f", seed {self.seed}" if self.trains or self.source is not None else ""
        return f"evaluate {self.system} on {self.target}{seed}"

    @property
    def alike(self) -> str:
        """What steps of about the same length have in common."""
        return f"evaluate {self.target}"


Step = TrainStep | EvaluateStep


@dataclass(frozen=True, slots=True)
class Grid:
    """All steps, each once, and where each result belongs: systems that share a step share its key."""

    trainings: Mapping[str, TrainStep]
    cells: Mapping[str, EvaluateStep]
    places: Mapping[Place, str]

    def steps(self) -> Iterator[Step]:
        """Yield every step once, seed by seed and system by system; what a step needs comes before it."""
        seen: set[str] = set()
        for cell in sorted(self.cells.values(), key=self._rank):
            if cell.source is not None and cell.source.key not in seen:
                seen.add(cell.source.key)
                yield cell.source
            yield cell

    def cells_of(self, system: str) -> dict[tuple[str, int], EvaluateStep]:
        """Return the cells of a system by target and seed."""
        return {
            (target, seed): self.cells[key] for (of, target, seed), key in self.places.items() if of == system
        }

    def _rank(self, cell: EvaluateStep) -> tuple[int, int]:
        place = next(place for place, key in self.places.items() if key == cell.key)
        seeds = list(dict.fromkeys(seed for _, _, seed in self.places))
        return seeds.index(place[2]), list(self.places).index(place)


def jobs_of(plan: StudyPlan, parent: Parent) -> dict[str, Job]:
    """Return what evaluating a parent and its descendants comes to, by target.

    Raises:
        RequestError: a target lacks the recipe, or the parent's family cannot be fine-tuned.
    """
    jobs = choose_recipes(plan.evaluation, adapter_of(plan, parent), sentence_encoder=parent.sentence_encoder)
    return {job.task.name: job for job in jobs}


def build_grid(plan: StudyPlan, ground: StudyRecord, inventory: Inventory) -> Grid:
    """Return the steps of a study, with their keys.

    An arm has one phase per seed, or one altogether; a target one run per seed where its head or its
    encoder differs by seed, else one.
    """
    jobs = {name: jobs_of(plan, ground.parents[name]) for name in plan.parents}
    read = {
        (name, target): inventory.of_job(job) for name, found in jobs.items() for target, job in found.items()
    }
    trainings: dict[str, TrainStep] = {}
    cells: dict[str, EvaluateStep] = {}
    places: dict[Place, str] = {}
    seeds = plan.spec.seeds
    for arm in plan.arms.values():
        parent = ground.parents[arm.parent]
        own = _trainings(plan, arm, parent, ground, inventory)
        for step in own.values():
            trainings.setdefault(step.key, step)
        for target, job in jobs[arm.parent].items():
            many = job.recipe.trains or len(own) > 1
            for seed in seeds if many else seeds[:1]:
                source = trainings[own.get(seed, own[seeds[0]]).key] if own else None
                cell = _cell(
                    plan,
                    arm,
                    parent,
                    source,
                    job,
                    seed=seed,
                    ground=ground,
                    read=read[arm.parent, target],
                )
                cells.setdefault(cell.key, cell)
                places[arm.name, target, seed] = cell.key
    return Grid(trainings, cells, places)


def _trainings(
    plan: StudyPlan, arm: Arm, parent: Parent, ground: StudyRecord, inventory: Inventory
) -> dict[int, TrainStep]:
    mixture = arm.resolved
    if arm.mixture is None or mixture is None:
        return {}
    read = inventory.of_mixture(arm.mixture)
    specs = [
        [ingredient.task.sha256, *(spec.model_dump(mode="json") for spec in ingredient.read)]
        for ingredient in arm.mixture.ingredients
    ]
    found = {}
    for seed in arm.training_seeds(plan.spec.seeds):
        key = _key(
            step="train",
            parent=_weights(parent),
            adapter=parent.adapter_sha256,
            mixture=_content(arm.mixture, mixture),
            specs=specs,
            data=digest_of(read),
            seed=seed,
            machine=ground.machine.model_dump(mode="json"),
            versions=ground.decisive,
        )
        tasks = tuple(ingredient.name for ingredient in arm.mixture.ingredients)
        found[seed] = TrainStep(key, arm.name, seed, parent, mixture, tasks, read)
    return found


def _content(plan: MixturePlan, mixture: Mixture) -> dict[str, Any]:
    """Return what of a mixture decides numbers: not where they come from, nor where its tasks' files lie."""
    content = mixture.model_dump(mode="json", exclude={"source"})
    for part, ingredient in zip(content["on"], plan.ingredients, strict=False):
        part["task"] = ingredient.name
    if mixture.mlm is not None and mixture.mlm.task is not None:
        content["mlm"]["task"] = plan.ingredients[-1].name
    return content


def _cell(
    plan: StudyPlan,
    arm: Arm,
    parent: Parent,
    source: TrainStep | None,
    job: Job,
    *,
    seed: int,
    ground: StudyRecord,
    read: Read,
) -> EvaluateStep:
    selected = next(s for s in plan.evaluation.selected if s.task.spec.name == job.task.name)
    key = _key(
        step="evaluate",
        model=_weights(parent) if source is None else source.key,
        adapter=parent.adapter_sha256,
        task=selected.task.sha256,
        trained_as=job.trained_as.model_dump(mode="json") if job.trained_as is not job.task else None,
        languages=job.languages,
        expected=selected.expected,
        recipe=job.recipe_name,
        # Without a head to train the seed decides nothing that the model does not.
        seed=seed if job.recipe.trains else None,
        data=digest_of(read),
        machine=ground.machine.model_dump(mode="json"),
        versions=ground.decisive,
    )
    recipe = profile_of(plan.evaluation, job, parent)
    return EvaluateStep(key, arm.name, job.task.name, seed, parent, source, job, recipe, read)


def profile_of(plan: Plan, job: Job, parent: Parent) -> str:
    """Return the recipe that is asked for where a descendant of a parent is evaluated on a target.

    It is what the parent's own would be: a sentence encoder that was trained further brings no modules.
    """
    if plan.request.recipe is not None:
        return plan.request.recipe
    if parent.sentence_encoder and job.task.embeds:
        return "none"
    return plan.suite.spec.default_recipe if plan.suite else DEFAULT_PROFILE


def _weights(parent: Parent) -> list[str]:
    return [parent.weights_sha256, parent.settings_sha256]


def _key(**content: Any) -> str:
    return hashlib.sha256(canonical_json(content).encode("utf-8")).hexdigest()[:16]
