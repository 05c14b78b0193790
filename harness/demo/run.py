"""`xharness demo`: writes the generated world and the tiny encoder, then runs the ordinary main job."""

from __future__ import annotations

from pathlib import Path

from harness.demo.checkpoint import write_checkpoint
from harness.demo.files import sentences, write_world
from harness.evaluate import Evaluation, evaluate
from harness.progress import Progress
from harness.specs.run import RunSpec

WHAT_IT_IS = """\
xharness demo: generated languages qaa (source), qab, qac, qad, and a tiny XLM-R with random weights.
Heads are fine-tuned on qaa alone and evaluated in all four; what transfers comes from shared words.
The scores show that every step runs. They say nothing about natural language.
The same on real data:  xharness eval --model MODEL --suite xtreme-r --data-dir DATA --out RUN
"""


def run_demo(out: Path, progress: Progress) -> Evaluation:
    """Run the main job end to end without network or data; everything stays under `out`.

    A second call on the same folder finds the work done.
    """
    progress.say(WHAT_IT_IS)
    data, checkpoint = out / "data", out / "tiny-random-xlm-r"
    if not (out / "inputs-complete").is_file():
        out.mkdir(parents=True, exist_ok=True)
        progress.say(f"writing generated data to {data} and a random checkpoint to {checkpoint}")
        write_world(data)
        write_checkpoint(checkpoint, sentences())
        (out / "inputs-complete").write_text("", encoding="utf-8")
    request = RunSpec(
        model=str(checkpoint),
        adapter="generic",
        suite="demo",
        data_dir=str(data),
        out=str(out / "run"),
        threads=1,  # a second thread costs this tiny model more than it brings
    )
    return evaluate(request, progress)
