"""Training one encoder on a mixture of tasks: plan, schedule, loop, selection, and what is written."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.backends.loading import quiet_transformers
from harness.backends.model import Model
from harness.errors import DataError, SpecError
from harness.metrics.table import metric_named
from harness.progress import Progress
from harness.records import DataSet
from harness.specs.mixture import Mixture
from harness.specs.settings import KindSettings
from harness.training.checkpoints import Trace, published
from harness.training.joint import Joint, Slots
from harness.training.loop import train as run_loop
from harness.training.plan import Plan, plan_updates, whole
from harness.training.schedule import Schedule, make_schedule
from harness.training.shortages import explained

if TYPE_CHECKING:
    from harness.kinds.base import Head

RECORD = "training.json"
CHECKPOINT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class MixedTask:
    """One task of a mixture, ready to be trained on.

    `train` and `dev` are by language. `head` is the number of its head. `computes` names the metrics whose
    mean scores its development sets; `decode_gold` turns gold text into what they take. `text` says
    that it is there for masked language modelling, beside the tasks.
    """

    name: str
    head: int
    settings: KindSettings
    train: Mapping[str, DataSet]
    dev: Mapping[str, DataSet]
    computes: tuple[str, ...]
    decode_gold: Callable[[str], Any]
    text: bool = False


@dataclass(frozen=True, slots=True)
class TrainedMixture:
    """What came out: where each head lies (empty: the checkpoint itself is of its class), and the trace."""

    files: Mapping[int, str]
    steps: int
    best_step: int | None


def unfinished(out: Path) -> Path:
    """Return the folder where the checkpoints of a training lie until it is finished."""
    return out.with_name(out.name + ".part")


def train_mixture(
    mixture: Mixture,
    tasks: Sequence[MixedTask],
    heads: Sequence[tuple[str, Head]],
    *,
    model: Model,
    out: Path,
    seed: int,
    progress: Progress,
    begin: Callable[[], None],
    finish: Callable[[Path, TrainedMixture], None],
    report_to: Sequence[str] = (),
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Train and write the folder `out`, which appears when it is complete.

    `heads` are names and heads by number. `out` holds an ordinary checkpoint: with one head (masked
    language modelling beside tasks does not count) that of a network with it, else the bare encoder, with
    a file per head. `training.json` holds plan, shares, losses and the trace of selection. `begin` is called
    when all is prepared and nothing written, `finish` adds to the folder before it appears. Checkpoints
    lie in `unfinished(out)`, about one a minute; started again, training goes on from the last and ends
    with the same bytes (on a CPU, with the same threads and versions).

    Raises:
        DataError: a task has no examples, or gold that its head does not know.
        SpecError: a head would get none of the updates.
        ModelError: the checkpoint cannot take a head, or training diverges.
        RequestError: memory or disk run out.
    """
    work = unfinished(out)
    joint = Joint([head for _, head in heads], model, seed=seed, say=progress.say)
    features = _features(tasks, joint, progress)
    plan, schedule = _plan(mixture, tasks, joint, features, model=model, seed=seed)
    slots = Slots(schedule, [f for f, _ in features], joint.heads, joint.tokenizer, seed=seed)
    name = f"{' + '.join(name for name, _ in heads)}, seed {seed}"
    score = _scorer(mixture, tasks, joint) if mixture.selection is not None else None
    begin()
    with (
        quiet_transformers(),
        explained(name, plan, out.parent),
        progress.phase(f"training {name}", plan.steps, "steps") as advance,
    ):
        trace = run_loop(
            objective=joint,
            model=joint.module,
            features=slots,
            collate=joint.collate,
            plan=plan,
            work=work,
            score=score,
            advance=advance,
            checkpoint_seconds=checkpoint_seconds,
            in_order=True,
            report_to=report_to,
        )
        _publish(joint, tasks, heads, plan, schedule, trace, work=work, out=out, finish=finish)


def _publish(
    joint: Joint,
    tasks: Sequence[MixedTask],
    heads: Sequence[tuple[str, Head]],
    plan: Plan,
    schedule: Schedule,
    trace: Trace,
    *,
    work: Path,
    out: Path,
    finish: Callable[[Path, TrainedMixture], None],
) -> None:
    of_text = {task.head for task in tasks if task.text}
    kept = [number for number in range(len(heads)) if number not in of_text] or list(range(len(heads)))
    single = kept[0] if len(kept) == 1 else None
    beside = {} if single is not None else {number: heads[number][0] for number in kept}
    record = {
        "plan": asdict(plan),
        "updates": {name: int((schedule.head_of == number).sum()) for number, (name, _) in enumerate(heads)},
        **trace.summary(plan.steps),
    }
    with published(work, out) as final:
        files = joint.save(final, single=single, beside=beside)
        text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
        (final / RECORD).write_text(text + "\n", encoding="utf-8")
        places = files or {kept[0]: ""}
        finish(final, TrainedMixture(places, record["steps_run"], trace.best_step))


