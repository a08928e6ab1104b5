"""A hub on loopback that answers as the real one does to looking up and fetching a model; it can be made to fail."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LFS = re.compile(r".*\.(safetensors|bin|model)")


class FakeHub:
    """Serves folders as repositories. `with FakeHub({"org/name": folder}) as hub:`"""

    def __init__(self, repos: dict[str, Path]) -> None:
        self.repos = repos
        self.gated: set[str] = set()
        self.token: str | None = None
        self.counted: dict[str, int] | None = None
        self.revisions = {"main": COMMIT, "v2/old": COMMIT, COMMIT: COMMIT}
        # How many bytes of a file are sent before the connection is cut, and how often.
        self.cut_at, self.cuts = 0, 0
        self.broken_bytes = False
        # Set: large files stop in the middle until it is cleared.
        self.stalls = threading.Event()
        self.asked: list[tuple[str, str, str | None]] = []
        self.tokens: set[str | None] = set()

    def __enter__(self) -> FakeHub:
        hub = self

        class Handler(_Handler):
            fake = hub

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        # Another host, as the real one's large files: a redirect within one host is followed for the headers too.
        self.cdn = self.url.replace("127.0.0.1", "localhost")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def bytes_of(self, repo: str, file: str) -> bytes:
        return (self.repos[repo] / file).read_bytes()

    def fetched(self) -> list[str]:
        return [path for method, path, _ in self.asked if method == "GET" and "/cdn/" in path]


class _Handler(BaseHTTPRequestHandler):
    fake: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.fake
        path = urllib.parse.unquote(self.path.partition("?")[0])
        hub.asked.append((self.command, path, self.headers.get("Range")))
        authorization = self.headers.get("Authorization")
        hub.tokens.add(authorization)
        if authorization is not None and authorization != f"Bearer {hub.token}":
            return self.answer(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path):
            return self.info(found[1], found[2], authorization)
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self.resolve(found[1], found[3], authorization)
        if found := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            return self.content(hub.bytes_of(found[1], found[2]))
        return self.answer(404, {"X-Error-Code": "EntryNotFound"})

    def info(self, repo: str, revision: str, authorization: str | None) -> None:
        hub = self.fake
        if repo not in hub.repos and authorization:
            return self.answer(404, {"X-Error-Code": "RepoNotFound"})
        if repo not in hub.repos:
            return self.answer(401, {"X-Error-Message": "Invalid username or password."})
        if revision not in hub.revisions:
            said = f"Invalid rev id: {revision}"
            return self.answer(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": said})
        folder = hub.repos[repo]
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        info: dict[str, Any] = {"id": repo, "sha": hub.revisions[revision], "gated": repo in hub.gated}
        info["siblings"] = [{"rfilename": str(path.relative_to(folder)), "size": path.stat().st_size} for path in files]
        if hub.counted:
            info["safetensors"] = {"parameters": hub.counted, "total": sum(hub.counted.values())}
        return self.answer(200, {"Content-Type": "application/json"}, json.dumps(info).encode())

    def resolve(self, repo: str, file: str, authorization: str | None) -> None:
        hub = self.fake
        if repo in hub.gated and authorization is None:
            return self.answer(401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."})
        if not (hub.repos[repo] / file).is_file():
            return self.answer(404, {"X-Error-Code": "EntryNotFound"})
        data = hub.bytes_of(repo, file)
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(data).hexdigest()}"'}
        if not LFS.fullmatch(file):
            return self.content(data, headers)
        linked = {"X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Linked-Size": str(len(data))}
        return self.answer(302, {**headers, **linked, "Location": f"{hub.cdn}/cdn/{repo}/{file}"})

    def content(self, data: bytes, headers: dict[str, str] | None = None) -> None:
        hub = self.fake
        if hub.broken_bytes and "/cdn/" in self.path:
            data = bytes(len(data))
        start = 0
        if found := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
            start = int(found[1])
        part = data[start:]
        extra = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        if hub.cuts > 0 and "/cdn/" in self.path and self.command == "GET":
            hub.cuts -= 1
            self.answer(206 if start else 200, {**(headers or {}), **extra}, part, send=hub.cut_at)
            self.close_connection = True
            self.wfile.flush()
            self.connection.close()
            return
        if self.fake.stalls.is_set() and "/cdn/" in self.path and self.command == "GET":
            self.answer(200, headers or {}, part, send=len(part) // 2)
            while self.fake.stalls.is_set():
                time.sleep(0.05)
            return
        self.answer(206 if start else 200, {**(headers or {}), **extra}, part)

    def answer(self, status: int, headers: dict[str, str], body: bytes = b"", send: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body if send is None else body[:send])
            self.wfile.flush()
