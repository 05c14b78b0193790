"""A target task: what is read, in which languages, how it is trained, decoded and scored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, PositiveInt, model_validator

from harness.specs.base import (
    ClassPath,
    LanguageCode,
    MetricName,
    Name,
    Revision,
    Spec,
    Text,
    refuse_repeats,
)
from harness.specs.recipe import Phase, Recipe
from harness.specs.settings import SETTINGS, KindSettings

TaskKind = Literal[
    "classification",
    "multiple_choice",
    "tagging",
    "span_qa",
    "bitext_retrieval",
    "bitext_mining",
    "passage_retrieval",
    "entity_retrieval",
]
KINDS: tuple[str, ...] = get_args(TaskKind)


class Language(Spec):
    """A language as the benchmark codes it, its BCP 47 tag, and what file patterns need.

    `rows` is the number of test examples of the benchmark's release, where a source gives it: a
    test set of another size is scored, and the report says that it is another.
    """

    tag: str
    rows: PositiveInt | None = None
    values: dict[str, str] = Field(default_factory=dict)


class LocalSource(Spec):
    """Files under the data folder. Each role lists patterns; the first that exists is read.

    Patterns are POSIX paths relative to the data folder, may hold `{code}` and any of the
    language's `values` by their plain names, and `*` where a reader takes several files.
    """

    reader: Name | ClassPath
    files: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)


class HubPart(Spec):
    """The files of one role in a repository: a split of a configuration, else explicit patterns.

    `config` may hold `{code}` and the language's values. Which files a configuration and split have
    is read from the repository's own card; `files` names them where the card does not.
    """

    config: str | None = None
    split: str = "test"
    files: tuple[str, ...] = ()


class HubSource(Spec):
    """A Parquet or JSON dataset repository, pinned to a commit.

    An `unconfirmed` revision is not read until `xharness data pin` has resolved it; `seen` says what
    is known of it.
    """

    repo: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")
    revision: Revision
    seen: str | None = None
    reader: Name | ClassPath
    roles: dict[str, HubPart] = Field(min_length=1)
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)


class Source(Spec):
    """The places where one and the same data may lie, in the order in which they are tried.

    `local` is the layout of the original release and `xtreme` that of XTREME's own download script;
    both lie under the data folder. `hub` is a dataset repository. `hint` says what to do where the
    data are in none of them.
    """

    local: LocalSource | None = None
    xtreme: LocalSource | None = None
    hub: HubSource | None = None
    hint: str = ""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.layouts and self.hub is None:
            raise ValueError("names no place: give `local`, `xtreme` or `hub`")
        return self

    @property
    def layouts(self) -> tuple[LocalSource, ...]:
        """The layouts under the data folder."""
        return tuple(layout for layout in (self.local, self.xtreme) if layout is not None)


class DataSpec(Source):
    """Where the test sets are.

    `dev` is development data that decoding needs (a threshold is chosen on it); `pool` holds the
    candidates of retrieval where they are not part of the test sets.
    """

    dev: Source | None = None
    pool: Source | None = None


class TrainingSet(Spec):
    """Data a recipe trains on, with its development set where checkpoints are selected.

    `languages` are the codes that it is read in; `first_clusters` keeps the first so many
    clusters (articles) in file order and `hold_out` removes exactly those from the test sets
    of every language. `rows` is the number of examples over all languages; another number is an
    error.
    """

    title: str
    languages: tuple[LanguageCode, ...] = Field(min_length=1)
    train: Source
    dev: Source | None = None
    rows: PositiveInt | None = None
    first_clusters: PositiveInt | None = None
    hold_out: bool = False
    licence: str = ""

    @model_validator(mode="after")
    def _once(self) -> Self:
        refuse_repeats("languages", self.languages)
        return self


class MetricEntry(Spec):
    """A metric as the tables name it, the implementation behind it, and the output it reads."""

    name: MetricName
    computes: str
    output: Name = "prediction"


class TaskSpec(Spec):
    """A target task in one YAML file.

    `source_language` is null where the benchmark does not test the language that it trains in (XCOPA) or
    trains nothing (Tatoeba, BUCC); then `pivot_language` is the one it trains in, or pairs all others with.
    `parallel_rows`: row i of the test set in one language translates row i in every other, which label
    files without ids and texts do not say of themselves.
    """

    name: Name
    version: Text
    kind: TaskKind
    title: str
    licence: str
    citation: str
    homepage: str = ""
    notes: str = ""
    source_language: str | None
    pivot_language: LanguageCode = "en"
    languages: dict[LanguageCode, Language] = Field(min_length=1)
    labels: tuple[str, ...] = ()
    unit_space: Name | None = None
    parallel_rows: bool = False
    data: DataSpec
    metrics: tuple[MetricEntry, ...] = Field(min_length=1)
    main_metric: MetricName
    benchmark_score: tuple[MetricName, ...] = ()
    settings: dict[str, int | float | str | bool] = Field(default_factory=dict)
    training_sets: dict[str, TrainingSet] = Field(default_factory=dict)
    recipes: dict[str, Recipe] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [m.name for m in self.metrics]
        # Scores are kept by the metric's name: of two metrics of one name only one would be seen.
        refuse_repeats("metrics", names)
        refuse_repeats("benchmark_score", self.benchmark_score)
        refuse_repeats("labels", self.labels)
        if self.main_metric not in names:
            raise ValueError(f"main_metric {self.main_metric!r} is not among the metrics {names}")
        for name in self.benchmark_score:
            if name not in names:
                raise ValueError(f"benchmark_score {name!r} is not among the metrics {names}")
        if self.source_language is not None and self.source_language not in self.languages:
            # Some benchmarks train in English and test it nowhere (XCOPA): then it is None here.
            raise ValueError(
                f"source_language {self.source_language!r} is not among the languages; "
                "use null where the benchmark does not test the source language"
            )
        if self.kind == "tagging" and not self.labels:
            raise ValueError("a tagging task lists its labels")
        if self.kind == "classification" and len(self.labels) < 2:
            raise ValueError("a classification task lists its labels, at least two")
        for recipe_name, recipe in self.recipes.items():
            for phase in recipe.phases:
                if phase.training_set not in self.training_sets:
                    raise ValueError(
                        f"recipe {recipe_name!r} trains on {phase.training_set!r}, "
                        f"which is not among the training_sets {sorted(self.training_sets)}"
                    )
        self._settings_with({})
        for recipe_name, recipe in self.recipes.items():
            settings = self.settings_for(recipe)
            if getattr(settings, "threshold", None) == "dev" and self.data.dev is None:
                raise ValueError(
                    f"recipe {recipe_name!r} chooses its threshold on development data, and data.dev names "
                    "none; give `settings: {threshold: <a number>}`, or `test` under a name that says so"
                )
        return self

    @property
    def space(self) -> str:
        """The name of the unit space its rows belong to (tasks on the same articles share one)."""
        return self.unit_space or self.name

    @property
    def embeds(self) -> bool:
        """Whether the encoder alone makes the predictions: vectors are compared, no head is read."""
        return SETTINGS[self.kind].embeds

    @property
    def pooled(self) -> bool:
        """Whether one pool of candidates serves every language, whichever are asked for."""
        return SETTINGS[self.kind].pooled

    @property
    def score_metrics(self) -> tuple[str, ...]:
        """The metrics whose averages the benchmark's task score is the mean of."""
        return self.benchmark_score or (self.main_metric,)

    def selected_by(self, phase: Phase) -> tuple[str, ...]:
        """Return the metrics whose mean selects a phase's checkpoints, by what computes them.

        They are the phase's own, else those of the task's score; none where nothing is selected.
        """
        if phase.selection is None:
            return ()
        own = tuple(m.computes for m in self.metrics if m.name in self.score_metrics)
        return phase.selection.computes or own

    def settings_for(self, recipe: Recipe) -> KindSettings:
        """Return the kind's settings: its defaults, then the task's, then the recipe's."""
        return self._settings_with(recipe.settings)

    def _settings_with(self, changes: Mapping[str, int | float | str | bool]) -> KindSettings:
        # Strict: `true` would be taken for a length of 1 otherwise.
        return SETTINGS[self.kind].model_validate({**self.settings, **changes}, strict=True)
