"""Loading transformers classes and tokenizers: quietly, seeded, and with nothing taken on trust."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from harness.backends.model import Model
from harness.errors import ModelError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

# Position embeddings of the RoBERTa family begin after the padding index, so that
# max_position_embeddings 514 means 512 tokens.
_OFFSET_POSITIONS = frozenset(
    {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "roberta-prelayernorm", "xmod", "data2vec-text"}
)

# Where the architectures of transformers keep their vocabularies, beside what a tokenizer's class names.
VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from printing: what matters of a load is checked and said by us."""
    import logging as levels

    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity(levels.ERROR)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run the block with torch seeded, and leave the random state as it was before."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def open_config(model: Model) -> PretrainedConfig:
    """Return the checkpoint's configuration.

    Raises:
        ModelError: if transformers cannot read it.
    """
    return read_config(model.path, trust_remote_code=model.trust_remote_code)


def read_config(path: Path, *, trust_remote_code: bool) -> PretrainedConfig:
    """Return the configuration in a checkpoint folder.

    Raises:
        ModelError: if transformers cannot read it.
    """
    from transformers import AutoConfig

    try:
        with quiet_transformers():
            config: PretrainedConfig = AutoConfig.from_pretrained(
                str(path), trust_remote_code=trust_remote_code, local_files_only=not trust_remote_code
            )
            return config
    except Exception as error:  # whatever a malformed configuration makes transformers raise
        raise ModelError(
            f"{path / 'config.json'}: transformers cannot read it: {first_line(error)}"
        ) from error


def position_limit(config: PretrainedConfig) -> int | None:
    """Return the most tokens the position embeddings can number, special tokens included.

    None where the configuration names no limit.
    """
    config = config.get_text_config()
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return None
    if config.model_type in _OFFSET_POSITIONS:
        limit -= (config.pad_token_id or 0) + 1
    return limit


