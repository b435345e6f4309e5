"""Exchange between the bench and its programs: a JSON request on stdin, a JSON answer as the last line of stdout."""

import json
import sys
from typing import Any


def read_request() -> dict[str, Any]:
    """The request to this program."""
    request: dict[str, Any] = json.load(sys.stdin)
    return request


def answer(**content: Any) -> None:
    """Print the answer of this program."""
    print(json.dumps(content), flush=True)
