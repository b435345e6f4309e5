"""An inference service for the bench: the pipeline's, with and without batches across callers, or LitServe.

Arguments: the way (`joined`, `alone`, `litserve`), the model's directory, a folder for its records, the port. It prints
a line once it is ready.
"""

import sys
from pathlib import Path

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
        _serve(way == "joined", model, home, port)


def _serve(is_joined: bool, model: Path, home: Path, port: int) -> None:
    import uvicorn

    from image_pipeline.api.app import create_app
    from image_pipeline.api.keys import Keys
    from image_pipeline.schema.limits import DecodeLimits
    from image_pipeline.services.model_service import ModelService
    from image_pipeline.stages.models import load_inference

    inference = load_inference(f"{model},none", DType.AUTO, home)
    with ModelService(inference, DecodeLimits(), 1, ServiceLimits(waiting_images=100_000)) as service:
        service.load()
        runner = service.runners["embeddings"]
        runner._most = service.capabilities.embedder.batch if is_joined else None
        print("ready", flush=True)
        uvicorn.run(create_app(service, Keys()), port=port, log_level="error", access_log=False)


def _serve_lit(model: Path, home: Path, port: int) -> None:
    import litserve

    from benchmarks.references.litserve_api import EmbeddingApi

    api = EmbeddingApi(model, home, max_batch_size=_MOST_REQUESTS, batch_timeout=_WAIT_SECONDS)
    server = litserve.LitServer(api, accelerator="auto", timeout=600)
    print("ready", flush=True)
    server.run(port=port, host="127.0.0.1", generate_client_file=False, log_level="error")


if __name__ == "__main__":
    main()