def length_limit(model: Model, tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Return the most tokens a text may have: the least of adapter, positions and tokenizer."""
    # A tokenizer without a limit reports some huge number.
    own = tokenizer.model_max_length if tokenizer.model_max_length < 1_000_000 else None
    known = [v for v in (model.adapter.max_positions, position_limit(open_config(model)), own) if v]
    return min(known, default=None)


def open_tokenizer(model: Model) -> PreTrainedTokenizerBase:
    """Return the checkpoint's fast tokenizer; its `model_max_length` is what the model can take.

    Raises:
        ModelError: if there is none, only a slow one (character offsets need a fast one), one without
            a vocabulary or a padding token, or one with ids that the model does not have.
    """
    from transformers import AutoTokenizer

    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(
                str(model.path),
                use_fast=True,
                trust_remote_code=model.trust_remote_code,
                local_files_only=not model.trust_remote_code,
            )
    except Exception as error:  # missing files, broken JSON, a library that is not installed
        raise ModelError(
            f"{model.path}: the tokenizer cannot be loaded: {first_line(error)}. A checkpoint folder needs "
            f"its tokenizer files beside the weights: one of {', '.join(VOCABULARIES)}."
        ) from error
    if not tokenizer.is_fast:
        raise ModelError(
            f"{model.path}: {type(tokenizer).__name__} is a slow tokenizer, which gives no character "
            "offsets. Convert it once with transformers and save it as tokenizer.json."
        )
    _check_vocabulary(model, tokenizer)
    # A truncation saved inside tokenizer.json would cut texts behind our back.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    limit = length_limit(model, tokenizer)
    if limit is not None:
        tokenizer.model_max_length = limit
    return cast("PreTrainedTokenizerBase", tokenizer)


def _check_vocabulary(model: Model, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a tokenizer that transformers made up, and one that is of another model."""
    looked = dict.fromkeys([*VOCABULARIES, *tokenizer.vocab_files_names.values()])
    vocabulary = tokenizer.get_vocab()
    words = vocabulary.keys() - set(tokenizer.all_special_tokens)
    # Where its files are missing, transformers returns a tokenizer that maps every text to nothing.
    if not words or not (model.trust_remote_code or any((model.path / name).is_file() for name in looked)):
        raise ModelError(
            f"{model.path}: the checkpoint has no vocabulary: of {', '.join(looked)} there is none, or "
            "what there is holds no words. Copy the same checkpoint's tokenizer files beside the weights."
        )
    if tokenizer.pad_token_id is None:
        raise ModelError(
            f"{model.path}: the tokenizer has no padding token, which batches need: "
            "name one as 'pad_token' in tokenizer_config.json"
        )
    config = open_config(model).get_text_config()
    if config.model_type in _OFFSET_POSITIONS and config.pad_token_id is None:
        raise ModelError(
            f"{model.path / 'config.json'}: pad_token_id is null, but the positions of {config.model_type!r} "
            f"are counted from it: the tokenizer's is {tokenizer.pad_token_id}"
        )
    highest, size = max(vocabulary.values()), getattr(config, "vocab_size", None)
    if isinstance(size, int) and highest >= size:
        raise ModelError(
            f"{model.path}: the tokenizer has ids up to {highest}, but config.json says vocab_size {size}: "
            f"allowed are ids up to {size - 1}. Is it the tokenizer of this checkpoint?"
        )


def load_network(
    auto_class: str,
    model: Model,
    *,
    dtype: str,
    seed: int = 0,
    overrides: Mapping[str, Any] | None = None,
    other_sizes: bool = False,
) -> tuple[PreTrainedModel, set[str]]:
    """Load the checkpoint as a transformers class, in evaluation mode on the CPU.

    Returns the network and the names of the parameters that the checkpoint does not hold: those
    are initialised from `seed`. `overrides` replace values of the configuration. With `other_sizes` what the
    checkpoint holds in another size counts as not held.

    Raises:
        ModelError: if transformers cannot load it.
    """
    import torch

    config = open_config(model)
    for key, value in (overrides or {}).items():
        setattr(config, key, value)
    with seeded(seed):
        network, info = _from_pretrained(
            auto_class, model, config, dtype=getattr(torch, dtype), ignore_mismatched_sizes=other_sizes
        )
    resized = {name for name, _, _ in info["mismatched_keys"]}
    return cast("PreTrainedModel", network.eval()), set(info["missing_keys"]) | resized


def compare_weights(
    model: Model,
) -> tuple[PreTrainedModel, set[str], dict[str, tuple[tuple[int, ...], tuple[int, ...]]], set[str]]:
    """Compare the weights with the encoder that config.json describes; only headers are read.

    Returns that encoder without values, the names of the parameters that the checkpoint does not
    hold, by name those of another shape (the shape in the weights, the shape asked for), and the names of
    the tensors that it holds beside the encoder.

    Raises:
        ModelError: if transformers cannot build that encoder, or cannot read the weights.
    """
    # On the meta device tensors have shapes and no values, and names are matched as in a real load.
    network, info = _from_pretrained(
        "AutoModel", model, open_config(model), device_map="meta", ignore_mismatched_sizes=True
    )
    other = {name: (tuple(held), tuple(asked)) for name, held, asked in info["mismatched_keys"]}
    return network, set(info["missing_keys"]), other, set(info["unexpected_keys"])


def _from_pretrained(
    auto_class: str, model: Model, config: PretrainedConfig, **options: Any
) -> tuple[Any, dict[str, Any]]:
    import transformers

    try:
        with quiet_transformers():
            network, info = getattr(transformers, auto_class).from_pretrained(
                str(model.path),
                config=config,
                use_safetensors=None if model.allow_pickle else True,
                trust_remote_code=model.trust_remote_code,
                local_files_only=not model.trust_remote_code,
                output_loading_info=True,
                **options,
            )
    except Exception as error:  # transformers raises many kinds for a checkpoint it cannot load
        raise ModelError(
            f"{model.path}: transformers {transformers.__version__} cannot load it as {auto_class}: "
            f"{first_line(error)}"
        ) from error
    return network, info


def build_network(auto_class: str, model: Model, config: PretrainedConfig) -> PreTrainedModel:
    """Return a network made from a configuration alone, on the device that torch is set to.

    Raises:
        ModelError: if the configuration contradicts itself.
    """
    import transformers

    try:
        with quiet_transformers():
            network: PreTrainedModel = getattr(transformers, auto_class).from_config(
                config, trust_remote_code=model.trust_remote_code
            )
    except Exception as error:  # each architecture checks its configuration in its own way
        raise ModelError(
            f"{model.path / 'config.json'}: transformers {transformers.__version__} cannot build "
            f"{auto_class} from it: {first_line(error)}"
        ) from error
    return network


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its type where it has none."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
