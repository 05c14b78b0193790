from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.commands.consistency import task_problems
from harness.specfiles.catalog import Loaded, load_file
from harness.specs.task import TaskSpec

README = Path(__file__).resolve().parents[3] / "README.md"
BLOCKS = re.findall(r"```yaml\n# (\S+)\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_readme_has_examples() -> None:
    assert [Path(name).parent.as_posix() for name, _ in BLOCKS] == ["tasks/targets", "adapters"]


@pytest.mark.parametrize(("name", "text"), BLOCKS)
def test_the_readme_s_yaml_is_valid(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / Path(name).name
    file.write_text(text, encoding="utf-8")
    loaded = load_file(file)
    assert loaded.spec.name == file.stem
    if isinstance(loaded.spec, TaskSpec):
        task = Loaded(loaded.spec, loaded.path, loaded.sha256)
        assert "no" in task.spec.languages
        assert task_problems(task, []) == []
