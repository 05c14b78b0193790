"""Texts to vectors: prefixes, length limits, batches, the layer that is read, pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.backends.batching import row_limit, token_batches, token_budget
from harness.backends.loading import load_network, open_config, open_tokenizer
from harness.backends.model import Model
from harness.backends.pooling import pool
from harness.backends.sentence_modules import SentenceModules, has_modules, read_modules
from harness.errors import ModelError
from harness.progress import Advance

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Role = Literal["query", "passage", "symmetric"]
Representation = Literal["adapter", "pooler"]
Vectors = NDArray[np.float32]

# Layer k of these is the last output of a network built with k layers: the norm comes after each
# block, not once at the end. So the layers above the one that is read need not be there.
_TRUNCATABLE = frozenset({"bert", "roberta", "xlm-roberta"})
_BLOCK = 8_192  # texts tokenised at once


class Encoder:
    """An embedding model in memory. `dimension` is the length of its vectors.

    What `encode` returns depends on the texts of that call alone.
    """

    def __init__(
        self,
        *,
        model: Model,
        network: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        representation: Representation,
        layer: int,
        layers_kept: int,
        modules: SentenceModules | None,
        say: Callable[[str], None],
    ) -> None:
        self._model = model
        self._network = network
        self._tokenizer = tokenizer
        self._representation = representation
        self._layer = layer
        self._layers_kept = layers_kept
        self._modules = modules
        self._say = say
        self.dimension = len(self._run([[tokenizer.pad_token_id or 0]])[0])

    def encode(
        self,
        texts: Sequence[str],
        *,
        role: Role,
        max_length: int | None = None,
        advance: Advance | None = None,
    ) -> Vectors:
        """Return one vector per text, float32 [n, d], on the CPU.

        Longer texts are cut at the least of `max_length`, the adapter's and the checkpoint's own
        limit, special tokens included. A text of no tokens at all gives zeros. Texts that are equal, or
        equal as subwords once cut (an alphabet that the vocabulary lacks), are encoded once and have
        the very same vector. `advance` is called with the number of texts done.

        Raises:
            ModelError: if a single text does not fit into memory, or its vector is not finite.
        """
        report = advance or (lambda done: None)
        prefix = self._prefix(role)
        distinct = dict.fromkeys(texts)
        spelled = self._tokenize([prefix + text for text in distinct], max_length)
        # Computed in two batches, one vector would differ in its last digits, and so would be no tie.
        places: dict[tuple[int, ...], int] = {}
        of_text = {
            text: places.setdefault(tuple(ids), len(places))
            for text, ids in zip(distinct, spelled, strict=True)
        }
        del spelled
        where = np.array([of_text[text] for text in texts], dtype=np.int64)
        tokens = list(places)
        repeats = np.bincount(where, minlength=len(tokens))
        vectors = np.zeros((len(tokens), self.dimension), dtype=np.float32)
        lengths = [len(ids) for ids in tokens]
        report(int(repeats[[i for i, length in enumerate(lengths) if not length]].sum()))
        device = self._model.device
        for batch in token_batches(lengths, max_tokens=token_budget(device), max_rows=row_limit(device)):
            batch = [i for i in batch if lengths[i]]
            if batch:
                vectors[batch] = self._run_within_memory([tokens[i] for i in batch])
                report(int(repeats[batch].sum()))
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(bad):
            first = next(text for text, place in of_text.items() if place == bad[0])
            raise ModelError(
                f"{self._model.path}: the vector of {first[:60]!r} is not finite in "
                f"{self._model.dtype} ({len(bad)} of {len(tokens)} different texts). Try --dtype float32."
            )
        return vectors[where]

    def _prefix(self, role: Role) -> str:
        if self._representation == "pooler":
            return ""  # dual encoders are trained on bare texts
        embedding = self._model.adapter.embedding
        chosen = {
            "query": embedding.query_prefix,
            "passage": embedding.passage_prefix,
            "symmetric": embedding.symmetric_prefix,
        }
        if self._modules is None:
            return chosen[role]
        prefix = chosen[role] if any(chosen.values()) else self._modules.prompts.get(role, "")
        if prefix and not self._modules.include_prompt:
            raise ModelError(
                f"{self._model.path}: its pooling leaves out the prompt {prefix!r}, which is not supported. "
                "Use an adapter without prefixes, or --adapter generic."
            )
        return prefix

    def _tokenize(self, texts: Sequence[str], max_length: int | None) -> list[list[int]]:
        modules = self._modules
        limits = [max_length, self._model.adapter.embedding.max_length]
        limits.append(modules.max_length if modules else None)
        own = self._tokenizer.model_max_length
        limit = min([v for v in limits if v] + [own])
        found: list[list[int]] = []
        for start in range(0, len(texts), _BLOCK):
            part = list(texts[start : start + _BLOCK])
            if modules and modules.lower_case:
                part = [text.lower() for text in part]
            encoded = self._tokenizer(
                part,
                truncation=limit < 1_000_000,
                max_length=limit if limit < 1_000_000 else None,
                return_attention_mask=False,
                return_token_type_ids=False,
            )
            found.extend(encoded["input_ids"])
        return found

    def _run_within_memory(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        import torch

        try:
            return self._run(tokens)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
        if len(tokens) == 1:
            raise ModelError(
                f"{self._model.path}: not enough memory on {self._model.device} for a single text of "
                f"{len(tokens[0])} tokens. Use a smaller --dtype, or --device cpu."
            )
        # Outside the except block: the error would keep the failed batch's tensors alive.
        if self._model.device.startswith("cuda"):
            torch.cuda.empty_cache()
        half = (len(tokens) + 1) // 2
        self._say(f"out of memory with {len(tokens)} texts of up to {len(tokens[0])} tokens: trying {half}")
        return np.concatenate(
            [self._run_within_memory(tokens[:half]), self._run_within_memory(tokens[half:])]
        )

    def _run(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        import torch

        longest = max(len(ids) for ids in tokens)
        # The id under the mask changes nothing; RoBERTa's positions skip the padding id itself.
        filler = self._tokenizer.pad_token_id or 0
        ids = torch.full((len(tokens), longest), filler, dtype=torch.long)
        mask = torch.zeros((len(tokens), longest), dtype=torch.long)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = torch.tensor(own, dtype=torch.long)
            mask[row, : len(own)] = 1
        with torch.inference_mode():
            device = torch.device(self._model.device)
            vectors = self._embed(ids.to(device), mask.to(device))
            result: Vectors = vectors.float().cpu().numpy()
        return result

    def _embed(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        import torch

        inner = self._layer != self._layers_kept
        output: Any = self._network(input_ids=ids, attention_mask=mask, output_hidden_states=inner)
        if self._representation == "pooler":
            return torch.nn.functional.normalize(output.pooler_output.float(), p=2, dim=-1)
        hidden = output.hidden_states[self._layer] if inner else output.last_hidden_state
        if self._modules is not None:
            return self._modules.embed(hidden, mask)
        embedding = self._model.adapter.embedding
        counting = mask if embedding.include_special_tokens else self._without_special(ids, mask)
        vectors = pool(hidden, counting, embedding.pooling)
        return torch.nn.functional.normalize(vectors, p=2, dim=-1) if embedding.normalize else vectors

    def _without_special(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        import torch

        special = torch.tensor(sorted(set(self._tokenizer.all_special_ids)), device=ids.device)
        # An unknown word is a word.
        special = special[
            special != (-1 if self._tokenizer.unk_token_id is None else self._tokenizer.unk_token_id)
        ]
        counting = mask * ~torch.isin(ids, special)
        # An empty text has special tokens only: better those than nothing.
        return torch.where(counting.any(dim=1, keepdim=True), counting, mask)


def open_encoder(
    model: Model,
    *,
    representation: Representation = "adapter",
    say: Callable[[str], None] | None = None,
) -> Encoder:
    """Load a checkpoint as an encoder on its device.

    `adapter` reads and pools the layer that the adapter names, or follows the checkpoint's own
    modules where the adapter says so and they are there. `pooler` takes the pooler output (a dense
    layer and tanh over the first token) of bare texts, L2-normalised, as the dual encoders of LAReQA
    do. `say` gets one line where a batch had to be made smaller.

    Raises:
        ModelError: if the checkpoint lacks weights, the layer, the pooler, or a fast tokenizer.
    """
    layer, modules = _readout(model, representation, model.device)
    config = open_config(model).get_text_config()
    truncated = layer < model.num_layers and config.model_type in _TRUNCATABLE
    overrides = {"num_hidden_layers": layer} if truncated else {}
    network, missing = load_network("AutoModel", model, dtype=model.dtype, overrides=overrides)
    check_complete(model, network, missing, pooler=representation == "pooler")
    return Encoder(
        model=model,
        network=network.to(model.device),  # type: ignore[arg-type]
        tokenizer=open_tokenizer(model),
        representation=representation,
        layer=layer,
        layers_kept=layer if truncated else model.num_layers,
        modules=modules,
        say=say or (lambda message: None),
    )


def check_readout(model: Model, representation: Representation) -> None:
    """Check the layer and the modules that vectors are read from, as far as settings tell.

    Raises:
        ModelError: if the adapter names no layer that the model has, or the modules cannot be read.
    """
    _readout(model, representation, "cpu")


def _readout(model: Model, representation: Representation, device: str) -> tuple[int, SentenceModules | None]:
    """Return the layer that is read, and what the checkpoint's own modules do with it."""
    modules = None
    if representation == "adapter" and model.adapter.embedding.modules and has_modules(model.path):
        modules = read_modules(model.path, allow_pickle=model.allow_pickle, device=device)
    return model.num_layers if modules or representation == "pooler" else _layer(model), modules


