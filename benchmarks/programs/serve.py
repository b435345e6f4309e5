"""An inference service for the bench: the pipeline's, with and without batches across callers, or LitServe.

Arguments: the way, the model's directory, a folder for its records, the port. The ways: `joined` is the service as it
is; `one` has a single process that receives requests, `alone` joins no callers; `litserve`. It prints a line once it is
ready.
"""

import os
import signal
import sys
from pathlib import Path

from benchmarks.inputs.models import is_captioner
from image_pipeline.inference.wire import ServiceLimits
from image_pipeline.settings import DType

_WAIT_SECONDS = 0.005
_MOST_REQUESTS = 64


def main() -> None:
    """Serve until somebody ends this process."""
    way, model, home, port = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    if way == "litserve":
        _serve_lit(model, home, port)
    else:
        _serve(way, model, home, port)


def _serve(way: str, model: Path, home: Path, port: int) -> None:
    from image_pipeline.api.receivers import Receivers
    from image_pipeline.api_keys import Keys
    from image_pipeline.http_server import listen
    from image_pipeline.schema.limits import DecodeLimits
    from image_pipeline.services.model_service import ModelService
    from image_pipeline.stages.models import load_inference

    names = f"demo,{model}" if is_captioner(model) else f"{model},none"
    inference = load_inference(names, DType.AUTO, home)
    limits = ServiceLimits(waiting_images=100_000)
    receivers = Receivers(listen(port), Keys(), limits)
    with ModelService(inference, DecodeLimits(), 1, limits, receivers.waiting) as service:
        service.load()
        if way == "alone":
            for runner in service.runners.values():
                runner._most = 1
        count = len(os.sched_getaffinity(0)) // 2 if service.is_on_gpu and way != "one" else 1
        receivers.set_ready(service.capabilities, max(1, count))
        signal.signal(signal.SIGTERM, lambda *_: receivers.end())
        print("ready", flush=True)
        receivers.run(service)


def _serve_lit(model: Path, home: Path, port: int) -> None:
    import litserve

    from benchmarks.references.litserve_api import EmbeddingApi

    api = EmbeddingApi(model, home, max_batch_size=_MOST_REQUESTS, batch_timeout=_WAIT_SECONDS)
    server = litserve.LitServer(api, accelerator="auto", timeout=600)
    print("ready", flush=True)
    server.run(port=port, host="127.0.0.1", generate_client_file=False, log_level="error")


if __name__ == "__main__":
    main()
