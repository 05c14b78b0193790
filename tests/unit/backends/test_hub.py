from __future__ import annotations

import hashlib
import json
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
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
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


@pytest.fixture
def serving(tiny: Path, endpoint: Callable[[str], None]) -> Iterator[list[str]]:
    """A hub that serves one repository, `owner/served`; yields the paths that were asked for."""
    asked: list[str] = []
    files = {p.name: p.read_bytes() for p in tiny.iterdir() if p.is_file()} | {"training.log": b"not wanted"}

    class Serving(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}")
            path = self.path.partition("?")[0]
            if path in (f"/api/models/owner/served/revision/{r}" for r in ("main", COMMIT)):
                siblings = [{"rfilename": name} for name in files]
                self._send(json.dumps({"id": "owner/served", "sha": COMMIT, "siblings": siblings}).encode())
            elif path.startswith(f"/api/models/owner/served/tree/{COMMIT}"):
                listing = [
                    {"type": "file", "path": n, "size": len(b), "oid": hashlib.sha1(b).hexdigest()}
                    for n, b in files.items()
                ]
                self._send(json.dumps(listing).encode())
            elif path.startswith(f"/owner/served/resolve/{COMMIT}/") and path.rpartition("/")[2] in files:
                body = files[path.rpartition("/")[2]]
                etag = hashlib.sha1(body).hexdigest()
                self._send(body, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})
            else:
                self.send_error(404)

        do_HEAD = do_GET

        def _send(self, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Serving)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    endpoint(f"http://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("suffix", ["", f"@{COMMIT}"])
def test_a_model_is_fetched_once_and_then_read_offline(
    cache: Path, tiny: Path, serving: list[str], suffix: str
) -> None:
    model, said = open_model(f"owner/served{suffix}", adapters=ADAPTERS)
    assert model.revision == COMMIT
    assert model.model_id == "owner/served"
    assert ("not pinned" in said) == (not suffix)
    local, _ = open_model(str(tiny), adapters=ADAPTERS)
    assert model.weights_sha256 == local.weights_sha256
    assert not any("training.log" in line and "resolve" in line for line in serving)
    count = len(serving)
    assert count > 2
    again, _ = open_model(f"owner/served@{COMMIT}", adapters=ADAPTERS, offline=True)
    assert (again.path, again.weights_sha256) == (model.path, model.weights_sha256)
    assert len(serving) == count
