"""A web server in this process: its port, which is taken before anything else is started, and its end by signals."""

import errno
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from image_pipeline.errors import PipelineError, SettingsError

LOOPBACK = "127.0.0.1"

_BACKLOG = 128


class PortTakenError(PipelineError):
    """The port belongs to another program, or may not be used."""


class Server(uvicorn.Server):
    """A server without its own signal handlers, which would end it on signals that its process ignores."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signal handlers unchanged."""
        yield

    def end(self) -> None:
        """Make the server end once it has answered pending requests."""
        self.should_exit = True


def listen(port: int, host: str = LOOPBACK) -> socket.socket:
    """A socket that listens on `port` of a numeric address, IPv4 or IPv6. Raises PortTakenError if that fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise PortTakenError(f"Port {port} {why}: stop that program, or choose another port with --port.") from error
    return listener


def listen_at(path: Path) -> socket.socket:
    """A socket in the file system that only this user can connect to. One that is left there is replaced.

    Raises PortTakenError if it cannot be made.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            path.unlink()
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTakenError(f"{path} cannot be made ({error.strerror}): choose a writable folder.") from error
    return listener


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a numeric address. Raises SettingsError if it is not numeric."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise SettingsError(f"--host is {host!r}: give a numeric address, such as 127.0.0.1 or 0.0.0.0.") from error
