"""Runs a module of Dagster as a program that ends with its parent: `python -m image_pipeline.page.child_process …`.

Its standard input is a pipe that nothing is written to, and that the system closes when the process at its other end
ends, however it ends: no daemon is left that goes on for ever, and none needs to be found and killed.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 10.0
"""How long the program, and the runs that are its children, may take to end once they are told to."""


def main() -> None:
    """Run the module that is named first, with the arguments behind it."""
    # a program that a script begins with `&` ignores SIGINT, and so would this one, which is ended by it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    for run in multiprocessing.active_children():  # not the whole group: what copies their output would end first
        if run.pid is not None:
            os.kill(run.pid, signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
