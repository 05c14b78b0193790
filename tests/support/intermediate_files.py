"""Files of the intermediate tasks in the form of their releases, a few rows each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

NLI = ("contradiction", "entailment", "neutral")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _lines(path: Path, *rows: dict[str, Any]) -> None:
    _write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def anli(root: Path) -> None:
    for part in ("train", "dev"):
        for number, labels in (("1", "en"), ("2", "c"), ("3", "ne")):
            rows = [
                {"uid": f"{part}{i}", "context": f"c{i}", "hypothesis": "h", "label": x, "reason": ""}
                for i, x in enumerate(labels)
            ]
            _lines(root / f"anli_v1.0/R{number}/{part}.jsonl", *rows)


def mnli(root: Path) -> None:
    header = (
        "index\tpromptID\tpairID\tgenre\ts1bp\ts2bp\ts1p\ts2p\tsentence1\tsentence2\tlabel1\tgold_label\n"
    )
    for part in ("train", "dev_matched"):
        row = f'0\t1\t1n\tfiction\t(\t(\t(\t(\tHe "sat".\tHe {part}.\tneutral\tneutral\n'
        _write(root / f"glue/MNLI/{part}.tsv", header + row + row.replace("neutral", "entailment"))


def snli(root: Path) -> None:
    header = "gold_label\ts1bp\ts2bp\ts1p\ts2p\tsentence1\tsentence2\tcaptionID\tpairID\tlabel1\tlabel2\n"
    for part in ("train", "dev"):
        rows = "".join(
            f"{g}\t(\t(\t(\t(\tA man.\tHe {part}.\t1#0\t1r\t{g}\t\n" for g in (*NLI, "-", "neutral")
        )
        _write(root / f"snli/snli_1.0/snli_1.0_{part}.txt", header + rows)


def qqp(root: Path) -> None:
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    for part in ("train", "dev"):
        _write(root / f"QQP/{part}.tsv", f"{header}0\t1\t2\tWhy {part}?\tWhat?\t1\n1\t3\t4\tA?\tB?\t0\n")


def _squad(*questions: dict[str, Any], context: str = "It is here.", title: str | None = "T") -> str:
    article = {"paragraphs": [{"context": context, "qas": list(questions)}]} | (
        {"title": title} if title else {}
    )
    return json.dumps({"version": "1", "data": [article]}, ensure_ascii=False)


def _asked(name: str, *, text: str = "here", start: int = 6, **more: Any) -> dict[str, Any]:
    answers = [{"text": text, "answer_start": start}] if text else []
    return {"id": name, "question": f"Where, {name}?", "answers": answers, **more}


def squad_v1(root: Path) -> None:
    for part in ("train", "dev"):
        _write(root / f"squad/{part}-v1.1.json", _squad(_asked(f"{part}-1"), _asked(f"{part}-2")))


def squad_v2(root: Path) -> None:
    for part in ("train", "dev"):
        some = _asked(f"{part}-1", is_impossible=False)
        none = _asked(f"{part}-2", text="", is_impossible=True, plausible_answers=[])
        _write(root / f"squad/{part}-v2.0.json", _squad(some, none))


def hellaswag(root: Path) -> None:
    for part in ("train", "val"):
        row = {"ind": 1, "ctx_a": "A man.", "ctx_b": "he", "ctx": "A man. he", "endings": list("abcd")}
        rows = [row | {"activity_label": part, "source_id": "x", "label": label} for label in (0, 3)]
        _lines(root / f"hellaswag/hellaswag_{part}.jsonl", *rows)


def ccg(root: Path) -> None:
    tags = {f"T{number}": number for number in range(1361)} | {"N": 1361, r"S\NP": 1362}
    _write(root / "ccg/tags_to_id.json", json.dumps(tags))
    _write(root / "ccg/ccg.train", "He sleeps\tN S\\NP\nShe\tN\n")
    _write(root / "ccg/ccg.dev", "It\tN\n")


def cosmos_qa(root: Path) -> None:
    header = "id,context,question,answer0,answer1,answer2,answer3,label\n"
    for part in ("train", "valid"):
        rows = f'1,"A, ""b"" {part}",Why ?,a,"b, c",None of the above choices .,d,2\n2,C,Q,a,b,c,d,0\n'
        _write(root / f"cosmosqa/{part}.csv", header + rows)


def commonsense_qa(root: Path) -> None:
    for part in ("train", "dev"):
        choices = [{"label": letter, "text": letter.lower()} for letter in "ABCDE"]
        question = {"question_concept": "c", "stem": f"Where in {part}?", "choices": choices}
        rows = [{"id": letter, "answerKey": letter, "question": question} for letter in "AE"]
        _lines(root / f"commonsenseqa/{part}_rand_split.jsonl", *rows)


def siqa(root: Path) -> None:
    base = {"context": "Tracy left.", "question": "Why?", "answerA": "a", "answerB": "b", "answerC": "c"}
    for part in ("trn", "dev"):
        _lines(root / f"siqa/socialIQa_v1.4_{part}.jsonl", *({**base, "correct": x} for x in "AC"))


def xnli_translate_train(root: Path) -> None:
    header = "language\tgold_label\ts1bp\ts2bp\ts1p\ts2p\tsentence1\tsentence2\n"
    rows = [f"{code}\t{label}\t\t\t\t\t{code} a\t{code} b\n" for code in ("de", "en") for label in NLI]
    _write(root / "XNLI-1.0/xnli.dev.tsv", header + "".join(rows))
    for code in ("de", "en"):
        lines = f"premise\thypo\tlabel\n{code} a\tb\tcontradictory\n{code} c\td\tneutral\n"
        _write(root / f"XNLI-MT-1.0/multinli/multinli.train.{code}.tsv", lines)


def pawsx_translate_train(root: Path) -> None:
    for code, train in (("de", "translated_train"), ("en", "train")):
        for part in (train, "dev_2k"):
            lines = f'id\tsentence1\tsentence2\tlabel\n1\t{code} "a\t{part}\t0\n2\tc\td\t1\n'
            _write(root / f"x-final/{code}/{part}.tsv", lines)


def tydiqa_train(root: Path) -> None:
    questions = [_asked(f"{name}-{i}-1") for name in ("english", "finnish", "swahili") for i in range(2)]
    _write(root / "tydiqa/tydiqa-goldp-v1.1-train.json", _squad(*questions, title=None))


def wikiann_train(root: Path) -> None:
    for code in ("de", "qu"):
        for part in ("train", "dev"):
            lines = f"{code}:In\tO\n{code}:a:b\tB-LOC\n\n\n{code}:{part}\tB-PER\n\n"
            _write(root / f"panx_dataset/{code}/{part}", lines)


def ud_train(root: Path) -> None:
    for name in ("de_gsd", "de_hdt", "gsw_uzh", "wo_wtb"):
        for part in ("train", "dev"):
            words = f"1\t{name}\t_\tNOUN\t_\t_\t0\troot\t_\t_\n2\t{part}\t_\tVERB\t_\t_\t1\tdep\t_\t_\n"
            _write(root / f"UD_X-{name}/{name}-ud-{part}.conllu", f"# sent_id = 1\n{words}\n")


def mlqa_translate_train(root: Path) -> None:
    for part in ("train", "dev"):
        questions = (_asked(f"{part}-1"), _asked(f"{part}-2", text="lost", start=0))
        name = f"mlqa-translate-train/de_squad-translate-train-{part}-v1.1.json"
        _write(root / name, _squad(*questions))


def squad_translate_train(root: Path) -> None:
    for part in ("train", "dev"):
        name = f"xtreme_translations/SQuAD/translate-{part}/squad.translate.{part}.en-th.json"
        _write(root / name, _squad(_asked(f"{part}-1"), _asked(f"{part}-2", start=-1)))


def lines(root: Path) -> None:
    _write(root / "text/de.txt", "Eine Zeile.\n\nNoch eine.\n")


# Task -> what writes its files, and the numbers of examples that are then there: code -> (train, dev).
TASKS: dict[str, tuple[Callable[[Path], None], dict[str, tuple[int, int | None]]]] = {
    "anli": (anli, {"en": (5, 5)}),
    "mnli": (mnli, {"en": (2, 2)}),
    "snli": (snli, {"en": (4, 4)}),
    "qqp": (qqp, {"en": (2, 2)}),
    "squad-v1": (squad_v1, {"en": (2, 2)}),
    "squad-v2": (squad_v2, {"en": (2, 2)}),
    "hellaswag": (hellaswag, {"en": (2, 2)}),
    "ccg": (ccg, {"en": (2, 1)}),
    "cosmos-qa": (cosmos_qa, {"en": (2, 2)}),
    "commonsense-qa": (commonsense_qa, {"en": (2, 2)}),
    "siqa": (siqa, {"en": (2, 2)}),
    "xnli-translate-train": (xnli_translate_train, {"de": (2, 3), "en": (2, 3)}),
    "pawsx-translate-train": (pawsx_translate_train, {"de": (2, 2), "en": (2, 2)}),
    "tydiqa-train": (tydiqa_train, {"en": (2, None), "fi": (2, None), "sw": (2, None)}),
    "wikiann-train": (wikiann_train, {"de": (2, 2), "qu": (2, 2)}),
    "ud-train": (ud_train, {"de": (2, 2), "wo": (1, 1)}),
    "mlqa-translate-train": (mlqa_translate_train, {"de": (1, 1)}),
    "squad-translate-train": (squad_translate_train, {"th": (1, 1)}),
    "lines": (lines, {"de": (2, None)}),
}
