"""API keys: who may use a service of this program."""

import hmac
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from image_pipeline.errors import SettingsError
from image_pipeline.http_server import is_loopback
from image_pipeline.settings import Settings, variable_of

_SHORTEST = 16
_MOST_BYTES = 64 << 10


@dataclass
class Keys:
    """The keys that are accepted: those in `file`, one per line, or `key`. Without either, everybody is let in.

    The file is read again when it changes, so that keys can be replaced without a restart: add the new key, change the
    clients, remove the old key.
    """

    key: str | None = None
    file: Path | None = None
    _read: "tuple[tuple[int, int, int], list[bytes]] | None" = None

    @property
    def are_required(self) -> bool:
        """Whether a request needs a key."""
        return self.key is not None or self.file is not None

    def check(self) -> None:
        """Raises SettingsError if the file cannot be read or holds no usable key, or a key is too short."""
        for key in self._accepted():
            if len(key) < _SHORTEST:
                raise SettingsError(
                    f"An API key that clients must send has less than {_SHORTEST} characters: make one with "
                    "`openssl rand -hex 32`."
                )

    def accept(self, headers: Headers) -> bool:
        """Whether a request with these headers is let in.

        The key is in `x-api-key`, or in `Authorization` as a bearer token, as scrapers of metrics send it. It is
        compared in constant time.
        """
        if not self.are_required:
            return True
        given = headers.get("x-api-key")
        if given is None:
            scheme, _, token = headers.get("authorization", "").partition(" ")
            given = token.strip() if scheme.lower() == "bearer" else ""
        try:
            accepted = self._accepted()
        except SettingsError:
            return False
        matches = [hmac.compare_digest(given.encode("latin-1", "replace"), key) for key in accepted]
        return any(matches)

    def _accepted(self) -> list[bytes]:
        own = [] if self.key is None else [self.key.encode()]
        if self.file is None:
            return own
        try:
            status = os.stat(self.file)
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            if self._read is None or self._read[0] != stamp:
                with open(self.file, "rb") as file:
                    lines = file.read(_MOST_BYTES).splitlines()
                self._read = stamp, [line.strip() for line in lines if line.strip() and not line.startswith(b"#")]
        except OSError as error:
            raise SettingsError(
                f"The API keys in {self.file} cannot be read ({error.strerror}): correct the path or its permissions."
            ) from error
        if not self._read[1]:
            raise SettingsError(f"{self.file} holds no API key: write one per line.")
        return [*own, *self._read[1]]


class KeyCheck:
    """ASGI middleware that refuses requests and WebSockets without a valid key, except to `open_paths`."""

    def __init__(self, app: ASGIApp, keys: Keys, open_paths: Collection[str] = ()) -> None:
        self._app, self._keys, self._open_paths = app, keys, open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        is_open = scope["type"] not in ("http", "websocket") or scope["path"] in self._open_paths
        if is_open or self._keys.accept(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        answer = PlainTextResponse(
            "The API key is missing or not valid: send it in the header x-api-key.\n",
            401,
            {"WWW-Authenticate": "Bearer"},
        )
        await answer(scope, receive, send)


def keys_of(settings: Settings) -> Keys:
    """The keys that the settings name, checked: possibly none. Raises SettingsError as `Keys.check` does."""
    keys = Keys(settings.api_key.get_secret_value() if settings.api_key else None, settings.api_key_file)
    keys.check()
    return keys


def keys_for(settings: Settings, host: str) -> Keys:
    """The keys that clients of a service which listens on the address `host` must send, checked.

    Raises SettingsError if there is none although others than this machine could reach the service, or as `Keys.check`.
    """
    keys = keys_of(settings)
    if not keys.are_required and not is_loopback(host):
        raise SettingsError(
            f"Anybody who reaches {host} could use this service: set {variable_of('api_key')} or "
            f"{variable_of('api_key_file')}, or listen on 127.0.0.1."
        )
    return keys
