"""What a first new image costs, whatever the library: torch is imported, the models are loaded, and see an image.

The request: models (as the setting), home (a folder for records), image.
"""

from pathlib import Path

import numpy as np

from benchmarks.exchange import answer, read_request
from image_pipeline.imaging.decode import decode_image
from image_pipeline.settings import DType
from image_pipeline.stages.models import load_inference


def main() -> None:
    """Show one image to the models."""
    request = read_request()
    inference = load_inference(request["models"], DType.AUTO, Path(request["home"]))
    specs = [producer.input for producer in inference.producers]
    arrays = decode_image(request["image"], specs).arrays
    inference.embed_images(np.stack(arrays[:1]))
    if inference.captioner is not None:
        inference.caption_images(np.stack(arrays[1:2]))
    answer(images=1)


if __name__ == "__main__":
    main()
