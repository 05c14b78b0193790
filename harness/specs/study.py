"""A study: systems that differ in their intermediate phase, on the same targets, with the same seeds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from harness.errors import did_you_mean
from harness.specs.base import Name, Spec, Text, refuse_repeats
from harness.specs.mixture import Mixture
from harness.specs.run import MAX_RESAMPLES, MAX_SEED, DataPlace, Device, DType


class SystemSpec(Spec):
    """One arm. Without `train` it is the parent checkpoint as it is.

    The intermediate phase is run once per seed of the study, so that its own chance is part of what is
    compared; `once` runs it with the first seed alone, and what is then compared are checkpoints.
    """

    title: str = ""
    model: Text | None = None  # another parent than the study's
    train: Mixture | None = None
    once: bool = False


class ContrastSpec(Spec):
    """A comparison that was named before anything ran: candidate minus baseline.

    Its number is the suite's (the mean over the targets that have it), over the languages that no arm
    of the study was trained on.
    """

    candidate: Name
    baseline: Name
    quantity: Literal["gap_reduction", "difference"] = "gap_reduction"


class StudySpec(Spec):
    """A grid of systems x targets x seeds, with its question written down in advance.

    `matched` names arms that may differ in their languages alone; that they do is checked. `stamp` marks
    studies whose numbers are not comparable with published ones.
    """

    name: Name
    version: Text
    title: str
    notes: str = ""
    source: Text
    model: Text
    adapter: Text | None = None
    suite: Name | None = None
    targets: tuple[Text, ...] = ()  # names or paths; none: all of the suite
    languages: tuple[str, ...] | None = None
    recipe: Text | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (1, 2, 3)
    systems: dict[Name, SystemSpec] = Field(min_length=1)
    baseline: Name
    matched: tuple[Name, ...] = ()
    primary: ContrastSpec | None = None
    secondary: tuple[ContrastSpec, ...] = ()
    stamp: Literal["smoke"] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_repeats("targets", self.targets)
        refuse_repeats("seeds", map(str, self.seeds))
        refuse_repeats("matched", self.matched)
        if not self.targets and self.suite is None:
            raise ValueError("say what to evaluate: `suite` or `targets`")
        if not all(0 <= seed <= MAX_SEED for seed in self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} must lie between 0 and {MAX_SEED}")
        contrasts = [c for c in (self.primary, *self.secondary) if c is not None]
        refuse_repeats(
            "primary and secondary", [f"{c.candidate} - {c.baseline}, {c.quantity}" for c in contrasts]
        )
        named = [("baseline", self.baseline), *(("matched", name) for name in self.matched)]
        for contrast in contrasts:
            named += [("contrast", contrast.candidate), ("contrast", contrast.baseline)]
            if contrast.candidate == contrast.baseline:
                raise ValueError(f"contrasts {contrast.candidate!r} with itself")
        for what, name in named:
            if name not in self.systems:
                raise ValueError(
                    f"{what}: there is no system {name!r}{did_you_mean(name, self.systems)}; "
                    f"there are {', '.join(self.systems)}"
                )
        self._check_matched()
        return self

    def _check_matched(self) -> None:
        described = {}
        for name in self.matched:
            system = self.systems[name]
            if system.train is None:
                raise ValueError(f"matched: system {name!r} trains nothing, so it matches no other arm")
            tree = system.model_dump(mode="json", exclude={"title"})
            for part in tree["train"]["on"]:
                if part["examples"] is None:
                    raise ValueError(
                        f"matched: system {name!r} takes all examples of {part['task']!r}, whose number "
                        "depends on the languages: give `examples`, the same number in every arm"
                    )
                del part["languages"]
            described[name] = tree
        if len(described) > 1:
            first, *others = described
            for other in others:
                if described[other] != described[first]:
                    raise ValueError(
                        f"matched: systems {first!r} and {other!r} differ in more than their languages: "
                        f"{_first_difference(described[first], described[other])}"
                    )


class StudyRequest(Spec):
    """What `xharness study` was asked to do."""

    study: Text  # a name, or the path of a YAML file
    out: Text
    data_dir: Text | None = None
    sources: tuple[DataPlace, ...] = ("local", "hub")
    device: Device = "auto"
    dtype: DType = "auto"
    threads: PositiveInt | None = None
    executor: Literal["local"] = "local"
    resamples: int = Field(default=10_000, ge=100, le=MAX_RESAMPLES)
    offline: bool = False
    dry_run: bool = False
    discard_models: bool = False
    allow_pickle: bool = False
    trust_remote_code: bool = False


def _first_difference(one: object, other: object, at: str = "") -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(k for k in other if k not in one)]:
            if one.get(key) != other.get(key):
                return _first_difference(one.get(key), other.get(key), f"{at}.{key}" if at else str(key))
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            if a != b:
                return _first_difference(a, b, f"{at}.{number}")
    return f"{at} is {one!r} and {other!r}"
