"""What a report speaks of: the scores of a run, its record, and how to call things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.results.record import RunRecord
from harness.results.scores import PartialMean, PartialMeans, Score, Scores

CONFIDENCE_NOTE = (
    "95% intervals: t on the log-odds scale over resampled units; they speak of these checkpoints "
    "and these items."
)
LABELS_NOTE = (
    "Label files hold no texts: rows that only their texts show to belong together (mentions of one "
    "document, questions of one LAReQA article) count as independent, so intervals can be too narrow."
)
CONFIDENCE_NOTE_LABELS = (
    "95% intervals: t on the log-odds scale over resampled units; they speak of these predictions and "
    f"these items. {LABELS_NOTE}"
)
CONFIDENCE_NOTE_SEEDS = (
    "95% intervals: t on the log-odds scale over resampled units and, for trained tasks, over {seeds} "
    "training seeds; values are means over seeds."
)
# So many languages of a task are named in a note; of more, their number is.
_NAMED = 6


@dataclass(frozen=True, slots=True)
class Findings:
    """The input of every table, figure and page.

    `partial` holds the means over the languages that are there, for tasks without an average;
    `few_units` the smallest number of units of each task where that is below 20; `constant` the
    languages of each task in which one and the same answer was predicted throughout.
    """

    scores: Scores
    record: RunRecord
    partial: PartialMeans = field(default_factory=dict)
    few_units: Mapping[str, int] = field(default_factory=dict)
    constant: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks in the order the run named them."""
        named = [s.name for s in self.record.specs if s.kind == "task" and s.name in self.scores.tasks]
        return tuple(dict.fromkeys([*named, *self.scores.tasks]))

    @property
    def model_name(self) -> str:
        """The model in short, or the folder of predictions, for titles."""
        return self.record.system

    def title(self, task: str) -> str:
        """Return the title of a task, else its name."""
        spec = self.record.spec("task", task)
        return str(spec.content.get("title") or task) if spec else task

    def language_name(self, code: str) -> str:
        """Return the English name of a language by its code, else by the tag that a task gives for it."""
        tags = [code]
        for spec in self.record.specs:
            languages = spec.content.get("languages") if spec.kind == "task" else None
            entry = languages.get(code) if isinstance(languages, Mapping) else None
            if isinstance(entry, Mapping) and entry.get("tag"):
                tags.append(str(entry["tag"]))
        return name_language(tags)

    def metrics(self, task: str) -> tuple[str, ...]:
        """The metrics of a task, the main one first, then as its specification lists them."""
        found = self.scores.tasks[task]
        spec = self.record.spec("task", task)
        listed = [str(m.get("name")) for m in spec.content.get("metrics", ())] if spec else []
        order = dict.fromkeys([found.main, *listed, *sorted(found.metrics)])
        return tuple(metric for metric in order if metric in found.metrics)

    def languages(self, task: str) -> tuple[str, ...]:
        """The scored languages of a task: the source language first, then by name."""
        found = self.scores.tasks[task]
        return self._sorted(found.metrics[found.main].languages, found.source_language)

    def all_languages(self) -> tuple[str, ...]:
        """Every scored language: source languages first, then by name."""
        codes = {code for task in self.tasks for code in self.languages(task)}
        sources = {t.source_language for t in self.scores.tasks.values()}
        return tuple(sorted(codes, key=lambda c: (c not in sources, self.language_name(c).casefold(), c)))

    def score(self, task: str, language: str, metric: str | None = None) -> Score | None:
        """Return a score (default: of the main metric), or None where there is none."""
        found = self.scores.tasks[task]
        scored = found.metrics.get(metric or found.main)
        return scored.languages.get(language) if scored else None

    def mean(self, task: str, metric: str | None = None) -> tuple[Score | None, PartialMean | None]:
        """Return the average, or None with the mean over the languages that are there, if any."""
        found = self.scores.tasks[task]
        name = metric or found.main
        average = found.metrics[name].average
        return average, None if average else self.partial.get(task, {}).get(name)

    def expects(self, task: str, language: str) -> bool:
        """Whether the benchmark tests a language in a task, scored or not."""
        return self.score(task, language) is not None or language in self.scores.missing.get(task, ())

    def _sorted(self, codes: Mapping[str, Score], source: str | None) -> tuple[str, ...]:
        return tuple(sorted(codes, key=lambda c: (c != source, self.language_name(c).casefold(), c)))


def name_language(tags: Sequence[str]) -> str:
    """Return the English name for the first tag that the language table has, else the first tag."""
    from harness.specfiles.language_tables import known_languages

    known = known_languages()
    return next((known[tag].name for tag in tags if tag in known), tags[0])


def mean_label(partial: PartialMean) -> str:
    """Return `mean of de, fr`, or how many where the list would be long."""
    if len(partial.languages) <= 6:
        return f"mean of {', '.join(partial.languages)}"
    return f"mean of {len(partial.languages)} languages"


