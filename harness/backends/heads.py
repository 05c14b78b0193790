"""Task heads: does the checkpoint have one, is it the right one, and loading or making it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from harness.backends.loading import build_network, load_network, open_config, open_tokenizer, seeded
from harness.backends.model import Model
from harness.backends.weights import tensor_shapes
from harness.errors import ModelError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

_FRESH = "Pass --fresh-head under a recipe that trains to put a new head on its encoder."
# How a checkpoint may write all of the task's labels: as they are, ENTAILMENT, entailment, Entailment.
_STYLES: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower, str.capitalize)


class HeadShape(Protocol):
    """The part of `harness.kinds.base.Head` that says what network it runs on.

    `auto_class` names a class of transformers; `labels` is empty where the size of the head does
    not depend on the task.
    """

    auto_class: str
    labels: tuple[str, ...]


def head_in(model: Model, head: HeadShape) -> Literal["fits", "absent"]:
    """Say whether the checkpoint holds the head, judged by configuration and tensor names.

    Nothing is loaded but the headers of the weight files. `AutoModel` stands for no head at all and
    is always absent.

    Raises:
        ModelError: if transformers has no such head for this architecture, or if the checkpoint has
            a head of this type with other labels or another size, or an incomplete one.
    """
    if head.auto_class == "AutoModel":
        return "absent"
    config = open_config(model)
    expected = _head_shapes(model, head, config)
    held = tensor_shapes(model.path, allow_pickle=model.allow_pickle)
    found = {name: held[name] for name in expected if name in held}
    classes = _architectures(model, config)
    named = any(_kind(name) == _kind(_class_name(model, head, config)) for name in classes)
    if not named:
        # The tensors alone do not tell: a sentence classifier's are called as a tagger's are.
        return "absent"
    if len(found) < len(expected):
        absent = sorted(set(expected) - set(found))
        raise ModelError(
            f"{model.path}: config.json says {', '.join(classes)}, but the weights lack "
            f"{len(absent)} of {len(expected)} tensors of that head, e.g. {absent[0]}. {_FRESH}"
        )
    _order(model, head, config)
    for name, shape in expected.items():
        if found[name] != shape:
            raise ModelError(
                f"{model.path}: {name} has shape {list(found[name])}, "
                f"but config.json asks for {list(shape)}. {_FRESH}"
            )
    return "fits"


def open_head(
    model: Model,
    head: HeadShape,
    *,
    fresh_seed: int | None = None,
    say: Callable[[str], None] | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a checkpoint with a head, on the model's device, and its tokenizer.

    Without `fresh_seed` the head must be there: it is loaded in the model's dtype, in evaluation
    mode, and its outputs are put into the order of `head.labels`, whatever order it was trained in and
    whether it writes them all in capitals, in small letters or capitalised.
    With it the head, and whatever else the encoder lacks, is new: float32, initialised from that
    seed alone; a head that the checkpoint may hold is not used.

    Raises:
        ModelError: as `head_in`, and if the head is absent while none may be made.
    """
    tokenizer = open_tokenizer(model)
    if fresh_seed is not None:
        return _fresh(model, head, fresh_seed).to(model.device), tokenizer  # type: ignore[arg-type]
    if head_in(model, head) == "absent":
        raise ModelError(
            f"{model.path}: the checkpoint has no {head.auto_class.removeprefix('AutoModelFor')} head. "
            "Choose a recipe that trains one, or give a checkpoint that was trained for the task."
        )
    order = _order(model, head, open_config(model), say=say)
    network, missing = load_network(head.auto_class, model, dtype=model.dtype)
    if missing:
        raise ModelError(f"{model.path}: the weights lack {sorted(missing)[0]} and {len(missing) - 1} others")
    if head.labels:
        if order != list(range(len(order))):
            _reorder(network, order)
        _name_labels(network.config, head.labels)
    return network.to(model.device), tokenizer  # type: ignore[arg-type]


def _fresh(model: Model, head: HeadShape, seed: int) -> PreTrainedModel:
    import torch

    # Loaded without its head, so that no head of another task slips in; what the encoder lacks (a
    # pooler, mostly) is initialised from the seed too.
    base, missing = load_network("AutoModel", model, dtype="float32", seed=seed)
    lacking = sorted(name for name in missing if "pooler" not in name)
    if lacking:
        raise ModelError(
            f"{model.path}: the weights lack {len(lacking)} parameters of the encoder, e.g. {lacking[0]}"
        )
    if head.auto_class == "AutoModel":
        return base
    config = open_config(model)
    _class_name(model, head, config)
    if head.labels:
        _name_labels(config, head.labels)
    config.dtype = torch.float32
    with seeded(seed):
        network = build_network(head.auto_class, model, config)
    inner = getattr(network, network.base_model_prefix)
    wanted = inner.state_dict()
    inner.load_state_dict({name: tensor for name, tensor in base.state_dict().items() if name in wanted})
    network.train(False)
    return network


