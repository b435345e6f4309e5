"""Cosines of the pipeline's embeddings to reference embeddings of the same files.

The request: model (the directory of an embedder), files, vectors (a `.npy` file with the reference embeddings of the
files), pictures (the name of the picture in each file), dtypes (as in the setting), home.
"""

from pathlib import Path

import numpy as np

from benchmarks.exchange import answer, read_request
from image_pipeline.imaging.decode import decode_image
from image_pipeline.schema.outcome import ImageError
from image_pipeline.settings import DType
from image_pipeline.stages.models import load_inference
from image_pipeline.stages.registry import input_specs


def main() -> None:
    """Report the decode path and the cosines of each file, and the mean cosine of different pictures."""
    request = read_request()
    expected = np.load(request["vectors"])
    home = Path(request["home"])
    specs = input_specs(load_inference(f"{request['model']},none", DType.AUTO, home))
    paths, images, kept = [], [], []
    for number, file in enumerate(request["files"]):
        try:
            image = decode_image(file, specs, thumbnail=False)
        except ImageError:
            continue
        paths.append(str(image.decode_path))
        images.append(image.arrays[0])
        kept.append(number)
    expected = expected[kept]
    cosines, devices = {}, {}
    for dtype in request["dtypes"]:
        inference = load_inference(f"{request['model']},none", DType(dtype), home)
        vectors = inference.embed_images(np.stack(images))
        cosines[dtype] = (vectors * expected).sum(axis=1).tolist()
        devices[dtype] = inference.embedder.device_text
    between = expected @ expected.T
    shown = np.array([request["pictures"][number] for number in kept])
    different = float(between[shown[:, None] != shown[None, :]].mean())
    answer(
        files=[request["files"][number] for number in kept],
        decode_paths=paths,
        cosines=cosines,
        devices=devices,
        different=different,
    )


if __name__ == "__main__":
    main()
