"""The correlation id: it names one piece of work, a run or a command, in the logs and traces of all services.

In a run, it is the run's id. A server has one for each request: that of its caller, or a new one. Any other process
makes one for itself.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "x-request-id"
"""The header of HTTP by which a request carries the id to another service."""

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")

_of_process = str(uuid.uuid4())
_of_request: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def correlation_id() -> str:
    """The id of the request that is being answered, or of the work that this process is doing."""
    return _of_request.get() or _of_process


@contextmanager
def working_on(identifier: str) -> Iterator[None]:
    """Let the work in the block have this id, in all threads of this process."""
    global _of_process
    former, _of_process = _of_process, identifier
    try:
        yield
    finally:
        _of_process = former


@contextmanager
def answering(header: str | None) -> Iterator[str]:
    """Let the request that is answered in the block have the id in its header, or a new one; the block gets it.

    Anybody may write the header: what is no id in it is left out.
    """
    identifier = header if header is not None and _ID.fullmatch(header) else str(uuid.uuid4())
    token = _of_request.set(identifier)
    try:
        yield identifier
    finally:
        _of_request.reset(token)
