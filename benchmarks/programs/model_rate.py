"""The embedder on decoded images on disk and the bare model, alternately. The request: model, images, repeats."""

import tempfile
from pathlib import Path

from benchmarks.exchange import answer, read_request
from benchmarks.measuring.sample import Sample
from benchmarks.measuring.stopwatch import Laps
from benchmarks.measuring.turns import take_turns
from benchmarks.rates import BareModel, embed_all, make_embedder, write_images


def main() -> None:
    """Measure both, and report the seconds of each repeat."""
    request = read_request()
    with tempfile.TemporaryDirectory(prefix="image-pipeline-bench-") as folder:
        embedder = make_embedder(Path(request["model"]), Path(folder))
        side, count = embedder.producer.input.height, request["images"]
        images = write_images(Path(folder) / "images.npy", count, side)
        embed_all(embedder, images[:8])
        assert embedder.throughput is not None
        bare = BareModel(Path(request["model"]), embedder.throughput.batch_size, side)
        bare.run(8)
        ours, against = Laps(), Laps()
        runs = [lambda: ours.time(lambda: embed_all(embedder, images)), lambda: against.time(lambda: bare.run(count))]
        take_turns(
            runs,
            request["repeats"],
            lambda: all(Sample.of(laps.seconds, "s").estimate.agreed for laps in (ours, against)),
        )
    answer(images=count, ours=ours.as_dict(), against=against.as_dict(), device=str(bare.device))


if __name__ == "__main__":
    main()
