"""A benchmark: which tasks in which languages, and how their scores are averaged."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from harness.specs.base import Name, Spec


class SuiteTask(Spec):
    """A task as this suite uses it: its languages (None: all of the task's), its recipes by profile.

    `recipes` maps a profile (`xtreme`, `jiant`, ...) to the name of one of the task's recipes,
    where this suite differs from the recipe of that very name.
    """

    languages: tuple[str, ...] | None = None
    recipes: dict[str, str] = Field(default_factory=dict)


class SuiteSpec(Spec):
    """A suite in one YAML file. It may name tasks that have no spec: they count as missing."""

    name: Name
    version: str
    title: str
    citation: str
    notes: str = ""
    default_recipe: Name
    tasks: dict[str, SuiteTask] = Field(min_length=1)
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    overall: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _groups_name_tasks(self) -> Self:
        for group, members in [*self.groups.items(), ("overall", self.overall)]:
            for task in members:
                if task not in self.tasks:
                    raise ValueError(f"group {group!r} names {task!r}, which is not among the tasks")
        return self
