"""Intermediate training: one call per step, top to bottom.

What comes out is an ordinary checkpoint folder that `evaluate` takes as it is, with a card.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from harness.backends.checkpoint import check_model, open_model
from harness.backends.devices import use_threads
from harness.backends.inheritance import inherit_readout
from harness.data.places import Places
from harness.kinds.table import kind_named
from harness.mixture.describing import complete, describe, write_for_people
from harness.mixture.fitting import check_fit
from harness.mixture.output import claim, find_finished, find_place
from harness.mixture.planning import MixturePlan, plan_mixture
from harness.mixture.reading import Ingredients, check_mixture, fetch_mixture, read_mixture
from harness.progress import Progress
from harness.results.card import CARD, Card, encode_card, read_card
from harness.results.folder import held_beside
from harness.specfiles.catalog import load_adapter, load_adapters
from harness.specs.mixture import TrainSpec
from harness.training.mixture import MixedTask, TrainedMixture, train_mixture
from harness.training.services import check_services


@dataclass(frozen=True, slots=True)
class Trained:
    """A checkpoint folder and its card. `again`: it was there already, from the same training."""

    folder: Path
    card: Card
    again: bool = False


def train(request: TrainSpec, progress: Progress | None = None) -> Trained:
    """Train a checkpoint on a mixture of intermediate tasks; write a checkpoint folder with a card.

    Started again, the same request goes on where it was stopped; on a finished folder it does nothing.

    Raises:
        HarnessError: the input is wrong (nothing was written then), training diverges, or memory or disk
            run out (what was trained so far is kept, and the same request goes on).
    """
    progress = progress or Progress()
    check_services(request.report_to)
    out = find_place(request.out)
    folder = Path(request.data_dir) if request.data_dir is not None else None
    places = Places(folder, request.sources, request.offline).checked()
    # 1: the mixture, its tasks, languages and heads
    plan = plan_mixture(request.mixture, places)
    _say_languages(plan, progress)
    if request.threads is not None:
        use_threads(request.threads)
    # 2: the parent checkpoint
    model, reason = open_model(
        request.model,
        adapters={loaded.spec.name: loaded.spec for loaded in load_adapters()},
        asked_adapter=load_adapter(request.adapter).spec if request.adapter else None,
        device=request.device,
        dtype=request.dtype,
        offline=request.offline,
        allow_pickle=request.allow_pickle,
        trust_remote_code=request.trust_remote_code,
        say=progress.say,
    )
    progress.say(reason)
    check_model(model, embeds=False)
    check_fit(plan, model)
    # 3: the data
    fetch_mixture(plan, places, progress)
    check_mixture(plan, places)
    data = read_mixture(plan, places, seed=request.seed, progress=progress)
    # 4: what this training is, and whether it is done already
    card = describe(plan, data, model=model, parent=read_card(model.path), seed=request.seed)
    with held_beside(out):
        done = find_finished(out, card, model, resume=request.resume, progress=progress)
        if done is not None:
            progress.say(f"{out}: trained already (training {card.key})")
            return Trained(out, done, again=True)

        # 5: train, and write the folder
        def finish(final: Path, trained: TrainedMixture) -> None:
            done = complete(card, plan, files=trained.files, steps=trained.steps, best_step=trained.best_step)
            inherit_readout(final, model)
            (final / CARD).write_bytes(encode_card(done))
            (final / "README.md").write_text(write_for_people(done), encoding="utf-8")

        train_mixture(
            request.mixture,
            _mixed(plan, data),
            [(head.name, head.head) for head in plan.heads],
            model=model,
            out=out,
            seed=request.seed,
            progress=progress,
            begin=lambda: claim(out, card, resume=request.resume),
            finish=finish,
            report_to=request.report_to,
        )
    written = read_card(out)
    assert written is not None, "BUG: a checkpoint was published without its card"
    return Trained(out, written)


def _say_languages(plan: MixturePlan, progress: Progress) -> None:
    for ingredient in plan.ingredients:
        progress.say(f"{ingredient.name}: trained on in {', '.join(ingredient.languages)}")


def _mixed(plan: MixturePlan, data: tuple[Ingredients, ...]) -> list[MixedTask]:
    last = len(plan.ingredients) - 1 if plan.mixture.mlm is not None else None
    return [
        MixedTask(
            name=ingredient.name,
            head=ingredient.head,
            settings=ingredient.settings,
            train=found.train,
            dev=found.dev,
            computes=tuple(metric.computes for metric in ingredient.task.spec.metrics),
            decode_gold=(
                str
                if ingredient.task.spec.kind == "masked_lm"
                else kind_named(ingredient.task.spec.kind).decode_gold
            ),
            text=number == last,
        )
        for number, (ingredient, found) in enumerate(zip(plan.ingredients, data, strict=True))
    ]


class _Callable(ModuleType):
    """Makes `harness.train(request)` work, where Python binds this module and not its function."""

    def __call__(self, request: TrainSpec, progress: Progress | None = None) -> Trained:
        return train(request, progress)


sys.modules[__name__].__class__ = _Callable
