"""Gold that was withheld: what stands in its place in each format, and how it is told from gold.

XTREME's own download script keeps the test answers back: the answers of XQuAD, MLQA and TyDiQA-GoldP
become empty texts, the labels of XNLI, PAWS-X, UDPOS and PAN-X are cut off (its readers then fill in
`neutral`, `X` or `O` throughout), the labels of XCOPA all become 0. Copies on the Hub use -1 or an
empty text, the release of Mewsli-X for XTREME-R an empty `entity_id`. A score against any of them
would be a number about nothing.

Source: google-research/xtreme@838c13b, utils_preprocess.py, scripts/download_data.sh,
third_party/processors/xnli.py, third_party/utils_tag.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from harness.errors import DataError

# From so many examples on, one answer throughout is no coincidence.
CONSTANT_FROM = 50
# What stands for a label that nobody may see. Only asked of labels that are not in the label set.
PLACEHOLDERS = frozenset({"", "-1", "-", "_", "?", "hidden", "None", "null"})
_WAY_OUT = (
    "the file was published without its answers (XTREME's own download script withholds them) and cannot "
    "be scored against; use the file of the original release"
)


def refuse_hidden(seen: str, where: str) -> None:
    """Refuse an answer or a label that is a placeholder; `seen` is shown.

    Raises:
        DataError: always.
    """
    raise DataError(f"{where}: the gold is hidden ({seen}): {_WAY_OUT}")


def refuse_constant(golds: Sequence[str], where: str) -> None:
    """Refuse gold that is one and the same answer in 50 examples or more.

    Golds that are JSON lists (tags, answers, ids) count by what they list, so a test set whose every
    word is tagged O is constant too.

    Raises:
        DataError: it is; `where` begins the message.
    """
    if len(golds) < CONSTANT_FROM:
        return
    answers = {answer for gold in set(golds) for answer in _answers(gold)}
    if len(answers) == 1:
        refuse_hidden(f"it is {answers.pop()!r:.40} in all {len(golds):,} examples", where)


def _answers(gold: str) -> list[str]:
    if not gold.startswith("["):
        return [gold]
    try:
        listed = json.loads(gold)
    except ValueError:
        # A label may begin with a bracket.
        return [gold]
    return [str(answer) for answer in listed] if isinstance(listed, list) else [gold]
