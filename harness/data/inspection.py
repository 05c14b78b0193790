"""What there is of a task's data, and whether it is what the specification expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from harness.data.hub import UNCONFIRMED, commit_of
from harness.data.lock import LOCK_NAME, read_lock
from harness.data.places import Places, find_places, settle
from harness.data.wanted import Part
from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class Inspection:
    """One part of a task's data as it was found.

    `origins` say where it was read (`data folder`, or `owner/name@commit`); `there` are the languages
    that are to be had, `examples` their number, `repairs` what the readers mended in them. `problems`
    are wrong, `absent` is missing, `remarks` are neither.
    """

    part: Part
    origins: tuple[str, ...]
    there: tuple[str, ...]
    examples: int
    repairs: Mapping[str, int]
    problems: tuple[str, ...]
    absent: tuple[str, ...]
    remarks: tuple[str, ...]


def inspect_part(part: Part, places: Places) -> Inspection:
    """Read whatever there is of a part: every language, from the first place that has it.

    The readers refuse wrong columns, other label names and answers that their contexts lack; numbers
    of examples are compared here.
    """
    places = settle(part.source, part.codes, part.values, places, what=part.what)
    there, absent = _languages(part, places)
    origins: dict[str, None] = {}
    problems: list[str] = []
    repairs: Counter[str] = Counter()
    examples = 0
    # Training sets are read whole or not at all.
    whole = part.role.startswith("training")
    for code in (there[:1] if not absent else ()) if whole else there:
        place = find_places(part.source, [code], part.values, places, what=part.what)[0].get(code)
        origins[place.origin or "data folder" if place else "data folder"] = None
        try:
            sets = part.read(code, places)
        except HarnessError as error:
            problems.append(str(error))
            continue
        for data in sets:
            examples += len(data.examples) or len(data.candidates)
            repairs.update(data.repairs)
            expected = part.rows.get(data.language)
            if expected is not None and len(data.examples) != expected:
                files = ", ".join(file.path for file in data.sources)
                problems.append(
                    f"{part.what}, language {data.language!r}: {len(data.examples):,} examples, expected "
                    f"{expected:,} ({files}); the release is another, or the file is cut off"
                )
    return Inspection(
        part=part,
        origins=tuple(origins),
        there=there,
        examples=examples,
        repairs=dict(repairs),
        problems=tuple(dict.fromkeys(problems)),
        absent=absent,
        remarks=_remarks(part, places),
    )


def part_problems(part: Part, places: Places) -> list[str]:
    """Return all that is wrong with a part or missing of it."""
    found = inspect_part(part, places)
    return [*found.problems, *found.absent]


def _languages(part: Part, places: Places) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the languages that can be read, and what is missing of the others, one line for all."""
    missing = {
        code: find_places(part.source, [code], part.values, places, what=part.what)[1] for code in part.codes
    }
    there = tuple(code for code, lines in missing.items() if not lines)
    absent = [code for code, lines in missing.items() if lines]
    if not absent:
        return there, ()
    first = "; ".join(line.removeprefix(part.what).lstrip(":, ") for line in missing[absent[0]])
    return there, (
        f"{part.what}: {len(absent)} of {len(missing)} are not there ({', '.join(absent)}): {first}",
    )


def _remarks(part: Part, places: Places) -> tuple[str, ...]:
    hub = part.source.hub
    if hub is None or hub.revision != UNCONFIRMED:
        return ()
    commit = commit_of(hub, read_lock(places.folder))
    state = f"{LOCK_NAME} pins it at {commit}" if commit else "it is not pinned"
    seen = f" ({hub.seen})" if hub.seen else ""
    return (f"task {part.task.name!r}: the revision of {hub.repo} is unconfirmed{seen}; {state}",)
