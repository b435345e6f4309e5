"""Runs a Dagster module as a program that ends with its parent: `python -m image_pipeline.page.child_process …`.

Its standard input is a pipe to which nothing is written. The system closes it when the process at the other end ends,
however it ends, so no daemon keeps running forever, and none has to be found and killed.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 10.0
"""How long the program and its child runs may take to end after SIGINT, before they are killed."""


def main() -> None:
    """Run the module given as the first argument, with the remaining arguments."""
    # a program started with `&` in a script ignores SIGINT, but this one is ended by SIGINT
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
    # not the whole group: the processes that copy the output would end first
    for run in multiprocessing.active_children():
        if run.pid is not None:
            os.kill(run.pid, signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
