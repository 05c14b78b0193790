from __future__ import annotations

from pathlib import Path

import pytest

from harness.commands.consistency import suite_problems, task_problems
from harness.specfiles.catalog import (
    list_adapters,
    list_suites,
    list_tasks,
    load_adapter,
    load_everything,
    load_suite,
    load_task,
)


@pytest.mark.parametrize("name", list(list_tasks()))
def test_every_built_in_task_is_valid(name: str) -> None:
    loaded = load_task(name)
    assert loaded.spec.name == name
    assert loaded.spec.licence
    assert loaded.spec.citation
    assert task_problems(loaded, list(list_tasks())) == []


@pytest.mark.parametrize("name", list(list_suites()))
def test_every_built_in_suite_is_valid(name: str) -> None:
    tasks = {t.spec.name: t.spec for t in load_everything().tasks}
    assert suite_problems(load_suite(name), tasks) == []


@pytest.mark.parametrize("name", list(list_adapters()))
def test_every_built_in_adapter_is_valid(name: str) -> None:
    assert load_adapter(name).spec.source


@pytest.mark.parametrize("name", list(list_tasks()))
def test_language_tags_look_like_bcp_47(name: str) -> None:
    import re

    for code, language in load_task(name).spec.languages.items():
        assert re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?(-[a-z0-9]{5,8})?", language.tag), code


def test_the_data_folders_hold_no_code(repository: Path) -> None:
    found = [p for kind in ("tasks", "adapters", "leaderboards") for p in (repository / kind).rglob("*.py")]
    assert found == []
