"""What a study comes to before anything is opened: its arms with their mixtures, its targets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.places import Places
from harness.errors import HarnessError, RequestError, SpecError, raise_all
from harness.languages import language_of
from harness.mixture.planning import MixturePlan, plan_mixture, resolved
from harness.planning import Plan, make_plan
from harness.records import canonical_json
from harness.specfiles.catalog import Loaded, load_study
from harness.specs.mixture import Mixture
from harness.specs.run import RunSpec
from harness.specs.study import StudyRequest, StudySpec, SystemSpec
from harness.studying.exposure import unseen_languages

_NUMBER = re.compile(r"^\s*\d+\. ")


@dataclass(frozen=True, slots=True)
class Arm:
    """One system of the study. `parent` is the checkpoint that it begins from, as it is written."""

    name: str
    spec: SystemSpec
    parent: str
    mixture: MixturePlan | None

    @property
    def resolved(self) -> Mixture | None:
        """The mixture with every choice of languages replaced by what it came to."""
        return resolved(self.mixture) if self.mixture is not None else None

    def training_seeds(self, seeds: Sequence[int]) -> tuple[int, ...]:
        """Return the seeds of its intermediate phase."""
        if self.mixture is None:
            return ()
        return tuple(seeds[:1]) if self.spec.once else tuple(seeds)


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """A study with every name looked up.

    `evaluation` holds suite, tasks and languages; `named` how each target is named in the study, which is
    a path for a YAML file of the user's own.
    """

    request: StudyRequest
    places: Places
    loaded: Loaded[StudySpec]
    arms: Mapping[str, Arm]
    evaluation: Plan
    named: Mapping[str, str]

    @property
    def spec(self) -> StudySpec:
        """The study as it is written."""
        return self.loaded.spec

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the targets."""
        return tuple(self.named)

    @property
    def parents(self) -> tuple[str, ...]:
        """The checkpoints that arms begin from, each once."""
        return tuple(dict.fromkeys(arm.parent for arm in self.arms.values()))


def plan_study(request: StudyRequest, tolerated: list[str] | None = None) -> StudyPlan:
    """Look up everything that a study names.

    With `tolerated` arms whose mixture will not do are left out, and their problems added to it.

    Raises:
        HarnessError: unknown tasks, languages that a task lacks, arms that contradict each other, a contrast
            that no language is left for; all problems together.
    """
    loaded, places = load_study(request.study), study_places(request)
    study, problems = loaded.spec, list[str]()
    evaluation = None
    try:
        evaluation = make_plan(
            RunSpec(
                model=study.model,
                tasks=study.targets,
                suite=study.suite,
                languages=study.languages,
                recipe=study.recipe,
                seeds=study.seeds,
            )
        )
    except HarnessError as error:
        problems += [
            line.replace("--tasks", "targets").replace("--languages", "languages")
            for line in problems_of(error)
        ]
    arms = {}
    for name, system in study.systems.items():
        mixture = None
        try:
            mixture = plan_mixture(system.train, places) if system.train is not None else None
        except HarnessError as error:
            lines = [f"system {name!r}: {line}" for line in problems_of(error)]
            (problems if tolerated is None else tolerated).extend(lines)
            continue
        arms[name] = Arm(name, system, system.model or study.model, mixture)
    raise_all(SpecError, problems)
    assert evaluation is not None, "BUG: no plan and no problem"
    selected = [entry.task.spec.name for entry in evaluation.selected]
    plan = StudyPlan(
        request, places, loaded, arms, evaluation, dict(zip(selected, study.targets or selected, strict=True))
    )
    raise_all(RequestError, [*_repeated_arms(plan), *_empty_contrasts(plan), *_unmatched(plan)])
    return plan


def problems_of(error: HarnessError) -> list[str]:
    """Return the problems that an error lists, each without its number, so that lists can be joined."""
    first, *lines = str(error).splitlines()
    if not lines or not first.endswith("problems:"):
        return [str(error)]
    return [_NUMBER.sub("", line) for line in lines]


def study_places(request: StudyRequest) -> Places:
    """Return where a study lets data come from.

    Raises:
        RequestError: the data folder does not exist.
    """
    folder = Path(request.data_dir) if request.data_dir is not None else None
    return Places(folder, request.sources, request.offline).checked()


def _repeated_arms(plan: StudyPlan) -> list[str]:
    """Return a problem for every two arms that are one and the same: their difference is chance, or 0."""
    problems, seen = [], dict[str, str]()
    for arm in plan.arms.values():
        mixture = arm.resolved
        content = mixture.model_dump(mode="json", exclude={"source"}) if mixture else None
        key = canonical_json([arm.parent, content, arm.spec.once])
        if key in seen:
            problems.append(
                f"systems {seen[key]!r} and {arm.name!r} are the same: parent, tasks, languages and "
                "hyper-parameters; remove one"
            )
        seen.setdefault(key, arm.name)
    return problems


def _unmatched(plan: StudyPlan) -> list[str]:
    """Return a problem where arms that must match pick different numbers of languages.

    Picked languages can be counted against each other; languages named by hand are the study's own choice.
    """
    counts: dict[str, list[int]] = {}
    for name in plan.spec.matched:
        mixture = plan.spec.systems[name].train
        picked = [part.languages for part in mixture.on] if mixture is not None else []
        numbers = [getattr(choice, "diverse", None) or getattr(choice, "close", None) for choice in picked]
        if any(numbers):
            counts[name] = [number or 0 for number in numbers]
    if len({tuple(numbers) for numbers in counts.values()}) < 2:
        return []
    said = ", ".join(f"{name} {'+'.join(map(str, numbers))}" for name, numbers in counts.items())
    return [f"matched: the systems pick different numbers of languages ({said}); give the same number to all"]


def _empty_contrasts(plan: StudyPlan) -> list[str]:
    study = plan.spec
    if study.primary is None and not study.secondary:
        return []
    unseen = unseen_languages(plan.evaluation.selected, plan_exposure(plan))
    if any(unseen.values()):
        with_gap = [
            entry.task.spec.name
            for entry in plan.evaluation.selected
            if unseen[entry.task.spec.name] and entry.task.spec.source_language in entry.languages
        ]
        wanted = {c.quantity for c in (study.primary, *study.secondary) if c is not None}
        if with_gap or "gap_reduction" not in wanted:
            return []
        return [
            "primary, secondary: a gap reduction needs the source language, and no target with languages "
            "that no arm was trained on is tested in it; add it to `languages`, add such targets, or ask for "
            "`quantity: difference`"
        ]
    arms = ", ".join(name for name, arm in plan.arms.items() if arm.mixture is not None)
    return [
        "primary, secondary: contrasts are over target languages that no arm was trained on, and none is "
        f"left ({arms} together train on all of them); add targets or languages, or `exclude` some from "
        "training"
    ]


def plan_exposure(plan: StudyPlan) -> frozenset[str]:
    """Return all languages that some arm is going to be trained on, as `language_of` says them."""
    return frozenset(
        language_of(ingredient.task.spec.languages[code].tag)
        for arm in plan.arms.values()
        if arm.mixture is not None
        for ingredient in arm.mixture.ingredients
        for code in ingredient.languages
    )
