"""What embeddings are held against: each file decoded in full, open_clip's own transform, fp32.

As R1 and R2 do it, but upright and in sRGB, as a viewer shows the file: those steps are no matter of speed. RAW is
`rawpy.postprocess()` as it comes. The request: model (a directory), files, vectors (a `.npy` file to write). Files that
Pillow or rawpy do not read are left out of the answer.
"""

import io
import warnings

import numpy as np
import open_clip
import torch
from PIL import Image, ImageCms, ImageOps
from pillow_heif import register_heif_opener

from benchmarks.exchange import answer, read_request
from benchmarks.references.common_loop import opened

_BATCH = 16
_SRGB = ImageCms.createProfile("sRGB")


def as_shown(file: str) -> Image.Image:
    """The picture in a file, RGB, upright, in sRGB."""
    with opened(file) as image:
        upright = ImageOps.exif_transpose(image)
        profile = image.info.get("icc_profile")
        if profile and upright.mode in ("RGB", "CMYK", "L"):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(upright, source, _SRGB, outputMode="RGB")
            assert converted is not None
            return converted
        return upright.convert("RGB")


def main() -> None:
    """Write the vectors of the files that can be read, and tell which those are."""
    request = read_request()
    register_heif_opener()
    warnings.simplefilter("ignore")
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{request['model']}")
    model.eval()
    files: list[str] = []
    tensors: list[torch.Tensor] = []
    vectors: list[np.ndarray] = []

    def embed() -> None:
        with torch.inference_mode():
            vectors.append(model.encode_image(torch.stack(tensors), normalize=True).numpy())
        tensors.clear()

    for file in request["files"]:
        try:
            tensors.append(transform(as_shown(file)))
        except Exception:  # of a user's photographs, whatever these libraries raise: there is nothing to compare with
            continue
        files.append(file)
        if len(tensors) == _BATCH:
            embed()
    if tensors:
        embed()
    np.save(request["vectors"], np.concatenate(vectors))
    answer(files=files)


if __name__ == "__main__":
    main()
