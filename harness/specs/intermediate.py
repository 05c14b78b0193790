"""An intermediate task: what an encoder is trained on before the target task, and what that spoils."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from harness.specs.base import LanguageCode, Name, Spec, Text, refuse_repeats
from harness.specs.settings import INTERMEDIATE_SETTINGS, KindSettings
from harness.specs.task import MetricEntry, Source

IntermediateKind = Literal["classification", "multiple_choice", "tagging", "span_qa", "masked_lm"]


class TrainingLanguage(Spec):
    """A language of an intermediate task: its code there, its BCP 47 tag, and what file patterns need.

    `rows` and `dev_rows` count the examples of the release, where a source gives them; `data check`
    compares.
    """

    tag: str
    rows: PositiveInt | None = None
    dev_rows: PositiveInt | None = None
    values: dict[str, str] = Field(default_factory=dict)


class LabelsFile(Spec):
    """Labels that stand in a file of the user's own: a JSON object, label -> number from 0 on.

    `files` are patterns under the data folder, of which the first that exists is read; `count` is how
    many labels it must have.
    """

    files: Annotated[tuple[Text, ...], Field(min_length=1)]
    count: PositiveInt | None = None


class Overlap(Spec):
    """A target whose test sets are no longer unseen once this task was trained on.

    `part`: the training data, or the development data where checkpoints are selected on them.
    `languages`: `same` spoils the languages that were trained on, `all` every one. Training does not spoil
    the target's source language, in which every recipe trains; selection on its test texts does.
    """

    target: Name
    part: Literal["train", "dev"] = "train"
    languages: Literal["same", "all"] = "same"
    why: Text


class IntermediateSpec(Spec):
    """An intermediate task in one YAML file.

    `joins` names other intermediate tasks whose examples it is made of, under one head (ANLI+); it then
    has no data of its own. `labels_file` is for labels that may not be published with the task; `labels`
    is then empty. `metrics` score the development set; their mean selects checkpoints.
    """

    name: Name
    version: Text
    kind: IntermediateKind
    title: str
    licence: str
    citation: str
    homepage: str = ""
    notes: str = ""
    languages: dict[LanguageCode, TrainingLanguage] = Field(min_length=1)
    labels: tuple[str, ...] = ()
    labels_file: LabelsFile | None = None
    train: Source | None = None
    dev: Source | None = None
    joins: tuple[Name, ...] = ()
    metrics: tuple[MetricEntry, ...] = ()
    settings: dict[str, int | float | str | bool] = Field(default_factory=dict)
    overlaps: tuple[Overlap, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_repeats("labels", self.labels)
        refuse_repeats("joins", self.joins)
        refuse_repeats("metrics", [metric.name for metric in self.metrics])
        if self.joins and (self.train or self.dev):
            raise ValueError("joins other tasks and has data of its own: give `joins`, or `train` and `dev`")
        if not self.joins and self.train is None:
            raise ValueError("names no data: give `train`, or `joins` with the tasks it is made of")
        if self.name in self.joins:
            raise ValueError(f"joins itself ({self.name})")
        if self.labels_file is not None and (self.labels or self.joins or self.kind != "tagging"):
            raise ValueError("labels_file is for tagging tasks with data of their own, in place of `labels`")
        if self.kind == "tagging" and not self.labels and self.labels_file is None:
            raise ValueError("a tagging task lists its labels, or names a labels_file")
        if self.kind == "classification" and len(self.labels) < 2:
            raise ValueError("a classification task lists its labels, at least two")
        if self.kind == "masked_lm" and (self.labels or self.metrics or self.dev):
            raise ValueError("text for masked language modelling has no labels, metrics or development set")
        if self.dev is not None and not self.metrics:
            raise ValueError("has a development set, but no metrics to score it with")
        self.settings_with({})
        return self

    def settings_with(self, changes: Mapping[str, int | float | str | bool]) -> KindSettings:
        """Return the kind's settings: its defaults, then the task's, then `changes`."""
        # Strict: `true` would be taken for a length of 1 otherwise.
        return INTERMEDIATE_SETTINGS[self.kind].model_validate({**self.settings, **changes}, strict=True)
