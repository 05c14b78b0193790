"""run.json: round trip, signature, and when two runs are the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ResultError
from harness.results.continuation import changed_versions, check_same_run, comparable_request
from harness.results.findings import release_note, selection_note
from harness.results.foreign_code import refuse_foreign_code
from harness.results.provenance import read_clock, read_git_state, read_versions
from harness.results.record import (
    DataRecord,
    RunRecord,
    SubmissionRecord,
    TrainingRecord,
    decode_record,
    encode_record,
    read_record,
    write_record,
)
from harness.specs.run import RunSpec, ScoreSpec

Make = Callable[..., RunRecord]


def test_round_trip(tmp_path: Path, make_record: Make) -> None:
    record = make_record()
    path = tmp_path / "run.json"
    write_record(path, record)
    assert read_record(path) == record
    assert encode_record(read_record(path)) == path.read_bytes()


def test_signature(make_record: Make) -> None:
    signature = make_record().signature
    assert signature.startswith(
        "xharness:0.1.0|suite:xtreme-r|tasks:tatoeba@1+xquad@1|model:models/minilm@01234567|"
        "adapter:sentence-transformers@1|recipe:smoke|languages:all|seeds:1+2|dtype:float32|search:exact|data:"
    )
    assert signature.endswith("|bs:10000|limit:no")
    assert json.loads(encode_record(make_record()))["signature"] == signature


def test_signature_is_one_line_whatever_the_model_is_called(make_record: Make) -> None:
    plain = make_record()
    assert plain.model is not None
    hostile = make_record(model=plain.model.model_copy(update={"id": "a|b\nseeds:9\u202e"}))
    assert "\n" not in hostile.signature
    assert hostile.signature.count("|") == plain.signature.count("|")


def test_signature_changes_with_the_data(make_record: Make) -> None:
    record = make_record()
    german = record.data["tatoeba"]["de"]
    other = make_record(data={"tatoeba": {"de": german.model_copy(update={"fingerprint": "bb" * 32})}})
    assert other.signature != record.signature


def test_stamps(make_record: Make) -> None:
    assert make_record(smoke=False).stamps == ()
    assert len(make_record(smoke=True, limit=10).stamps) == 2
    assert "limit 10: not comparable" in make_record(limit=10).stamps


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"out": "elsewhere"}, True),
        ({"resume": False}, True),
        ({"data_dir": "../data"}, True),
        ({"tasks": ("xquad", "tatoeba")}, True),
        ({"languages": ("de",)}, False),
        ({"seeds": (2, 1)}, False),
        ({"limit": 5}, False),
        ({"recipe": "none"}, False),
        ({"model": "/elsewhere/m"}, True),
    ],
)
def test_what_makes_a_request_another_one(change: dict[str, object], same: bool, make_record: Make) -> None:
    old = RunSpec(model="m", tasks=("tatoeba", "xquad"), seeds=(1, 2))
    new = old.model_copy(update=change)
    assert (comparable_request(old) == comparable_request(new)) is same
    if not same:
        with pytest.raises(ResultError, match=rf"R belongs to a different run \({next(iter(change))}"):
            check_same_run(make_record(request=old), make_record(request=new), Path("R"))
    else:
        check_same_run(make_record(request=old), make_record(request=new), Path("R"))


def test_other_inputs_are_refused_by_name(make_record: Make) -> None:
    old = make_record()
    check_same_run(old, make_record(started="2030-01-01T00:00:00Z", finished=None, failures=()), Path("R"))
    assert old.model is not None
    assert old.environment is not None
    weights = old.model.model_copy(update={"weights_sha256": "ff" * 32})
    with pytest.raises(ResultError, match=r"model\.weights_sha256: it was \"0123"):
        check_same_run(old, make_record(model=weights), Path("R"))
    data = {"tatoeba": {"de": old.data["tatoeba"]["de"].model_copy(update={"fingerprint": "dd" * 32})}}
    with pytest.raises(ResultError, match=r"data\.tatoeba\.de\.fingerprint"):
        check_same_run(old, make_record(data=data), Path("R"))
    with pytest.raises(ResultError, match=r'dtype: it was "float32", now "bfloat16"'):
        half = old.environment.model_copy(update={"dtype": "bfloat16"})
        check_same_run(old, make_record(environment=half), Path("R"))
    with pytest.raises(ResultError, match=r"specs\.task xquad"):
        edited = old.specs[2].model_copy(update={"sha256": "00" * 32})
        check_same_run(old, make_record(specs=(*old.specs[:2], edited)), Path("R"))


def test_the_same_by_another_name_is_the_same_run(make_record: Make) -> None:
    old = make_record()
    assert old.model is not None
    moved = old.model.model_copy(update={"id": "/elsewhere/minilm/"})
    changes = {"search": "exact", "dtype": "float32", "device": "cpu", "threads": 2, "model": moved.id}
    request = old.request.model_copy(update=changes)
    check_same_run(old, make_record(request=request, model=moved), Path("R"))
    with pytest.raises(ResultError, match=r"model\.revision"):
        other = moved.model_copy(update={"revision": "a" * 40})
        check_same_run(old, make_record(request=request, model=other), Path("R"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suite": "xtreme"}, "suite: 'xtreme' has no specification"),
        ({"seeds": []}, r"seeds: \[\] must be at least one"),
        ({"seeds": [1, 1]}, r"seeds: \[1, 1\] must be"),
        ({"tasks": {}}, r"data\.tatoeba: is not among the tasks"),
        ({"data": {"../x": {}}}, r"data\.\.\./x: is not among"),
    ],
)
def test_records_that_do_not_fit_together(
    change: dict[str, object], message: str, make_record: Make, tmp_path: Path
) -> None:
    tree = json.loads(encode_record(make_record())) | change
    with pytest.raises(ResultError, match=message):
        decode_record(json.dumps(tree).encode(), tmp_path / "run.json")


def test_records_with_specifications_missing_or_swapped(make_record: Make, tmp_path: Path) -> None:
    tree = json.loads(encode_record(make_record()))
    specs = tree["specs"]
    with pytest.raises(ResultError, match=r"tasks\.xquad: has no specification"):
        decode_record(json.dumps(tree | {"specs": specs[:2]}).encode(), tmp_path / "run.json")
    specs[2]["content"]["name"] = "mlqa"
    with pytest.raises(ResultError, match=r"specs\.2\.content\.name: 'mlqa' is not 'xquad'"):
        decode_record(json.dumps(tree).encode(), tmp_path / "run.json")
    tree = json.loads(encode_record(make_record()))
    tree["tasks"]["xquad"]["languages"] = ["de", "de"]
    with pytest.raises(ResultError, match=r"tasks\.xquad\.languages.*names one twice"):
        decode_record(json.dumps(tree).encode(), tmp_path / "run.json")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"metrics": [{"name": "f1", "computes": "os:system"}]}, r"metrics\.0\.computes: 'os:system'"),
        ({"data": {"local": {"reader": "x:y"}}}, r"data\.local\.reader: 'x:y'"),
        ({"training": {"t": {"local": {"reader": "x:y"}}}}, r"training\.t\.local\.reader"),
    ],
)
def test_code_named_by_a_record_is_refused(content: dict[str, object], place: str, make_record: Make) -> None:
    refuse_foreign_code(make_record())
    old = make_record()
    spec = old.specs[1].model_copy(update={"content": {**old.specs[1].content, **content}})
    with pytest.raises(ResultError, match=rf"task 'tatoeba': {place}.* names code"):
        refuse_foreign_code(make_record(specs=(old.specs[0], spec, old.specs[2])))


def test_data_not_read_yet_is_no_difference(make_record: Make) -> None:
    check_same_run(make_record(), make_record(data={}), Path("R"))
    check_same_run(make_record(data={"tatoeba": {}}), make_record(), Path("R"))


def test_changed_versions(make_record: Make) -> None:
    new = make_record(
        versions={"python": "3.11.2", "xharness": "0.1.0", "torch": "2.14.0", "faiss-cpu": "1.15"}
    )
    assert changed_versions(make_record(), new) == ["faiss-cpu none -> 1.15", "torch 2.13.0 -> 2.14.0"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "not valid JSON"),
        (b"3", "schema_version is None"),
        (b'{"schema_version": 9}', "schema_version is 9"),
        (b'{"schema_version": 1}', "request: Field required"),
        (b'{"schema_version": true}', "schema_version is True"),
        (b"", "begin anew with `xharness eval --no-resume`"),
        (b"\xff", "not valid JSON"),
        (b'{"schema_version": 1, "x": NaN}', "NaN is not a number"),
        (b'{"schema_version": ' + b"1" * 5000, "not valid JSON.*digits"),
        (b"[" * 100_000, "nested more than 64"),
        (b"[" * 100 + b"]" * 100, "nested more than 64"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(data)
    with pytest.raises(ResultError, match=message):
        read_record(path)


def test_a_missing_record_has_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"No such file.*restore it from a copy, or begin anew"):
        read_record(tmp_path / "run.json")


def test_provenance(tmp_path: Path) -> None:
    versions = read_versions()
    assert {"python", "xharness", "torch", "numpy"} <= versions.keys()
    assert len(read_clock()) == len("2026-01-02T03:04:05Z")
    assert read_git_state(tmp_path) is None


def test_git_state(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    git("init")
    assert read_git_state(tmp_path) is None  # no commit yet
    git("add", ".")
    git("commit", "-m", "x")
    clean = read_git_state(tmp_path)
    assert clean is not None
    assert len(clean.commit) == 40
    assert not clean.dirty
    (tmp_path / "pyproject.toml").write_text("x", encoding="utf-8")
    changed = read_git_state(tmp_path)
    assert changed is not None
    assert changed.dirty


def test_a_test_set_of_another_size_is_said(make_record: Callable[..., RunRecord]) -> None:
    def noted(rows: int, **changes: Any) -> str | None:
        record = make_record(**{"smoke": False, **changes})
        specs = tuple(
            s.model_copy(update={"content": {**s.content, "languages": {"de": {"tag": "de", "rows": rows}}}})
            if s.name == "tatoeba"
            else s
            for s in record.specs
        )
        return release_note(record.model_copy(update={"specs": specs}))

    assert noted(1000) is None
    assert (
        noted(1234) == "Not the benchmark's release, by the number of examples: tatoeba (de 1,000 for 1,234)."
    )
    assert noted(1234, limit=5) is None


@pytest.fixture
def submitted(make_record: Make) -> RunRecord:
    """A scored submission, complete but for the tasks of the suite that it lacks."""
    plain = make_record()
    return make_record(
        request=ScoreSpec(predictions="/home/me/team/preds", labels="labels", suite="xtreme-r"),
        recipe=None,
        model=None,
        submission=SubmissionRecord(name="team/preds", sha256="cd" * 32, files=4),
        tasks={
            name: task.model_copy(update={"recipe": None, "head": None, "zero_shot": None})
            for name, task in plain.tasks.items()
        },
        seeds=(1,),
        training={},
        environment=None,
        failures=(),
        smoke=False,
    )


def test_a_submission_has_no_model(submitted: RunRecord, make_record: Make) -> None:
    assert decode_record(encode_record(submitted), Path("run.json")) == submitted
    assert submitted.system == "team/preds"
    assert submitted.stamps == ()
    assert submitted.signature.startswith(
        "xharness:0.1.0|suite:xtreme-r|tasks:tatoeba@1+xquad@1|predictions:team/preds@cdcdcdcd|languages:all|data:"
    )
    partly = submitted.model_copy(update={"absent": {"xnli": ("de",)}})
    assert "|languages:part|" in partly.signature
    for changes in ({"submission": None}, {"model": make_record().model}):
        with pytest.raises(ValueError, match="a scored submission no model"):
            RunRecord.model_validate(submitted.model_dump() | changes)


def test_an_evaluation_does_not_go_on_in_a_scored_submission(submitted: RunRecord, make_record: Make) -> None:
    with pytest.raises(ResultError, match="R holds a scored submission"):
        check_same_run(submitted, make_record(), Path("R"))


def test_many_languages_of_another_release_are_counted(make_record: Make) -> None:
    record = make_record(smoke=False)
    german = record.data["tatoeba"]["de"]
    codes = [f"l{i}" for i in range(9)]
    spec = record.specs[1].model_copy(
        update={"content": record.specs[1].content | {"languages": {c: {"rows": 5} for c in codes}}}
    )
    record = make_record(
        smoke=False,
        specs=(record.specs[0], spec, record.specs[2]),
        data={"tatoeba": dict.fromkeys(codes, german)},
    )
    note = release_note(record)
    assert note is not None and "l0 1,000 for 5" in note and "l5 1,000 for 5, and 3 more)" in note


def test_a_checkpoint_that_was_selected_on_test_rows_is_said(make_record: Make) -> None:
    german = DataRecord(fingerprint="aa" * 32, examples=1000)
    other = DataRecord(fingerprint="bb" * 32, examples=1000)

    def record(**selected_on: DataRecord) -> RunRecord:
        chosen = {f"squad/{name}": data for name, data in selected_on.items()}
        run = TrainingRecord(key="k", seed=1, recipe="jiant", selected_on=chosen)
        return make_record(
            training={"xquad": (run,)},
            data={"xquad": {"de": german, "zh": DataRecord(fingerprint="cc" * 32, examples=9)}},
        )

    assert record(en=other).selected_on("xquad") == ()
    assert selection_note(record(en=other)) is None
    assert record(en=other, de=german).selected_on("xquad") == ("de",)
    assert record(de=german).selected_on("tatoeba") == ()
    note = selection_note(record(de=german))
    assert note is not None and "these very test rows: xquad (de)" in note


def test_a_checkpoint_that_was_selected_on_some_of_the_test_rows_is_said(make_record: Make) -> None:
    run = TrainingRecord(key="k", seed=1, recipe="jiant", test_rows={"de": 12})
    own = {code: DataRecord(fingerprint=code * 32, examples=9) for code in ("de", "zh")}
    record = make_record(training={"xquad": (run,)}, data={"xquad": own, "tatoeba": own})
    assert record.selected_on("xquad") == ("de",)
    assert record.selected_on("tatoeba") == ()
    assert "these very test rows: xquad (de)" in (selection_note(record) or "")
