"""Repositories of the hub against a stand-in on this machine: what is fetched, kept, refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hub_tables
import pytest
from hub_standin import Hub

from harness.data.fetching import resolve_commit
from harness.data.hub import cached_file, find_snapshot
from harness.data.inspection import inspect_part
from harness.data.lock import LOCK_NAME, LockedSnapshot, extend_lock, read_lock
from harness.data.pinning import pin_task
from harness.data.places import Places, settle
from harness.data.reading import Reading
from harness.data.sources import load_test
from harness.data.table import TABLE
from harness.data.wanted import Part, ask_hub, fetch_missing, parts_of, training_of
from harness.errors import DataError
from harness.progress import Advance, Progress
from harness.records import ClassificationInputs, DataSet, Example, SourceFile
from harness.specs.recipe import Recipe
from harness.specs.task import TaskSpec

QUIET = Progress(quiet=True)
REPO = "owner/nli"
LANGUAGES = ("de", "sw")
NLI = "entailment,neutral,contradiction"
ONLINE = Places(None, ("hub",))
OFFLINE = Places(None, ("hub",), offline=True)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits; what would have been waited for is kept."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


def task(revision: str = "unconfirmed", *, rows: int | None = 6, **changes: Any) -> TaskSpec:
    hub = {
        "repo": REPO,
        "revision": revision,
        "reader": "pair_rows",
        "roles": {"rows": {"config": "{code}", "split": "test"}},
        "options": {"label_names": NLI, "parallel": "row"},
    }
    fields: dict[str, Any] = {
        "name": "nli",
        "version": "1",
        "kind": "classification",
        "title": "t",
        "licence": "l",
        "citation": "c",
        "source_language": None,
        "languages": {code: {"tag": code, **({"rows": rows} if rows else {})} for code in LANGUAGES},
        "labels": NLI.split(","),
        "data": {"hub": hub},
        "metrics": [{"name": "accuracy", "computes": "accuracy"}],
        "main_metric": "accuracy",
        "recipes": {"none": {"source": "as it is"}},
    }
    return TaskSpec.model_validate(fields | changes)


def part_of(spec: TaskSpec) -> Part:
    return parts_of(spec, None, {})[0]


def files(**changes: bytes) -> dict[str, bytes]:
    tables = {f"{code}/test-00000-of-00001.parquet": hub_tables.xnli(code) for code in LANGUAGES}
    others = {"fr/test-00000-of-00001.parquet": hub_tables.xnli("fr"), "nli.py": b"raise SystemExit"}
    card = hub_tables.card({code: {"test": f"{code}/test-*"} for code in (*LANGUAGES, "fr")})
    return {"README.md": card, **tables, **others, **changes}


@pytest.fixture
def commit(hub: Hub) -> str:
    return hub.commit(REPO, files())


def fetch(spec: TaskSpec, places: Places = ONLINE, *, thorough: bool = False) -> list[str]:
    return fetch_missing([part_of(spec)], places, QUIET, thorough=thorough)


def test_cold_fetch_then_warm_and_offline(hub: Hub, commit: str) -> None:
    spec = task(commit)
    lines = find_snapshot(spec.data.hub, LANGUAGES, part_of(spec).values, OFFLINE, what="w")[1]  # type: ignore[arg-type]
    assert lines == [f"w: {REPO}@{commit} has not been fetched; `xharness data fetch` gets it"]
    assert fetch(spec) == []
    assert sorted(hub.downloads(REPO)) == [
        "README.md",
        "de/test-00000-of-00001.parquet",
        "sw/test-00000-of-00001.parquet",
    ]
    asked = len(hub.asked)
    data = load_test(spec, "sw", OFFLINE)
    assert [e.inputs.first for e in data.examples][:2] == ["sw premise 0", "sw premise 1"]  # type: ignore[union-attr]
    assert data.sources[0].path == f"{REPO}@{commit}/sw/test-00000-of-00001.parquet"
    assert fetch(spec) == fetch(spec, OFFLINE) == []
    assert len(hub.asked) == asked


def test_progress_counts_every_byte_once(hub: Hub, commit: str) -> None:
    phases: list[tuple[str, int, str, list[int]]] = []

    class Recorder(Progress):
        @contextmanager
        def phase(self, name: str, total: int, unit: str) -> Iterator[Advance]:
            phases.append((name, total, unit, []))
            yield phases[-1][3].append

    fetch_missing([part_of(task(commit))], ONLINE, Recorder(quiet=True))
    sizes = [len(data) for name, data in files().items() if name.startswith(LANGUAGES)]
    assert [(name, unit) for name, _, unit, _ in phases] == [(f"fetching {REPO}", "bytes")] * 2
    assert [total for _, total, _, _ in phases] == [len(files()["README.md"]), sum(sizes)]
    assert [sum(steps) for *_, steps in phases] == [total for _, total, _, _ in phases]


def test_the_rest_of_a_fetch_that_was_cut_short(hub: Hub, commit: str) -> None:
    spec = task(commit)
    fetch_missing([parts_of(spec, ["de"], {})[0]], ONLINE, QUIET)
    with pytest.raises(DataError, match=r"not been fetched in full: sw/test-00000-of-00001.parquet"):
        load_test(spec, "sw", OFFLINE)
    assert len(load_test(spec, "de", OFFLINE).examples) == 6
    assert fetch(spec, OFFLINE)
    assert fetch(spec) == []
    assert sorted(hub.downloads(REPO)).count("de/test-00000-of-00001.parquet") == 1


def test_a_connection_that_breaks_is_resumed(hub: Hub, commit: str) -> None:
    hub.cut["test-00000-of-00001.parquet"] = 2
    assert fetch(task(commit)) == []
    assert len(load_test(task(commit), "de", OFFLINE).examples) == 6


def test_a_download_that_stays_cut_off_is_not_taken_for_whole(hub: Hub, commit: str) -> None:
    hub.cut["test-00000-of-00001.parquet"] = 1_000
    with pytest.raises(DataError, match=f"{REPO}@{commit}: cannot be fetched: "):
        fetch(task(commit))
    assert fetch(task(commit), OFFLINE)
    hub.cut.clear()
    assert fetch(task(commit)) == []


def test_a_file_that_is_shorter_than_the_hub_says(hub: Hub, commit: str) -> None:
    name = "de/test-00000-of-00001.parquet"
    hub.exchanged[name] = files()[name][:-7]
    with pytest.raises(DataError, match="cannot be fetched: Consistency check failed"):
        fetch(task(commit))
    assert cached_file(REPO, commit, name) is None


@pytest.mark.parametrize("name", ["de/test-00000-of-00001.parquet", "README.md"])
def test_a_file_whose_hash_does_not_match(hub: Hub, commit: str, name: str) -> None:
    good = files()[name]
    hub.exchanged[name] = good[:-8] + bytes(8)
    spec = task(commit)
    if name == "README.md":
        # The card says which files are read: it is checked before it is believed.
        with pytest.raises(DataError, match=r"README.md: what came has the hash [0-9a-f]{40}, the hub lists"):
            fetch(spec)
    else:
        with pytest.raises(DataError, match=rf"{name}: what came has the hash [0-9a-f]{{64}}, the hub lists"):
            fetch(spec)
    assert cached_file(REPO, commit, name) is None
    hub.exchanged.clear()
    assert fetch(spec) == []


def test_a_cached_file_that_was_damaged_later(hub: Hub, commit: str, tmp_path: Path) -> None:
    spec = task(commit)
    fetch(spec)
    path = cached_file(REPO, commit, "de/test-00000-of-00001.parquet")
    assert path is not None
    good = path.read_bytes()
    path.write_bytes(good[:-8] + bytes(8))
    with pytest.raises(DataError, match=r"de/test-.* has the hash [0-9a-f]{64}, but [0-9a-f]{64} was pinned"):
        load_test(spec, "de", OFFLINE)
    assert fetch(spec, thorough=True) == []
    assert path.read_bytes() == good
    path.write_bytes(good[:10])
    with pytest.raises(DataError, match="not been fetched in full"):
        load_test(spec, "de", OFFLINE)
    assert fetch(spec) == [] and path.read_bytes() == good


def test_a_cached_card_that_was_damaged_later_is_not_believed(hub: Hub, commit: str) -> None:
    spec = task(commit)
    fetch(spec)
    card = cached_file(REPO, commit, "README.md")
    assert card is not None
    good = card.read_bytes()
    # Of the same length: languages are read in each other's files.
    card.write_bytes(good.replace(b"de/test", b"fr/test"))
    with pytest.raises(DataError, match="has not been fetched"):
        load_test(spec, "de", OFFLINE)
    assert fetch(spec) == [] and card.read_bytes() == good


def test_the_lock_counts_more_than_the_listing(hub: Hub, commit: str, tmp_path: Path) -> None:
    name = "de/test-00000-of-00001.parquet"
    extend_lock(tmp_path, snapshots={f"{REPO}@{commit}": LockedSnapshot(files={name: "0" * 64})})
    fetch(task(commit))
    with pytest.raises(DataError, match=f"but {'0' * 64} was pinned"):
        load_test(task(commit), "de", Places(tmp_path, ("hub",)))
    with pytest.raises(DataError, match=f"was locked with SHA-256 {'0' * 64}"):
        fetch(task(commit), Places(tmp_path, ("hub",)), thorough=True)


def test_a_revision_that_is_not_there(hub: Hub, commit: str) -> None:
    with pytest.raises(DataError, match=f"the repository {REPO} has no revision '{'f' * 40}'"):
        fetch(task("f" * 40))


@pytest.mark.parametrize(
    "status, code, said",
    [
        (404, "RepoNotFound", "the hub has no such repository"),
        (401, "RepoNotFound", "the hub has no such repository"),
        (403, "GatedRepo", "granted on request"),
    ],
)
def test_repositories_that_are_refused(hub: Hub, commit: str, status: int, code: str, said: str) -> None:
    hub.refused[REPO] = (status, code)
    with pytest.raises(DataError, match=said):
        fetch(task(commit))
    with pytest.raises(DataError, match=said):
        resolve_commit(REPO, QUIET)


def test_a_hub_that_cannot_be_reached(point_at_hub: Callable[[str], None]) -> None:
    point_at_hub("http://127.0.0.1:9")
    with pytest.raises(DataError, match=r"the hub cannot be reached, or the connection broke: .*refused"):
        fetch(task("f" * 40))


BUSY = (429, {"Retry-After": "7"})


@pytest.mark.parametrize("where", ["/tree/", "/resolve/", "README.md"])
def test_a_busy_hub_is_waited_for_as_long_as_it_asks(
    hub: Hub, commit: str, waits: list[float], where: str
) -> None:
    hub.busy[where] = [BUSY, BUSY]
    assert fetch(task(commit)) == []
    assert sum(wait >= 7 for wait in waits) >= 1
    assert not hub.busy[where]


def test_a_busy_hub_where_the_branch_is_looked_up(hub: Hub, commit: str, waits: list[float]) -> None:
    hub.busy["/api/datasets"] = [BUSY, BUSY]
    assert resolve_commit(REPO, QUIET) == commit
    assert waits == [7, 7]
    hub.busy["/api/datasets"] = [BUSY] * 5
    with pytest.raises(DataError, match=r"cannot be fetched: .*429"):
        resolve_commit(REPO, QUIET)
    # A wait that nobody would sit through is not begun.
    hub.busy["/api/datasets"] = [(429, {"Retry-After": "86400"})]
    with pytest.raises(DataError, match="429"):
        resolve_commit(REPO, QUIET)
    assert max(waits) == 7


def test_a_hub_that_stays_busy(hub: Hub, commit: str) -> None:
    hub.busy["/api/datasets"] = [BUSY] * 100
    with pytest.raises(DataError, match=f"{REPO}@{commit}: cannot be fetched: .*429"):
        fetch(task(commit))


def test_a_repository_without_a_card(hub: Hub) -> None:
    sha = hub.commit(REPO, {name: data for name, data in files().items() if name != "README.md"})
    assert fetch(task(sha)) == []
    assert len(load_test(task(sha), "sw", OFFLINE).examples) == 6


def test_a_language_that_the_repository_lacks(hub: Hub) -> None:
    sha = hub.commit(REPO, {n: d for n, d in files().items() if not n.startswith(("sw", "README"))})
    with pytest.raises(DataError, match="configuration 'sw', split 'test': the repository has no files"):
        fetch(task(sha))


def test_unpinned_sources_are_refused_everywhere(hub: Hub, commit: str, tmp_path: Path) -> None:
    said = f"the revision of {REPO} is unconfirmed and "
    (line,) = fetch(task(), Places(tmp_path, ("hub",)))
    assert said in line and "does not pin it" in line and "xharness data pin" in line
    assert said in fetch(task())[0]
    with pytest.raises(DataError, match=said):
        load_test(task(), "de", Places(tmp_path, ("hub",)))
    assert not hub.asked


def test_pinning_checks_and_writes(hub: Hub, commit: str, tmp_path: Path) -> None:
    (pinned,) = pin_task(task(), tmp_path, QUIET, update=False)
    assert (pinned.repo, pinned.commit, pinned.files, pinned.newer) == (REPO, commit, 2, None)
    lock = read_lock(tmp_path)
    assert lock.pins == {REPO: commit}
    snapshot = lock.snapshots[f"{REPO}@{commit}"]
    assert snapshot.rows == {"de/test": 6, "sw/test": 6}
    assert set(snapshot.files) == {f"{code}/test-00000-of-00001.parquet" for code in LANGUAGES}
    places = Places(tmp_path, ("hub",), offline=True)
    assert load_test(task(), "de", places).sources[0].path.startswith(f"{REPO}@{commit}/")
    assert fetch(task(), places) == []


def test_a_branch_that_moved(hub: Hub, commit: str, tmp_path: Path) -> None:
    pin_task(task(), tmp_path, QUIET, update=False)
    moved = hub.commit(REPO, files(**{"de/test-00000-of-00001.parquet": hub_tables.xnli("xx")}))
    (again,) = pin_task(task(), tmp_path, QUIET, update=False)
    assert (again.commit, again.newer) == (commit, moved)
    places = Places(tmp_path, ("hub",))
    fetch(task(), places, thorough=True)
    assert load_test(task(), "de", places).examples[0].inputs.first == "de premise 0"  # type: ignore[union-attr]
    (updated,) = pin_task(task(), tmp_path, QUIET, update=True)
    assert (updated.commit, updated.newer) == (moved, None)
    assert load_test(task(), "de", places).examples[0].inputs.first == "xx premise 0"  # type: ignore[union-attr]
    assert set(read_lock(tmp_path).snapshots) == {f"{REPO}@{commit}", f"{REPO}@{moved}"}


def test_nothing_is_pinned_that_is_not_what_was_expected(hub: Hub, tmp_path: Path) -> None:
    names = ["contradiction", "entailment", "neutral"]
    hub.commit(
        REPO,
        files(
            **{
                "de/test-00000-of-00001.parquet": hub_tables.xnli("de", rows=5),
                "sw/test-00000-of-00001.parquet": hub_tables.xnli("sw", names=names),
            }
        ),
    )
    with pytest.raises(DataError) as caught:
        pin_task(task(), tmp_path, QUIET, update=False)
    message = str(caught.value)
    assert "2 problems" in message and "5 examples, expected 6" in message and "in this order" in message
    assert not (tmp_path / LOCK_NAME).exists()


def test_pins_do_not_touch_confirmed_sources(hub: Hub, commit: str, tmp_path: Path) -> None:
    hub.commit(REPO, files(**{"new": b"newer"}))
    (pinned,) = pin_task(task(commit), tmp_path, QUIET, update=True)
    assert pinned.commit == commit and read_lock(tmp_path).pins == {}
    assert f"{REPO}@{commit}" in read_lock(tmp_path).snapshots
    assert not any(line.endswith(f"/api/datasets/{REPO}") for line in hub.asked)


def read_letters(reading: Reading) -> DataSet:
    """Stand in for a reader of one's own, of a format that is no table."""
    (path,) = reading.paths("rows")
    example = Example("0", ClassificationInputs(path.read_text(encoding="utf-8")), gold="neutral")
    return DataSet(reading.task, reading.language, (example,), sources=(SourceFile(path.name, "0" * 64),))


