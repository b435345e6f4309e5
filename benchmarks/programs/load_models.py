"""The fixed cost of the first new image: torch is imported, and the models are loaded and run on one image.

The request: models (as in the setting), home (a folder for records), image.
"""

from pathlib import Path

import numpy as np

from benchmarks.exchange import answer, read_request
from image_pipeline.imaging.decode import decode_image
from image_pipeline.settings import DType
from image_pipeline.stages.models import load_inference


def main() -> None:
    """Run the models on one image."""
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
