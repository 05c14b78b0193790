"""A benchmark: which tasks in which languages, and how their scores are averaged."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from harness.specs.base import LanguageCode, Name, Spec, Text, refuse_repeats


class SuiteTask(Spec):
    """A task as this suite uses it: its languages (None: all of the task's), its recipes by profile.

    `recipes` maps a profile (`xtreme`, `jiant`, ...) to the name of one of the task's recipes,
    where this suite differs from the recipe of that very name.
    """

    languages: tuple[LanguageCode, ...] | None = Field(default=None, min_length=1)
    recipes: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _once(self) -> Self:
        refuse_repeats("languages", self.languages or ())
        return self


class SuiteSpec(Spec):
    """A suite in one YAML file. It may name tasks that have no spec: they count as missing.

    `overall_note` stands under the table of every run, where `overall` needs a word.
    """

    name: Name
    version: Text
    title: str
    citation: str
    notes: str = ""
    default_recipe: Name
    tasks: dict[Name, SuiteTask] = Field(min_length=1)
    groups: dict[Text, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(default_factory=dict)
    overall: tuple[str, ...] = ()
    overall_note: str = ""

    @model_validator(mode="after")
    def _groups_name_tasks(self) -> Self:
        for group, members in [*self.groups.items(), ("overall", self.overall)]:
            refuse_repeats("overall" if members is self.overall else f"groups {group!r}", members)
            for task in members:
                if task not in self.tasks:
                    raise ValueError(f"group {group!r} names {task!r}, which is not among the tasks")
        return self
