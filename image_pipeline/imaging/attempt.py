"""An attempt to read one of several blocks: a damaged one must not hide the others."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def attempt(default: T, read: Callable[..., T], *arguments: object) -> T:
    """What `read` returns, or `default` if it raises anything but MemoryError."""
    try:
        return read(*arguments)
    except MemoryError:
        raise
    except Exception:  # one damaged block must not hide the others
        return default