def _layer(model: Model) -> int:
    asked = model.adapter.embedding.layer
    if isinstance(asked, dict):
        if model.num_layers not in asked:
            known = ", ".join(f"{layers} layers: {index}" for layers, index in sorted(asked.items()))
            raise ModelError(
                f"{model.path}: adapter {model.adapter.name!r} names no layer for a model of "
                f"{model.num_layers} layers ({known}). Name one in an adapter of your own "
                "(embedding.layer) and pass it with --adapter."
            )
        return asked[model.num_layers]
    if asked == "last":
        return model.num_layers
    if not 0 <= asked <= model.num_layers:
        raise ModelError(
            f"{model.path}: adapter {model.adapter.name!r} reads hidden_states[{asked}], "
            f"but the model has layers 0 (embeddings) to {model.num_layers}"
        )
    return asked


def check_complete(model: Model, network: PreTrainedModel, missing: set[str], *, pooler: bool) -> None:
    """Refuse a network that is in part random: a checkpoint of something else, or a cut one.

    Raises:
        ModelError: if parameters are missing; those of the pooler count only where it is read.
    """
    if pooler and getattr(network, "pooler", None) is None:
        raise ModelError(f"{model.path}: {type(network).__name__} has no pooler, which this recipe reads")
    absent = sorted(name for name in missing if pooler or not name.startswith("pooler."))
    if absent:
        raise ModelError(
            f"{model.path}: the weights lack {len(absent)} parameters of the encoder, e.g. {absent[0]}. "
            + (
                "This recipe reads the pooler, which the checkpoint must have been trained with."
                if all(name.startswith("pooler.") for name in absent)
                else "Is config.json that of these weights?"
            )
        )


def _out_of_memory(error: BaseException) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)
