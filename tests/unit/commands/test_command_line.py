from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner

from harness import __version__
from harness.cli import app
from harness.errors import DataError, IncompleteRun
from harness.results import report
from harness.specs.run import Device, DType, RunSpec, Search

runner = CliRunner()


def call(*arguments: str) -> Any:
    return runner.invoke(app, list(arguments))


class Recorder:
    """Stands in for `harness.evaluate`: keeps what it was asked and answers with an outcome."""

    def __init__(self, incomplete: tuple[str, ...] = (), error: BaseException | None = None) -> None:
        self.requests: list[RunSpec] = []
        self.scored: list[tuple[Any, dict[str, Any]]] = []
        self.incomplete, self.error = incomplete, error
        self.quiet: bool | None = None

    def evaluate(self, request: RunSpec, progress: Any) -> SimpleNamespace:
        self.requests.append(request)
        self.quiet = progress.quiet
        if self.error:
            raise self.error
        return self._outcome()

    def score_run(self, folder: Path, **options: Any) -> SimpleNamespace:
        self.scored.append((folder, options))
        return self._outcome()

    def _outcome(self) -> SimpleNamespace:
        return SimpleNamespace(findings="A table", incomplete=self.incomplete)


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Any:
    def install(**options: Any) -> Recorder:
        recorder = Recorder(**options)
        monkeypatch.setitem(sys.modules, "harness.evaluate", recorder)  # type: ignore[arg-type]
        monkeypatch.setattr(report, "print_report", typer.echo)
        return recorder

    return install


def test_help_names_every_command() -> None:
    result = call("--help")
    assert result.exit_code == 0
    for command in ("eval", "score", "tasks", "adapters", "demo", "doctor"):
        assert re.search(rf"\b{command}\b", result.output)


def test_version() -> None:
    assert call("--version").output == f"xharness {__version__}\n"


def test_no_command_is_a_usage_error() -> None:
    assert call().exit_code == 2
    assert call("evla").exit_code == 2


def test_eval_passes_every_option_on(record: Any) -> None:
    recorder = record()
    result = call(
        *("eval", "--model", "m@main", "--tasks", "tatoeba,lareqa", "--languages", "de, no"),
        *("--data-dir", "d", "--out", "o", "--adapter", "labse", "--recipe", "none", "--seeds", "1,2"),
        *("--limit", "5", "--device", "cpu", "--dtype", "float32", "--search", "exact", "--offline"),
        *("--no-resume", "--resamples", "200", "--fresh-head", "--allow-pickle", "--trust-remote-code"),
        *("--discard-models", "--threads", "2", "--quiet"),
    )
    assert result.exit_code == 0, result.output
    assert recorder.requests == [
        RunSpec(
            model="m@main",
            tasks=("tatoeba", "lareqa"),
            languages=("de", "no"),
            data_dir="d",
            out="o",
            adapter="labse",
            recipe="none",
            seeds=(1, 2),
            limit=5,
            device="cpu",
            dtype="float32",
            threads=2,
            search="exact",
            offline=True,
            resume=False,
            resamples=200,
            fresh_head=True,
            allow_pickle=True,
            trust_remote_code=True,
            discard_models=True,
        )
    ]
    assert recorder.quiet is True
    assert "A table" in result.stdout


def test_eval_has_the_request_s_defaults(record: Any) -> None:
    recorder = record()
    assert call("eval", "--model", "m", "--suite", "xtreme").exit_code == 0
    assert recorder.requests == [RunSpec(model="m", suite="xtreme")]


def test_every_field_of_a_request_is_an_option() -> None:
    shown = call("eval", "--help").output
    for name in RunSpec.model_fields:
        assert f"--{name.replace('_', '-')}" in shown


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        *[
            (f"--{name}", "", f"--{name}: must not be empty")
            for name in ("suite", "adapter", "recipe", "out", "data-dir", "model")
        ],
        ("--seeds", "4294967296", "seeds [4294967296] must lie between 0 and 4294967295"),
        ("--resamples", "1000001", "--resamples: must be at most 1000000, not 1000001"),
        ("--threads", "0", "--threads: must be greater than 0, not 0"),
    ],
)
def test_eval_refuses_values_that_mean_nothing(record: Any, option: str, value: str, message: str) -> None:
    recorder = record()
    result = call("eval", "--model", "m", "--tasks", "tatoeba", option, value)
    assert (result.exit_code, recorder.requests) == (2, [])
    assert message in result.stderr


