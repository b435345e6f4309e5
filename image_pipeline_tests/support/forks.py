"""A process that has imported all that a run needs, and forks a child for each run: 8 s of imports once, not each time.

Started as `python -m image_pipeline_tests.support.forks`. A line of JSON on standard input asks for a child that runs
`image-pipeline` or `dagster`: the arguments, the environment, the directory and files for the output. Each answer is a
line on standard output. The child is a process like any other: it does all that the command does, and can be killed at
any moment.
"""

import atexit
import faulthandler
import gc
import importlib
import json
import os
import selectors
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

_DESCRIPTORS = 256
_IMPORTED = ("open_clip", "qdrant_client", "image_pipeline.cli.runs", "image_pipeline.services.search")


def _image_pipeline(*given: Any, **named: Any) -> None:
    from image_pipeline.cli.main import main as image_pipeline

    image_pipeline(*given, **named)


def _dagster(*given: Any, **named: Any) -> None:
    from dagster._cli import create_dagster_cli

    create_dagster_cli()(*given, **named)


_PROGRAMS = {"image-pipeline": _image_pipeline, "dagster": _dagster}


def main() -> None:
    """Answer requests until standard input ends; children that are left are killed with their parent's pipe."""
    _import_all()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ, None)
    answers.write(json.dumps({"ready": os.getpid()}) + "\n")
    pending = b""
    while True:
        for key, _ in selector.select():
            if key.data is None:
                data = os.read(0, 1 << 16)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    pid = _fork(json.loads(line))
                    selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
                    answers.write(json.dumps({"begun": pid}) + "\n")
            else:
                _, status = os.waitpid(key.data, 0)
                selector.unregister(key.fd)
                os.close(key.fd)
                answers.write(json.dumps({"ended": key.data, "code": os.waitstatus_to_exitcode(status)}) + "\n")


def _import_all() -> None:
    for module in _IMPORTED:
        importlib.import_module(module)
    import torch
    import transformers

    assert transformers.BlipForConditionalGeneration and transformers.BlipProcessor  # imported when they are named
    torch.set_num_threads(1)
    gc.freeze()  # a collection in a child would touch, and so copy, every page
    # a thread is not there in a child, which would wait for it for ever; Arrow's allocator takes care of its own
    threads = [task for task in Path("/proc/self/task").iterdir() if "jemalloc" not in (task / "comm").read_text()]
    if len(threads) != 1:
        raise SystemExit(f"{len(threads)} threads run after the imports; a process can only fork safely with one.")


def _fork(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.closerange(3, _DESCRIPTORS)
        for descriptor, name in ((0, os.devnull), (1, request["stdout"]), (2, request["stderr"])):
            file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, descriptor)
            os.close(file)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["directory"])
        faulthandler.register(signal.SIGUSR1)  # tells where it is, where it does not end
        code = _command(request["program"], request["arguments"])
    finally:
        # what the interpreter does at a program's end, but for freeing 300 MB of modules, which takes a second
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _command(program: str, arguments: list[str]) -> int:
    sys.argv = [program, *arguments]  # a lock names its holder by them
    try:
        _PROGRAMS[program](arguments, prog_name=program)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    return code


if __name__ == "__main__":
    main()
