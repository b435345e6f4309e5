"""Captions from the same tensors: by the pipeline in the number format of the setting, and by transformers in fp32.

The request: model (a directory), files, home, dtype (as in the setting).
"""

from pathlib import Path

import numpy as np
import torch
from transformers import BlipForConditionalGeneration, BlipProcessor

from benchmarks.exchange import answer, read_request
from image_pipeline.imaging.decode import decode_image
from image_pipeline.settings import DType
from image_pipeline.stages.models import load_inference

_BATCH = 8


def main() -> None:
    """Report both captions of each file."""
    request = read_request()
    setting = f"bundled:embedder,{request['model']}"
    inference = load_inference(setting, DType(request["dtype"]), Path(request["home"]))
    assert inference.captioner is not None
    specs = [producer.input for producer in inference.producers[1:]]
    images = np.stack([decode_image(file, specs, thumbnail=False).arrays[0] for file in request["files"]])
    ours = [caption.text for caption in inference.caption_images(images)]
    processor = BlipProcessor.from_pretrained(request["model"])
    model = BlipForConditionalGeneration.from_pretrained(request["model"], dtype=torch.float32).eval()
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1)
        for values in (processor.image_processor.image_mean, processor.image_processor.image_std)
    )
    expected = []
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            pixels = (torch.from_numpy(images[start : start + _BATCH]).float() / 255 - mean) / std
            tokens = model.generate(pixel_values=pixels, max_new_tokens=20, num_beams=1, do_sample=False)
            expected += [text.strip() for text in processor.batch_decode(tokens, skip_special_tokens=True)]
    answer(files=request["files"], ours=ours, expected=expected, device=inference.captioner.device_text)


if __name__ == "__main__":
    main()