def test_archives_are_pinned_by_their_hash(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLE, "letters", f"{__name__}:read_letters")
    monkeypatch.setitem(sys.modules, __name__, SimpleNamespace(read_letters=read_letters))  # type: ignore[arg-type]
    hub.commit(REPO, {"raw.tar.gz": b"not a table"})
    source = {
        "repo": REPO,
        "revision": "unconfirmed",
        "reader": "letters",
        "roles": {"rows": {"files": ["raw.*"]}},
    }
    pin_task(task(rows=1, data={"hub": source}), tmp_path, QUIET, update=False)
    (snapshot,) = read_lock(tmp_path).snapshots.values()
    assert list(snapshot.files) == ["raw.tar.gz"] and snapshot.rows == {}


def test_nothing_to_pin(tmp_path: Path) -> None:
    local = {"local": {"reader": "pair_tsv", "files": {"pairs": ["x"]}}}
    with pytest.raises(DataError, match="reads nothing from the hub"):
        pin_task(task(data=local), tmp_path, QUIET, update=False)


def test_the_order_of_places(hub: Hub, commit: str, tmp_path: Path) -> None:
    local = {"reader": "pair_rows", "files": {"rows": ["{code}.jsonl"]}, "options": {"label_names": NLI}}
    spec = task(data={"local": local, "hub": task(commit).data.hub})
    row = {"premise": "local", "hypothesis": "b", "label": 0}
    (tmp_path / "de.jsonl").write_bytes(hub_tables.json_lines([row]))
    # One language alone is not enough: all come from one place.
    assert fetch(spec, Places(tmp_path)) == []
    assert hub.downloads(REPO)
    assert load_test(spec, "sw", Places(tmp_path)).sources[0].path.startswith(REPO)
    assert load_test(spec, "de", Places(tmp_path)).sources[0].path == "de.jsonl"
    # Who reads both must settle first.
    part = part_of(spec)
    assert settle(spec.data, LANGUAGES, part.values, Places(tmp_path), what="w") == Places(tmp_path, ("hub",))
    assert settle(spec.data, ["de"], part.values, Places(tmp_path), what="w") == Places(tmp_path, ("local",))
    assert inspect_part(part, Places(tmp_path)).origins == (f"{REPO}@{commit}",)
    (tmp_path / "sw.jsonl").write_bytes(hub_tables.json_lines([row]))
    before = len(hub.asked)
    assert fetch(spec, Places(tmp_path), thorough=True) == []
    assert len(hub.asked) == before
    assert load_test(spec, "sw", Places(tmp_path)).sources[0].path == "sw.jsonl"
    assert load_test(spec, "sw", Places(tmp_path, ("hub", "local"))).sources[0].path.startswith(REPO)


