"""Which parts of which tasks the options of `xharness data` name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.commands.lists import split_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.data.wanted import Part
    from harness.specs.intermediate import IntermediateSpec
    from harness.specs.suite import SuiteSpec
    from harness.specs.task import TaskSpec


def wanted_parts(
    suite: str | None,
    tasks: str | None,
    intermediate: str | None,
    languages: str | None,
    recipe: str | None,
    *,
    with_training: bool,
) -> list[Part]:
    """Return the parts of the tasks that the options name, each once.

    Intermediate tasks come with their development sets, and in place of one that joins others these.

    Raises:
        RequestError, SpecError: what is asked for is not there.
    """
    codes = None if languages is None else split_list("--languages", languages)
    trained = () if intermediate is None else _intermediate_parts(intermediate, codes)
    if trained and suite is None and tasks is None:
        return list(trained)
    return [*_target_parts(suite, tasks, codes, recipe, with_training=with_training), *trained]


def specs_to_pin(names: Sequence[str]) -> list[TaskSpec | IntermediateSpec]:
    """Return the target and intermediate tasks of these names; in place of one that joins others these.

    Raises:
        SpecError: as `load_any_tasks`.
    """
    from harness.specfiles.catalog import load_any_tasks, load_intermediates
    from harness.specs.intermediate import IntermediateSpec

    specs: dict[str, TaskSpec | IntermediateSpec] = {}
    for spec in (loaded.spec for loaded in load_any_tasks(names)):
        joins = spec.joins if isinstance(spec, IntermediateSpec) else ()
        found = [loaded.spec for loaded in load_intermediates(joins)] if joins else [spec]
        specs |= {one.name: one for one in found}
    return list(specs.values())


def _intermediate_parts(names: str, codes: tuple[str, ...] | None) -> tuple[Part, ...]:
    from harness.data.wanted import intermediate_parts
    from harness.errors import RequestError, did_you_mean, raise_all
    from harness.specfiles.catalog import load_intermediates
    from harness.specfiles.joins import expand_joins

    loaded = load_intermediates(split_list("--intermediate", names))
    specs = {member.spec.name: member.spec for one in loaded for member in expand_joins(one)}
    everywhere = dict.fromkeys(code for spec in specs.values() for code in spec.languages)
    problems = [
        f"--languages: no chosen intermediate task has {code!r}{did_you_mean(code, everywhere)}; "
        f"they have {', '.join(everywhere)}"
        for code in codes or ()
        if code not in everywhere
    ]
    parts: list[Part] = []
    for spec in specs.values():
        chosen = tuple(code for code in spec.languages if codes is None or code in codes)
        if not chosen and not problems:
            problems.append(
                f"--languages: intermediate task {spec.name!r} has none of {', '.join(codes or ())}; "
                f"it has {', '.join(spec.languages)}"
            )
        parts += intermediate_parts(spec, chosen)
    raise_all(RequestError, problems)
    return tuple(parts)


def _target_parts(
    suite: str | None,
    tasks: str | None,
    codes: tuple[str, ...] | None,
    recipe: str | None,
    *,
    with_training: bool,
) -> list[Part]:
    from harness.commands.requests import build_request
    from harness.data.wanted import parts_of
    from harness.planning import make_plan
    from harness.specs.run import RunSpec

    asked = {
        "model": "-",
        "suite": suite,
        "tasks": () if tasks is None else split_list("--tasks", tasks),
        "languages": codes,
        "recipe": recipe,
    }
    plan = make_plan(build_request(RunSpec, asked))
    parts: dict[tuple[str, str, str], Part] = {}
    for selected in plan.selected:
        found = [*parts_of(selected.task.spec, selected.languages, {})]
        if with_training:
            found += _training_parts(selected.task.spec, plan.suite.spec if plan.suite else None, recipe)
        parts |= {(part.task.name, part.role, part.name): part for part in found}
    return list(parts.values())


def _training_parts(task: TaskSpec, suite: SuiteSpec | None, profile: str | None) -> Sequence[Part]:
    """Return what the recipe trains on; where it takes another task's encoder, what that trains on."""
    from harness.data.wanted import parts_of, training_of
    from harness.errors import RequestError, did_you_mean
    from harness.planning import DEFAULT_PROFILE
    from harness.specfiles.catalog import load_task

    profile = profile or (suite.default_recipe if suite else DEFAULT_PROFILE)
    entry = suite.tasks.get(task.name) if suite else None
    name = entry.recipes.get(profile, profile) if entry else profile
    if name not in task.recipes:
        raise RequestError(
            f"task {task.name!r} has no recipe {name!r}{did_you_mean(name, task.recipes)}; "
            f"it has {', '.join(task.recipes)}"
        )
    recipe = task.recipes[name]
    if recipe.encoder_of:
        task = load_task(recipe.encoder_of).spec
        recipe = task.recipes.get(profile) or task.recipes[DEFAULT_PROFILE]
    return parts_of(task, (), training_of(recipe))
