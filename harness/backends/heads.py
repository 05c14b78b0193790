"""Task heads: does the checkpoint have one, is it the right one, and loading or making it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from harness.backends.kept_heads import KeptHead, kept_shapes, read_kept, read_tensors
from harness.backends.labels import are_unnamed, config_labels, label_order, name_labels, some
from harness.backends.loading import build_network, load_network, open_config, open_tokenizer, seeded
from harness.backends.model import Model
from harness.backends.weights import tensor_shapes
from harness.errors import ModelError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

_FRESH = "Pass --fresh-head under a recipe that trains to put a new head on its encoder."


class HeadShape(Protocol):
    """The part of `harness.kinds.base.Head` that says what network it runs on.

    `auto_class` names a class of transformers; `labels` is empty where the size of the head does
    not depend on the task.
    """

    @property
    def auto_class(self) -> str:
        """The class."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the task."""
        ...


@dataclass(frozen=True, slots=True)
class FoundHead:
    """A head of a checkpoint that fits.

    `order` gives for each label of the task its row in the head (empty without labels), `unnamed` says that
    the labels have no names and were taken in the task's order. `kept` is the head where it lies beside a
    bare encoder, None where it is the checkpoint's own; `others` names the further ones that fit as well.
    """

    order: tuple[int, ...]
    unnamed: bool
    kept: KeptHead | None = None
    others: tuple[str, ...] = ()


def head_in(model: Model, head: HeadShape, *, name: str = "") -> Literal["fits", "absent"]:
    """Say whether the checkpoint holds the head, as `find_head` finds it.

    Raises:
        ModelError: as `find_head`.
    """
    return "absent" if find_head(model, head, name=name) is None else "fits"


def find_head(model: Model, head: HeadShape, *, name: str = "") -> FoundHead | None:
    """Return the checkpoint's head for a task, judged by configuration and tensor names, or None.

    Nothing is loaded but the headers of the weight files. `AutoModel` stands for no head at all and
    is never found. Of several heads beside a bare encoder that fit, the one called `name` is taken, else
    the first listed; those with other labels are no heads for the task, and no error.

    Raises:
        ModelError: if transformers has no such head for this architecture, or if the checkpoint is of
            this type of head with other labels or another size, or an incomplete one.
    """
    if head.auto_class == "AutoModel":
        return None
    config = open_config(model)
    expected = _head_shapes(model, head, config)
    held = tensor_shapes(model.path, allow_pickle=model.allow_pickle)
    found = {tensor: held[tensor] for tensor in expected if tensor in held}
    classes = _architectures(model, config)
    named = any(_kind(entry) == _kind(_class_name(model, head, config)) for entry in classes)
    if not named:
        # The tensors alone do not tell: a sentence classifier's are called as a tagger's are.
        return _find_kept(model, head, name)
    if len(found) < len(expected):
        absent = sorted(set(expected) - set(found))
        raise ModelError(
            f"{model.path}: config.json says {', '.join(classes)}, but the weights lack "
            f"{len(absent)} of {len(expected)} tensors of that head, e.g. {absent[0]}. {_FRESH}"
        )
    own = config_labels(config)
    order = _order(model, head, own)
    for tensor, shape in expected.items():
        if found[tensor] != shape:
            raise ModelError(
                f"{model.path}: {tensor} has shape {list(found[tensor])}, "
                f"but config.json asks for {list(shape)}. {_FRESH}"
            )
    return FoundHead(order, unnamed=bool(order) and are_unnamed(own) and own != list(head.labels))


def check_class(model: Model, head: HeadShape) -> None:
    """Check that transformers has such a head for the architecture; nothing is loaded.

    Raises:
        ModelError: if it has none.
    """
    _class_name(model, head, open_config(model))