def _class_name(model: Model, head: HeadShape, config: PretrainedConfig) -> str:
    """Return the name of the class that transformers takes for this head and architecture."""
    import transformers

    remote = (getattr(config, "auto_map", None) or {}).get(head.auto_class)
    if model.trust_remote_code and remote:
        return str(remote).rpartition(".")[2]
    mapping = getattr(transformers, head.auto_class)._model_mapping
    if type(config) not in mapping:
        raise ModelError(
            f"{model.path}: transformers {transformers.__version__} has no {head.auto_class} "
            f"for the model type {config.model_type!r}, so this task cannot run on it"
        )
    return str(mapping[type(config)].__name__)


def _head_shapes(model: Model, head: HeadShape, config: PretrainedConfig) -> dict[str, tuple[int, ...]]:
    """Return the tensors that belong to the head alone, as the class would create them."""
    import torch

    _class_name(model, head, config)
    with torch.device("meta"):
        network = build_network(head.auto_class, model, config)
    prefix = network.base_model_prefix + "."
    return {name: tuple(t.shape) for name, t in network.state_dict().items() if not name.startswith(prefix)}


def _architectures(model: Model, config: PretrainedConfig) -> list[str]:
    """Return the names of classes that config.json says the checkpoint was saved from."""
    named: Any = config.architectures or []
    if not isinstance(named, list | tuple) or not all(isinstance(name, str) for name in named):
        raise ModelError(
            f"{model.path / 'config.json'}: architectures is {named!r}, expected a list of class names"
        )
    return list(named)


def _kind(class_name: str) -> str:
    """Return what follows `For`: TokenClassification of XLMRobertaForTokenClassification."""
    return class_name.rpartition("For")[2]


def _order(
    model: Model, head: HeadShape, config: PretrainedConfig, *, say: Callable[[str], None] | None = None
) -> list[int]:
    """Return for each label of the task the row of the checkpoint's head, or raise."""
    if not head.labels:
        return []
    named = cast("dict[int, str]", config.id2label)
    size = len(named)
    own = [str(named[i]) for i in sorted(named)]
    if own == list(head.labels):
        return list(range(size))
    if size != len(head.labels):
        raise ModelError(
            f"{model.path}: its {head.auto_class.removeprefix('AutoModelFor')} head has {size} labels "
            f"({_some(own)}), the task has {len(head.labels)} ({_some(head.labels)}). {_FRESH}"
        )
    if own == [f"LABEL_{i}" for i in range(size)]:
        if say is not None:
            say(
                "the head's labels have no names (LABEL_0 ..): taken in the task's order, "
                f"{_some(head.labels)}"
            )
        return list(range(size))
    for write in _STYLES:
        written = [write(label) for label in head.labels]
        # Labels that only differ by case cannot be told apart in another case.
        if sorted(own) == sorted(written) and len(set(written)) == size:
            return [own.index(label) for label in written]
    unknown = _some([label for label in own if label not in head.labels])
    wanted = _some([label for label in head.labels if label not in own])
    raise ModelError(
        f"{model.path}: its {head.auto_class.removeprefix('AutoModelFor')} head has other labels "
        f"than the task: {unknown} instead of {wanted} (all may be in capitals, in small letters or "
        f"capitalised; otherwise names must be equal). {_FRESH}"
    )


def _reorder(network: PreTrainedModel, order: Sequence[int]) -> None:
    """Permute the rows of the last layer, so that output i is the task's label i."""
    import torch

    last: Any = None
    for name, module in network.named_modules():
        inside = name.startswith(network.base_model_prefix + ".")
        if not inside and isinstance(module, torch.nn.Linear) and module.out_features == len(order):
            last = module
    if last is None:
        raise ModelError(
            f"{type(network).__name__} has no linear output layer whose labels could be put in order"
        )
    with torch.no_grad():
        last.weight.copy_(last.weight[list(order)].clone())
        if last.bias is not None:
            last.bias.copy_(last.bias[list(order)].clone())


def _name_labels(config: PretrainedConfig, labels: Sequence[str]) -> None:
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: i for i, label in enumerate(labels)}


def _some(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:6])
    return shown if len(labels) <= 6 else f"{shown}, .. {len(labels) - 6} more"
