"""The embedder over decoded images on disk, and the bare model, in turn. The request: model, images, repeats."""

import tempfile
from pathlib import Path

from benchmarks.exchange import answer, read_request
from benchmarks.rates import BareModel, embedder_seconds, make_embedder, write_images


def main() -> None:
    """Measure both, and tell the seconds of each repeat."""
    request = read_request()
    with tempfile.TemporaryDirectory(prefix="image-pipeline-bench-") as folder:
        embedder = make_embedder(Path(request["model"]), Path(folder))
        side, count = embedder.producer.input.height, request["images"]
        images = write_images(Path(folder) / "images.npy", count, side)
        embedder_seconds(embedder, images[:8])
        assert embedder.throughput is not None
        bare = BareModel(Path(request["model"]), embedder.throughput.batch_size, side)
        bare.seconds(8)
        ours, against = [], []
        for _ in range(request["repeats"]):
            ours.append(embedder_seconds(embedder, images))
            against.append(bare.seconds(count))
    answer(images=count, ours=ours, against=against, device=str(bare.device))


if __name__ == "__main__":
    main()
