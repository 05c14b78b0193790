"""What was asked for, resolved and frozen: an evaluation, or the scores of a submission."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from harness.specs.base import Spec, Text

Device = Literal["auto", "cpu", "cuda"]
DType = Literal["auto", "float32", "bfloat16", "float16"]
DataPlace = Literal["local", "hub"]
Search = Literal["auto", "exact", "faiss-flat", "faiss-ivf", "faiss-hnsw"]
MAX_SEED = 2**32 - 1  # what all the random generators take
MAX_RESAMPLES = 1_000_000


class RunSpec(Spec):
    """What `xharness eval` was asked to do."""

    model: Text
    tasks: tuple[Text, ...] = ()  # names, or paths of YAML files
    suite: Text | None = None
    languages: tuple[str, ...] | None = None
    data_dir: Text | None = None
    sources: tuple[DataPlace, ...] = ("local", "hub")  # tried in this order, per task
    out: Text | None = None
    adapter: Text | None = None  # a name, or the path of a YAML file
    base_model: Text | None = None  # of a PEFT adapter; None: the one that it names
    merge_cache: Text | None = None  # where merged adapters are kept; None: beside the hub's cache
    recipe: Text | None = None
    seeds: tuple[int, ...] = (1,)
    limit: PositiveInt | None = None
    device: Device = "auto"
    dtype: DType = "auto"
    threads: PositiveInt | None = None  # of torch on the CPU; None: torch's own choice
    search: Search = "auto"
    offline: bool = False
    resume: bool = True
    resamples: int = Field(default=10_000, ge=100, le=MAX_RESAMPLES)
    fresh_head: bool = False
    allow_pickle: bool = False
    trust_remote_code: bool = False
    discard_models: bool = False

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if not self.tasks and self.suite is None:
            raise ValueError("say what to evaluate: --tasks or --suite")
        if not self.sources or len(set(self.sources)) != len(self.sources):
            raise ValueError(f"sources {list(self.sources)} must be at least one, without repetition")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} must be at least one, without repetition")
        if not all(0 <= seed <= MAX_SEED for seed in self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} must lie between 0 and {MAX_SEED}")
        return self


class ScoreSpec(Spec):
    """What `xharness score` was asked to do with the predictions of another program."""

    predictions: Text  # folder in the official submission layout
    labels: Text  # folder of the same layout with the gold
    suite: Text
    resamples: int = Field(default=10_000, ge=100, le=MAX_RESAMPLES)
