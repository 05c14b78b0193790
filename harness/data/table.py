"""Reader name -> function, imported on first use; `package.module:function` names a user's own."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from harness.data.reading import Reader
from harness.errors import SpecError, did_you_mean

TABLE = {
    "aligned_lines": "harness.data.aligned_lines:read_aligned_lines",
    "squad_json": "harness.data.squad:read_squad",
    "squad_sentences": "harness.data.squad_sentences:read_squad_sentences",
    "conllu": "harness.data.conllu:read_conllu",
    "xcopa_jsonl": "harness.data.choices:read_xcopa",
    "copa_jsonl": "harness.data.choices:read_copa",
    "siqa_jsonl": "harness.data.choices:read_siqa",
}


def reader_named(name: str) -> Reader:
    """Return the reader of that name.

    Raises:
        SpecError: there is none, or the user's own cannot be imported.
    """
    path = TABLE.get(name, name)
    module, colon, attribute = path.partition(":")
    if not colon:
        raise SpecError(
            f"{name!r} is not a reader{did_you_mean(name, TABLE)}; there are {', '.join(TABLE)}, "
            "and 'package.module:function' names your own"
        )
    try:
        return cast(Reader, getattr(import_module(module), attribute))
    except (ImportError, AttributeError) as error:
        raise SpecError(f"reader {name!r} cannot be imported: {error}") from error
