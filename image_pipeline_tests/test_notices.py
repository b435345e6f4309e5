"""What a command prints of the log records of libraries."""

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
