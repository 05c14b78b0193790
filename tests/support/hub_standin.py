"""A stand-in for the hub on this machine: the part of its HTTP API that its client uses to read.

Repositories of models and of data sets with branches and commits; files in large file storage with
their SHA-256; ranges; and, on request, everything that goes wrong: busy, cut off, damaged, refused.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import unquote, urlsplit

_API = re.compile(
    r"/api/(?P<kind>models|datasets)/(?P<repo>[^/]+/[^/]+)(/(?P<what>revision|tree)/(?P<rev>[^/]+))?/?"
)
_FILE = re.compile(r"/(?P<kind>datasets/)?(?P<repo>[^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<name>.+)")
_LARGE = (".parquet", ".gz", ".safetensors")


def git_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """The stand-in. `asked` lists the requests it had, as `METHOD /path`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._repos: dict[tuple[str, str], dict[str, dict[str, bytes]]] = {}
        self._branches: dict[tuple[str, str], dict[str, str]] = {}
        # What goes wrong: part of a path -> answers given first; file -> bytes; file -> times.
        self.busy: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self.exchanged: dict[str, bytes] = {}
        self.cut: dict[str, int] = {}
        self.refused: dict[str, tuple[int, str]] = {}
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def commit(self, repo: str, files: dict[str, bytes], *, kind: str = "datasets", sha: str = "") -> str:
        """Add a commit that has exactly these files and move `main` to it; return its 40 digits."""
        commits = self._repos.setdefault((kind, repo), {})
        seed = json.dumps([len(commits), repo, sorted((n, git_id(b)) for n, b in files.items())])
        sha = sha or hashlib.sha1(seed.encode()).hexdigest()
        commits[sha] = dict(files)
        self._branches.setdefault((kind, repo), {})["main"] = sha
        return sha

    def downloads(self, repo: str) -> list[str]:
        """Return the names of the files whose bodies were asked for, in order."""
        found = [
            _FILE.fullmatch(path) for line in self.asked for m, path in [line.split(" ", 1)] if m == "GET"
        ]
        return [match["name"] for match in found if match and match["repo"] == repo]

    def _answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        for part, due in self.busy.items():
            if part in path and due:
                status, headers = due.pop(0)
                return status, headers, b'{"error": "busy"}'
        api, file = _API.fullmatch(path), _FILE.fullmatch(path)
        match = api or file
        if match is None:
            return _refuse(404, "")
        kind = match["kind"] if api else "datasets" if match["kind"] else "models"
        if match["repo"] in self.refused:
            return _refuse(*self.refused[match["repo"]])
        commits = self._repos.get((kind, match["repo"]))
        if commits is None:
            return _refuse(404, "RepoNotFound")
        revision = match["rev"] or "main"
        sha = self._branches[kind, match["repo"]].get(revision, revision)
        if sha not in commits:
            return _refuse(404, "RevisionNotFound")
        if file:
            return self._file(sha, file["name"], commits[sha])
        if match["what"] == "tree":
            body: Any = [_listed(name, data) for name, data in commits[sha].items()]
        else:
            siblings = [{"rfilename": name} for name in commits[sha]]
            body = {"id": match["repo"], "sha": sha, "siblings": siblings}
        return 200, {}, json.dumps(body).encode()

    def _file(self, sha: str, name: str, files: dict[str, bytes]) -> tuple[int, dict[str, str], bytes]:
        if name not in files:
            return _refuse(404, "EntryNotFound", {"X-Repo-Commit": sha})
        data = files[name]
        listed = _listed(name, data)
        digest = listed["lfs"]["oid"] if "lfs" in listed else listed["oid"]
        headers = {
            "ETag": f'"{digest}"',
            "X-Linked-Etag": f'"{digest}"',
            "X-Linked-Size": str(len(data)),
            "X-Repo-Commit": sha,
        }
        return 200, headers, self.exchanged.get(name, data)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = unquote(urlsplit(self.path).path)
                hub.asked.append(f"{self.command} {path}")
                status, headers, body = hub._answer(path)
                first = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
                if first and status == 200:
                    status = 206
                    headers["Content-Range"] = f"bytes {first[1]}-{len(body) - 1}/{len(body)}"
                    body = body[int(first[1]) :]
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                name = path.rpartition("/")[2]
                if self.command == "GET" and hub.cut.get(name, 0) and status in (200, 206):
                    hub.cut[name] -= 1
                    body = body[: len(body) // 2]
                    self.close_connection = True
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def _listed(name: str, data: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": name, "size": len(data), "oid": git_id(data)}
    if name.endswith(_LARGE):
        # What Git itself holds is a pointer to the content.
        entry["oid"] = git_id(b"pointer to " + name.encode())
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return entry


def _refuse(
    status: int, code: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    named = {"X-Error-Code": code} if code else {}
    return status, {**named, **(headers or {})}, b'{"error": "refused"}'


class _Server(ThreadingHTTPServer):
    """A server that does not ask the name service what this machine is called."""

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that has gone away
