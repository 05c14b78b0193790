"""The training loop: transformers' Trainer on accelerate, with our checkpoints, losses and selection."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.errors import ModelError
from harness.progress import Advance
from harness.training.checkpoints import Trace, best_file, checkpoint_folder, clean, newest_intact, seal, sync
from harness.training.plan import Plan
from harness.training.services import place_logs

if TYPE_CHECKING:
    from torch import Tensor

# Writing a checkpoint may take at most one part in so many of the time.
_SAVING_SHARE = 20
_LOSS_ENTRIES = 100


class Objective(Protocol):
    """What is minimised: the mean loss of a batch, and how many items the mean is over."""

    def loss(self, model: Any, batch: Mapping[str, Any]) -> Tensor:
        """Return the mean loss of a collated batch, a scalar."""
        ...

    def weight(self, batch: Mapping[str, Any]) -> int:
        """Return how many items that mean is over."""
        ...


class Features(Protocol):
    """The examples in numbered places; what is at a place is made when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> Any: ...


def train(
    *,
    objective: Objective,
    model: Any,
    features: Features,
    collate: Callable[[Sequence[Any]], dict[str, Any]],
    plan: Plan,
    work: Path,
    score: Callable[[Any], float] | None,
    advance: Advance,
    checkpoint_seconds: float,
    in_order: bool = False,
    report_to: Sequence[str] = (),
) -> Trace:
    """Train a module in place, resuming from the newest complete checkpoint under `work`.

    Examples are drawn in an order of the seed's; `in_order` takes them as they stand. `report_to` names
    services of transformers (`tensorboard`, `wandb`) that also get the losses; TensorBoard's files lie
    beside `work`, in a folder that ends in `.logs`.
    With `score`, development data decide: the model ends with the weights of the best evaluation
    (every `plan.evaluate_every` steps and at the end), else with those of the last step. When
    checkpoints are written depends on the clock, what is computed does not.

    Raises:
        ModelError: if the loss stops being a number.
    """
    work.mkdir(parents=True, exist_ok=True)
    newest, trace = newest_intact(work) or (None, Trace())
    trainer = _trainer(
        objective=objective,
        model=model,
        features=features,
        collate=collate,
        plan=plan,
        work=work,
        trace=trace,
        score=score,
        advance=advance,
        checkpoint_seconds=checkpoint_seconds,
        in_order=in_order,
        report_to=report_to,
    )
    trainer.train(resume_from_checkpoint=None if newest is None else str(newest))
    best = trace.best_step
    if best is not None:
        from safetensors.torch import load_model

        load_model(model, best_file(work, best))
    return trace


