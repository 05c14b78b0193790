"""Made the JSON files beside it, with other people's implementations in a throw-away environment:

    pip install --target ORACLES --no-deps seqeval==0.0.12 pytrec-eval-terrier==0.5.11 \
        torchmetrics==1.9.0 lightning-utilities
    PYTHONPATH=ORACLES python make_cases.py

Tests read the JSON files, so none of these packages is needed to run them.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
UPOS = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X O".split()
SCHEMES = [f"{prefix}-{kind}" for prefix in "BIES" for kind in ("PER", "LOC", "C-D")] + ["O", "."]
ANSWERS = [
    "the Eiffel Tower", "Eiffel tower!", "a tower", "an  apple a day", "The", "theatre", "U.S.A.", "usa",
    "1,000 km²", "1000 km2", "“quoted”", '"quoted"', "Straße", "STRASSE", "İstanbul", "istanbul",
    "埃菲尔铁塔", "埃菲尔铁塔。", "埃菲尔 铁塔", "ประเทศไทย", "the the cat", "cat cat the", "cat",
    "12\u00a0%", "12 %", "tab\tand\nline", "tab and line", "rock-n-roll", "rock n roll", "l'école", "lécole",
    "naïve", "naïve", "the U.S. Army", "US army", "५", "5",
]  # fmt: skip


def write(name: str, package: str, cases: list) -> None:
    made_by = {"script": "make_cases.py", "package": package, "version": version(package)}
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    text = f'{{"made_by": {json.dumps(made_by)}, "cases": [\n{lines}\n]}}\n'
    (HERE / name).write_text(text, encoding="utf-8")


def make_chunks() -> None:
    from seqeval.metrics import f1_score, precision_score, recall_score

    rng = np.random.default_rng(1)
    cases = []
    for case in range(60):
        tags = UPOS if case % 2 else SCHEMES
        few = [str(t) for t in rng.choice(tags, size=int(rng.integers(2, len(tags))), replace=False)]
        gold, output = [], []
        for _ in range(int(rng.integers(1, 7))):
            words = int(rng.integers(1, 13))
            sentence = [str(t) for t in rng.choice(few, size=words)]
            gold.append(sentence)
            output.append([str(rng.choice(few)) if rng.random() < 0.3 else tag for tag in sentence])
        scores = [float(f(gold, output)) for f in (f1_score, precision_score, recall_score)]
        cases.append({"gold": gold, "output": output, "f1_precision_recall": scores})
    write("seqeval-0.0.12.json", "seqeval", cases)


def make_answers() -> None:
    from torchmetrics.functional.text.squad import squad

    cases = []
    for answer in ANSWERS:
        for i, gold in enumerate(ANSWERS):
            golds = [gold] if i % 3 else [gold, ANSWERS[(i * 7) % len(ANSWERS)]]
            target = {"answers": {"answer_start": [0] * len(golds), "text": golds}, "id": "q"}
            scores = squad({"prediction_text": answer, "id": "q"}, target)
            cases.append([golds, answer, float(scores["exact_match"]), float(scores["f1"])])
    write("squad-torchmetrics.json", "torchmetrics", cases)


def make_rankings() -> None:
    import pytrec_eval

    rng = np.random.default_rng(2)
    cases = []
    for _ in range(60):
        pool = [f"c{i}" for i in range(int(rng.integers(1, 60)))]
        relevant = [str(c) for c in rng.choice(pool, size=int(rng.integers(1, len(pool) + 1)), replace=False)]
        ranked = [str(c) for c in rng.permutation(pool)]
        run = {c: float(-rank) for rank, c in enumerate(ranked)}
        measures = {"map_cut.5,20", "num_rel"}
        scored = pytrec_eval.RelevanceEvaluator({"q": dict.fromkeys(relevant, 1)}, measures).evaluate(
            {"q": run}
        )
        cases.append([relevant, ranked, scored["q"]["map_cut_5"], scored["q"]["map_cut_20"]])
    write("map-trec_eval.json", "pytrec-eval-terrier", cases)


def make_submissions() -> None:
    """Score the tagging files of generated submissions as google-research/xtreme@838c13b reads them."""
    import sys
    from tempfile import TemporaryDirectory

    from seqeval.metrics import f1_score, precision_score, recall_score

    sys.path.insert(0, str(HERE.parents[1] / "support"))
    from make_submission import LANGUAGES, write_submission

    def sentences(path: Path) -> list[list[str]]:
        text = path.read_text(encoding="utf-8").removesuffix("\n")
        return [block.split("\n") for block in text.removesuffix("\n").split("\n\n")]

    cases = []
    for suite, tasks in LANGUAGES.items():
        with TemporaryDirectory() as folder:
            write_submission(Path(folder), suite, seed=1, size=12)
            for task in ("panx", "udpos"):
                for code in tasks[task].split():
                    gold, given = (
                        sentences(Path(folder, part, task, f"test-{code}.tsv"))
                        for part in ("labels", "predictions")
                    )
                    assert len(gold) == len(given) == 12
                    scores = [float(f(gold, given)) for f in (f1_score, precision_score, recall_score)]
                    cases.append([suite, task, code, scores])
    write("submissions-seqeval-0.0.12.json", "seqeval", cases)


if __name__ == "__main__":
    make_chunks()
    make_submissions()
    make_answers()
    make_rankings()
