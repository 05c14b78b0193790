from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest
from hub_standin import Hub

from harness.backends.checkpoint import open_model
from harness.backends.hub import looks_like_hub_id
from harness.errors import ModelError
from harness.specs.adapter import AdapterSpec

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ADAPTERS = {
    "generic": AdapterSpec.model_validate({"name": "generic", "version": "1", "title": "t", "source": "s"})
}


@pytest.fixture
def cache(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache that holds one repository, as huggingface_hub lays it out."""
    folder = tmp_path / "hub"
    repo = folder / "models--owner--tiny-model"
    shutil.copytree(tiny, repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    return folder


def test_the_form_of_an_id() -> None:
    for good in ("owner/name", "owner/name@main", f"owner/name@{COMMIT}", "bert-base"):
        assert looks_like_hub_id(good)
    for bad in ("/tmp/model", "../model", "a/b/c", "~/model", "owner/name@", ""):
        assert not looks_like_hub_id(bad)


def test_a_pinned_model_from_the_cache(cache: Path) -> None:
    model, why = open_model(f"owner/tiny-model@{COMMIT}", adapters=ADAPTERS, device="cpu", offline=True)
    assert (model.model_id, model.revision) == ("owner/tiny-model", COMMIT)
    assert "warning" not in why


@pytest.mark.parametrize(
    "suffix, said", [("", "no revision was given"), ("@main", "'main' is a branch or tag")]
)
def test_a_model_that_is_not_pinned_is_resolved_and_said(cache: Path, suffix: str, said: str) -> None:
    model, why = open_model(f"owner/tiny-model{suffix}", adapters=ADAPTERS, device="cpu", offline=True)
    assert model.revision == COMMIT
    warning = why.splitlines()[1]
    assert warning.startswith("warning: ") and said in warning and f"owner/tiny-model@{COMMIT}" in warning


def test_what_the_cache_lacks(cache: Path) -> None:
    with pytest.raises(ModelError, match="--offline: it is not in the cache"):
        open_model("owner/other", adapters=ADAPTERS, device="cpu", offline=True)


def test_what_the_hub_refuses(hub: Hub) -> None:
    hub.refused["owner/gated"] = (403, "GatedRepo")
    hub.commit("owner/served", {"config.json": b"{}"}, kind="models", sha=COMMIT)
    for model, said in [
        ("owner/no-repo", "no such repository"),
        ("owner/served@abc", "no revision 'abc'"),
        ("owner/gated", "granted on request"),
    ]:
        with pytest.raises(ModelError, match=said):
            open_model(model, adapters=ADAPTERS, device="cpu")


def test_a_hub_that_cannot_be_reached(point_at_hub: Callable[[str], None]) -> None:
    point_at_hub("http://127.0.0.1:9")
    with pytest.raises(ModelError, match="cannot be reached"):
        open_model("owner/other", adapters=ADAPTERS, device="cpu")


def test_a_download_that_is_cut_off(hub: Hub, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    files = {path.name: path.read_bytes() for path in tiny.iterdir() if path.is_file()}
    hub.commit("owner/served", files, kind="models", sha=COMMIT)
    hub.cut["model.safetensors"] = 1_000
    with pytest.raises(ModelError, match="cannot be fetched"):
        open_model(f"owner/served@{COMMIT}", adapters=ADAPTERS, device="cpu")


@pytest.mark.parametrize("suffix", ["", f"@{COMMIT}"])
def test_a_model_is_fetched_once_and_then_read_offline(tiny: Path, hub: Hub, suffix: str) -> None:
    files = {path.name: path.read_bytes() for path in tiny.iterdir() if path.is_file()}
    hub.commit("owner/served", files | {"training.log": b"not wanted"}, kind="models", sha=COMMIT)
    model, said = open_model(f"owner/served{suffix}", adapters=ADAPTERS)
    assert model.revision == COMMIT
    assert model.model_id == "owner/served"
    assert ("not pinned" in said) == (not suffix)
    local, _ = open_model(str(tiny), adapters=ADAPTERS)
    assert model.weights_sha256 == local.weights_sha256
    assert "config.json" in hub.downloads("owner/served")
    assert "training.log" not in hub.downloads("owner/served")
    count = len(hub.asked)
    again, _ = open_model(f"owner/served@{COMMIT}", adapters=ADAPTERS, offline=True)
    assert (again.path, again.weights_sha256) == (model.path, model.weights_sha256)
    assert len(hub.asked) == count