def _trainer(
    *,
    objective: Objective,
    model: Any,
    features: Features,
    collate: Callable[[Sequence[Any]], dict[str, Any]],
    plan: Plan,
    work: Path,
    trace: Trace,
    score: Callable[[Any], float] | None,
    advance: Advance,
    checkpoint_seconds: float,
    in_order: bool,
    report_to: Sequence[str],
) -> Any:
    """Build the Trainer and what watches it."""
    import torch
    from safetensors.torch import save_model
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
    from transformers.trainer_callback import TrainerControl, TrainerState

    loss_every = max(1, plan.steps // _LOSS_ENTRIES)

    class ObjectiveTrainer(Trainer):
        """Takes the loss from the objective, and adds it up for the record."""

        pending_sum: Tensor
        pending_count: int

        def compute_loss(  # type: ignore[override]
            self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None, **_: Any
        ) -> Tensor:
            # The mean over the effective batch, whatever the size of the micro-batches it is cut into.
            loss: Tensor = objective.loss(model, inputs) * (objective.weight(inputs) / num_items_in_batch)
            self.pending_sum += loss.detach().double()
            return loss

        def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> int:
            return sum(objective.weight(batch) for batch in batch_samples)

        def floating_point_ops(self, inputs: Any) -> int:
            return 0  # an estimate that knows plain batches only, and that nothing here reads

    class Watch(TrainerCallback):
        """Records losses, selects on development data, and decides when to write a checkpoint."""

        saved = began = 0.0
        interval = checkpoint_seconds

        def on_train_begin(
            self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
        ) -> None:
            self.saved = time.monotonic()
            advance(state.global_step)

        def on_step_end(
            self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
        ) -> None:
            step = state.global_step
            advance(1)
            trainer.pending_count += 1
            if step % loss_every == 0 or step == plan.steps:
                self._record(step)
            if score is not None and plan.evaluate_every is not None:
                if step % plan.evaluate_every == 0 or step == plan.steps:
                    self._select(step, score)
                    if plan.patience is not None and trace.without_gain() >= plan.patience:
                        control.should_training_stop = True
            # After the last step the finished model is written at once, so no checkpoint is due.
            over = step >= plan.steps or control.should_training_stop
            self.began = time.monotonic()
            control.should_save = not over and self.began - self.saved >= self.interval

        def on_save(
            self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
        ) -> None:
            trace.pending = (float(trainer.pending_sum), trainer.pending_count)
            seal(checkpoint_folder(work, state.global_step), trace)
            clean(work)
            self.saved = time.monotonic()
            self.interval = max(checkpoint_seconds, _SAVING_SHARE * (self.saved - self.began))
            if checkpoint_seconds == 0:
                self.interval = 0.0

        def _record(self, step: int) -> None:
            mean = float(trainer.pending_sum) / trainer.pending_count
            if not math.isfinite(mean):
                raise ModelError(
                    f"training diverged: the loss is {mean} at step {step} of {plan.steps} (learning rate "
                    f"{plan.learning_rate:g}, {plan.dtype}): lower the recipe's learning rate, "
                    "or use --dtype float32"
                )
            trace.losses.append((step, mean))
            trainer.pending_sum, trainer.pending_count = torch.zeros_like(trainer.pending_sum), 0

        def _select(self, step: int, score: Callable[[Any], float]) -> None:
            model.train(False)
            trace.selection.append((step, score(model)))
            model.train(True)
            if trace.best_step == step:
                target = best_file(work, step)
                temporary = target.with_name(target.name + ".tmp")
                save_model(model, str(temporary))
                sync(temporary)
                temporary.replace(target)
                sync(work)

    on_cpu = not plan.device.startswith("cuda")
    arguments = TrainingArguments(
        output_dir=str(work),
        max_steps=plan.steps,
        per_device_train_batch_size=plan.micro_batch,
        gradient_accumulation_steps=plan.accumulation,
        learning_rate=plan.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=plan.warmup_steps,
        weight_decay=plan.weight_decay,
        adam_epsilon=plan.adam_epsilon,
        max_grad_norm=plan.max_grad_norm,
        seed=plan.seed,
        data_seed=plan.seed,
        use_cpu=on_cpu,
        bf16=plan.dtype == "bfloat16",
        fp16=plan.dtype == "float16",
        logging_strategy="steps" if report_to else "no",
        logging_steps=loss_every,
        save_strategy="no",
        eval_strategy="no",
        report_to=list(report_to) or "none",
        disable_tqdm=True,
        remove_unused_columns=False,
        train_sampling_strategy="sequential" if in_order else "random",
        dataloader_pin_memory=not on_cpu,
    )
    # One model on one device: Trainer would otherwise spread it over all GPUs it sees.
    assert arguments.device is not None
    arguments._n_gpu = min(1, arguments._n_gpu)
    watch = Watch()
    trainer = ObjectiveTrainer(
        model=model, args=arguments, train_dataset=features, data_collator=collate, callbacks=[watch]
    )
    trainer.remove_callback(PrinterCallback)
    if report_to:
        # Beside the checkpoints, which do not stay.
        place_logs(trainer, work.with_suffix(".logs"))
    # Makes Trainer hand over the number of items, and leave the scale of the loss alone.
    trainer.model_accepts_loss_kwargs = True
    trainer.pending_sum = torch.full((), trace.pending[0], dtype=torch.float64, device=arguments.device)
    trainer.pending_count = trace.pending[1]
    return trainer
