"""The port of the page: the only open port, taken before anything else is started."""

import errno
import socket

from image_pipeline.errors import PipelineError

_BACKLOG = 128


class PortTakenError(PipelineError):
    """The port of the page belongs to another program, or may not be used."""


def listen(port: int) -> socket.socket:
    """A socket that listens on `port` of the loopback interface. Raises PortTakenError if that fails."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise PortTakenError(f"Port {port} {why}: stop that program, or choose another port with --port.") from error
    return listener
