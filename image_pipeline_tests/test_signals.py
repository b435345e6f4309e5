"""Signals that arrive where Python swallows exceptions."""

import os
import signal
import subprocess
import sys

import pytest

_WAITS_IN_A_CALLBACK = """
import sys, time, weakref
from image_pipeline.signals import catch_signals, ignore_further_signals, interrupted_exit_code

def wait():
    print("waiting", flush=True)
    time.sleep(60)

class Held:
    def __del__(self):
        if sys.argv[1] == "destructor":
            wait()

catch_signals()
try:
    held = Held()
    reference = weakref.ref(held, lambda _: sys.argv[1] == "callback" and wait())
    del held
    time.sleep(60)
except KeyboardInterrupt:
    ignore_further_signals()
    sys.exit(interrupted_exit_code())
"""


@pytest.mark.parametrize("place", ["destructor", "callback"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_clean_up_ends_the_command(place: str, number: signal.Signals) -> None:
    command = [sys.executable, "-c", _WAITS_IN_A_CALLBACK, place]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "waiting\n"
        os.kill(program.pid, number)
        _, printed = program.communicate(timeout=30)
    assert (program.returncode, printed) == (128 + number, "")
