"""A program that renews the collection of a store in many small steps; tests kill it."""

import sys
from pathlib import Path

from image_pipeline.collection import client_engine
from image_pipeline.collection.edge import engine as edge
from image_pipeline.services import filling
from image_pipeline.services.renewal import renew
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import load_settings

if __name__ == "__main__":
    home, library, models, url, port = sys.argv[1:]
    filling._GROUP_POINTS, filling._PAUSE_SECONDS = 60, 0.0
    server = {"qdrant_url": url, "qdrant_grpc_port": int(port)} if url else {}
    wiring = Wiring(load_settings(home=Path(home), library=Path(library), models=models, **server))
    wiring.models.collection_version("images")
    assert wiring.address.exists and wiring.filling and edge and client_engine  # imported
    print("ready", flush=True)
    renew(wiring)
    print("done", flush=True)
