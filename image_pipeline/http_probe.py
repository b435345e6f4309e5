"""`python -m image_pipeline.http_probe URL [SOCKET]`: whether a service of this program on this machine answers.

For the health checks of containers, whose images have neither curl nor wget. It sends the first API key of the
service's own settings, and exits with 0 if the answer is a success, and with 1 otherwise.
"""

import http.client
import os
import socket
import sys
from urllib.parse import urlsplit

_SECONDS = 8.0


def main() -> int:
    """Ask once; over a socket in the file system, if one is given."""
    url = urlsplit(sys.argv[1])
    headers = {}
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=_SECONDS)
    try:
        if file := os.environ.get("IMAGE_PIPELINE_API_KEY_FILE"):
            with open(file, encoding="ascii") as keys:
                headers["x-api-key"] = next(keys, "").strip()
        if len(sys.argv) > 2:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(_SECONDS)
            connection.sock.connect(sys.argv[2])
        connection.request("GET", url.path, headers=headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"{sys.argv[1]} does not answer: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    if status >= 300:
        print(f"{sys.argv[1]} answers {status}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
