"""What arms were trained on, and which cells of the targets that spoils."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from harness.languages import language_of
from harness.mixture.planning import Ingredient, MixturePlan
from harness.planning import Selected
from harness.results.card import Card, ParentRecord, TrainedLanguage, TrainedTask

# Task -> language -> why it is no longer unseen.
Exposed = dict[str, dict[str, tuple[str, ...]]]


def unseen_languages(selected: Sequence[Selected], trained: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the languages of each target that no arm was trained on, its source language not counted.

    `trained` are what `language_of` says of their tags.
    """
    found = {}
    for entry in selected:
        task = entry.task.spec
        found[task.name] = tuple(
            code
            for code in entry.languages
            if code != task.source_language and language_of(task.languages[code].tag) not in trained
        )
    return found


def find_exposed(selected: Sequence[Selected], cards: Mapping[str, Sequence[Card]]) -> Exposed:
    """Return the cells that some arm was trained on, with what says so; `cards` are those of each arm.

    A cell is exposed where an arm was trained on its language, in whatever task, or on data that overlap
    with its test set. Training in the source language of a target does not count, since every arm is
    fine-tuned in it; selection on its test texts does.
    """
    exposed: Exposed = {}
    for entry in selected:
        task = entry.task.spec
        source = task.source_language
        tags = {code: task.languages[code].tag for code in entry.languages}
        why: dict[str, dict[str, None]] = {}
        for arm, own in cards.items():
            for card in own:
                for code, reasons in card.seen(task.name, tags, source=source).items():
                    why.setdefault(code, {}).update(dict.fromkeys(f"{arm}: {reason}" for reason in reasons))
                trained = {
                    language_of(language.tag): part.name
                    for phase in card.phases
                    for part in phase.tasks
                    for language in part.languages.values()
                }
                for code, tag in tags.items():
                    if code != source and language_of(tag) in trained:
                        reason = f"{arm}: trained on {trained[language_of(tag)]} in this language"
                        why.setdefault(code, {})[reason] = None
        if why:
            exposed[task.name] = {code: tuple(why[code]) for code in tags if code in why}
    return exposed


def intended_card(plan: MixturePlan) -> Card:
    """Return what the card of a training is going to say of tasks, languages and overlaps."""
    return Card(
        key="",
        parent=ParentRecord(id="", revision=None, weights_sha256="", settings_sha256=""),
        mixture={},
        seed=0,
        tasks=tuple(_intended(plan, ingredient) for ingredient in plan.ingredients),
        steps=0,
        dtype="",
    )


def _intended(plan: MixturePlan, ingredient: Ingredient) -> TrainedTask:
    spec = ingredient.task.spec
    languages = {
        code: TrainedLanguage(tag=spec.languages[code].tag, examples=0, fingerprint="")
        for code in ingredient.languages
    }
    selects = plan.mixture.selection is not None and any(part.dev for part in ingredient.read)
    return TrainedTask(
        name=spec.name,
        version=spec.version,
        sha256=ingredient.task.sha256,
        kind=spec.kind,
        head=plan.heads[ingredient.head].name,
        languages=languages,
        dev=languages if selects else {},
        overlaps=tuple(dict.fromkeys(o for each in (spec, *ingredient.read) for o in each.overlaps)),
    )


def without_exposed(selected: Sequence[Selected], exposed: Exposed) -> dict[str, tuple[str, ...]]:
    """Return what `harness.compare` leaves out so that only unseen cells (and source languages) stay.

    A target without an unseen language is left out whole.
    """
    out = {}
    for entry in selected:
        task, gone = entry.task.spec, exposed.get(entry.task.spec.name, {})
        rest = [code for code in entry.languages if code not in gone and code != task.source_language]
        out[task.name] = tuple(gone) if rest else entry.languages
    return out


def without_unseen(selected: Sequence[Selected], exposed: Exposed) -> dict[str, tuple[str, ...]]:
    """Return what `harness.compare` leaves out so that only exposed cells (and source languages) stay."""
    out = {}
    for entry in selected:
        task, kept = entry.task.spec, exposed.get(entry.task.spec.name, {})
        rest = tuple(c for c in entry.languages if c not in kept and c != task.source_language)
        out[task.name] = rest if kept else entry.languages
    return out
