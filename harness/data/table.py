"""Reader name -> function, imported on first use; `package.module:function` names a user's own."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from harness.data.reading import Reader
from harness.errors import SpecError, did_you_mean
from harness.specs.base import is_class_path

TABLE = {
    "aligned_lines": "harness.data.aligned_lines:read_aligned_lines",
    "squad_json": "harness.data.squad:read_squad",
    "squad_sentences": "harness.data.squad_sentences:read_squad_sentences",
    "conllu": "harness.data.conllu:read_conllu",
    "xcopa_jsonl": "harness.data.choices:read_xcopa",
    "copa_jsonl": "harness.data.choices:read_copa",
    "siqa_jsonl": "harness.data.choices:read_siqa",
    "xnli_tsv": "harness.data.xnli:read_xnli",
    "multinli_tsv": "harness.data.xnli:read_multinli",
    "pawsx_tsv": "harness.data.pawsx:read_pawsx",
    "pair_tsv": "harness.data.pair_lines:read_pair_lines",
    "pair_table": "harness.data.sentence_pairs:read_pair_table",
    "wikiann_lines": "harness.data.wikiann:read_wikiann",
    "tag_tsv": "harness.data.tag_lines:read_tag_lines",
    "tagged_sentences": "harness.data.tagged_sentences:read_tagged_sentences",
    "cosmos_csv": "harness.data.question_choices:read_cosmos_csv",
    "text_lines": "harness.data.text_lines:read_text_lines",
    "bucc_release": "harness.data.bucc:read_bucc",
    "pair_rows": "harness.data.row_readers:read_pair_rows",
    "tagging_rows": "harness.data.row_readers:read_tagging_rows",
    "squad_rows": "harness.data.row_readers:read_squad_rows",
    "choice_rows": "harness.data.row_readers:read_choice_rows",
    "hellaswag_rows": "harness.data.question_choices:read_hellaswag_rows",
    "cosmos_rows": "harness.data.question_choices:read_cosmos_rows",
    "commonsense_rows": "harness.data.question_choices:read_commonsense_rows",
    "text_rows": "harness.data.text_lines:read_text_rows",
    "bitext_rows": "harness.data.row_corpora:read_bitext_rows",
    "mining_rows": "harness.data.row_corpora:read_mining_rows",
    "mewslix_mentions": "harness.data.mewslix:read_mentions",
    "mewslix_pairs": "harness.data.mewslix:read_pairs",
    "mewslix_entities": "harness.data.mewslix:read_entities",
}


def reader_named(name: str) -> Reader:
    """Return the reader of that name.

    Raises:
        SpecError: there is none, or the user's own cannot be imported or called.
    """
    path = TABLE.get(name, name)
    module, _, attribute = path.partition(":")
    if not is_class_path(path):
        raise SpecError(
            f"{name!r} is not a reader{did_you_mean(name, TABLE)}; there are {', '.join(TABLE)}, "
            "and 'package.module:function' names your own"
        )
    try:
        reader = getattr(import_module(module), attribute)
    except Exception as error:  # importing runs the user's code, which may fail in any way
        raise SpecError(f"reader {name!r} cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(reader):
        raise SpecError(
            f"reader {name!r} is no function but {reader!r:.60}; a reader takes a "
            "harness.data.reading.Reading and returns a harness.records.DataSet"
        )
    return cast(Reader, reader)
