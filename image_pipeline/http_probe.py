"""`python -m image_pipeline.http_probe URL`: whether a service of this program on this machine answers.

For the health checks of containers, whose images have neither curl nor wget. It sends the first API key of the
service's own settings, and exits with 0 if the answer is a success, and with 1 otherwise.
"""

import os
import sys
import urllib.error
import urllib.request

_SECONDS = 8.0


def main() -> int:
    """Ask once."""
    request = urllib.request.Request(sys.argv[1])
    if file := os.environ.get("IMAGE_PIPELINE_API_KEY_FILE"):
        with open(file, encoding="ascii") as keys:
            request.add_header("x-api-key", next(keys, "").strip())
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=_SECONDS):
            return 0
    except (OSError, ValueError) as error:
        print(f"{sys.argv[1]} does not answer: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
