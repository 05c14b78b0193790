"""One encoder with several heads: how they share parameters, what an update computes, what is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.backends.heads import open_head
from harness.backends.kept_heads import write_kept
from harness.backends.loading import load_network
from harness.backends.model import Model
from harness.backends.weights import tensor_shapes
from harness.training.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from harness.kinds.base import Head

_HEAD = "head"


@dataclass(slots=True)
class Encoder:
    """The shape of a network without a head, as `harness.backends.heads` takes it."""

    auto_class: str = "AutoModel"
    labels: tuple[str, ...] = ()


class Joint:
    """The networks of all heads over one encoder.

    `module` is what is optimised and checkpointed: the encoder once, and of each network what is its
    own. `networks[h]` is head h as a transformers network, which runs as usual.

    Raises:
        ModelError: if the checkpoint cannot take one of the heads.
    """

    def __init__(self, heads: Sequence[Head], model: Model, *, seed: int, say: Callable[[str], None]) -> None:
        import torch

        model = replace(model, dtype="float32")
        self.heads = tuple(heads)
        self.encoder, self.tokenizer = open_head(model, Encoder(), fresh_seed=seed)
        self._inherited = tuple(tensor_shapes(model.path, allow_pickle=model.allow_pickle))
        self._used: set[str] = set()
        self._loans: list[_Loan] = []
        self.networks = [self._network(head, model, seed, say) for head in heads]
        joint = self

        class Together(torch.nn.Module):
            def forward(self, **batch: Any) -> Tensor:
                number = batch.pop(_HEAD)
                loss: Tensor = joint.heads[number].loss(joint.networks[number], batch)
                return loss

        self.module: Module = Together()
        self.module.add_module("encoder", self.encoder)
        self.module.add_module("networks", torch.nn.ModuleList(self.networks))
        self._unite()

    def _network(self, head: Head, model: Model, seed: int, say: Callable[[str], None]) -> PreTrainedModel:
        if head.auto_class == "AutoModelForMaskedLM":
            # The one head that pretraining leaves behind; others that the checkpoint may hold are not used.
            network, missing = load_network(head.auto_class, model, dtype="float32", seed=seed)
            network = network.to(model.device)  # type: ignore[arg-type]
            if missing:
                say(f"masked language modelling: the checkpoint lacks {', '.join(sorted(missing)[:3])}: new")
        else:
            network, _ = open_head(model, head, fresh_seed=seed)
        head.prepare(network)
        inner = getattr(network, network.base_model_prefix)
        for name in list(inner._modules):
            part = self.encoder._modules.get(name)
            if part is not None and inner._modules[name] is not None:
                self._loans.append(_Loan(inner, "_modules", name, part))
                self._used.add(name)
        for name in list(inner._parameters):
            own = self.encoder._parameters.get(name)
            if own is not None and inner._parameters[name] is not None:
                self._loans.append(_Loan(inner, "_parameters", name, own))
                self._used.add(name)
        output = network.get_output_embeddings()  # type: ignore[no-untyped-call]
        if output is not None and network.config.get_text_config().tie_word_embeddings:
            output.weight = self.encoder.get_input_embeddings().weight
        return network

    def _unite(self) -> None:
        """Leave every part in one place: among a network's own it would be counted and saved twice."""
        first: dict[int, Any] = {}
        for part in self.module.modules():
            for name, parameter in list(part._parameters.items()):
                if parameter is not None and first.setdefault(id(parameter), part) is not part:
                    self._loans.append(_Loan(part, "_parameters", name, parameter))

    def loss(self, model: Module, batch: Mapping[str, Any]) -> Tensor:
        """Return the mean loss of a batch of one head, a scalar; `model` is `module`, or what wraps it."""
        loss: Tensor = model(**batch)
        return loss

    def weight(self, batch: Mapping[str, Any]) -> int:
        """Return how many items that mean is over."""
        number: int = batch[_HEAD]
        return self.heads[number].weight({name: v for name, v in batch.items() if name != _HEAD})

    def collate(self, slots: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
        """Pad the examples of a batch, all of one head."""
        numbers = {number for number, _ in slots}
        assert len(numbers) == 1, f"BUG: a batch of the heads {sorted(numbers)}"
        number = numbers.pop()
        batch = self.heads[number].collate([feature for _, feature in slots], self.tokenizer)
        return {**batch, _HEAD: number}

    def save(self, folder: Path, *, single: int | None, beside: Mapping[int, str]) -> dict[int, str]:
        """Write an ordinary checkpoint: of head `single` with the encoder, else of the encoder alone.

        `beside` are the heads that lie beside a bare encoder, by name; returned is where. Nothing can be
        trained on afterwards.
        """
        files = {}
        for number, name in beside.items():
            network = self.networks[number]
            self.heads[number].finish(network)
            prefix = network.base_model_prefix + "."
            own = {k: v for k, v in network.state_dict().items() if not k.startswith(prefix)}
            files[number] = write_kept(folder, name, own)
        for loan in self._loans:
            loan.give_back()
        if single is not None:
            self.heads[single].finish(self.networks[single])
            self.networks[single].save_pretrained(str(folder))
        else:
            # A part that no head used and that the parent did not hold (a pooler, mostly) is as it was
            # initialised: saved, it would look like a trained one.
            state = {
                name: tensor
                for name, tensor in self.encoder.state_dict().items()
                if name.partition(".")[0] in self._used or self._was_held(name)
            }
            self.encoder.save_pretrained(str(folder), state_dict=state)
        self.tokenizer.save_pretrained(str(folder))
        return files

    def _was_held(self, name: str) -> bool:
        return any(held == name or held.endswith("." + name) for held in self._inherited)


class _Loan:
    """A part of one module that another one uses: reached as before, but registered once.

    `table` is `_modules` or `_parameters`, where torch looks for what belongs to a module.
    """

    def __init__(self, borrower: Module, table: str, name: str, part: Any) -> None:
        self._borrower, self._table, self._name, self._part = borrower, table, name, part
        del getattr(borrower, table)[name]
        # torch refuses such values in the place of a parameter, but finds them among plain attributes.
        borrower.__dict__[name] = part

    def give_back(self) -> None:
        """Register the part where it was, so that the borrower can be saved as usual."""
        del self._borrower.__dict__[self._name]
        getattr(self._borrower, self._table)[self._name] = self._part


class Slots:
    """All examples of all updates in their order: what a data loader walks through.

    Item i is (head, feature). What a head draws anew for item i depends on the seed and i alone, so that
    a resumed training sees the same.
    """

    def __init__(
        self,
        schedule: Schedule,
        features: Sequence[Sequence[dict[str, Any]]],
        heads: Sequence[Head],
        tokenizer: PreTrainedTokenizerBase,
        *,
        seed: int,
    ) -> None:
        self._schedule, self._features, self._tokenizer, self._seed = schedule, features, tokenizer, seed
        self._draw: list[Callable[..., dict[str, Any]] | None] = [getattr(h, "draw", None) for h in heads]

    def __len__(self) -> int:
        return int(self._schedule.slots.size)

    def __getitem__(self, item: int) -> tuple[int, dict[str, Any]]:
        step, place = divmod(item, self._schedule.slots.shape[1])
        number = int(self._schedule.head_of[step])
        feature = self._features[number][int(self._schedule.slots[step, place])]
        draw = self._draw[number]
        if draw is not None:
            feature = draw(feature, self._tokenizer, np.random.default_rng([self._seed, 4, item]))
        return number, feature
