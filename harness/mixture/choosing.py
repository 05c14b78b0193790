"""Languages to train on, picked by typological distance: the nearest, or as different as can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.errors import RequestError, SpecError, did_you_mean
from harness.specs.mixture import LanguageChoice, Languages
from harness.typology import distances_from


def resolve_languages(languages: Languages, tags: Mapping[str, str], *, where: str) -> tuple[str, ...]:
    """Return the codes of the languages to train on, in the order in which they were named or picked.

    `tags` are the languages that the task has, code -> BCP 47 tag.

    Raises:
        SpecError: a language that the task lacks, or fewer to pick from than are wanted.
        RequestError: there is no such distance.
    """
    if languages == "all":
        return tuple(tags)
    if isinstance(languages, LanguageChoice):
        return pick_languages(languages, tags, where=where)
    for code in languages:
        if code not in tags:
            raise SpecError(
                f"{where}: has no language {code!r}{did_you_mean(code, tags)}; it has {', '.join(tags)}"
            )
    return tuple(languages)


def pick_languages(choice: LanguageChoice, tags: Mapping[str, str], *, where: str) -> tuple[str, ...]:
    """Pick languages by distance; see `LanguageChoice`.

    Languages of unknown distance are never picked. The same table gives the same languages.

    Raises:
        SpecError, RequestError: as `resolve_languages`.
    """
    count = choice.diverse or choice.close or 0
    offered = sorted(code for code in tags if code != choice.origin and code not in choice.exclude)
    try:
        near = distances_from(choice.origin, offered, distance=choice.distance)
    except SpecError as error:
        raise RequestError(f"{where}, languages: origin {choice.origin!r}: {error}") from None
    known = [code for code in offered if code in near]
    if len(known) < count:
        raise SpecError(
            f"{where}: {count} languages are to be picked, but the distance {choice.distance!r} from "
            f"{choice.origin!r} is known of {len(known)}: {', '.join(known) or 'none'}"
        )
    if choice.close is not None:
        return tuple(sorted(known, key=lambda code: (near[code], code))[:count])
    return _farthest_first(known, near, count, choice.distance)


def _farthest_first(
    known: Sequence[str], near: Mapping[str, float], count: int, distance: str
) -> tuple[str, ...]:
    """Pick one after the other, each the farthest from the nearest of those before it, origin included.

    Source: Gonzalez (1985), Theoretical Computer Science 38, 293-306 (greedy k-centre).
    """
    picked: list[str] = []
    apart = dict(near)
    while len(picked) < count:
        best = min((code for code in known if code not in picked), key=lambda code: (-apart[code], code))
        picked.append(best)
        for code, value in distances_from(best, known, distance=distance).items():
            apart[code] = min(apart[code], value)
    return tuple(picked)