def test_what_an_inspection_tells(hub: Hub, commit: str, tmp_path: Path) -> None:
    spec = task(rows=7)
    part = part_of(spec)
    absent = inspect_part(part, Places(tmp_path))
    assert (absent.there, absent.examples, absent.problems) == ((), 0, ())
    assert absent.absent[0].startswith(
        f"the test set of task 'nli': 2 of 2 are not there (de, sw): the revision of {REPO} is unconfirmed"
    )
    assert "is unconfirmed; it is not pinned" in absent.remarks[0]
    assert "no pinned copy" in ask_hub(part, Places(tmp_path), QUIET)
    extend_lock(tmp_path, pins={REPO: commit}, snapshots={})
    assert ask_hub(part, Places(tmp_path), QUIET).startswith(
        "the test set of task 'nli': the hub has 2 files, "
    )
    assert hub.downloads(REPO) == ["README.md"]
    fetch(spec, Places(tmp_path))
    found = inspect_part(part, Places(tmp_path))
    assert (found.there, found.examples, found.origins) == (LANGUAGES, 12, (f"{REPO}@{commit}",))
    assert [line.split(":")[1][:24] for line in found.problems] == [" 6 examples, expected 7 ("[:24]] * 2
    assert f"{LOCK_NAME} pins it at {commit}" in found.remarks[0]


def test_the_training_sets_of_a_recipe() -> None:
    phases = [
        {"training_set": "a", "epochs": 1, "learning_rate": 1.0},
        {"training_set": "b", "epochs": 1, "learning_rate": 1.0, "selection": {"every_steps": 5}},
    ]
    assert training_of(Recipe.model_validate({"source": "s", "phases": phases})) == {"a": False, "b": True}


def test_a_listing_that_leaves_the_folder_is_not_followed(hub: Hub) -> None:
    sha = hub.commit(
        REPO,
        {
            "README.md": hub_tables.card({c: {"test": "**/*.parquet"} for c in LANGUAGES}),
            "../../outside.parquet": hub_tables.xnli("de"),
        },
    )
    with pytest.raises(DataError, match="no file of the repository matches"):
        fetch(task(sha))


def test_a_malformed_lock_is_said(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text(json.dumps({"pins": {REPO: "main"}}), encoding="utf-8")
    with pytest.raises(DataError, match=r"pins.owner/nli"):
        load_test(task(), "de", Places(tmp_path, ("hub",)))
