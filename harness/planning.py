"""Steps 1 and 2 of a run: what exactly is to be done, with all problems reported together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import RequestError, SpecError, did_you_mean, raise_all
from harness.kinds.base import Kind
from harness.kinds.table import TABLE, kind_named
from harness.metrics.table import metric_named
from harness.specfiles.catalog import Loaded, list_tasks, load_suite, load_task, load_tasks
from harness.specs.adapter import AdapterSpec
from harness.specs.recipe import Recipe
from harness.specs.run import RunSpec
from harness.specs.settings import KindSettings
from harness.specs.suite import SuiteSpec
from harness.specs.task import TaskSpec

DEFAULT_PROFILE = "xtreme"


@dataclass(frozen=True, slots=True)
class Selected:
    """A task as this run will evaluate it, before a recipe is chosen.

    `expected` are the languages whose mean is the benchmark's number; `languages` those asked for.
    """

    task: Loaded[TaskSpec]
    expected: tuple[str, ...]
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A task with everything that decides its numbers."""

    task: TaskSpec
    kind: Kind
    languages: tuple[str, ...]
    recipe_name: str
    recipe: Recipe
    settings: KindSettings
    # The task whose training this job uses: itself, or the one that its recipe's `encoder_of` names.
    trained_as: TaskSpec
    phases_of: Recipe


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request comes down to: its suite, its tasks, and what of the suite is left out."""

    request: RunSpec
    suite: Loaded[SuiteSpec] | None
    selected: tuple[Selected, ...]
    absent: Mapping[str, tuple[str, ...]]  # task of the suite that is not evaluated -> its languages


def make_plan(request: RunSpec) -> Plan:
    """Resolve suite, tasks and languages.

    Raises:
        RequestError: unknown names, or a task left without a language; all of them at once.
        SpecError: YAML files that are wrong; all problems of all files at once.
    """
    suite = load_suite(request.suite) if request.suite else None
    known, problems = list_tasks(), []
    if request.tasks:
        names: tuple[str, ...] = request.tasks
        for name in names:
            if not _is_path(name) and name not in known:
                in_suite = suite is not None and name in suite.spec.tasks
                why = "has no specification in this version" if in_suite else "is not a task"
                problems.append(
                    f"--tasks: {name!r} {why}{did_you_mean(name, known)}; there are {', '.join(known)}"
                )
            elif suite is not None and not _is_path(name) and name not in suite.spec.tasks:
                problems.append(
                    f"--tasks: {name!r} is not in suite {suite.spec.name!r}, which has "
                    f"{', '.join(suite.spec.tasks)}"
                )
        if len(set(names)) != len(names):
            problems.append(f"--tasks: {', '.join(names)} names a task twice")
    else:
        assert suite is not None, "BUG: RunSpec lets no request without tasks and suite pass"
        names = tuple(name for name in suite.spec.tasks if name in known)
        if not names:
            problems.append(
                f"--suite: no task of {suite.spec.name!r} has a specification ({', '.join(suite.spec.tasks)})"
            )
    raise_all(RequestError, problems)
    tasks = load_tasks(names)
    problems += _repeated(tasks)
    for loaded in tasks:
        if loaded.spec.kind not in TABLE:
            problems.append(
                f"task {loaded.spec.name!r} is of kind {loaded.spec.kind!r}, which this version does not run"
            )
    raise_all(RequestError, problems)
    selected = _select_languages(tasks, suite, request.languages)
    chosen = {loaded.spec.name for loaded in tasks}
    absent = {
        name: entry.languages or (tuple(load_task(name).spec.languages) if name in known else ())
        for name, entry in (suite.spec.tasks.items() if suite else ())
        if name not in chosen
    }
    return Plan(request, suite, selected, absent)


def _repeated(tasks: Sequence[Loaded[TaskSpec]]) -> list[str]:
    """Return a problem for each task name that two files bring: results are kept by name."""
    problems, seen = [], dict[str, Loaded[TaskSpec]]()
    for loaded in tasks:
        name = loaded.spec.name
        if name in seen:
            problems.append(
                f"--tasks: {seen[name].path} and {loaded.path} are both called {name!r}; rename one"
            )
        seen[name] = loaded
    return problems


def _is_path(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _select_languages(
    tasks: Sequence[Loaded[TaskSpec]], suite: Loaded[SuiteSpec] | None, asked: tuple[str, ...] | None
) -> tuple[Selected, ...]:
    expected: dict[str, tuple[str, ...]] = {}
    for loaded in tasks:
        entry = suite.spec.tasks.get(loaded.spec.name) if suite else None
        expected[loaded.spec.name] = (entry.languages if entry else None) or tuple(loaded.spec.languages)
    everywhere = sorted({code for codes in expected.values() for code in codes})
    problems = []
    for code in asked or ():
        if code not in everywhere:
            problems.append(
                f"--languages: no chosen task has {code!r}{did_you_mean(code, everywhere)}; "
                f"they have {', '.join(everywhere)}"
            )
    selected = []
    for loaded in tasks:
        codes = expected[loaded.spec.name]
        chosen = tuple(code for code in codes if asked is None or code in asked)
        if not chosen:
            problems.append(
                f"--languages {','.join(asked or ())}: none is in task {loaded.spec.name!r}, "
                f"which has {', '.join(codes)}"
            )
        selected.append(Selected(loaded, codes, chosen))
    raise_all(RequestError, problems)
    return tuple(selected)


def choose_recipes(plan: Plan, adapter: AdapterSpec, *, sentence_encoder: bool) -> tuple[Job, ...]:
    """Give each selected task its recipe and settings.

    The recipe is the one asked for, else the suite's own; `none` where a sentence encoder meets a
    retrieval task. It is never guessed from which training data happen to be there.

    Raises:
        RequestError: a task has no such recipe, or the model family cannot be fine-tuned.
    """
    jobs, problems = [], []
    without: list[str] = []
    for selected in plan.selected:
        task = selected.task.spec
        name = _recipe_name(plan, task, sentence_encoder=sentence_encoder)
        if name not in task.recipes:
            problems.append(
                f"task {task.name!r} has no recipe {name!r}{did_you_mean(name, task.recipes)}; "
                f"it has {', '.join(task.recipes)}"
            )
            without.append(task.name)
            continue
        recipe = task.recipes[name]
        trained_as, phases_of = task, recipe
        if recipe.encoder_of:
            trained_as = load_task(recipe.encoder_of).spec
            profile = plan.request.recipe or (plan.suite.spec.default_recipe if plan.suite else name)
            found = trained_as.recipes.get(profile) or trained_as.recipes.get(DEFAULT_PROFILE)
            if found is None:
                problems.append(
                    f"task {task.name!r}: recipe {name!r} takes the encoder of {trained_as.name!r}, which "
                    f"has neither a recipe {profile!r} nor {DEFAULT_PROFILE!r}; it has "
                    f"{', '.join(trained_as.recipes)}"
                )
                continue
            phases_of = found
        if recipe.trains and not adapter.fine_tunes:
            problems.append(
                f"task {task.name!r}: recipe {name!r} trains, but adapter {adapter.name!r} is not for "
                "fine-tuning; use --recipe none"
            )
        kind = kind_named(task.kind)
        problems += _problems_of_metrics(task, kind)
        if recipe.trains and kind_named(trained_as.kind).head(trained_as) is None:
            problems.append(
                f"task {task.name!r}: recipe {name!r} trains as {trained_as.name!r}, which trains nothing"
            )
        jobs.append(
            Job(
                task, kind, selected.languages, name, recipe, task.settings_for(recipe), trained_as, phases_of
            )
        )
    if without and jobs:
        problems.append(f"--tasks {','.join(job.task.name for job in jobs)} runs those that have the recipe")
    raise_all(RequestError, problems)
    return tuple(jobs)


def _problems_of_metrics(task: TaskSpec, kind: Kind) -> list[str]:
    problems = []
    for entry in task.metrics:
        try:
            metric_named(entry.computes)
        except SpecError as error:
            problems.append(f"task {task.name!r}, metric {entry.name!r}: {error}")
        if entry.output not in kind.formats:
            problems.append(
                f"task {task.name!r}, metric {entry.name!r}: output {entry.output!r} is not among those of "
                f"kind {task.kind!r}: {', '.join(kind.formats)}"
            )
    return problems


def _recipe_name(plan: Plan, task: TaskSpec, *, sentence_encoder: bool) -> str:
    profile = plan.request.recipe
    if profile is None:
        if sentence_encoder and task.embeds:
            return "none"
        profile = plan.suite.spec.default_recipe if plan.suite else DEFAULT_PROFILE
    entry = plan.suite.spec.tasks.get(task.name) if plan.suite else None
    return entry.recipes.get(profile, profile) if entry else profile
