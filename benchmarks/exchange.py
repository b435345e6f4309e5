"""How the bench and its programs talk: a request as JSON on standard input, an answer as the last line of output."""

import json
import sys
from typing import Any


def read_request() -> dict[str, Any]:
    """What the program is asked for."""
    request: dict[str, Any] = json.load(sys.stdin)
    return request


def answer(**content: Any) -> None:
    """Print the answer."""
    print(json.dumps(content), flush=True)
