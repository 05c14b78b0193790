"""Differences and gap reductions by typology: groups of languages, slopes on distance, spread."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from harness.comparison.breakdowns import Draft, Ledger, Pair
from harness.comparison.cuts import Cut, source_of, suite_cut, task_cut, trained_on
from harness.comparison.drawing import Drawn
from harness.comparison.systems import System, shared_languages, shared_tasks
from harness.results.comparison import Comparison, Comparisons
from harness.results.typology_tree import Typology
from harness.typology import TABLE


def add_typology(
    found: Comparisons,
    systems: Sequence[System],
    drawn: Drawn,
    *,
    distances: Sequence[str] = (TABLE,),
    trained: Mapping[str, Collection[str]] | None = None,
    training_languages: Collection[str] = (),
) -> Comparisons:
    """Return the comparisons with `typology` filled in; no other number of them changes.

    `systems` and `drawn` are those the comparisons were made of. The first of `distances` is named in
    advance; the slopes on it are adjusted over tasks and candidates (the suite's over candidates), and
    those on all others as one family of their own, for each of the two statements. Always t intervals.

    A cell (task, language) that either system was trained on is no point: those that run.json names,
    and those of `trained` (languages by task), for training that it does not name. Neither is the
    source language. `training_languages` are those of an intermediate phase that run.json does not name,
    in whatever task; together with those that it names, and with the languages that the candidate was
    trained on for a task (not for others), they give one further distance, that from the nearest of them,
    where it is another than that from the source.

    The suite is the mean over the tasks that have gaps, language by language: a language's reduction is
    the mean over those of these tasks that test it. Tuned tasks count in no mean and have no p.

    Raises:
        RequestError: a distance is unknown, or needs the extra `typology`.
    """
    ledger = Ledger(found.correction)
    drafts = []
    for number, comparison in enumerate(found.comparisons, 1):
        baseline, candidate = systems[0], systems[number]
        names = shared_tasks(baseline, candidate)
        tasks = {name: baseline.tasks[name] for name in names}
        phases = {*training_languages, *candidate.intermediate_languages}
        near = {name: phases | trained_on(candidate, name) for name in names}
        pair = Pair(drawn, number, comparison.scope, found.alpha)
        cuts: dict[str, Cut] = {}
        for name, task in tasks.items():
            seen = {*trained_on(baseline, name), *trained_on(candidate, name), *(trained or {}).get(name, ())}
            cuts[name] = task_cut(
                task,
                shared_languages(baseline, candidate, name),
                seen,
                distances=distances,
                near=sorted(near[name]),
                tested=not (baseline.is_tuned(name) or candidate.is_tuned(name)),
            )
        suite = suite_cut(list(cuts.values()))
        if suite is not None:
            cuts[""] = suite
        draft = {name: Draft.of(cut, pair, distances[0]) for name, cut in cuts.items()}
        for name, own in draft.items():
            if name:
                own.add_spread(tasks[name], shared_languages(baseline, candidate, name), pair)
            own.note(ledger, (str(number), name))
        drafts.append((comparison, draft, sorted(set().union(*near.values()))))
    return found.model_copy(
        update={
            "comparisons": tuple(
                _with_tree(comparison, draft, ledger, number, distances=distances, near=near)
                for number, (comparison, draft, near) in enumerate(drafts, 1)
            )
        }
    )


def _with_tree(
    comparison: Comparison,
    draft: Mapping[str, Draft],
    ledger: Ledger,
    number: int,
    *,
    distances: Sequence[str],
    near: Sequence[str],
) -> Comparison:
    trees = {name: own.tree(ledger, (str(number), name)) for name, own in draft.items()}
    tasks = [own.cut.tasks[0] for name, own in draft.items() if name]
    others = dict.fromkeys(name for own in draft.values() for name in own.cut.distances)
    others.pop(distances[0])
    return comparison.model_copy(
        update={
            "typology": Typology(
                distance=distances[0],
                others=tuple(others),
                source={task.name: source_of(task) for task in tasks},
                training_languages=tuple(near),
                tasks={name: tree for name, tree in trees.items() if name},
                suite=trees.get(""),
            )
        }
    )