def open_head(
    model: Model,
    head: HeadShape,
    *,
    name: str = "",
    fresh_seed: int | None = None,
    say: Callable[[str], None] | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a checkpoint with a head, on the model's device, and its tokenizer.

    Without `fresh_seed` the head must be there (`find_head` chooses it): it is loaded in the model's dtype,
    in evaluation mode, and its outputs are put into the order of `head.labels`, whatever order it was
    trained in and whether it writes them all in capitals, in small letters or capitalised.
    With it the head, and whatever else the encoder lacks, is new: float32, initialised from that
    seed alone; a head that the checkpoint may hold is not used.

    Raises:
        ModelError: as `find_head`, and if the head is absent while none may be made.
    """
    tokenizer = open_tokenizer(model)
    if fresh_seed is not None:
        return _fresh(model, head, fresh_seed).to(model.device), tokenizer  # type: ignore[arg-type]
    found = find_head(model, head, name=name)
    if found is None:
        raise ModelError(
            f"{model.path}: the checkpoint has no {_kind_of(head)} head{describe_kept(model)}. "
            "Choose a recipe that trains one, or give a checkpoint that was trained for the task."
        )
    if found.unnamed and say is not None:
        say(f"the head's labels have no names (LABEL_0 ..): taken in the task's order, {some(head.labels)}")
    if found.kept is not None:
        network = _load_kept(model, found.kept)
    else:
        network, missing = load_network(head.auto_class, model, dtype=model.dtype)
        if missing:
            raise ModelError(
                f"{model.path}: the weights lack {sorted(missing)[0]} and {len(missing) - 1} others"
            )
    if head.labels:
        if list(found.order) != list(range(len(found.order))):
            _reorder(network, found.order)
        name_labels(network.config, head.labels)
    return network.to(model.device), tokenizer  # type: ignore[arg-type]


def _find_kept(model: Model, head: HeadShape, name: str) -> FoundHead | None:
    """Return the head beside the encoder that fits: class and labels agree."""
    fitting = []
    for kept in read_kept(model.path):
        order = label_order(kept.labels, head.labels) if head.labels else []
        if kept.auto_class == head.auto_class and order is not None:
            fitting.append((kept, order))
    if not fitting:
        return None
    kept, order = next((entry for entry in fitting if entry[0].name == name), fitting[0])
    config = open_config(model)
    if kept.labels:
        name_labels(config, kept.labels)
    expected, held = _head_shapes(model, kept, config), kept_shapes(kept)
    if held != expected:
        wrong = min(held.items() ^ expected.items())[0]
        raise ModelError(
            f"{kept.file}: does not hold the {kept.kind} head of this architecture: {wrong} has shape "
            f"{list(held.get(wrong, ()))} where {list(expected.get(wrong, ()))} is asked for ([]: no such "
            f"tensor). {_FRESH}"
        )
    others = tuple(other.name for other, _ in fitting if other is not kept)
    unnamed = are_unnamed(kept.labels) and list(kept.labels) != list(head.labels)
    return FoundHead(tuple(order), unnamed=unnamed and bool(order), kept=kept, others=others)


def _load_kept(model: Model, kept: KeptHead) -> PreTrainedModel:
    labels: dict[str, Any] = {}
    if kept.labels:
        labels = {
            "id2label": dict(enumerate(kept.labels)),
            "label2id": {label: i for i, label in enumerate(kept.labels)},
        }
    network, missing = load_network(kept.auto_class, model, dtype=model.dtype, overrides=labels)
    tensors = read_tensors(kept)
    lacking = sorted(missing - tensors.keys())
    if lacking:
        raise ModelError(
            f"{model.path}: head {kept.name!r} runs on parts of the encoder that the weights lack: "
            f"{lacking[0]} and {len(lacking) - 1} others. {_FRESH}"
        )
    network.load_state_dict(tensors, strict=False)
    return network


def describe_kept(model: Model) -> str:
    """Return ` (it holds NAME (KIND of N labels), ..)`, or an empty string where no head lies beside it."""
    names = [f"{kept.name} ({kept.kind}{_count(kept)})" for kept in read_kept(model.path)]
    return f" (it holds {', '.join(names)})" if names else ""


def _count(kept: KeptHead) -> str:
    return f" of {len(kept.labels)} labels" if kept.labels else ""


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
        name_labels(config, head.labels)
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


def _kind_of(head: HeadShape) -> str:
    return head.auto_class.removeprefix("AutoModelFor")


def _order(model: Model, head: HeadShape, own: Sequence[str]) -> tuple[int, ...]:
    """Return for each label of the task the row of the checkpoint's head, or raise."""
    if not head.labels:
        return ()
    order = label_order(own, head.labels)
    if order is not None:
        return tuple(order)
    if len(own) != len(head.labels):
        raise ModelError(
            f"{model.path}: its {_kind_of(head)} head has {len(own)} labels "
            f"({some(own)}), the task has {len(head.labels)} ({some(head.labels)}). {_FRESH}"
        )
    unknown = some([label for label in own if label not in head.labels])
    wanted = some([label for label in head.labels if label not in own])
    raise ModelError(
        f"{model.path}: its {_kind_of(head)} head has other labels "
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
