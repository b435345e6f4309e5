"""Worker process: decodes one requested file at a time, until its standard input ends.

The pool starts it as `python -m image_pipeline.imaging.worker ADDRESS_SPACE_BYTES PIXELS SECONDS`. It is the only place
where C libraries handle hostile bytes, and such bytes may kill it at any time.
"""

import ctypes
import hashlib
import logging
import os
import resource
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pillow_heif
from PIL import AvifImagePlugin, Image

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.failure import image_error
from image_pipeline.imaging.metadata import metadata_of
from image_pipeline.imaging.protocol import (
    Decoded,
    DecodeRequest,
    MetadataRequest,
    NotWritten,
    Ready,
    Rejected,
    Reply,
    Request,
    SidecarRequest,
    read_request,
    reply_line,
)
from image_pipeline.imaging.sidecar import read_sidecar
from image_pipeline.imaging.source_file import open_image
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import ImageError, Reason

_PR_SET_PDEATHSIG = 1
_DIGEST_BYTES = 16


def main() -> None:
    """Answer each request on standard input with a reply on the original standard output."""
    limits = DecodeLimits(address_space_bytes=int(sys.argv[1]), pixels=int(sys.argv[2]), seconds=float(sys.argv[3]))
    replies = _claim_output()
    _end_with_parent()
    _offer_to_kernel()
    _confine(limits)
    replies.write(reply_line(Ready()))
    for line in sys.stdin.buffer:
        request = read_request(line)
        with _limited_time(limits.seconds):
            reply = _answer(request, limits)
        replies.write(reply_line(reply))


@contextmanager
def _limited_time(seconds: float) -> Iterator[None]:
    """Let the system kill this process with SIGPROF once the block has used `seconds` of processor time.

    Only the time of this process counts: while it is stopped, or waits for a busy processor, it uses none.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answer(request: Request, limits: DecodeLimits) -> Reply:
    if isinstance(request, MetadataRequest | SidecarRequest):
        return _metadata(request, limits)
    specs = [target.spec for target in request.targets]
    try:
        image = decode_image(request.path, specs, limits, thumbnail=request.thumbnail is not None, side=request.side)
    except ImageError as error:
        return Rejected(error.reason, error.message)
    except MemoryError as error:  # raised again, while the first one was being reported
        failure = image_error(error)
        return Rejected(failure.reason, failure.message)
    try:
        for target, array in zip(request.targets, image.arrays, strict=True):
            if target.path is not None:
                _write_at(target.path, target.offset, array.reshape(-1).data)
        _write_thumbnail(request, image.thumbnail)
    except OSError as error:
        return NotWritten(str(error))
    digests = tuple(map(_digest, image.arrays))
    return Decoded(image.width, image.height, image.decode_path, image.damaged, digests)


def _digest(array: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=_DIGEST_BYTES).hexdigest()


def _metadata(request: MetadataRequest | SidecarRequest, limits: DecodeLimits) -> Reply:
    try:
        with open_image(request.path) as file:
            return metadata_of(file, limits) if isinstance(request, MetadataRequest) else read_sidecar(file)
    except ImageError as error:
        return Rejected(error.reason, error.message)
    except MemoryError as error:
        return Rejected(Reason.OUT_OF_MEMORY, str(error) or "not enough memory to read the metadata")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return Rejected(Reason.UNREADABLE, str(error))


def _write_at(path: bytes, offset: int, data: memoryview) -> None:
    output = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        while data:
            written = os.pwrite(output, data, offset)
            data, offset = data[written:], offset + written
    finally:
        os.close(output)


def _write_thumbnail(request: DecodeRequest, thumbnail: bytes | None) -> None:
    if request.thumbnail is None or thumbnail is None:
        return
    directory, name = os.path.split(request.thumbnail)
    Path(os.fsdecode(directory)).mkdir(parents=True, exist_ok=True)
    # one name for all writers of this thumbnail: they write the same bytes, and overwrite what a killed one left
    temporary = os.path.join(directory, b".%s.tmp" % name)
    try:
        with open(temporary, "wb") as file:
            file.write(thumbnail)
        os.replace(temporary, request.thumbnail)
    except OSError:
        if not os.path.exists(request.thumbnail):  # if it exists, a different writer was faster
            with suppress(OSError):  # it was never created, or the disk is gone: the first error says more
                os.unlink(temporary)
            raise


def _claim_output() -> BinaryIO:
    """Reserve standard output for replies: whatever a library prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return replies


def _end_with_parent() -> None:
    """End with the parent: on Linux even in the middle of a file, elsewhere when standard input ends."""
    # The parent handles the signals that a terminal or a service manager sends to all processes; no file causes them.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _offer_to_kernel() -> None:
    """If the machine runs out of memory, let Linux kill this process rather than its parent, which holds the models."""
    with suppress(OSError):  # not Linux
        Path("/proc/self/oom_score_adj").write_text("1000")


def _confine(limits: DecodeLimits) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = limits.address_space_bytes if hard == resource.RLIM_INFINITY else min(limits.address_space_bytes, hard)
    with suppress(OSError, ValueError):  # macOS has the limit but refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    # One thread per file: the pool has one worker per CPU.
    pillow_heif.options.DECODE_THREADS = 1
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    Image.MAX_IMAGE_PIXELS = None  # this package enforces its own limit on pixels
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)


if __name__ == "__main__":
    main()
