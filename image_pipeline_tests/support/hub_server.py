"""A model hub on this machine: enough of the hub's HTTP interface for the hub's own client to fetch from it."""

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import unquote, urlsplit


@dataclass
class Repository:
    """Commits, each with its files, and the branch `main`; `gated` keeps the files, not the list of them, locked."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    main: str = ""
    gated: bool = False

    def commit(self, files: dict[str, bytes]) -> str:
        """Make a commit of `files`, and `main` point to it."""
        self.main = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.commits[self.main] = files
        return self.main


class HubServer:
    """The server; used as a context manager it serves. `requests` is what it was asked, in order."""

    def __init__(self) -> None:
        """A hub without repositories."""
        self.repositories: dict[str, Repository] = {}
        self.requests: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub._answer(self)

            def do_HEAD(self) -> None:
                hub._answer(self)

            def log_message(self, *_: object) -> None:
                hub.requests.append(f"{self.command} {self.path}")

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def endpoint(self) -> str:
        """The address, for HF_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "HubServer":
        """Begin to serve."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        about = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/([^/]+)", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        match = about or file
        repository = self.repositories.get(match[1]) if match else None
        if match is None or repository is None:
            return self._send(request, 404, error="RepoNotFound")
        asked = match[3] if about else match[2]
        commit = repository.main if asked == "main" else asked
        if commit not in repository.commits:
            return self._send(request, 404, error="RevisionNotFound")
        files = repository.commits[commit]
        if about and match[2] == "revision":
            names = [{"rfilename": name} for name in files]
            return self._send(request, 200, json.dumps({"id": match[1], "sha": commit, "siblings": names}).encode())
        if about:
            entries = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in files.items()
            ]
            return self._send(request, 200, json.dumps(entries).encode())
        if repository.gated:
            return self._send(request, 403, error="GatedRepo")
        if match[3] not in files:
            return self._send(request, 404, error="EntryNotFound", commit=commit)
        return self._send(request, 200, files[match[3]], commit=commit)

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, body: bytes = b"", error: str = "", commit: str = ""
    ) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        if error:
            request.send_header("X-Error-Code", error)
        if commit:
            request.send_header("X-Repo-Commit", commit)
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)