def confidence_note(record: RunRecord) -> str:
    """Return what the intervals account for."""
    if record.submission is not None:
        return CONFIDENCE_NOTE_LABELS
    if len(record.seeds) > 1 and (record.training or record.further_models):
        return CONFIDENCE_NOTE_SEEDS.format(seeds=len(record.seeds))
    return CONFIDENCE_NOTE


def units_note(findings: Findings) -> str | None:
    """Return one line on intervals that rest on too few units to be relied on, or None."""
    if not findings.few_units:
        return None
    tasks = ", ".join(f"{task} ({count})" for task, count in findings.few_units.items())
    return (
        f"Fewer than 20 independent units behind the intervals of {tasks}: they are rough; with a single "
        "unit there is none."
    )


def constant_note(findings: Findings) -> str | None:
    """Return one line on predictions that are one answer throughout, or None."""
    if not findings.constant:
        return None
    tasks = "; ".join(f"{task} ({', '.join(codes)})" for task, codes in findings.constant.items())
    return f"Constant predictions, one and the same answer throughout: {tasks}."


def selection_note(record: RunRecord) -> str | None:
    """Return what was chosen on test rows, checkpoints and layers, or None if nothing was."""
    chosen = {task: codes for task in record.tasks if (codes := record.selected_on(task))}
    settings = [task for task in record.tasks if record.settings_chosen_on(task)]
    found = []
    if chosen:
        tasks = "; ".join(f"{task} ({', '.join(codes)})" for task, codes in chosen.items())
        found.append(f"Checkpoints were selected on these very test rows: {tasks}.")
    if settings:
        found.append(
            f"Layer or pooling were chosen on the test set, says the adapter: {', '.join(settings)}."
        )
    if not found:
        return None
    return f"{' '.join(found)} Such a score flatters, and every gap against it is tuned."


def seen_note(record: RunRecord) -> str | None:
    """Return what an intermediate phase trained on that is tested here, or None."""
    tasks = []
    for name, task in record.tasks.items():
        codes = [code for code in task.languages if code in task.seen]
        reasons = dict.fromkeys(why for code in codes for why in task.seen[code])
        if codes:
            tasks.append(f"{name} ({', '.join(codes)}; {'; '.join(reasons)})")
    if not tasks:
        return None
    return f"Not zero-shot, seen in an intermediate phase: {'. '.join(tasks)}."


def release_note(record: RunRecord) -> str | None:
    """Return one line on test sets of another size than the benchmark's release, or None.

    What was left out on purpose (a limit, held-out articles) is stamped and does not count here.
    """
    if record.limit is not None or record.smoke:
        return None
    parts = []
    for task, data in record.data.items():
        spec = record.spec("task", task)
        languages = spec.content.get("languages", {}) if spec else {}
        other = [
            f"{code} {found.examples:,} for {languages[code]['rows']:,}"
            for code, found in sorted(data.items())
            if code in languages and languages[code].get("rows") not in (None, found.examples)
        ]
        if other:
            more = f", and {len(other) - _NAMED} more" if len(other) > _NAMED else ""
            parts.append(f"{task} ({', '.join(other[:_NAMED])}{more})")
    if not parts:
        return None
    return f"Not the benchmark's release, by the number of examples: {'; '.join(parts)}."


def repairs_note(record: RunRecord) -> str | None:
    """Return one line on what the readers mended, or None if nothing was."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for task, languages in record.data.items():
        for code, found in languages.items():
            for repair, count in found.repairs.items():
                if count:
                    counts.setdefault((task, repair), {})[code] = count
    for task, runs in record.training.items():
        # Every seed trains on the same data.
        for name, found in runs[0].data.items() if runs else ():
            training_set, _, code = name.partition("/")
            for repair, count in found.repairs.items():
                if count:
                    counts.setdefault((f"{task} training set {training_set}", repair), {})[code] = count
    if not counts:
        return None
    parts = [
        f"{task} {repair} ({', '.join(f'{code} {count:,}' for code, count in sorted(by_code.items()))})"
        for (task, repair), by_code in sorted(counts.items())
    ]
    return f"Repaired in the files read: {'; '.join(parts)}."


def failure_notes(record: RunRecord) -> tuple[str, ...]:
    """Return one line per failed cell."""
    return tuple(
        f"Failed: {f.task}{f'/{f.language}' if f.language else ''}: {f.message}" for f in record.failures
    )


def closing_notes(findings: Findings) -> tuple[str, ...]:
    """Return what stands under the tables of every format, the signature last."""
    record = findings.record
    repairs = repairs_note(record)
    stamps = f"NOT COMPARABLE with published results. {_sentence(record.stamps)}" if record.stamps else None
    notes = [
        confidence_note(record),
        units_note(findings),
        constant_note(findings),
        selection_note(record),
        seen_note(record),
        release_note(record),
        repairs,
        *failure_notes(record),
        stamps,
        f"Signature: {record.signature}",
    ]
    return tuple(note for note in notes if note)


def _sentence(parts: Sequence[str]) -> str:
    return "; ".join(parts)[:1].upper() + "; ".join(parts)[1:] + "."
