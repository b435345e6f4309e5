"""A process that has imported all that a run needs, and forks a child for each run: 8 s of imports once, not each time.

Started as `python -m image_pipeline_tests.histories.forks`. A line of JSON on standard input asks for a child that runs
`image-pipeline` with arguments, an environment and files for its output; each answer is a line on standard output. The
child is a process like any other: it does all that the command does, and can be killed at any moment.
"""

import json
import os
import selectors
import sys
import warnings
from typing import Any


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
    # threads that a library has begun are not there in a child, which would wait for them for ever
    import torch

    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import open_clip
        import transformers
        from qdrant_client import QdrantClient

        import image_pipeline.console
        import image_pipeline.search

        used = open_clip.create_model, transformers.BlipForConditionalGeneration, transformers.BlipProcessor
        used += QdrantClient, image_pipeline.console.ingest_with_progress, image_pipeline.search.Search
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise SystemExit(f"{threads} threads run after the imports; a process can only fork safely with one.")


def _fork(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.closerange(3, 256)
        for descriptor, name in ((1, request["stdout"]), (2, request["stderr"])):
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, descriptor)
            os.close(file)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = ["image-pipeline", *request["arguments"]]
        from image_pipeline.cli import main as command

        command(prog_name="image-pipeline")
        code = 0
    finally:
        # as at the end of a program; an error's traceback is written by the interpreter
        if code == 0:
            sys.exit(0)
    return pid


if __name__ == "__main__":
    main()