# The features of a head, and which of them each data set (task, language) made: [(task, numbers)].
_HeadFeatures = tuple[list[dict[str, Any]], list[tuple[int, np.ndarray[Any, np.dtype[np.int64]]]]]


def _features(tasks: Sequence[MixedTask], joint: Joint, progress: Progress) -> list[_HeadFeatures]:
    found: list[_HeadFeatures] = [([], []) for _ in joint.heads]
    with progress.phase("preparing", sum(len(task.train) for task in tasks), "data sets") as advance:
        for number, task in enumerate(tasks):
            made, sets = found[task.head]
            for code, data in task.train.items():
                features = joint.heads[task.head].features(data.examples, joint.tokenizer, task.settings)
                if not features:
                    raise DataError(f"task {task.name!r}, language {code!r}: no example to train on")
                sets.append((number, np.arange(len(made), len(made) + len(features))))
                made.extend(features)
                advance(1)
    return found


def _plan(
    mixture: Mixture,
    tasks: Sequence[MixedTask],
    joint: Joint,
    features: Sequence[_HeadFeatures],
    *,
    model: Model,
    seed: int,
) -> tuple[Plan, Schedule]:
    """Return the phase in numbers, and which examples every update is made of."""
    batch_size = whole(mixture.batch_size, model.hidden_size)
    sizes = [
        sum(len(numbers) for _, sets in features for t, numbers in sets if t == i) for i in range(len(tasks))
    ]
    of_tasks = [i for i, task in enumerate(tasks) if not task.text]
    text = mixture.mlm.share if mixture.mlm is not None else 0.0
    shares = dict(zip(of_tasks, mixture.tasks.shares(tuple(sizes[i] for i in of_tasks)), strict=True))
    weight = {i: (1 - text) * shares[i] if i in shares else text for i in range(len(tasks))}
    # An epoch is one over the examples of the tasks; text comes on top, in its share of all updates.
    epochs = mixture.epochs * sum(sizes[i] for i in of_tasks) / (1 - text)
    steps = mixture.max_steps or math.ceil(epochs / batch_size)
    sets = []
    for _, of_head in features:
        own = []
        for task in dict.fromkeys(number for number, _ in of_head):
            members = [numbers for number, numbers in of_head if number == task]
            inner = mixture.languages.shares(tuple(map(len, members)))
            own += [(weight[task] * share, numbers) for share, numbers in zip(inner, members, strict=True)]
        sets.append(own)
    schedule = make_schedule(
        sets,
        [sum(share for share, _ in own) for own in sets],
        steps=steps,
        batch_size=batch_size,
        seed=seed,
    )
    for number in range(len(features)):
        if not (schedule.head_of == number).any():
            names = ", ".join(
                repr(tasks[task].name) for task in dict.fromkeys(t for t, _ in features[number][1])
            )
            raise SpecError(
                f"task {names}: its share comes to none of the {steps:,} updates, so that its head would "
                "stay untrained; train longer, give it a larger share (`tasks`, `mlm`), or leave it out"
            )
    plan = plan_updates(
        mixture,
        [feature for made, _ in features for feature in made],
        steps=steps,
        model=model,
        config=joint.encoder.config,
        parameters=sum(p.numel() for p in joint.module.parameters()),
        seed=seed,
    )
    return plan, schedule


def _scorer(mixture: Mixture, tasks: Sequence[MixedTask], joint: Joint) -> Callable[[Any], float]:
    """Return the function that scores the networks on the tasks' development data.

    The plain mean over tasks of the mean of their metrics, each over all its languages together.
    Source: jiant's `MetricsAggregator` of several tasks.
    """
    first = mixture.selection.first_examples if mixture.selection else None
    sets = []
    for task in tasks:
        if not task.dev:
            continue
        for code, data in task.dev.items():
            chosen = replace(data, examples=data.examples[:first])
            golds = [task.decode_gold(example.gold) for example in chosen.examples]
            sets.append((task, code, chosen, golds))

    def score(model: object) -> float:
        totals: dict[str, list[Any]] = {}
        for task, code, data, golds in sets:
            head, network = joint.heads[task.head], joint.networks[task.head]
            outputs = head.outputs(data.examples, network, joint.tokenizer, task.settings, lambda done: None)
            rows = [metric_named(name).per_example(golds, outputs, code) for name in task.computes]
            totals.setdefault(task.name, []).append([r.sum(axis=0) for r in rows])
        values = []
        for task in tasks:
            if task.name in totals:
                sums = [sum(parts) for parts in zip(*totals[task.name], strict=True)]
                found = [float(metric_named(n).value(s)) for n, s in zip(task.computes, sums, strict=True)]
                values.append(sum(found) / len(found))
        return sum(values) / len(values)

    return score
