"""Access: who is let in, and with what: everybody on this machine, holders of an API key, or who knows the password."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from starlette.datastructures import Headers

from image_pipeline.api_keys import Keys, keys_of
from image_pipeline.errors import SettingsError
from image_pipeline.http_server import is_loopback
from image_pipeline.settings import Settings, variable_of
from image_pipeline.storage.sessions import Sessions
from image_pipeline.storage.store import Store
from image_pipeline.web.door.password import PasswordFile

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_MOST_COOKIES = 4  # of one name: another program of the same host may have set one for a path


class Means(StrEnum):
    """What a visitor was let in by."""

    NOTHING = "nothing"
    KEY = "key"
    SESSION = "session"


@dataclass(frozen=True)
class Visitor:
    """Somebody who was let in, by what, and the token that a browser sends with a request that changes something."""

    means: Means
    token: str


@dataclass(frozen=True)
class Access:
    """Who is let in: holders of `keys`, and those in whose browser the password was given; without both, everybody."""

    keys: Keys
    password: PasswordFile | None
    sessions: Sessions

    @property
    def is_needed(self) -> bool:
        """Whether visitors need a key or the password."""
        return self.keys.are_required or self.password is not None

    def visitor(self, headers: Headers) -> Visitor | None:
        """Who sends a request with these headers; None if they must not be let in. Raises StoreError, SettingsError."""
        if not self.is_needed:
            return Visitor(Means.NOTHING, self._token(""))
        has_key = self.keys.are_required and ("x-api-key" in headers or "authorization" in headers)
        if has_key and self.keys.accept(headers):
            return Visitor(Means.KEY, self._token("key"))
        session = self.session(headers)
        return None if session is None else Visitor(Means.SESSION, self._token(session))

    def session(self, headers: Headers) -> str | None:
        """The token of the session in a cookie; None if there is none, or it has ended."""
        if self.password is None:
            return None
        given, stored = _cookies(headers, self.session_cookie), self.password.stored
        return next((token for token in given if self.sessions.is_open(token, stored)), None)

    def known_device(self, headers: Headers) -> str | None:
        """The token of a browser in which the password was once right."""
        if self.password is None:
            return None
        given, stored = _cookies(headers, self.device_cookie), self.password.stored
        return next((token for token in given if self.sessions.is_known_device(token, stored)), None)

    @cached_property
    def session_cookie(self) -> str:
        """The name of the cookie of a session. Cookies are shared by all ports of a host, so each store has its own."""
        return f"image-pipeline-session-{hashlib.sha256(self.sessions.secret).hexdigest()[:8]}"

    @cached_property
    def device_cookie(self) -> str:
        """The name of the cookie of a browser that is known."""
        return f"image-pipeline-device-{hashlib.sha256(self.sessions.secret).hexdigest()[:8]}"

    def is_token(self, session: str, given: str) -> bool:
        """Whether a browser with this session has sent the token of its visitor."""
        return hmac.compare_digest(self._token(session).encode(), given.encode("utf-8", "surrogatepass"))

    def _token(self, session: str) -> str:
        # it stays the same through a restart, so that an open page goes on
        return hmac.new(self.sessions.secret, b"page\0" + session.encode(), hashlib.sha256).hexdigest()


def _cookies(headers: Headers, name: str) -> list[str]:
    """The values of a cookie that can be tokens."""
    found = []
    for line in headers.getlist("cookie"):
        for pair in line.split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name and _TOKEN.fullmatch(value):
                found.append(value)
    return found[:_MOST_COOKIES]


def access_for(settings: Settings, host: str, store: Store) -> Access:
    """Who may use the page that listens on the address `host`, checked.

    Raises SettingsError if others than this machine could reach it and neither a key nor a password is set, or as
    `Keys.check` and `PasswordFile.stored` do.
    """
    keys = keys_of(settings)
    password = None if settings.page_password_file is None else PasswordFile(settings.page_password_file)
    if password is not None:
        _ = password.stored
    access = Access(keys, password, Sessions(store.sessions_file))
    if not access.is_needed and not is_loopback(host):
        raise SettingsError(
            f"Anybody who reaches {host} could see the photographs: set {variable_of('page_password_file')} to a file "
            f"made with `image-pipeline hash-password`, or {variable_of('api_key_file')}, or listen on 127.0.0.1."
        )
    return access
