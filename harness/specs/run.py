"""One evaluation request, resolved and frozen."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from harness.specs.base import Spec

Device = Literal["auto", "cpu", "cuda"]
DType = Literal["auto", "float32", "bfloat16", "float16"]
Search = Literal["auto", "exact", "faiss-flat", "faiss-ivf", "faiss-hnsw"]


class RunSpec(Spec):
    """What `xharness eval` was asked to do."""

    model: str = Field(min_length=1)
    tasks: tuple[str, ...] = ()  # names, or paths of YAML files
    suite: str | None = None
    languages: tuple[str, ...] | None = None
    data_dir: str | None = None
    out: str | None = None
    adapter: str | None = None  # a name, or the path of a YAML file
    recipe: str | None = None
    seeds: tuple[int, ...] = (1,)
    limit: PositiveInt | None = None
    device: Device = "auto"
    dtype: DType = "auto"
    threads: PositiveInt | None = None  # of torch on the CPU; None: torch's own choice
    search: Search = "auto"
    offline: bool = False
    resume: bool = True
    resamples: int = Field(default=10_000, ge=100)
    fresh_head: bool = False
    allow_pickle: bool = False
    trust_remote_code: bool = False
    discard_models: bool = False

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if not self.tasks and self.suite is None:
            raise ValueError("say what to evaluate: --tasks or --suite")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} must be at least one, without repetition")
        if any(s < 0 for s in self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} must not be negative")
        return self
