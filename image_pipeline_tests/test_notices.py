"""What a command prints of the log records of libraries."""

import json
import os
import subprocess
import sys

_LOGS_WHAT_A_LIBRARY_LOGS = """
import logging
from image_pipeline.notices import show_notices

show_notices()
for error in (KeyboardInterrupt(), ValueError("no such connection")):
    try:
        raise error
    except BaseException:
        logging.getLogger("a.library").error("Exception closing connection", exc_info=True)
"""


def test_an_interruption_within_a_library_is_no_error_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", _LOGS_WHAT_A_LIBRARY_LOGS], capture_output=True, text=True, check=True)
    assert done.stderr.count("Exception closing connection") == done.stderr.count("Traceback") == 1
    assert done.stderr.endswith("ValueError: no such connection\n")


_LOGS_WHAT_A_SERVER_LOGS = """
import logging
from image_pipeline.notices import show_notices

show_notices("a.server")
log = logging.getLogger("a.server")
log.info("not worth a line")
try:
    raise ValueError("\\x1b[2J of a file")
except ValueError:
    log.error("Exception in an application", exc_info=True)
"""


def test_the_log_of_a_server_says_where_an_error_comes_from() -> None:
    command = [sys.executable, "-c", _LOGS_WHAT_A_SERVER_LOGS]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    assert text[:2] == ["image-pipeline: Exception in an application", "Traceback (most recent call last):"]
    assert text[-1] == r"ValueError: \x1b[2J of a file", "a terminal obeys none of it"
    environment = {**os.environ, "IMAGE_PIPELINE_LOG_FORMAT": "json"}
    [line] = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stderr.splitlines()
    assert json.loads(line)["message"] == "Exception in an application"
    assert json.loads(line)["trace"].endswith("ValueError: \x1b[2J of a file")