@pytest.mark.parametrize("choices", [Device, DType, Search])
def test_help_names_every_choice(choices: Any) -> None:
    shown = " ".join(call("eval", "--help").output.replace("│", " ").split())
    *first, last = get_args(choices)
    assert f"{', '.join(first)} or {last}." in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--tasks or --suite"),
        (("--tasks", "a,,b"), "--tasks 'a,,b': an item is empty"),
        (("--tasks", "a", "--seeds", "1,x"), "--seeds '1,x': 'x' is not a whole number"),
        (("--tasks", "a", "--device", "gpu"), "--device: 'gpu' is not auto, cpu or cuda"),
        (("--tasks", "a", "--dtype", "bf16"), "--dtype: 'bf16' is not auto, float32"),
        (("--tasks", "a", "--search", "exat"), "(did you mean 'exact'?)"),
        (("--tasks", "a", "--limit", "a"), "--limit 'a': not a whole number"),
        (("--tasks", "a", "--threads", "1.5"), "--threads '1.5': not a whole number"),
        (("--tasks", "a", "--resamples", "many"), "--resamples 'many': not a whole number"),
        (("--tasks", "a", "--out", "~nouser/x"), "--out: '~nouser/x': Could not determine home"),
        (("--tasks", "a", "--data-dir", "~nouser"), "--data-dir: '~nouser'"),
        (("--tasks", "a", "--model", "~nouser/m"), "write ./~nouser/m"),
        (("--tasks", "a", "--limit", "0"), "--limit: must be greater than 0, not 0"),
        (("--tasks", "a", "--resamples", "5"), "--resamples: must be at least 100, not 5"),
    ],
)
def test_wrong_options_end_in_one_message(arguments: tuple[str, ...], message: str, record: Any) -> None:
    recorder = record()
    result = call("eval", "--model", "m", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stdout == ""
    assert recorder.requests == []


def test_several_wrong_options_at_once(record: Any) -> None:
    record()
    result = call("eval", "--model", "m", "--tasks", "a", "--device", "gpu", "--limit", "0")
    assert result.stderr.startswith("error: 2 problems:")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("x.tsv:3: broken"), 2, "error: x.tsv:3: broken\n"),
        (IncompleteRun("one cell failed"), 3, "error: one cell failed\n"),
        (KeyboardInterrupt(), 130, "interrupted; the same command continues\n"),
        (PermissionError(13, "Permission denied", "/a/b"), 2, "error: /a/b: Permission denied\n"),
        (OSError(28, "No space left on device"), 2, "error: No space left on device\n"),
        (OSError("the hub says no"), 2, "error: the hub says no\n"),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
    ],
)
def test_errors_become_messages_and_exit_codes(
    error: BaseException, code: int, message: str, record: Any
) -> None:
    record(error=error)
    result = call("eval", "--model", "m", "--tasks", "a")
    assert result.exit_code == code
    assert result.stderr == message


def test_a_bug_keeps_its_traceback(record: Any) -> None:
    record(error=ZeroDivisionError("bug"))
    assert isinstance(call("eval", "--model", "m", "--tasks", "a").exception, ZeroDivisionError)


def test_an_incomplete_run_prints_its_tables_and_exits_3(record: Any) -> None:
    record(incomplete=("udpos sw: no such file",))
    result = call("eval", "--model", "m", "--tasks", "a")
    assert result.exit_code == 3
    assert "A table" in result.stdout
    assert "udpos sw: no such file" in result.stderr


def test_score_hands_over_its_folders(record: Any) -> None:
    recorder = record()
    assert call("score", "--run", "r", "--data-dir", "d", "--out", "o").exit_code == 0
    ((folder, options),) = recorder.scored
    assert folder == Path("r")
    assert (options["data_dir"], options["out"]) == (Path("d"), Path("o"))


@pytest.fixture
def scored(record: Any, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Let `score` find one set of scores; return them as it should write them."""
    from harness.results.scores import build_scores, encode_plain

    scores = build_scores({}, suite=None, recipe="none", missing={})
    recorder = record()
    outcome = SimpleNamespace(findings="A table", incomplete=(), scores=scores)
    monkeypatch.setattr(recorder, "score_run", lambda folder, **options: outcome)
    return encode_plain(scores)


def test_score_writes_json_to_a_file(scored: bytes, tmp_path: Path) -> None:
    result = call("score", "--run", "r", "--json", str(tmp_path / "s.json"))
    assert result.stdout == "A table\n"
    assert (tmp_path / "s.json").read_bytes() == scored
    result = call("score", "--run", "r", "--json", str(tmp_path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: --json {tmp_path}: is a folder; name the file\n"


def test_score_prints_json_and_nothing_else(
    scored: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call("score", "--run", "r", "--json", "-")
    assert result.exit_code == 0
    assert result.stdout_bytes == scored
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_leads_to_stdout_is_stdout(
    scored: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As `--json /dev/stdout > file`: the file must not be replaced under the shell's hands.
    from harness.commands import score

    file, link = tmp_path / "file", tmp_path / "stdout"
    link.symlink_to(file)
    with file.open("w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        score.run(run_folder=Path("r"), json_file=link)
    assert file.read_bytes() == scored
    assert link.is_symlink()


def run_main(code: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own, after `code`."""
    program = f"import sys\n{code}\nfrom harness.cli import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", program, "tasks", "list"], stderr=subprocess.PIPE, check=False, **options
    )


