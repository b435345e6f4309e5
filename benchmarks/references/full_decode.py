"""Reference embeddings for fidelity: each file decoded in full, with open_clip's own transform, in fp32.

They are computed as in R1 and R2, but upright and in sRGB, as a viewer shows the file; R1 and R2 leave out these steps,
because they only compare speed. RAW files use the defaults of `rawpy.postprocess()`. The request: model (a directory),
files, vectors (a `.npy` file to write). Files that Pillow or rawpy cannot read are left out of the answer.
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
    """Write the vectors of the files that can be read, and report these files."""
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
        except Exception:  # a user's file may raise any error; it then has no reference
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
