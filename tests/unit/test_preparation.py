"""Step 3: all languages of a part are read from one place, whatever share of them the data folder has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hub_tables
import pytest
from hub_standin import Hub

from harness.data.places import Places
from harness.data.wanted import fetch_missing, parts_of
from harness.errors import DataError
from harness.kinds.table import kind_named
from harness.planning import Job
from harness.preparation import check_files, fetch_data, read_data
from harness.progress import Progress
from harness.specfiles.catalog import load_task
from harness.specs.task import TaskSpec

QUIET = Progress(quiet=True)
REPO = "owner/mining"


def source(split: str, commit: str) -> dict[str, Any]:
    local = {role: [f"{{code}}.{split}.{suffix}"] for role, suffix in ROLES.items()}
    hub = {
        "repo": REPO,
        "revision": commit,
        "reader": "mining_rows",
        "roles": {"rows": {"config": "{code}-en", "split": split}},
    }
    return {"local": {"reader": "bucc_release", "files": local}, "hub": hub}


ROLES = {"corpus_target": "{code}", "corpus_source": "en", "gold": "gold"}


def job(commit: str) -> Job:
    task = TaskSpec.model_validate(
        {
            "name": "mining",
            "version": "1",
            "kind": "bitext_mining",
            "title": "t",
            "licence": "l",
            "citation": "c",
            "source_language": None,
            "languages": {"de": {"tag": "de"}, "fr": {"tag": "fr"}},
            "data": source("test", commit) | {"dev": source("dev", commit)},
            "metrics": [{"name": "f1", "computes": "pair_f1"}],
            "main_metric": "f1",
            "recipes": {"none": {"source": "s"}},
        }
    )
    recipe = task.recipes["none"]
    return Job(
        task, kind_named(task.kind), ("de", "fr"), "none", recipe, task.settings_for(recipe), task, recipe
    )


@pytest.mark.parametrize("share", ["test", "dev"])
def test_no_test_set_and_no_development_set_mixes_two_copies(hub: Hub, tmp_path: Path, share: str) -> None:
    names = {
        (code, split): f"{code}-en/{split}.jsonl.gz" for code in ("de", "fr") for split in ("test", "dev")
    }
    card = hub_tables.card(
        {f"{code}-en": {split: names[code, split] for split in ("test", "dev")} for code in ("de", "fr")}
    )
    tables = {name: hub_tables.bucc(code) for (code, _), name in names.items()}
    mine = job(hub.commit(REPO, {"README.md": card, **tables}))
    folder = tmp_path / "data"
    folder.mkdir()
    # The folder has German alone.
    for suffix, text in (("de", "de-1\tA\n"), ("en", "en-1\tB\n"), ("gold", "de-1\ten-1\n")):
        (folder / f"de.{share}.{suffix}").write_text(text, encoding="utf-8")
    places = Places(folder)
    assert fetch_missing(list(parts_of(mine.task, mine.languages, {})), places, QUIET) == []
    data = read_data(mine, places, trains=False, limit=None, progress=QUIET)
    for found in (data.test, data.tuning):
        assert set(found) == {"de", "fr"}
        assert all(one.sources[0].path.startswith(f"{REPO}@") for one in found.values())
        assert all(len(one.examples) == 2 for one in found.values())


def test_a_hub_that_cannot_be_reached_is_asked_for_one_job_alone(
    point_at_hub: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    point_at_hub("http://127.0.0.1:9")
    jobs = [job("f" * 40), job("e" * 40), job("d" * 40)]
    fetch_data(jobs, frozenset(), Places(None, ("hub",)), QUIET)
    said = capsys.readouterr().err
    assert said.count("the hub cannot be reached") == 1 and "f" * 40 in said


@pytest.mark.parametrize(
    ("name", "profile", "ways"),
    [
        ("xnli", "xtreme", "--recipe smoke (a quick head from the release itself) or --recipe none"),
        ("xnli", "smoke", "files, or choose --recipe none"),
        ("mlqa", "jiant", "files, or choose --recipe none"),  # it has no recipe smoke
        ("mewslix", "xtreme", "files, or choose --recipe none"),  # its recipe smoke trains nothing
    ],
)
def test_recipes_that_need_no_more_files_are_named(
    tmp_path: Path, name: str, profile: str, ways: str
) -> None:
    task = load_task(name).spec
    recipe = task.recipes[profile]
    wanted = Job(
        task, kind_named(task.kind), ("en",), profile, recipe, task.settings_for(recipe), task, recipe
    )
    with pytest.raises(DataError) as caught:
        check_files([wanted], frozenset({name}), Places(tmp_path, ("local",)))
    trained = [line for line in str(caught.value).splitlines() if "trains on it" in line]
    assert trained and all(ways in line for line in trained)
    assert all(line.count("--recipe") == 1 + ("smoke (" in ways) for line in trained)
