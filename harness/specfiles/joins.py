"""Intermediate tasks that are made of others: which ones, and whether one head can serve them."""

from __future__ import annotations

from harness.errors import SpecError, raise_all
from harness.specfiles.catalog import Loaded, load_intermediates
from harness.specfiles.yaml_loader import shown
from harness.specs.intermediate import IntermediateSpec


def expand_joins(loaded: Loaded[IntermediateSpec]) -> tuple[Loaded[IntermediateSpec], ...]:
    """Return the tasks that a task is made of: those that it joins, or itself where it joins none.

    Raises:
        SpecError: a task that is not there or joins others itself, or tasks that cannot be under one head:
            of another kind, with other labels (their order does not matter), or without a language.
    """
    spec, problems = loaded.spec, []
    if not spec.joins:
        return (loaded,)
    where = f"{shown(loaded.path)}: joins"
    members = load_intermediates(spec.joins)
    for member in (m.spec for m in members):
        if member.joins:
            problems.append(
                f"{where}: {member.name!r} joins others itself; name {', '.join(member.joins)} in its place"
            )
        if member.kind != spec.kind:
            problems.append(f"{where}: {member.name!r} is of the kind {member.kind}, not {spec.kind}")
        elif set(member.labels) != set(spec.labels):
            problems.append(
                f"{where}: {member.name!r} has the labels {', '.join(member.labels)}; "
                f"those of {spec.name!r} are {', '.join(spec.labels)}"
            )
        lacking = [code for code in spec.languages if code not in member.languages]
        if lacking:
            problems.append(f"{where}: {member.name!r} has no {', '.join(lacking)}, as {spec.name!r} has")
    raise_all(SpecError, problems)
    return members
