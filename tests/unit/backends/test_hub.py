from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

import huggingface_hub.constants
import pytest

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


class Refusing(BaseHTTPRequestHandler):
    """A hub that has nothing, or keeps it to itself."""

    def do_GET(self) -> None:
        code = {"no-repo": "RepoNotFound", "no-revision": "RevisionNotFound", "gated": "GatedRepo"}
        name = next(n for n in code if n in self.path)
        body = b'{"error": "refused"}'
        self.send_response(403 if name == "gated" else 404)
        self.send_header("X-Error-Code", code[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A server that does not ask the name service what this machine is called."""

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Point the hub client at an address of this machine, a refusing hub by default."""
    server = Server(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def point(address: str) -> None:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        monkeypatch.setattr("huggingface_hub.hf_api.ENDPOINT", address, raising=False)
        monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", address)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)

    point(f"http://127.0.0.1:{server.server_port}")
    yield point
    server.shutdown()
    server.server_close()
    thread.join()


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


@pytest.mark.parametrize(
    "model, said",
    [
        ("owner/no-repo", "no such repository"),
        ("owner/no-revision@abc", "no revision 'abc'"),
        ("owner/gated", "granted on request"),
    ],
)
def test_what_the_hub_refuses(cache: Path, endpoint: Callable[[str], None], model: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        open_model(model, adapters=ADAPTERS, device="cpu")


def test_a_hub_that_cannot_be_reached(cache: Path, endpoint: Callable[[str], None]) -> None:
    endpoint("http://127.0.0.1:9")
    with pytest.raises(ModelError, match="cannot be reached"):
        open_model("owner/other", adapters=ADAPTERS, device="cpu")