def test_a_terminal_that_is_not_utf_8() -> None:
    title = "from harness.results import table_writers as t\n"
    title += "t.one_line = lambda text: '\u00b7 ' + text"
    done = run_main(title, stdout=subprocess.PIPE, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"? Tasks" in done.stdout
    assert done.stdout.isascii()
    assert b"??" not in done.stdout  # boxes are drawn in ASCII


def test_a_reader_that_has_seen_enough() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run_main("", stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_an_output_that_takes_nothing(tmp_path: Path) -> None:
    # A file that may not grow stands in for a full disk.
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); sys.dont_write_bytecode = True"
    with (tmp_path / "file").open("wb") as stream:
        done = run_main(limit, stdout=stream)
    assert (done.returncode, done.stderr) == (2, b"error: File too large\n")


def test_tasks_list_and_show() -> None:
    listed = call("tasks", "list").stdout
    assert "tatoeba" in listed
    assert "xtreme-r" in listed
    shown = call("tasks", "show", "tatoeba").stdout
    for word in ("licence", "citation", "bitext_retrieval", "accuracy (main)", "files wanted", "recipes"):
        assert word in shown


def test_tasks_show_with_a_typo() -> None:
    result = call("tasks", "show", "tatoba")
    assert result.exit_code == 2
    assert "did you mean 'tatoeba'" in result.stderr


def test_tasks_show_says_what_a_recipe_misses(tmp_path: Path) -> None:
    shown = call("tasks", "show", "udpos", "--data-dir", str(tmp_path)).stdout
    assert "missing: training set" in shown
    assert "0 of 38 languages" in shown


def test_adapters_list_and_show() -> None:
    assert "xlm-roberta" in call("adapters", "list").stdout
    shown = call("adapters", "show", "xlm-roberta").stdout
    assert "chosen for" in shown
    assert call("adapters", "show", "xlm-robert").exit_code == 2


def test_validate_checks_structure_and_says_so() -> None:
    result = call("tasks", "validate")
    assert result.exit_code == 0
    assert "only the structure was checked" in result.stdout


def test_validate_reports_names_that_lead_nowhere(tmp_path: Path, repository: Path) -> None:
    text = (repository / "tasks/targets/tatoeba.yaml").read_text(encoding="utf-8")
    broken = text.replace("reader: aligned_lines", "reader: aligned_line").replace(
        "computes: accuracy", "computes: acuracy"
    )
    file = tmp_path / "mine.yaml"
    file.write_text(broken, encoding="utf-8")
    result = call("tasks", "validate", str(file))
    assert result.exit_code == 2
    assert "'aligned_line' is not a reader (did you mean 'aligned_lines'?)" in result.stderr
    assert "did you mean 'accuracy'" in result.stderr
    assert re.search(r"mine\.yaml:\d+: data\.local\.reader", result.stderr)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "output: to_en",
            "output: to_fr",
            "output: kind 'bitext_retrieval' gives no output 'to_fr' (did you",
        ),
        (
            "computes: accuracy,",
            "computes: average_precision@0,",
            "computes: metric 'average_precision@0' needs",
        ),
        ("computes: accuracy,", "computes: nope,", "computes: there is no metric 'nope'"),
    ],
)
def test_validate_finds_metrics_that_could_not_be_computed(
    tmp_path: Path, repository: Path, old: str, new: str, message: str
) -> None:
    text = (repository / "tasks/targets/tatoeba.yaml").read_text(encoding="utf-8")
    file = tmp_path / "tatoeba.yaml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    assert old in text
    result = call("tasks", "validate", str(file))
    assert result.exit_code == 2
    assert re.search(rf"tatoeba\.yaml:\d+: metrics\[1\]\.{re.escape(message)}", result.stderr)


def test_validate_wants_the_data_of_a_task_that_is_named(tmp_path: Path) -> None:
    text = str(Path("tasks/targets/xcopa.yaml").resolve())
    result = call("tasks", "validate", text, "--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert "no files for 11 languages (et, ht, id" in result.stderr
    assert call("tasks", "validate", "--data-dir", str(tmp_path)).exit_code == 0
    assert call("tasks", "validate", "--data-dir", str(tmp_path / "absent")).exit_code == 2


def test_validate_reads_real_data(data_dir: Path) -> None:
    result = call("tasks", "validate", "--data-dir", str(data_dir))
    assert result.exit_code == 0, result.output
    assert "xcopa: 5,500 examples in 11 of 11 languages" in result.stdout


def test_doctor_as_json() -> None:
    facts = json.loads(call("doctor", "--json").stdout)
    assert facts["versions"]["xharness"] == __version__
    assert facts["compute"]["cpus"] >= 1
    assert "tatoeba" in facts["specifications"]["tasks"]


def test_doctor_for_people(tmp_path: Path) -> None:
    result = call("doctor", "--data-dir", str(tmp_path))
    assert result.exit_code == 0
    assert re.search(r"xcopa +0 of 11 languages", result.stdout)


@pytest.mark.parametrize("arguments", [["-c", "import harness"], ["-m", "harness", "--help"]])
def test_start_up_loads_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    heavy = {"torch", "transformers", "datasets", "faiss", "pydantic", "numpy", "scipy", "pyarrow", "yaml"}
    assert loaded & heavy == set()
    assert "harness" in loaded
