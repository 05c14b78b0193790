"""Write a full generated submission, with its label files, in XTREME's own layout.

    python tests/support/make_submission.py DIR --suite xtreme-r [--seed 1] [--size 12]

makes DIR/predictions and DIR/labels. It needs the standard library alone, so that whatever reads the
files shares no code with what wrote them. The languages are those of google-research/xtreme@838c13b,
evaluate.py, and for LAReQA those of XQuAD-R.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

_PANX = (
    "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw yo my "
    "zh kk tr et fi hu"
)
_UDPOS = "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh"
_TATOEBA = (
    "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw zh kk tr et "
    "fi hu"
)
_XQUAD = "en es de el ru tr ar vi th zh hi"
_XNLI = "ar bg de el en es fr hi ru sw th tr ur vi zh"
_MLQA, _TYDIQA = "en es de ar hi vi zh", "en ar bn fi id ko ru sw te"
LANGUAGES = {
    "xtreme": {
        "pawsx": "de en es fr ja ko zh",
        "xnli": _XNLI,
        "panx": _PANX,
        "udpos": _UDPOS,
        "bucc2018": "de fr ru zh",
        "tatoeba": _TATOEBA,
        "xquad": _XQUAD,
        "mlqa": _MLQA,
        "tydiqa": _TYDIQA,
    },
    "xtreme-r": {
        "xnli": _XNLI,
        "panx": f"{_PANX} qu pl uk az lt pa gu ro",
        "udpos": f"{_UDPOS} lt pl uk wo ro",
        "tatoeba": f"{_TATOEBA} az lt pl uk ro",
        "xcopa": "et ht id it qu sw ta th tr vi zh",
        "lareqa": _XQUAD,
        "mewslix": "ar de en es fa ja pl ro ta tr uk",
        "xquad": f"{_XQUAD} ro",
        "mlqa": _MLQA,
        "tydiqa": _TYDIQA,
    },
}
SUFFIXES = dict.fromkeys(("xquad", "mlqa", "tydiqa", "mewslix", "lareqa"), "json") | {"xcopa": "jsonl"}

_UPOS = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split()
_WORDS = {
    "en": "the a an Eiffel Tower of 1,000 km² U.S.A. cat, “quoted” well-known naïve",
    "es": "un una la las los el Torre de París, ¿qué? año 1990",
    "de": "der die das ein einem Straße ÄÖÜ 3.050 Meter, „Zitat“",
    "ar": "ال البيت في والقطة، السجادة ١٩٩٠ كتاب؟ من",
    "hi": "यह एक वाक्य है। दिल्ली में १९९० की राजधानी,",
    "vi": "của là cái chiếc những Hà Nội, thủ đô năm 1990",
    "zh": "埃菲尔铁塔 北京, 1990年 《书》 的 首都。 the NASA",
    "ru": "Москва, столица — «цитата» года 1990 в",
    "th": "ประเทศไทย กรุงเทพฯ ปี ๑๙๙๐",
    "ko": "대한민국의 수도는 서울, 1990년",
}
Draw = Callable[[int], int]


def write_submission(folder: Path, suite: str, *, seed: int = 1, size: int = 12) -> None:
    """Write `predictions` and `labels` with about `size` examples per task and language."""
    for task, codes in LANGUAGES[suite].items():
        for code in codes.split():
            # `random()` alone is the same in every version of Python.
            rng = random.Random(f"{seed}/{task}/{code}")
            labels, predictions = _MAKERS[task](lambda n, rng=rng: int(rng.random() * n), size, code)
            name = f"test-{code}.{SUFFIXES.get(task, 'tsv')}"
            for part, text in (("labels", labels), ("predictions", predictions)):
                path = folder / part / task / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode("utf-8"))


def _classes(*names: str) -> Callable[[Draw, int, str], tuple[str, str]]:
    def make(draw: Draw, size: int, code: str) -> tuple[str, str]:
        gold = [names[i % len(names)] for i in range(size + draw(size))]
        given = [label if draw(3) else names[draw(len(names))] for label in gold]
        return "".join(f"{g}\n" for g in gold), "".join(f"{p}\n" for p in given)

    return make


def _rows(draw: Draw, size: int, code: str) -> tuple[str, str]:
    """Tatoeba: the row of the right sentence; the official pools have up to 1,000."""
    gold = [draw(1000) for _ in range(size + draw(size))]
    given = [row if draw(2) else draw(1000) for row in gold]
    return "".join(f"{g}\n" for g in gold), "".join(f"{p}\n" for p in given)


def _choices(draw: Draw, size: int, code: str) -> tuple[str, str]:
    gold = [i % 2 for i in range(size + draw(size))]
    given = [label if draw(3) else 1 - label for label in gold]
    labels = [
        {"premise": "…", "label": g} | ({} if code in ("qu", "zh") else {"idx": i})
        for i, g in enumerate(gold)
    ]
    rows = (
        "".join(json.dumps(row) + "\n" for row in part) for part in (labels, [{"label": p} for p in given])
    )
    first, second = rows
    return first, second


def _entity_tags(draw: Draw, words: int) -> list[str]:
    tags: list[str] = []
    while len(tags) < words:
        if draw(2):
            tags.append("O")
            continue
        kind = ("PER", "ORG", "LOC")[draw(3)]
        tags += [f"B-{kind}", *[f"I-{kind}"] * draw(3)]
    return tags[:words]


def _tags(draw: Draw, size: int, code: str, *, entities: bool) -> tuple[str, str]:
    gold, given = "", ""
    every = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"] if entities else [*_UPOS, "O"]
    for _ in range(size):
        words = 1 + draw(9)
        # Few tags in a sentence, so that equal neighbours occur, which the official score merges.
        few = [_UPOS[draw(len(_UPOS))] for _ in range(3)]
        sentence = _entity_tags(draw, words) if entities else [few[draw(3)] for _ in range(words)]
        gold += "".join(f"{tag}\n" for tag in sentence) + "\n"
        given += "".join(f"{tag if draw(4) else every[draw(len(every))]}\n" for tag in sentence) + "\n"
    # The official reader takes a file with or without a blank line at its end.
    return (gold.removesuffix("\n"), given) if draw(2) else (gold, given.removesuffix("\n"))


def _pairs(draw: Draw, size: int, code: str) -> tuple[str, str]:
    gold = [f"{code}-{i:09d}\ten-{draw(10**6):09d}" for i in range(size + draw(size))]
    given = [pair for pair in gold if draw(3)] + [f"{code}-{i:09d}\ten-000000001" for i in range(draw(size))]
    return "".join(f"{g}\n" for g in gold), "".join(f"{p}\n" for p in _shuffled(given, draw))


def _questions(draw: Draw, size: int, code: str) -> tuple[str, str]:
    words = _WORDS.get(code, f"{_WORDS['en']} {_WORDS['ru']}").split()
    separator = "" if code in ("zh", "th") else " "
    articles, answers = [], {}
    for number in range(size):
        context = separator.join(words[draw(len(words))] for _ in range(20))
        gold = []
        for _ in range(1 + draw(3)):
            start = draw(len(context) - 12)
            text = context[start : start + 1 + draw(12)].strip() or context[:5]
            gold.append({"text": text, "answer_start": max(context.find(text), 0)})
        question_id = f"{code}-{number}"
        question = {"id": question_id, "question": "?", "answers": gold}
        articles.append(
            {"title": f"Article_{number // 3}", "paragraphs": [{"context": context, "qas": [question]}]}
        )
        answers[question_id] = _answer(str(gold[-1]["text"]), words, draw)
    labels = {"data": articles, "version": "1.1"} if draw(2) else articles
    return json.dumps(labels, ensure_ascii=bool(draw(2))), json.dumps(answers, ensure_ascii=bool(draw(2)))


def _answer(gold: str, words: Sequence[str], draw: Draw) -> str:
    """Return an answer that is right, nearly right in one of many ways, wrong or empty."""
    other = words[draw(len(words))]
    ways = [
        gold,
        gold,
        gold.upper(),
        f"the {gold}",
        f"{gold}.",
        f"«{gold}»",
        gold[1:],
        gold[: len(gold) // 2],
    ]
    ways += [f"{gold} {other}", f"{other} {gold}", other, "", f"ال{gold}", f"{gold} {gold}", f"de {gold}"]
    return ways[draw(len(ways))]


def _mentions(draw: Draw, size: int, code: str) -> tuple[str, str]:
    labels, rankings = {}, {}
    for number in range(size + draw(size)):
        entity, length = f"Q{draw(10**6)}", 5 + draw(25)
        ranking = [f"R{number}-{i}" for i in range(length)]
        if draw(4):
            # Now and then past rank 20, where it no longer counts.
            ranking[draw(length)] = entity
        labels[f"{code}{number:08x}"], rankings[f"{code}{number:08x}"] = [entity], ranking
    return json.dumps(labels), json.dumps(rankings)


def _passages(draw: Draw, size: int, code: str) -> tuple[str, str]:
    labels, rankings = {}, {}
    for number in range(size):
        relevant = [f"{other}_{number}_0" for other in _XQUAD.split()]
        wrong = [f"{code}_{number}_{i}" for i in range(1, 21)]
        found = relevant[: draw(len(relevant) + 1)]
        ranking = _shuffled([*found, *wrong], draw)[:20]
        labels[f"q{number}"], rankings[f"q{number}"] = relevant, ranking
    return json.dumps(labels), json.dumps(rankings)


def _shuffled(items: Sequence[str], draw: Draw) -> list[str]:
    left, out = list(items), []
    while left:
        out.append(left.pop(draw(len(left))))
    return out


_MAKERS: dict[str, Callable[[Draw, int, str], tuple[str, str]]] = {
    "xnli": _classes("contradiction", "entailment", "neutral"),
    "pawsx": _classes("0", "1"),
    "panx": lambda draw, size, code: _tags(draw, size, code, entities=True),
    "udpos": lambda draw, size, code: _tags(draw, size, code, entities=False),
    "bucc2018": _pairs,
    "tatoeba": _rows,
    "xcopa": _choices,
    "xquad": _questions,
    "mlqa": _questions,
    "tydiqa": _questions,
    "mewslix": _mentions,
    "lareqa": _passages,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--suite", choices=sorted(LANGUAGES), required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=12)
    given = parser.parse_args()
    write_submission(given.folder, given.suite, seed=given.seed, size=given.size)
