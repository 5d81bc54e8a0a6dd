"""A hub on loopback: the few answers that huggingface_hub asks for, from memory, with faults on order."""

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin")
"""Stored with LFS: known by sha256, and handed out by another host."""


def blob(content: bytes) -> str:
    """Git's sha1 of a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class FakeHub:
    """Repositories by name and commit, and what goes wrong with them."""

    url: str
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)  # repo -> file -> content
    commits: dict[str, str] = field(default_factory=dict)  # repo -> its one commit
    gated: set[str] = field(default_factory=set)  # repositories whose files ask for a licence and a token
    # File -> statuses to answer with first, in order (`api` for the list of files); 200 for no fault.
    status: dict[str, list[int]] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)  # file -> after how many bytes the next answer ends, once
    altered: dict[str, bytes] = field(default_factory=dict)  # file -> content sent instead, of the listed size
    asked: set[str] = field(default_factory=set)  # paths
    sent: Counter = field(default_factory=Counter)  # file -> bytes of its content that were sent
    # (host, path) -> the authorization header that came with the request
    tokens: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def add(self, repo: str, files: dict[str, bytes] | Path | str) -> str:
        """Offer a repository (a folder, or contents by name) and return its commit."""
        if not isinstance(files, dict):
            folder = Path(files)
            files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        listed = json.dumps([repo, sorted((name, blob(content)) for name, content in files.items())])
        self.files[repo] = files
        self.commits[repo] = hashlib.sha1(listed.encode()).hexdigest()
        return self.commits[repo]

    def downloads(self) -> set[str]:
        """The files that were asked for."""
        return {path.rsplit("/resolve/", 1)[1].split("/", 1)[1] for path in self.asked if "/resolve/" in path}

    def info(self, repo: str) -> dict:
        """What the hub says of a repository."""
        files = [
            {"rfilename": name, "size": len(content), "blobId": blob(content), **_lfs(name, content, "sha256")}
            for name, content in self.files[repo].items()
        ]
        return {"id": repo, "modelId": repo, "sha": self.commits[repo], "siblings": files}

    def tree(self, repo: str) -> list:
        """The same of its files, in another form."""
        return [
            {"type": "file", "path": name, "size": len(content), "oid": blob(content), **_lfs(name, content, "oid")}
            for name, content in self.files[repo].items()
        ]


def _lfs(name: str, content: bytes, key: str) -> dict:
    if not name.endswith(LARGE):
        return {}
    return {"lfs": {key: hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}}


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.hub.asked.add(path)
        self.server.hub.tokens[self.headers["Host"].split(":")[0], path] = self.headers.get("authorization")
        if found := re.fullmatch(r"/api/models/(.+)/auth-check", path):
            gated = found[1] in self.server.hub.gated and not self.headers.get("authorization")
            self.error(403, "GatedRepo") if gated else self.send(200, b"{}", {})
        elif found := re.fullmatch(r"/api/(?:models/)?((?:datasets/)?[^/]+/[^/]+)(?:/(revision|tree)/(\w+))?", path):
            self.listing(*found.groups())
        elif found := re.fullmatch(r"/((?:datasets/)?[^/]+/[^/]+)/resolve/(\w+)/(.+)", path):
            self.resolve(*found.groups(), body)
        elif found := re.fullmatch(r"/storage/((?:datasets/)?[^/]+/[^/]+)/(.+)", path):
            self.content(*found.groups(), {}, body)
        else:
            self.error(404)

    def listing(self, repo: str, form: str | None, revision: str | None) -> None:
        if self.failing("api"):
            return
        if repo not in self.server.hub.files:
            self.error(401, "RepoNotFound")
        elif revision not in (None, self.server.hub.commits[repo]):
            self.error(404, "RevisionNotFound")
        else:
            found = self.server.hub.tree(repo) if form == "tree" else self.server.hub.info(repo)
            self.send(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def resolve(self, repo: str, revision: str, name: str, body: bool) -> None:
        content = self.server.hub.files.get(repo, {}).get(name)
        if revision != self.server.hub.commits.get(repo) or content is None:
            self.error(404, "EntryNotFound")
        elif repo in self.server.hub.gated and not self.headers.get("authorization"):
            self.error(401, "GatedRepo")
        elif self.failing(name):
            return
        elif name.endswith(LARGE):
            digest = hashlib.sha256(content).hexdigest()
            elsewhere = self.server.hub.url.replace("127.0.0.1", "localhost")
            headers = {
                "Location": f"{elsewhere}/storage/{repo}/{name}",
                "X-Repo-Commit": revision,
                "X-Linked-Etag": f'"{digest}"',
                "X-Linked-Size": str(len(content)),
            }
            self.send(302, b"", headers)
        else:
            self.content(repo, name, {"X-Repo-Commit": revision, "ETag": f'"{blob(content)}"'}, body)

    def content(self, repo: str, name: str, headers: dict[str, str], body: bool) -> None:
        content = self.server.hub.altered.get(name, self.server.hub.files[repo][name])
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        status = 200
        if span:
            start, end = int(span[1]), min(int(span[2] or len(content)), len(content) - 1)
            headers |= {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
            content, status = content[start : end + 1], 206
        headers |= {"Content-Length": str(len(content))}
        # Only downloads are cut, not the reading of a header.
        if body and not (span and span[2]) and name in self.server.hub.cut:
            content = content[: self.server.hub.cut.pop(name)]
            self.close_connection = True
        self.server.hub.sent[name] += len(content) if body else 0
        self.send(status, content if body else b"", headers)

    def failing(self, name: str) -> bool:
        """Whether this request is one of those that were to fail, and has."""
        statuses = self.server.hub.status.get(name) or [200]
        if (status := statuses.pop(0)) != 200:
            self.error(status)
        return status != 200

    def error(self, status: int, code: str = "") -> None:
        later = {"Retry-After": "7"} if status == 429 else {}
        self.send(status, b"{}", later | ({"X-Error-Code": code} if code else {}))

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def running() -> Iterator[FakeHub]:
    """A hub that answers at `url` for as long as the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.hub = FakeHub(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        server.server_close()
